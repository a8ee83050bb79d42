//! The command line as a user meets it: the real binary, an empty environment, its own folders.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use switchboard::cli::args;
use switchboard::config::environment::Environment;
use switchboard::config::error::{ConfigError, Origin};
use switchboard::config::keys::{Applied, CLASSES, applied};
use switchboard::config::layers::{Config, Flag, Sources, check_value};
use switchboard::delivery::ports::Chord;
use switchboard::events::facts::attempt::FailureClass;
use tempfile::TempDir;

/// A place where the binary sees nothing but what a test put there.
struct Place {
    folder: TempDir,
}

/// How a run ended.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::File::create(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .unwrap();
        path
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
        command
            .env_clear()
            .env("HOME", self.folder.path())
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    fn run(&self, line: &[&str]) -> Ran {
        self.run_with(line, &[])
    }

    fn run_with(&self, line: &[&str], variables: &[(&str, &str)]) -> Ran {
        let Output {
            status,
            stdout,
            stderr,
        } = self
            .command()
            .args(line)
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        Ran {
            code: status.code().unwrap_or(-1),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    /// Value and origin of one setting as `config show` prints them.
    fn setting(&self, key: &str, line: &[&str], variables: &[(&str, &str)]) -> (Value, String) {
        let line = [line, &["--json", "config", "show", "--origin"]].concat();
        let ran = self.run_with(&line, variables);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let found: Vec<Value> = ran
            .out
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|item| item["key"] == key)
            .collect();
        assert_eq!(found.len(), 1, "{key}");
        let origin = found[0]["origin"].as_str().unwrap().to_owned();
        (found[0]["value"].clone(), origin)
    }
}

impl Ran {
    /// The last line of stderr, which JSON mode promises to be the error.
    fn exit_error(&self) -> Value {
        let last = self.err.lines().last().unwrap_or_default();
        let record: Value = serde_json::from_str(last).unwrap_or_default();
        assert_eq!(record["record"], "exit_error", "{}", self.err);
        assert_eq!(record["exit"], self.code);
        assert!(!record["message"].as_str().unwrap().is_empty());
        record
    }
}

fn verbs(command: &clap::Command, path: &[String], into: &mut Vec<(Vec<String>, clap::Command)>) {
    into.push((path.to_vec(), command.clone()));
    for sub in command.get_subcommands() {
        if sub.get_name() != "help" {
            let path = [path, &[sub.get_name().to_owned()]].concat();
            verbs(sub, &path, into);
        }
    }
}

fn every_verb() -> Vec<(Vec<String>, clap::Command)> {
    let mut all = Vec::new();
    verbs(&args::command(), &[], &mut all);
    all
}

#[test]
fn the_command_line_is_consistent() {
    args::command().debug_assert();
}

#[test]
fn every_verb_shows_its_examples_before_its_options() {
    let place = Place::new();
    for (path, command) in every_verb() {
        let line: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let ran = place.run(&line);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{path:?}");
        if command.is_hide_set() {
            continue;
        }
        let examples = ran.out.find("\nExamples:\n  ").expect("examples");
        let usage = ran.out.find("\nUsage: ").expect("usage");
        let options = ran.out.find("\nOptions:\n").expect("options");
        assert!(examples < usage && usage < options, "{}", ran.out);
    }
}

#[test]
fn every_example_in_a_help_can_be_typed() {
    let mut tried = 0;
    for (path, command) in every_verb() {
        let Some(help) = command.get_before_help() else {
            assert!(command.is_hide_set(), "{path:?} has no examples");
            continue;
        };
        for line in help.to_string().lines().skip(1) {
            // What stands before or behind a pipe or an arrow is another program's.
            let Some(at) = line.find("switchboard ") else {
                continue;
            };
            let own = line[at..].split(['|', '>']).next().unwrap();
            let own = own.replace("<ID>", "agent-1");
            let words = shell_words(&own);
            let parsed = args::Cli::read(words.iter().map(Into::into));
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
            tried += 1;
        }
    }
    assert!(tried > 60, "only {tried} examples were found");
}

