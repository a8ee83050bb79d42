//! The house keeps its shape: arrows go down only, every outside crate has its home, pure folders
//! stay pure, and names, sizes and documents stay what they were agreed to be. The reasons are in
//! `docs/ARCHITECTURE.md`. Every rule is also shown a bad sample, so that it can fail.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::source::{Named, Source, code, paths};

/// Which top-level module may name which others. `main` wires and may name everything.
const ARROWS: &[(&str, &[&str])] = &[
    ("events", &[]),
    ("commands", &["events"]),
    ("projections", &["events"]),
    ("delivery", &["commands", "projections", "events"]),
    ("backup", &["projections", "events"]),
    // Ports are owned below: desktops and inboxes by delivery, checkpoints by projections.
    ("adapters", &["delivery", "backup", "projections", "events"]),
    ("api", &["projections", "events"]),
    ("config", &[]),
    (
        "cli",
        &[
            "adapters",
            "api",
            "backup",
            "commands",
            "config",
            "delivery",
            "events",
            "projections",
        ],
    ),
];

/// Outside crates that may be named in one place only, and that place. Everything else that
/// `Cargo.toml` asks for stands in [`ANYWHERE`], so a new dependency is a decision.
const HOMES: &[(&str, &[&str])] = &[
    ("sled", &["src/events/ledger/"]),
    ("zstd", &["src/events/ledger/closed/", "src/api/"]),
    ("bincode", &["src/events/codec.rs"]),
    ("jiff", &["src/events/time.rs", "src/config/units.rs"]),
    ("enigo", &["src/adapters/desktop/"]),
    ("arboard", &["src/adapters/desktop/"]),
    ("x11rb", &["src/adapters/desktop/"]),
    ("clap", &["src/cli/"]),
    ("age", &["src/adapters/keys.rs"]),
    (
        "chacha20poly1305",
        &["src/backup/cipher.rs", "src/adapters/keys.rs"],
    ),
    ("clap_complete", &["src/cli/"]),
    ("clap_mangen", &["src/cli/"]),
    ("toml", &["src/config"]),
    ("serde_saphyr", &["src/config"]),
    ("tracing_subscriber", &["src/cli/", "src/main.rs"]),
    (
        "rustix",
        &["src/events/ledger/", "src/adapters/", "src/cli/"],
    ),
    ("axum", &["src/api/"]),
    ("hyper", &["src/api/"]),
    ("hyper_util", &["src/api/"]),
    ("flate2", &["src/api/"]),
    ("maud", &["src/api/"]),
    ("hmac", &["src/adapters/telling.rs"]),
    ("sha2", &["src/adapters/telling.rs"]),
    ("tower_service", &["src/api/"]),
    ("unicode_width", &["src/cli/top/"]),
];

/// Outside crates that carry no effect, and those whose effects the pure files are kept from.
const ANYWHERE: &[&str] = &[
    "blake3",
    "regex",
    "serde",
    "serde_json",
    "strsim",
    "thiserror",
    "tokio",
    "tracing",
    "uuid",
];

/// Folders without clock, IO, randomness, async and logging; what stands after them is excepted.
const PURE: &[(&str, &[&str])] = &[
    ("src/events/", &["src/events/ledger/"]),
    ("src/commands/", &[]),
    ("src/projections/", &[]),
    // The hands' timetable; all else in delivery judges and plans.
    (
        "src/delivery/",
        &[
            "src/delivery/carriage.rs",
            "src/delivery/dispatch.rs",
            "src/delivery/failing.rs",
            "src/delivery/gauging.rs",
            "src/delivery/lane.rs",
        ],
    ),
    ("src/backup/plan", &[]),
];

/// What a pure file does not name. A path is forbidden when it begins or goes on like this.
const EFFECTS: &[&str] = &[
    "std::env",
    "std::fs",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "Instant::now",
    "SystemTime::now",
    "Uuid::new_v4",
    "Uuid::now_v7",
    "rand",
    "rustix",
    "tokio",
    "tracing",
];

