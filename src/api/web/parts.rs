//! Parts that pages are made of.

use maud::{Markup, PreEscaped, html};
use serde_json::Value;

use super::links::Links;
use super::words::text;

/// A part of a page that is kept fresh, under a heading of its own.
pub fn section(id: &str, title: &str, content: &Markup) -> Markup {
    html! {
        section.fresh id=(id) aria-labelledby={ (id) "-title" } {
            h2 id={ (id) "-title" } { (title) }
            (content)
        }
    }
}

/// A table: its caption for those who hear it, its columns (figures begin with `#`), its rows.
pub fn table(caption: &str, columns: &[&str], rows: &[Markup]) -> Markup {
    html! {
        div.wide role="group" aria-label=(caption) tabindex="0" { table {
            caption.unseen { (caption) }
            thead { tr { @for column in columns {
                @match column.strip_prefix('#') {
                    Some(figure) => th.figure scope="col" { (figure) },
                    None => th scope="col" { (column) },
                }
            } } }
            tbody { @for row in rows { tr { (row) } } }
        } }
    }
}

/// The same, or a sentence when there is no row.
pub fn table_or(none: &str, caption: &str, columns: &[&str], rows: &[Markup]) -> Markup {
    if rows.is_empty() {
        html! { p.soft { (none) } }
    } else {
        table(caption, columns, rows)
    }
}

/// A word with a colour and a shape of its own: where something stands.
pub fn state(word: &str) -> Markup {
    let class = match word {
        "observed" | "acknowledged" | "answered" | "healthy" | "ready" | "live" | "closed"
        | "passed" => "good",
        "dead" | "unknown" | "unhealthy" | "open" | "stopped" | "missed" | "failed" | "firing" => {
            "bad"
        }
        "expired" | "degraded" | "paused" | "quarantined" | "rebuilding" | "probing"
        | "pending" | "half_open" => "warn",
        _ => "plain",
    };
    html! { span class={ "state " (class) } { (word) } }
}

/// An agent's name, leading to its page.
pub fn agent(links: &Links, id: &str) -> Markup {
    match id {
        "" => html! { span.soft { "–" } },
        // Nobody's page.
        "operator" => html! { (id) },
        _ => html! { a href=(links.agent(id)) { (id) } },
    }
}

/// A message's id, short, leading to its story.
pub fn message(links: &Links, id: &str) -> Markup {
    html! { a.id href=(links.message(id)) title=(id) { (short(id)) } }
}

/// The end of an id: its beginning is a time, the same for those of one moment.
pub fn short(id: &str) -> String {
    match id.len().checked_sub(12).and_then(|from| id.get(from..)) {
        Some(end) => format!("…{end}"),
        None => id.to_owned(),
    }
}

/// Words that may be long, cut for a row.
pub fn brief(words: &str, most: usize) -> String {
    let line: String = words
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(most)
        .collect();
    if words.chars().nth(most).is_some() {
        format!("{line}…")
    } else {
        line
    }
}

/// A failure in words: its class and what was seen.
pub fn failure(failure: &Value) -> Markup {
    let (class, detail) = (text(failure, "class"), text(failure, "detail"));
    html! {
        @if class.is_empty() { span.soft { "–" } }
        @else { span.class { (class) } @if !detail.is_empty() { " " span.soft { (brief(detail, 120)) } } }
    }
}

/// A command to run, with a button that copies it where scripts run.
pub fn command(line: &str) -> Markup {
    html! {
        div.command {
            code { (line) }
            button.copy type="button" data-wait data-copy=(line) { "Copy" }
        }
    }
}

/// Words as a shell takes them for one.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Links to further pages of a list.
pub fn more(first: Option<&str>, next: Option<&str>) -> Markup {
    if first.is_none() && next.is_none() {
        return PreEscaped(String::new());
    }
    html! {
        nav.paging aria-label="Pages of this list" {
            @if let Some(first) = first { a href=(first) { "Newest" } }
            @if let Some(next) = next { a rel="next" href=(next) { "Older" } }
        }
    }
}

/// Facts by name.
pub fn facts(rows: &[(&str, Markup)]) -> Markup {
    html! { dl.facts { @for (name, value) in rows { div { dt { (name) } dd { (value) } } } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_for_the_shell_stays_one() {
        assert_eq!(quoted("/var/lib/desk"), "/var/lib/desk");
        assert_eq!(quoted("it's; rm"), "'it'\\''s; rm'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn long_words_are_cut_between_characters() {
        assert_eq!(brief("ääää", 2), "ää…");
        assert_eq!(brief("a\nb", 3), "a b");
    }
}
