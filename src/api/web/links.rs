//! Addresses of pages. Whoever looks at the past stays there: every address keeps its `as_of`.

use std::fmt::Write as _;

/// Where links lead.
#[derive(Clone, Debug, Default)]
pub struct Links {
    /// The moment that is looked at; none for now.
    pub as_of: Option<String>,
}

impl Links {
    /// A page with these parameters, those without a value left out.
    pub fn to(&self, path: &str, query: &[(&str, &str)]) -> String {
        let as_of = self.as_of.as_deref().unwrap_or_default();
        with(path, &[query, &[("as_of", as_of)]].concat())
    }

    /// One agent's page.
    pub fn agent(&self, id: &str) -> String {
        self.to(&format!("/agents/{}", encoded(id)), &[])
    }

    /// One message's page.
    pub fn message(&self, id: &str) -> String {
        self.to(&format!("/messages/{}", encoded(id)), &[])
    }
}

/// A path with parameters, those without a value left out.
pub fn with(path: &str, query: &[(&str, &str)]) -> String {
    let query = joined(query);
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

/// Parameters as a query, those without a value left out.
pub fn joined(query: &[(&str, &str)]) -> String {
    let given = query.iter().filter(|(_, value)| !value.is_empty());
    let pairs = given.map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Text inside an address.
fn encoded(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:,".contains(&byte) {
            safe.push(char::from(byte));
        } else {
            // Writing into a string cannot fail.
            write!(safe, "%{byte:02X}").unwrap_or_default();
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_its_place_in_an_address() {
        let links = Links {
            as_of: Some("2026-01-02T03:04:05Z".to_owned()),
        };
        assert_eq!(
            links.to("/messages", &[("text", "a&b=\"<ä>"), ("to", "")]),
            "/messages?text=a%26b%3D%22%3C%C3%A4%3E&as_of=2026-01-02T03:04:05Z"
        );
        assert_eq!(
            links.agent("a/../b?c"),
            "/agents/a%2F..%2Fb%3Fc?as_of=2026-01-02T03:04:05Z"
        );
        assert_eq!(Links::default().to("/queue", &[]), "/queue");
    }
}