/// Names that say nothing.
const EMPTY_NAMES: &[&str] = &[
    "manager", "managers", "service", "services", "engine", "engines", "core", "common", "util",
    "utils", "helper", "helpers",
];

/// A file that grows beyond this holds two things.
const LINES_MAX: usize = 450;

fn arrows_go_down(files: &[Source]) -> Vec<String> {
    let tops: Vec<&str> = ARROWS.iter().map(|(top, _)| *top).collect();
    let mut found = Vec::new();
    for file in files {
        let module = file.module();
        let Some((top, allowed)) = ARROWS
            .iter()
            .find(|(top, _)| module.first().is_some_and(|m| m == top))
        else {
            continue;
        };
        for named in paths(&file.production()) {
            let target = top_module(&named, &module);
            if let Some(target) = target.filter(|t| tops.contains(&t.as_str()))
                && target != *top
                && !allowed.contains(&target.as_str())
            {
                found.push(at(
                    file,
                    &named,
                    &format!("{top} must not know {target} ({})", say(&named)),
                ));
            }
        }
    }
    found
}

/// The top-level module a path leads to, by `crate::`, by `switchboard::` or by `super::`s.
fn top_module(named: &Named, module: &[String]) -> Option<String> {
    let first = named.parts.first()?;
    if first == "crate" || first == "switchboard" {
        return named.parts.get(1).cloned();
    }
    let ups = named.parts.iter().take_while(|p| *p == "super").count();
    (ups > 0 && ups >= module.len())
        .then(|| named.parts.get(ups).cloned())
        .flatten()
}

fn every_folder_has_its_arrows(tops: &BTreeSet<String>) -> Vec<String> {
    tops.iter()
        .filter(|top| !ARROWS.iter().any(|(known, _)| known == top))
        .map(|top| format!("src/{top}: its arrows are not written down in tests/it/tidy.rs"))
        .collect()
}

fn crates_stay_at_home(files: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for named in paths(&file.production()) {
            let Some(first) = named.parts.first() else {
                continue;
            };
            let is_crate = named.parts.len() > 1 || named.imported;
            let home = HOMES.iter().find(|(name, _)| first == name);
            if let Some((name, homes)) = home.filter(|_| is_crate)
                && !homes.iter().any(|home| file.path.starts_with(home))
            {
                let homes = homes.join(", ");
                found.push(at(
                    file,
                    &named,
                    &format!("{name} is at home in {homes} only"),
                ));
            }
        }
    }
    found
}

fn every_dependency_has_a_home(dependencies: &[String]) -> Vec<String> {
    let known =
        |name: &str| HOMES.iter().any(|(homed, _)| *homed == name) || ANYWHERE.contains(&name);
    dependencies
        .iter()
        .map(|name| name.replace('-', "_"))
        .filter(|name| !known(name))
        .map(|name| format!("Cargo.toml: {name} has no home in tests/it/tidy.rs"))
        .collect()
}

fn pure_files_have_no_effects(files: &[Source]) -> Vec<String> {
    let pure = |path: &str| {
        PURE.iter().any(|(folder, except)| {
            path.starts_with(folder) && !except.iter().any(|other| path.starts_with(other))
        })
    };
    let mut found = Vec::new();
    for file in files.iter().filter(|file| pure(&file.path)) {
        for named in paths(&file.production()) {
            let path = named.parts.join("::");
            let forbidden = |effect: &&&str| {
                let goes_on = path
                    .strip_prefix(**effect)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
                let lone_word = named.parts.len() == 1 && !named.imported;
                (goes_on && !lone_word) || path.ends_with(&format!("::{effect}"))
            };
            if let Some(effect) = EFFECTS.iter().find(forbidden) {
                found.push(at(
                    file,
                    &named,
                    &format!("a pure file must not name {effect}"),
                ));
            }
        }
    }
    found
}

