//! Answers: bytes, what they are, and the position they tell.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::packing::Packing;
use super::query::Asked;
use crate::events::ids::Position;

/// JSON.
pub const JSON: &str = "application/json";

/// Shorter answers are not compressed.
const WORTH_IT: usize = 1_024;

/// What a handler found.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The body.
    pub body: Vec<u8>,
    /// Its content type.
    pub content: &'static str,
    /// The last event that is in it.
    pub position: Position,
}

impl Answer {
    /// One object.
    pub fn item(position: Position, item: &Value) -> Self {
        Self {
            body: item.to_string().into_bytes(),
            content: JSON,
            position,
        }
    }

    /// A page: items, and the key of the last one if there are more.
    pub fn page(position: Position, asked: &Asked, items: &[Value], more: Option<&str>) -> Self {
        let next = more.map(|key| asked.cursor(key));
        Self::item(position, &json!({"items": items, "next_cursor": next}))
    }
}

/// Rows that are sorted by a key, cut to the page that was asked for: those after the cursor's key, and
/// the last one's key if there are more.
pub fn cut<T>(
    rows: impl IntoIterator<Item = (String, T)>,
    after: Option<&str>,
    limit: usize,
) -> (Vec<T>, Option<String>) {
    let mut rows = rows
        .into_iter()
        .skip_while(|(key, _)| after.is_some_and(|after| key.as_str() <= after));
    let (mut taken, mut last) = (Vec::new(), None);
    for (key, row) in rows.by_ref().take(limit) {
        taken.push(row);
        last = Some(key);
    }
    let more = rows.next().is_some();
    (taken, last.filter(|_| more))
}

/// An answer, ready for its way.
#[derive(Clone, Debug)]
pub struct Made {
    body: Bytes,
    content: &'static str,
    packing: Packing,
    tag: HeaderValue,
    /// The last event that is in it.
    pub position: Position,
}

impl Made {
    /// Packs an answer and marks its content.
    pub fn of(answer: Answer, packing: Packing) -> std::io::Result<Self> {
        let hash = blake3::hash(&answer.body).to_hex();
        let short = hash.get(..20).unwrap_or_default();
        // Weak: the same content, whichever way it is packed.
        let tag = HeaderValue::from_str(&format!("W/\"{short}\""));
        let packing = if answer.body.len() < WORTH_IT {
            Packing::Plain
        } else {
            packing
        };
        Ok(Self {
            body: packing.pack(answer.body)?.into(),
            content: answer.content,
            packing,
            tag: tag.unwrap_or_else(|_never| HeaderValue::from_static("W/\"\"")),
            position: answer.position,
        })
    }

    /// How many bytes it takes.
    pub fn weight(&self) -> usize {
        self.body.len()
    }

    /// The response; without the body if the client has it already.
    pub fn response(&self, asked: &HeaderMap) -> Response<Body> {
        let had = self.is_had(asked);
        let mut response = Response::new(if had {
            Body::empty()
        } else {
            Body::from(self.body.clone())
        });
        if had {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
        headers.insert(header::ETAG, self.tag.clone());
        headers.insert("ledger-position", HeaderValue::from(self.position.0));
        if !had {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content));
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(self.body.len()));
            if let Some(name) = self.packing.name() {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
            }
        }
        response
    }

    fn is_had(&self, asked: &HeaderMap) -> bool {
        let own = self.tag.to_str().unwrap_or_default();
        let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        asked
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|tag| tag.trim() == "*" || bare(tag) == bare(own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_goes_on_after_its_last_key_even_when_that_row_is_gone() {
        fn rows<'k>(keys: &[&'k str]) -> Vec<(String, &'k str)> {
            keys.iter().map(|key| ((*key).to_owned(), *key)).collect()
        }
        assert_eq!(
            cut(rows(&["a", "b", "c"]), None, 2),
            (vec!["a", "b"], Some("b".to_owned()))
        );
        assert_eq!(cut(rows(&["a", "c"]), Some("b"), 2), (vec!["c"], None));
        assert_eq!(cut(rows(&["a"]), None, 1), (vec!["a"], None));
    }
}
