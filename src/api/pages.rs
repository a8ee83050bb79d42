//! The description of the API for people.

use std::fmt::Write as _;

use serde_json::Value;

use super::document;
use super::route::{Route, Shape};
use super::routes::ROUTES;
use super::web::frame;

// Writing into a string cannot fail; what `write!` says of it is passed over.

/// Text inside HTML.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            plain => safe.push(plain),
        }
    }
    safe
}

/// Every route, its parameters and its answers.
pub fn docs() -> String {
    let whole = document::document();
    let mut content = String::from(
        "<p>Reads only. Lists take <code>limit</code> and <code>cursor</code>; every answer carries \
         <code>Ledger-Position</code>; errors are <code>application/problem+json</code> with a \
         <code>code</code>. The same for programs: <a href=\"/openapi.json\">openapi.json</a>.</p>\n",
    );
    for route in ROUTES {
        content.push_str(&section(route, &whole));
    }
    content.push_str("<h2 id=\"schemas\">What answers hold</h2>\n");
    let schemas = whole
        .pointer("/components/schemas")
        .and_then(Value::as_object);
    for (name, schema) in schemas.into_iter().flatten() {
        let name = escaped(name);
        let schema = escaped(&serde_json::to_string_pretty(schema).unwrap_or_default());
        writeln!(
            content,
            "<details id=\"{name}\"><summary>{name}</summary><pre>{schema}</pre></details>"
        )
        .unwrap_or_default();
    }
    frame::plain("API", content)
}

fn section(route: &Route, whole: &Value) -> String {
    let path = escaped(route.path);
    let about = escaped(route.summary);
    let answer = match route.shape {
        Shape::Item(name) => format!("<a href=\"#{name}\">{name}</a>"),
        Shape::List(name) => format!("a page of <a href=\"#{name}\">{name}</a>"),
        Shape::Lines(name) => format!("a page or lines of <a href=\"#{name}\">{name}</a>"),
        Shape::Stream(name) => format!("a stream of <a href=\"#{name}\">{name}</a>"),
        Shape::Text(content) => escaped(content),
    };
    let mut rows = String::new();
    let operation = whole.get("paths").and_then(|paths| paths.get(route.path));
    let parameters = operation.and_then(|it| it.pointer("/get/parameters"));
    for parameter in parameters.and_then(Value::as_array).into_iter().flatten() {
        let word = |name: &str| {
            let text = parameter.get(name).and_then(Value::as_str);
            escaped(text.unwrap_or_default())
        };
        let (name, place, about) = (word("name"), word("in"), word("description"));
        writeln!(
            rows,
            "<tr><th scope=\"row\"><code>{name}</code></th><td>{place}</td><td>{about}</td></tr>"
        )
        .unwrap_or_default();
    }
    let table = if rows.is_empty() {
        String::new()
    } else {
        format!(
            "<table><thead><tr><th scope=\"col\">Parameter</th><th scope=\"col\">In</th>\
             <th scope=\"col\">Meaning</th></tr></thead><tbody>{rows}</tbody></table>\n"
        )
    };
    format!(
        "<section><h2><code>GET {path}</code></h2><p>{about}.</p>{table}\
         <p>Answer: {answer}</p></section>\n"
    )
}