fn names_say_something(files: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for part in file.path.trim_end_matches(".rs").split('/') {
            if let Some(word) = empty_word(part) {
                found.push(format!("{}: `{word}` says nothing", file.path));
            }
        }
        let code = code(&file.text);
        for (number, line) in code.lines().enumerate() {
            let words: Vec<&str> = line
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .collect();
            for pair in words.windows(2) {
                let declares = matches!(pair[0], "struct" | "enum" | "trait" | "type" | "mod");
                if let Some(word) = empty_word(pair[1]).filter(|_| declares) {
                    found.push(format!(
                        "{}:{}: `{word}` in {} says nothing",
                        file.path,
                        number + 1,
                        pair[1]
                    ));
                }
            }
        }
    }
    found
}

/// The empty name among the words of `TimingEngine` or `timing_engine`.
fn empty_word(name: &str) -> Option<String> {
    let mut spread = String::new();
    for c in name.chars() {
        if c.is_uppercase() {
            spread.push('_');
        }
        spread.extend(c.to_lowercase());
    }
    spread
        .split(['_', '-', '.'])
        .find(|word| EMPTY_NAMES.contains(word))
        .map(str::to_owned)
}

fn files_stay_small(files: &[Source]) -> Vec<String> {
    files
        .iter()
        .map(|file| (file, file.production_lines()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(file, lines)| {
            format!(
                "{}: {lines} lines before its tests, more than {LINES_MAX}",
                file.path
            )
        })
        .collect()
}

fn nothing_is_left_undone(files: &[Source]) -> Vec<String> {
    // Put together here, so that these lines are not found themselves.
    let macros = ["todo", "unimplemented"].map(|name| format!("{name}!"));
    let marks = [["FIX", "ME"].concat(), "X".repeat(3)];
    let mut found = Vec::new();
    for file in files {
        let code = code(&file.text);
        for (number, (line, code)) in file.text.lines().zip(code.lines()).enumerate() {
            let undone = macros.iter().find(|name| code.contains(name.as_str()));
            let marked = marks.iter().find(|mark| {
                line.split(|c: char| !c.is_alphanumeric())
                    .any(|word| word == mark.as_str())
            });
            if let Some(what) = undone.or(marked) {
                found.push(format!("{}:{}: {what}", file.path, number + 1));
            }
        }
    }
    found
}

fn every_file_says_what_it_is(files: &[Source]) -> Vec<String> {
    files
        .iter()
        .filter(|file| !file.text.starts_with("//! "))
        .map(|file| format!("{}: does not begin with a `//!` line", file.path))
        .collect()
}

fn nothing_is_allowed(files: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for (number, line) in code(&file.text).lines().enumerate() {
            let packed: String = line.chars().filter(|c| !c.is_whitespace()).collect();
            let attribute = packed.contains("#[") || packed.contains("#![");
            if attribute && (packed.contains("[allow(") || packed.contains(",allow(")) {
                found.push(format!(
                    "{}:{}: say #[expect(…, reason = \"…\")] instead of allow",
                    file.path,
                    number + 1
                ));
            }
        }
    }
    found
}

fn folders_only_list(files: &[Source]) -> Vec<String> {
    files
        .iter()
        .filter(|file| file.path.ends_with("/mod.rs"))
        .filter(|file| {
            file.production()
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .any(|word| matches!(word, "fn" | "struct" | "enum" | "trait" | "impl"))
        })
        .map(|file| format!("{}: a mod.rs lists, it does not do", file.path))
        .collect()
}

fn the_map_names_every_folder(map: &str, folders: &BTreeSet<String>) -> Vec<String> {
    folders
        .iter()
        .filter(|folder| !map.contains(&format!("`{folder}`")))
        .map(|folder| format!("docs/ARCHITECTURE.md does not name `{folder}`"))
        .collect()
}

/// Links in documents that lead to no file of the project. `exists` is asked for paths from the root.
fn links_lead_somewhere(documents: &[Source], exists: &dyn Fn(&Path) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for document in documents {
        let folder = Path::new(&document.path).parent().unwrap();
        for link in document.text.split("](").skip(1) {
            let link = link.split([')', '#']).next().unwrap_or_default();
            let inside = !link.is_empty() && !link.contains(':');
            if inside && !exists(&folder.join(link)) {
                found.push(format!("{}: {link} is not there", document.path));
            }
        }
    }
    found
}

