//! Reads Rust source the little that the tidy rules need: code without comments and strings, code
//! without its test items, and every path that is named, with `use` trees spread out.

/// One file of the project.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// From the project's root, with `/`.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

/// A path that stands in code, like `crate::events::ids::AgentId`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// From 1.
    pub(crate) line: usize,
    /// Its parts; a leading `::` is left out.
    pub(crate) parts: Vec<String>,
    /// Whether it stands after `use` or `extern crate`, where a lone word names a crate.
    pub(crate) imported: bool,
}

impl Source {
    /// What the compiler sees outside tests: comments, strings and test items blanked, lines kept.
    pub(crate) fn production(&self) -> String {
        if self.is_test_file() {
            String::new()
        } else {
            without_test_items(&code(&self.text))
        }
    }

    /// Lines of the file that are not part of a test item.
    pub(crate) fn production_lines(&self) -> usize {
        let code = code(&self.text);
        let tests: usize = test_items(&code)
            .iter()
            .map(|(start, end)| code[*start..*end].matches('\n').count() + 1)
            .sum();
        self.text.lines().count().saturating_sub(tests)
    }

    /// The module path of the file: `src/events/ledger/append.rs` is events, ledger, append.
    pub(crate) fn module(&self) -> Vec<String> {
        let inner = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let mut parts: Vec<String> = inner.split('/').map(str::to_owned).collect();
        if matches!(
            parts.last().map(String::as_str),
            Some("mod" | "lib" | "main")
        ) {
            parts.pop();
        }
        parts
    }

    fn is_test_file(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }
}

/// The text with comments and the insides of strings and characters as spaces; lines stay lines.
pub(crate) fn code(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => line_end(&chars, at),
            '/' if chars.get(at + 1) == Some(&'*') => comment_end(&chars, at),
            '"' => string_end(&chars, at),
            'r' | 'b' | 'c' if !follows_a_word(&chars, at) => {
                raw_string_end(&chars, at).unwrap_or(at)
            }
            '\'' => character_end(&chars, at).unwrap_or(at),
            _ => at,
        };
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            let blank = |c: &char| if *c == '\n' { '\n' } else { ' ' };
            out.extend(chars[at..end].iter().map(blank));
            at = end;
        }
    }
    out
}

fn follows_a_word(chars: &[char], at: usize) -> bool {
    at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_')
}

fn line_end(chars: &[char], at: usize) -> usize {
    let rest = chars[at..].iter().position(|c| *c == '\n');
    rest.map_or(chars.len(), |rest| at + rest)
}

fn comment_end(chars: &[char], at: usize) -> usize {
    let (mut depth, mut here) = (0, at);
    while here < chars.len() {
        match (chars[here], chars.get(here + 1)) {
            ('/', Some('*')) => (depth, here) = (depth + 1, here + 2),
            ('*', Some('/')) => (depth, here) = (depth - 1, here + 2),
            _ => here += 1,
        }
        if depth == 0 {
            return here;
        }
    }
    chars.len()
}

fn string_end(chars: &[char], at: usize) -> usize {
    let mut here = at + 1;
    while here < chars.len() {
        match chars[here] {
            '\\' => here += 2,
            '"' => return here + 1,
            _ => here += 1,
        }
    }
    chars.len()
}

/// The end of `r"…"`, `r#"…"#`, `b"…"`, `br#"…"#` and the like; none when it is a plain word.
fn raw_string_end(chars: &[char], at: usize) -> Option<usize> {
    let mut here = at;
    while matches!(chars.get(here), Some('b' | 'c')) {
        here += 1;
    }
    if chars.get(here) == Some(&'"') {
        return Some(string_end(chars, here));
    }
    if chars.get(here) != Some(&'r') {
        return None;
    }
    let hashes = chars[here + 1..].iter().take_while(|c| **c == '#').count();
    let open = here + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return None;
    }
    let close: Vec<char> = std::iter::once('"')
        .chain(std::iter::repeat_n('#', hashes))
        .collect();
    let inside = chars[open + 1..]
        .windows(close.len())
        .position(|w| w == close);
    Some(inside.map_or(chars.len(), |inside| open + 1 + inside + close.len()))
}

/// The end of `'x'` or `'\n'`; none for a lifetime.
fn character_end(chars: &[char], at: usize) -> Option<usize> {
    match (chars.get(at + 1)?, chars.get(at + 2)?) {
        ('\\', _) => {
            let close = chars[at + 3..].iter().position(|c| *c == '\'')?;
            Some(at + 3 + close + 1)
        }
        (_, '\'') => Some(at + 3),
        _ => None,
    }
}

/// The code with every item under `#[cfg(test)]` blanked.
pub(crate) fn without_test_items(code: &str) -> String {
    let mut out = code.as_bytes().to_vec();
    for (start, end) in test_items(code) {
        for byte in &mut out[start..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    }
    String::from_utf8(out).expect("whole items were blanked")
}

/// Where items under `#[cfg(test)]` stand: from the attribute to the end of the item.
fn test_items(code: &str) -> Vec<(usize, usize)> {
    const MARKS: [&str; 2] = ["#[cfg(test)]", "#[cfg(all(test,"];
    let mut found = Vec::new();
    let mut from = 0;
    while let Some((start, mark)) = MARKS
        .iter()
        .filter_map(|mark| Some((from + code[from..].find(mark)?, mark)))
        .min()
    {
        let end = item_end(code, start + mark.len());
        found.push((start, end));
        from = end;
    }
    found
}

/// An item ends with its closing brace, or with a semicolon before any brace.
fn item_end(code: &str, from: usize) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code[from..].char_indices() {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && c == '}' {
                    return from + at + 1;
                }
            }
            ';' if depth == 0 => return from + at + 1,
            _ => {}
        }
    }
    code.len()
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Joint,
    Other(char),
}