fn shell_words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.trim().chars() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(q)) if c == q => quote = None,
            (' ', None) => words.push(String::new()),
            (c, _) => words.last_mut().unwrap().push(c),
        }
    }
    words
}

#[test]
fn the_written_help_is_the_help() {
    let mut text = String::from(
        "# The command line\n\nWhat `--help` prints, verb by verb. A test compares; \
         `UPDATE_DOCS=1 cargo test --test it` renews it.\n",
    );
    for (path, mut command) in every_verb() {
        if command.is_hide_set() {
            continue;
        }
        let title = ["switchboard"]
            .into_iter()
            .chain(path.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join(" ");
        // The flags that every verb has stand in the first help only.
        let at_root = path.is_empty();
        command = command.bin_name(title.clone()).term_width(100);
        if !at_root {
            command = command.mut_args(|arg| {
                let global = arg.get_help_heading() == Some("Global options");
                arg.hide(global)
            });
        }
        let help = command.render_help().to_string();
        let about = command.get_long_about().map(ToString::to_string);
        let more = about.as_deref().and_then(|about| about.split_once("\n\n"));
        let more = more.map_or_else(String::new, |(_, more)| format!("{more}\n\n"));
        let help = help.trim_end();
        text = format!("{text}\n## {title}\n\n{more}```text\n{help}\n```\n");
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::File::create(&file)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        written, text,
        "docs/cli.md: UPDATE_DOCS=1 cargo test writes it anew"
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of mistakes")]
fn what_cannot_be_understood_exits_with_two_and_says_why() {
    let place = Place::new();
    let message = "0198a7c2-5a0e-7cc1-9d5e-0c1f6a0b7e11";
    for (line, why) in [
        (&["sned"][..], "send"),
        (&["send", "--to", "a b", "hi"], "letters, digits"),
        (&["send", "--too", "a", "hi"], "--to"),
        (&["send", "--to", "a"], "TEXT"),
        (
            &["send", "--to", "a", "--file", "f", "hi"],
            "cannot be used with",
        ),
        (&["send", "hi"], "--to"),
        (&["send", "--to", "a", "--id", "7", "hi"], "--id"),
        (&["send", "--to", "a", "--ttl", "10", "hi"], "10s"),
        (
            &["send", "--to", "a", "--priority", "hot", "hi"],
            "critical",
        ),
        (
            &["send", "--to", "a", "--not-before", "noon", "hi"],
            "2025-01-31T12:00:00Z",
        ),
        (
            &["send", "--to", "a", "--desktop", "record:", "hi"],
            "record:FILE",
        ),
        (&["broadcast", "hi"], "--all"),
        (
            &["broadcast", "--all", "--role", "x", "hi"],
            "cannot be used with",
        ),
        (&["broadcast", "--to", "a,b c", "hi"], "letters, digits"),
        (&["show", "17"], "UUID"),
        (&["resolve", message, "perhaps"], "delivered"),
        (&["replay", "--as-of", "yesterday"], "position"),
        (&["agent", "place", "a", "1;2"], "-308,481"),
        (&["inbox", "a", "--wait", "1s"], "--next"),
        (&["requeue"], "--all"),
        (&["requeue", message, "--class", "invalid"], "--class"),
        (
            &[
                "append", "--stream", "x", "--kind", "note.a", "--data", "{}",
            ],
            "category/id",
        ),
        (
            &[
                "append", "--stream", "note/x", "--kind", "note.a", "--data", "{",
            ],
            "JSON",
        ),
        (&["--lock-timeout=-1s", "status"], "--lock-timeout"),
        (&["--set", "retry", "status"], "KEY=VALUE"),
    ] {
        let ran = place.run(line);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (2, ""),
            "{line:?}: {}",
            ran.err
        );
        assert!(
            ran.err.contains(why),
            "{line:?} should say `{why}`: {}",
            ran.err
        );

        let with_json = [&["--json"], line].concat();
        let ran = place.run(&with_json);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{line:?}");
        assert_eq!(ran.exit_error()["code"], "usage");
    }
}

#[test]
fn a_line_without_a_verb_shows_the_help_and_fails() {
    let place = Place::new();
    for line in [&[][..], &["agent"], &["config"]] {
        let ran = place.run(line);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{line:?}");
        assert!(ran.err.contains("Examples:"), "{}", ran.err);
    }
    for line in [&["--json"][..], &["--json", "agent"]] {
        let ran = place.run(line);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{line:?}");
        assert_eq!(ran.exit_error()["code"], "usage");
    }
}

#[test]
fn a_mistake_is_repeated_without_its_control_characters() {
    let place = Place::new();
    for (line, shown) in [
        // clap itself takes out whole sequences; what it leaves is escaped.
        (&["send", "--to", "\u{1b}[2J", "hi"][..], "--to"),
        (&["send", "--to", "a\u{7}b\u{9b}", "hi"], "\\x9b"),
        (&["--set", "\u{1b}[2J=1", "config", "check"], "\\x1b[2J"),
    ] {
        let ran = place.run(line);
        assert!(matches!(ran.code, 2 | 14), "{line:?}");
        let acts = |c: char| c.is_control() && c != '\n';
        assert!(!ran.err.contains(acts), "{:?}", ran.err);
        assert!(ran.err.contains(shown), "{:?}", ran.err);
    }
}

#[test]
fn the_flag_json_behind_two_dashes_is_text() {
    let place = Place::new();
    let ran = place.run(&["send", "--bad", "--", "--json"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.starts_with("error: "), "{}", ran.err);
}

#[test]
fn places_on_left_monitors_can_be_typed() {
    for line in [
        &["agent", "place", "a", "-308,481"][..],
        &["agent", "place", "a", "--seat", ":0", "-308,481"],
        &["agent", "place", "a", "-308,481", "--seat", ":0"],
        &[
            "agent",
            "add",
            "a",
            "--at",
            "-308,481",
            "--onboarding-at",
            "-1,-2",
        ],
        &["agent", "add", "a", "--at=-308,481", "--rank", "-1"],
        &["agent", "set", "a", "--at", "-308,481"],
    ] {
        let words = ["switchboard"].iter().chain(line).map(Into::into);
        let parsed = args::Cli::read(words);
        assert!(parsed.is_ok(), "{line:?}: {}", parsed.unwrap_err());
    }
}

#[test]
fn each_layer_stands_before_the_one_below() {
    let place = Place::new();
    let key = "retry.max_retries";
    let expect = |line: &[&str], variables: &[(&str, &str)], value: u64, origin: &str| {
        let (found, from) = place.setting(key, line, variables);
        assert_eq!(found, value, "{origin}");
        assert!(from.starts_with(origin), "{from} instead of {origin}");
    };
    expect(&[], &[], 3, "default");

    place.put(
        ".config/switchboard/config.toml",
        "# mine\n[retry]\nmax_retries = 10\n",
    );
    expect(&[], &[], 10, "user file ");
    let (_, from) = place.setting(key, &[], &[]);
    assert!(
        from.ends_with(".config/switchboard/config.toml:3"),
        "{from}"
    );

    place.put("switchboard.yaml", "retry:\n  max_retries: 20\n");
    expect(&[], &[], 20, "project file ./switchboard.yaml:2");

    let other = place.put("other.json", "{\"retry\": {\"max_retries\": 25}}");
    let other = other.to_str().unwrap();
    expect(&["--config", other], &[], 25, "project file ");
    expect(&[], &[("SWITCHBOARD_CONFIG", other)], 25, "project file ");

    let variable = [("SWITCHBOARD_RETRY__MAX_RETRIES", "40")];
    expect(
        &[],
        &variable,
        40,
        "environment SWITCHBOARD_RETRY__MAX_RETRIES",
    );
    expect(
        &["--set", "retry.max_retries=50"],
        &variable,
        50,
        "flag --set",
    );

    // The layers that are hidden for one setting still count for the others.
    place.put(
        ".config/switchboard/config.toml",
        "[retry]\nmax_retries = 10\njitter = 0.5\n",
    );
    let (jitter, from) = place.setting("retry.jitter", &[], &variable);
    assert_eq!(jitter, 0.5);
    assert!(from.starts_with("user file "), "{from}");
}

#[test]
fn system_runtime_and_flag_layers_stand_where_they_should() {
    let place = Place::new();
    let system = place.path("etc");
    place.put("etc/config.json", "{\"log\": {\"level\": \"warn\"}}");
    let mut sources = Sources {
        system_folder: Some(system),
        ..Sources::default()
    };
    let level = |sources: &Sources| {
        let config = Config::load(sources).unwrap();
        let (_, _, origin) = config.origins().find(|(k, ..)| *k == "log.level").unwrap();
        (config.settings().log.level.clone(), origin.layer())
    };
    assert_eq!(level(&sources), ("warn".to_owned(), "system"));

    place.put("home/switchboard/config.yml", "log: {level: error}");
    let home = place.path("home");
    sources.environment = Environment::of([("XDG_CONFIG_HOME", home.clone())]);
    assert_eq!(level(&sources), ("error".to_owned(), "user"));

    place.put("work/switchboard.toml", "log.level = \"debug\"");
    sources.project_folder = Some(place.path("work"));
    assert_eq!(level(&sources), ("debug".to_owned(), "project"));

    sources.runtime = vec![("log.level".to_owned(), "\"trace\"".to_owned())];
    assert_eq!(level(&sources), ("trace".to_owned(), "runtime"));

    sources.environment = Environment::of([
        ("XDG_CONFIG_HOME", home.as_os_str()),
        ("SWITCHBOARD_LOG__LEVEL", "off".as_ref()),
    ]);
    assert_eq!(level(&sources), ("off".to_owned(), "environment"));

    sources.flags = vec![Flag {
        key: "log.level".to_owned(),
        text: "info".to_owned(),
        flag: "--set log.level".to_owned(),
    }];
    assert_eq!(level(&sources), ("info".to_owned(), "flag"));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of mistakes")]
fn a_mistake_in_any_layer_exits_with_fourteen_and_is_named() {
    for (file, text, says) in [
        (
            "switchboard.toml",
            "[retry]\n\nmax_retrys = 3\n",
            &[
                "retry.max_retrys",
                "./switchboard.toml:3",
                "retry.max_retries",
            ][..],
        ),
        (
            "switchboard.yaml",
            "retry:\n  jitter: 7\n",
            &["retry.jitter", "./switchboard.yaml:2", "0.0 to 1.0"],
        ),
        (
            "switchboard.json",
            "{\"log\":\n{\"level\": \"loud\"}}",
            &["log.level", "./switchboard.json:2", "trace"],
        ),
        (
            "switchboard.toml",
            "[retry]\nbase_delay = 5\n",
            &["retry.base_delay", "./switchboard.toml:2", "500ms"],
        ),
        (
            "switchboard.toml",
            "[retry]\nmax_retries = \"3\"\n",
            &["retry.max_retries", "whole number"],
        ),
        ("switchboard.toml", "[retyr]\n", &["retyr", "unknown"]),
        (
            "switchboard.yaml",
            "retry:\n  max_retries:\n",
            &["retry.max_retries", "null"],
        ),
        (
            "switchboard.toml",
            "[retry.classes.target_lost]\nretries = 1\n",
            &["retry.classes.target_lost.retries", "unknown"],
        ),
        (
            "switchboard.toml",
            "[applications.mine]\nsubmit = \"ctrl+enter\"\n",
            &["applications.mine.target", "switchboard.toml"],
        ),
        (
            "switchboard.toml",
            "[applications.cursor]\nsubmit = \"hyper+x\"\n",
            &["applications.cursor.submit", "switchboard.toml:2"],
        ),
        (
            "switchboard.toml",
            "[delivery]\napplication_of = [\"agent-1=nobody\"]\n",
            &["delivery.application_of", "nobody"],
        ),
        (
            "switchboard.toml",
            "[retry\n",
            &["./switchboard.toml:1", "TOML"],
        ),
        ("switchboard.json", "{", &["./switchboard.json:1", "JSON"]),
        (
            ".config/switchboard/config.toml",
            "nope = 1\n",
            &["nope", "config.toml:1"],
        ),
    ] {
        let place = Place::new();
        place.put(file, text);
        for line in [&["config", "check"][..], &["--json", "config", "show"]] {
            let ran = place.run(line);
            assert_eq!(
                (ran.code, ran.out.as_str()),
                (14, ""),
                "{text}: {}",
                ran.err
            );
            for word in says {
                assert!(
                    ran.err.contains(word),
                    "{text} should say `{word}`: {}",
                    ran.err
                );
            }
        }
        let ran = place.run(&["--json", "config", "check"]);
        assert_eq!(ran.exit_error()["code"], "config_invalid");
    }
}

#[test]
fn a_mistake_in_flags_and_variables_is_named_too() {
    let place = Place::new();
    for (line, variable, says) in [
        (&["--set", "retry.jiter=1"][..], None, "retry.jitter"),
        (
            &["--set", "retry.jitter=2"],
            None,
            "flag --set retry.jitter",
        ),
        (
            &[],
            Some(("SWITCHBOARD_RETRY__JITER", "1")),
            "environment SWITCHBOARD_RETRY__JITER",
        ),
        (
            &[],
            Some(("SWITCHBOARD_RETRY__JITTER", "much")),
            "environment SWITCHBOARD_RETRY__JITTER",
        ),
        (
            &[],
            Some(("SWITCHBOARD_RETRY_MAX_RETRIES", "1")),
            "SWITCHBOARD_RETRY__MAX_RETRIES",
        ),
        (&["--config", "gone.toml"], None, "gone.toml"),
    ] {
        let line = [line, &["config", "check"]].concat();
        let variables: Vec<_> = variable.into_iter().collect();
        let ran = place.run_with(&line, &variables);
        assert_eq!(ran.code, 14, "{line:?}: {}", ran.err);
        assert!(
            ran.err.contains(says),
            "{line:?} should say `{says}`: {}",
            ran.err
        );
    }
    // Other people's variables are none of our business.
    let ran = place.run_with(&["config", "check"], &[("SWITCHBOARD_THEME", "dark")]);
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[test]
fn two_files_of_one_layer_are_refused_instead_of_guessed() {
    let place = Place::new();
    place.put("switchboard.toml", "");
    place.put("switchboard.json", "{}");
    let ran = place.run(&["config", "check"]);
    assert_eq!(ran.code, 14);
    assert!(ran.err.contains("switchboard.toml") && ran.err.contains("switchboard.json"));
}

#[test]
fn what_config_set_stores_is_what_the_runtime_layer_reads() {
    for (key, text) in [
        ("retry.max_retries", "7"),
        ("retry.circuit_breaker_threshold", "9"),
        ("delivery.nudge", "false"),
        ("delivery.default_ttl", "10m"),
        ("delivery.keys.chat.select_all", "ctrl+a,ctrl+/"),
        ("retry.classes.paused.fallback", "true"),
        ("applications.cursor.classes", "one,two"),
        ("delivery.application_of", "agent-3=tmux"),
        ("store.min_free", "1GiB"),
    ] {
        let (real, value) = check_value(key, text).unwrap();
        let sources = Sources {
            runtime: vec![(real.clone(), value.to_string())],
            ..Sources::default()
        };
        let config = Config::load(&sources).unwrap();
        let (_, found, origin) = config.origins().find(|(k, ..)| *k == real).unwrap();
        assert_eq!((found, origin), (&value, &Origin::Runtime), "{key}");
    }
    for (key, text) in [("retry.max_retrys", "7"), ("retry.max_retries", "many")] {
        assert!(check_value(key, text).is_err(), "{key} = {text}");
    }
}

#[test]
fn every_setting_says_when_a_change_takes_effect() {
    let help = Place::new().run(&["config", "set", "--help"]).out;
    for key in Config::known_keys() {
        let listed = help.contains(&key);
        assert!(listed || applied(&key) == Applied::Now, "{key}\n{help}");
    }
}

#[test]
fn runtime_settings_of_a_newer_binary_are_skipped_and_listed() {
    let sources = Sources {
        runtime: vec![("teleport.range".to_owned(), "7".to_owned())],
        ..Sources::default()
    };
    assert_eq!(
        Config::load(&sources).unwrap().skipped(),
        ["teleport.range"]
    );
    let sources = Sources {
        runtime: vec![("retry.jitter".to_owned(), "7".to_owned())],
        ..Sources::default()
    };
    let refused = Config::load(&sources).unwrap_err();
    assert!(matches!(refused, ConfigError::BadValue { .. }), "{refused}");
}

#[test]
fn every_setting_has_a_default_or_is_an_exception_by_class() {
    let config = Config::load(&Sources::default()).unwrap();
    let there: Vec<&str> = config.origins().map(|(key, ..)| key).collect();
    for key in Config::known_keys() {
        let chosen = ["retry.classes.", "applications.", "alerts.rules."];
        let optional = chosen.iter().any(|table| key.starts_with(table));
        assert!(optional || there.contains(&key.as_str()), "{key}");
        assert!(
            switchboard::config::layers::DEFAULTS.contains(key.rsplit('.').next().unwrap()),
            "{key} is not in config/default.toml"
        );
    }
    // What is typed and what is registered are the same.
    let typed = serde_json::to_value(config.settings()).unwrap();
    for (key, value, _) in config.origins() {
        let pointer = format!("/{}", key.replace('.', "/"));
        assert_eq!(typed.pointer(&pointer), Some(value), "{key}");
    }
}

#[test]
fn words_that_configuration_repeats_are_those_of_the_facts() {
    let classes: Vec<&str> = FailureClass::ALL.iter().map(|class| class.word()).collect();
    assert_eq!(classes, CLASSES);
    // The key grammar is spelled twice, because configuration knows nothing of delivery.
    for text in [
        "enter",
        "tab",
        "escape",
        "insert",
        "delete",
        "backspace",
        "home",
        "end",
        "left",
        "right",
        "plus",
        "space",
        "ctrl+v",
        "ctrl+shift+alt+meta+x",
        "ctrl+/",
        "ctrl+plus",
        "",
        "ctrl+",
        "hyper+v",
        "ctrl+foo",
        "f5",
        "ctrl v",
        "+",
        "up",
    ] {
        assert_eq!(
            check_value("delivery.keys.chat.paste", text).is_ok(),
            text.parse::<Chord>().is_ok(),
            "{text}"
        );
    }
}

#[test]
fn completions_are_made_for_every_shell() {
    let place = Place::new();
    for (shell, word) in [
        ("bash", "complete -F _switchboard"),
        ("zsh", "#compdef switchboard"),
        ("fish", "complete -c switchboard"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion"),
    ] {
        let ran = place.run(&["completions", shell]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(
            ran.out.contains(word) && ran.out.contains("broadcast"),
            "{shell}"
        );
    }
}

#[test]
fn every_verb_gets_its_manual_page() {
    let place = Place::new();
    let ran = place.run(&["--json", "man", "pages/man1"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let mut pages: Vec<String> = fs::read_dir(place.path("pages/man1"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    let mut expected: Vec<String> = every_verb()
        .into_iter()
        .filter(|(_, command)| !command.is_hide_set())
        .map(|(path, _)| {
            let parts = ["switchboard".to_owned()].into_iter().chain(path);
            format!("{}.1", parts.collect::<Vec<_>>().join("-"))
        })
        .collect();
    expected.sort();
    assert_eq!(pages, expected);
    assert_eq!(ran.out.lines().count(), pages.len());
    let page = fs::read_to_string(place.path("pages/man1/switchboard-agent-place.1")).unwrap();
    assert!(page.contains("switchboard\\-agent\\-place"), "{page}");
    assert!(page.contains("must lie on a monitor"), "{page}");
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let place = Place::new();
    for line in [
        &["config", "show"][..],
        &["completions", "bash"],
        &["--help"],
    ] {
        let mut child = place
            .command()
            .args(line)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{line:?}");
        assert!(output.stderr.is_empty(), "{line:?}");
    }
}

#[test]
fn colour_is_there_only_when_asked_for_without_a_terminal() {
    let place = Place::new();
    let plain = place.run(&["config", "show", "--origin"]);
    assert!(!plain.out.contains('\u{1b}'));
    let coloured = place.run(&["--color", "always", "config", "show", "--origin"]);
    assert!(coloured.out.contains("\u{1b}["));
    let json = place.run(&["--color", "always", "--json", "config", "show"]);
    assert!(!json.out.contains('\u{1b}'));
}