fn at(file: &Source, named: &Named, what: &str) -> String {
    format!("{}:{}: {what}", file.path, named.line)
}

fn say(named: &Named) -> String {
    named.parts.join("::")
}

// The house itself.

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(folder: &str, ending: &str) -> Vec<Source> {
    fn walk(folder: &Path, ending: &str, files: &mut Vec<Source>) {
        let Ok(entries) = fs::read_dir(folder) else {
            return;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, ending, files);
            } else if path.extension().is_some_and(|e| e == ending) {
                let inner = path.strip_prefix(root()).unwrap();
                files.push(Source {
                    path: inner.to_str().unwrap().replace('\\', "/"),
                    text: fs::read_to_string(&path).unwrap(),
                });
            }
        }
    }
    let mut files = Vec::new();
    walk(&root().join(folder), ending, &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn sources() -> Vec<Source> {
    let files = read("src", "rs");
    assert!(files.len() > 20, "the sources were not found");
    files
}

fn everything_written_here() -> Vec<Source> {
    ["src", "tests", "benches"]
        .into_iter()
        .flat_map(|folder| read(folder, "rs"))
        .collect()
}

/// The folders and files right below `src`, without `main`, `lib` and their endings.
fn top_modules() -> BTreeSet<String> {
    sources()
        .iter()
        .filter_map(|file| file.module().first().cloned())
        .collect()
}

fn top_folders() -> BTreeSet<String> {
    let listed = |below: &str| {
        let entries = fs::read_dir(root().join(below)).unwrap();
        entries
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.path().is_dir())
            .map(|entry| format!("{below}{}", entry.file_name().to_str().unwrap()))
            .filter(|name| name != "target" && !name.starts_with('.'))
            .collect::<Vec<_>>()
    };
    listed("").into_iter().chain(listed("src/")).collect()
}

fn dependencies() -> Vec<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let names = |table: &toml::Table| {
        let dependencies = table.get("dependencies").and_then(toml::Value::as_table);
        dependencies.map_or_else(Vec::new, |d| d.keys().cloned().collect::<Vec<_>>())
    };
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let mut all = names(&manifest);
    for target in targets.into_iter().flat_map(toml::Table::values) {
        all.extend(target.as_table().map_or_else(Vec::new, names));
    }
    all
}

#[track_caller]
fn none(found: &[String]) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn the_arrows_of_the_house_go_down() {
    none(&arrows_go_down(&sources()));
    none(&every_folder_has_its_arrows(&top_modules()));
}

#[test]
fn outside_crates_stay_at_home_in_the_house() {
    none(&crates_stay_at_home(&sources()));
    none(&every_dependency_has_a_home(&dependencies()));
}

#[test]
fn pure_files_of_the_house_have_no_effects() {
    none(&pure_files_have_no_effects(&sources()));
}

#[test]
fn names_in_the_house_say_something() {
    none(&names_say_something(&everything_written_here()));
}

#[test]
fn files_of_the_house_stay_small() {
    none(&files_stay_small(&sources()));
}

#[test]
fn nothing_in_the_house_is_left_undone() {
    none(&nothing_is_left_undone(&everything_written_here()));
}

#[test]
fn every_file_of_the_house_says_what_it_is() {
    none(&every_file_says_what_it_is(&everything_written_here()));
}

#[test]
fn lints_in_the_house_are_expected_with_a_reason_never_allowed() {
    none(&nothing_is_allowed(&everything_written_here()));
}

#[test]
fn folders_of_the_house_only_list_their_files() {
    none(&folders_only_list(&sources()));
}

#[test]
fn the_map_names_every_folder_of_the_house() {
    let map = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    none(&the_map_names_every_folder(&map, &top_folders()));
}