/// Words after which a path may begin with `::`.
const KEYWORDS: &[&str] = &[
    "use", "as", "dyn", "else", "if", "impl", "in", "let", "match", "move", "mut", "return",
    "where",
];

/// Every path the code names, `use` trees spread out.
pub(crate) fn paths(code: &str) -> Vec<Named> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if matches!(tokens[at].1, Token::Word(_)) && !is_word(&tokens[at].1, KEYWORDS) {
            let imported = at > 0 && is_word(&tokens[at - 1].1, &["use", "crate"]);
            let imported = imported || (at > 1 && after_use_joint(&tokens, at));
            at = path(&tokens, at, &[], imported, &mut found);
        } else {
            at += 1;
        }
    }
    found
}

fn after_use_joint(tokens: &[(usize, Token)], at: usize) -> bool {
    tokens[at - 1].1 == Token::Joint && is_word(&tokens[at - 2].1, &["use"])
}

fn is_word(token: &Token, words: &[&str]) -> bool {
    matches!(token, Token::Word(word) if words.contains(&word.as_str()))
}

/// Reads one path from `at` on, and its group if it has one; the place after it.
fn path(
    tokens: &[(usize, Token)],
    mut at: usize,
    before: &[String],
    imported: bool,
    found: &mut Vec<Named>,
) -> usize {
    let mut parts = before.to_vec();
    let line = tokens[at].0;
    while let Some((_, Token::Word(word))) = tokens.get(at) {
        parts.push(word.clone());
        at += 1;
        if tokens.get(at).map(|t| &t.1) != Some(&Token::Joint) {
            break;
        }
        match tokens.get(at + 1).map(|t| &t.1) {
            Some(Token::Word(_)) => at += 1,
            Some(Token::Other('{')) => return group(tokens, at + 2, &parts, imported, found),
            _ => break,
        }
    }
    found.push(Named {
        line,
        parts,
        imported,
    });
    at
}

fn group(
    tokens: &[(usize, Token)],
    mut at: usize,
    before: &[String],
    imported: bool,
    found: &mut Vec<Named>,
) -> usize {
    while let Some((line, token)) = tokens.get(at) {
        match token {
            Token::Other('}') => return at + 1,
            Token::Word(word) if word == "as" => at += 2,
            Token::Word(_) => at = path(tokens, at, before, imported, found),
            Token::Other('*') => {
                found.push(Named {
                    line: *line,
                    parts: before.to_vec(),
                    imported,
                });
                at += 1;
            }
            Token::Joint | Token::Other(_) => at += 1,
        }
    }
    at
}

fn tokens(code: &str) -> Vec<(usize, Token)> {
    let mut found = Vec::new();
    let mut line = 1;
    let mut chars = code.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\n' {
            line += 1;
        } else if c.is_alphanumeric() || c == '_' {
            let mut word = String::from(c);
            while let Some(next) = chars.next_if(|c| c.is_alphanumeric() || *c == '_') {
                word.push(next);
            }
            found.push((line, Token::Word(word)));
        } else if c == ':' && chars.next_if_eq(&':').is_some() {
            found.push((line, Token::Joint));
        } else if !c.is_whitespace() {
            found.push((line, Token::Other(c)));
        }
    }
    found
}

#[test]
fn comments_strings_and_characters_are_no_code() {
    let text =
        "a /* b /* c */ d */ e // f\n\"g \\\" h\" i r#\"j \" k\"# l 'm' n '\\'' o<'p> b\"q\" r";
    let left: Vec<String> = code(text).split_whitespace().map(str::to_owned).collect();
    assert_eq!(left, ["a", "e", "i", "l", "n", "o<'p>", "r"]);
    assert_eq!(code(text).lines().count(), text.lines().count());
}

#[test]
fn an_item_for_tests_ends_where_it_ends() {
    let text = "one();\n#[cfg(test)]\nmod tests {\n    fn a() { x() }\n}\ntwo();\n\
                #[cfg(test)]\nuse three;\nfour();\n";
    let file = Source {
        path: "src/a.rs".to_owned(),
        text: text.to_owned(),
    };
    let left: Vec<String> = file
        .production()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    assert_eq!(left, ["one();", "two();", "four();"]);
    assert_eq!(file.production_lines(), 3);
}

#[test]
fn a_use_tree_is_spread_out() {
    let code =
        "use crate::{events::{ids, time::Clock as C, *}, config};\nuse ::sled;\nx::y::<u8>()";
    let found: Vec<String> = paths(code).iter().map(|p| p.parts.join("::")).collect();
    assert_eq!(
        found,
        [
            "crate::events::ids",
            "crate::events::time::Clock",
            "crate::events",
            "crate::config",
            "sled",
            "x::y",
            "u8"
        ]
    );
    let sled = paths(code).into_iter().find(|p| p.parts == ["sled"]);
    assert!(sled.is_some_and(|p| p.imported && p.line == 2));
}

#[test]
fn a_file_knows_its_module() {
    let module = |path: &str| {
        Source {
            path: path.to_owned(),
            text: String::new(),
        }
        .module()
        .join("/")
    };
    assert_eq!(
        module("src/events/ledger/append.rs"),
        "events/ledger/append"
    );
    assert_eq!(module("src/events/mod.rs"), "events");
    assert_eq!(module("src/lib.rs"), "");
}