#[test]
fn links_in_the_documents_lead_somewhere() {
    let mut documents = read("docs", "md");
    documents.extend(["README.md", "CHANGELOG.md"].map(|path| Source {
        path: path.to_owned(),
        text: fs::read_to_string(root().join(path)).unwrap(),
    }));
    none(&links_lead_somewhere(&documents, &|path| {
        root().join(path).exists()
    }));
}

// Every rule shown what it is there for, and what it must let pass.

/// The rule finds each of the bad samples and none of the good ones.
fn check(rule: fn(&[Source]) -> Vec<String>, bad: &[(&str, &str)], good: &[(&str, &str)]) {
    let found = |(path, text): &(&str, &str)| {
        rule(&[Source {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        }])
    };
    for sample in bad {
        assert_eq!(found(sample).len(), 1, "missed or doubled in {sample:?}");
    }
    for sample in good {
        assert_eq!(found(sample), Vec::<String>::new(), "in {sample:?}");
    }
}

#[test]
fn an_arrow_that_goes_up_is_seen_however_it_is_written() {
    check(
        arrows_go_down,
        &[
            ("src/events/ids.rs", "use crate::commands::desk::Desk;"),
            ("src/events/ids.rs", "use crate::{delivery::ports as p};"),
            ("src/events/ids.rs", "fn f() { super::super::cli::run() }"),
            ("src/events/mod.rs", "use super::{projections};"),
            (
                "src/events/ledger/append.rs",
                "use super::super::super::{api, events};",
            ),
            ("src/commands/send.rs", "use crate::projections::outbox;"),
            ("src/projections/outbox.rs", "use crate::commands::desk;"),
            ("src/delivery/courier.rs", "use crate::adapters::clock;"),
            ("src/api/queue.rs", "use crate::commands::send;"),
            ("src/config.rs", "use crate::cli::args;"),
            (
                "src/commands/send.rs",
                "#[cfg(test)]\nmod tests {}\nuse crate::delivery::ports;",
            ),
        ],
        &[
            (
                "src/events/ledger/append.rs",
                "use super::super::ids::Position;",
            ),
            (
                "src/events/ids.rs",
                "// crate::cli\nlet a = \"crate::cli\";",
            ),
            ("src/cli/send.rs", "use crate::{adapters, config, events};"),
            ("src/main.rs", "fn main() { switchboard::cli::run() }"),
            (
                "src/commands/send.rs",
                "#[cfg(test)]\nmod tests { use crate::delivery::ports; }",
            ),
        ],
    );
}

#[test]
fn a_folder_without_arrows_is_seen() {
    let tops = ["events", "plugins"].map(str::to_owned).into();
    assert_eq!(every_folder_has_its_arrows(&tops).len(), 1);
}

#[test]
fn a_crate_away_from_home_is_seen() {
    check(
        crates_stay_at_home,
        &[
            ("src/projections/store.rs", "use sled::Db;"),
            ("src/commands/send.rs", "fn f() { ::bincode::encode() }"),
            ("src/delivery/ports.rs", "use {x11rb::connect};"),
            ("src/config.rs", "use clap;"),
            ("src/cli/send.rs", "extern crate axum;"),
        ],
        &[
            ("src/events/ledger/kept.rs", "use sled::Db;"),
            ("src/cli/send.rs", "#[derive(clap::Args)] struct Send;"),
            ("src/cli/send.rs", "let toml = 1; f(toml)"),
            ("src/cli/send.rs", "use self::toml::x; use crate::sled::y;"),
        ],
    );
}

#[test]
fn a_dependency_without_a_home_is_seen() {
    let given = ["serde-saphyr", "rand"].map(str::to_owned);
    assert_eq!(every_dependency_has_a_home(&given).len(), 1);
}

#[test]
fn an_effect_in_a_pure_file_is_seen() {
    check(
        pure_files_have_no_effects,
        &[
            ("src/commands/send.rs", "use std::{fmt, fs};"),
            (
                "src/commands/send.rs",
                "use std::time::{Duration, Instant};",
            ),
            ("src/projections/outbox.rs", "let t = Instant::now();"),
            ("src/events/time.rs", "std::time::SystemTime::now()"),
            ("src/events/ids.rs", "uuid::Uuid::now_v7()"),
            ("src/delivery/courier.rs", "tokio::spawn(f)"),
            ("src/backup/plan.rs", "use tracing;"),
            ("src/delivery/route.rs", "rand::random::<u8>()"),
        ],
        &[
            ("src/commands/send.rs", "use std::time::Duration;"),
            ("src/events/ledger/journal.rs", "use std::fs::File;"),
            ("src/cli/serve.rs", "tokio::spawn(f)"),
            ("src/projections/outbox.rs", "let rand = 1; tracing(rand)"),
            (
                "src/events/time.rs",
                "#[cfg(test)]\nmod tests { use std::fs; }",
            ),
        ],
    );
}

#[test]
fn an_empty_name_is_seen() {
    check(
        names_say_something,
        &[
            ("src/delivery/timing_engine.rs", ""),
            ("src/events/utils.rs", ""),
            ("src/a.rs", "pub(crate) struct LedgerManager;"),
            ("src/a.rs", "mod helpers { }"),
            ("src/a.rs", "trait CoreThing {}"),
        ],
        &[
            ("src/a.rs", "struct Score; struct Corecursive;"),
            ("src/a.rs", "// the timing engine\nfn helper_free() {}"),
        ],
    );
}

#[test]
fn a_file_that_swallows_is_seen() {
    let long = "let a = 1;\n".repeat(LINES_MAX + 1);
    let tests = format!("one();\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
    let after = format!("#[cfg(test)]\nmod tests {{}}\n{long}");
    check(
        files_stay_small,
        &[("src/a.rs", &long), ("src/a.rs", &after)],
        &[("src/a.rs", &tests)],
    );
}

#[test]
fn something_left_undone_is_seen() {
    let mark = format!("// {}{}: later", "FIX", "ME");
    check(
        nothing_is_left_undone,
        &[
            ("src/a.rs", "fn f() { todo!() }"),
            ("src/a.rs", "fn f() { unimplemented!(\"x\") }"),
            ("src/a.rs", &mark),
        ],
        &[("src/a.rs", "// a todo list\nlet a = \"todo!\";")],
    );
}

#[test]
fn a_file_without_its_first_line_is_seen() {
    check(
        every_file_says_what_it_is,
        &[("src/a.rs", "use std::fmt;"), ("src/a.rs", "")],
        &[("src/a.rs", "//! What it is.\n")],
    );
}

#[test]
fn an_allowed_lint_is_seen() {
    check(
        nothing_is_allowed,
        &[
            ("src/a.rs", "#[allow(dead_code)]\nfn f() {}"),
            ("src/a.rs", "#![ allow (dead_code)]"),
            ("src/a.rs", "#[cfg_attr(test, allow(dead_code))]"),
        ],
        &[(
            "src/a.rs",
            "#[expect(dead_code, reason = \"x\")]\nfn allow(a: u8) {}\n// #[allow(x)]",
        )],
    );
}

#[test]
fn a_folder_that_does_something_is_seen() {
    check(
        folders_only_list,
        &[("src/events/mod.rs", "pub mod a;\nfn f() {}")],
        &[
            ("src/events/mod.rs", "//! It is a fn.\npub mod a;"),
            ("src/events/ids.rs", "fn f() {}"),
        ],
    );
}

#[test]
fn a_folder_missing_on_the_map_is_seen() {
    let folders = ["src/events", "src/plugins"].map(str::to_owned).into();
    assert_eq!(
        the_map_names_every_folder("the ledger is in `src/events`", &folders).len(),
        1
    );
}

#[test]
fn a_link_into_nothing_is_seen() {
    let document = Source {
        path: "docs/a.md".to_owned(),
        text: "[b](b.md#x) [c](../c.md) [d](https://example.org) [e](#here)".to_owned(),
    };
    let there = |path: &Path| path == Path::new("docs/b.md");
    let found = links_lead_somewhere(&[document], &there);
    assert_eq!(found, ["docs/a.md: ../c.md is not there"]);
}
