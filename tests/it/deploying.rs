//! What stands in `deploy/` asks only for figures that there are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::api_kit::Web;

fn deploy(file: &str) -> (PathBuf, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy")
        .join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    (path, text)
}

/// Names in what Prometheus is asked: those of figures, and with colons those of recorded ones.
fn asked(text: &str) -> BTreeSet<String> {
    let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    let names = text
        .split(|c: char| !in_name(c))
        .map(|name| name.trim_matches(':'));
    let ours = names.filter(|name| {
        let rest = |begin: &str| {
            name.strip_prefix(begin)
                .is_some_and(|rest| !rest.is_empty())
        };
        rest("switchboard_") || rest("switchboard:") || rest("process_")
    });
    ours.map(str::to_owned).collect()
}

/// Names of figures in an exposition, each histogram's three included.
fn told(exposition: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for line in exposition.lines() {
        let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|it| it.split_once(' '))
        else {
            continue;
        };
        if kind == "histogram" {
            names.extend(["_bucket", "_sum", "_count"].map(|end| format!("{name}{end}")));
        } else {
            names.insert(name.to_owned());
        }
    }
    names
}

fn texts(value: &Value, field: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get(field).and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|it| texts(it, field, found));
        }
        Value::Array(items) => items.iter().for_each(|it| texts(it, field, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn rules_and_dashboard_ask_only_for_figures_that_are_told() {
    let web = Web::furnished();
    let repo = web.desk.store().with_file_name("repo");
    web.desk
        .must(&["backup", "full", "--repo", repo.to_str().unwrap()]);
    let mut known = told(&web.get("/metrics").text());
    assert!(known.contains("switchboard_message_settling_seconds_bucket"));

    let mut rules = Vec::new();
    for file in ["prometheus/recording.yml", "prometheus/alerts.yml"] {
        let (path, text) = deploy(file);
        let parsed: Value =
            serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        let before = rules.len();
        texts(&parsed, "expr", &mut rules);
        assert!(rules.len() > before + 4, "{path:?} has rules");
        let mut recorded = Vec::new();
        texts(&parsed, "record", &mut recorded);
        known.extend(recorded);
    }
    let (path, text) = deploy("grafana-overview.json");
    let board: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    let mut panels = Vec::new();
    texts(&board, "expr", &mut panels);
    assert!(panels.len() >= 25, "{}", panels.len());

    for expression in rules.iter().chain(&panels) {
        let asked = asked(expression);
        let lost: Vec<_> = asked.iter().filter(|name| !known.contains(*name)).collect();
        assert!(lost.is_empty(), "{lost:?} in {expression}");
        assert!(
            !asked.is_empty() || expression.starts_with("up{"),
            "{expression}"
        );
    }
}

#[test]
fn a_figure_that_nobody_tells_would_be_found() {
    let known =
        told("# TYPE switchboard_a_total counter\n# TYPE switchboard_b_seconds histogram\n");
    for (expression, lost) in [
        ("rate(switchboard_a_total{x=\"y\"}[5m])", 0),
        (
            "switchboard_b_seconds_bucket / switchboard_b_seconds_count",
            0,
        ),
        ("switchboard_a", 1),
        ("switchboard_b_seconds + process_gone", 2),
        ("switchboard:never:recorded", 1),
    ] {
        let asked = asked(expression);
        let found = asked.iter().filter(|name| !known.contains(*name)).count();
        assert_eq!(found, lost, "{expression}");
    }
}

#[test]
fn backups_are_told_by_kind_and_what_would_be_lost_by_its_age() {
    let web = Web::new();
    let repo = web.desk.store().with_file_name("repo");
    let repo = repo.to_str().unwrap();
    let value = |name: &str| -> Option<f64> {
        let text = web.get("/metrics").text();
        let mut lines = text.lines();
        let line = lines.find(|line| {
            line.strip_prefix(name)
                .is_some_and(|it| it.starts_with(' '))
        });
        line.map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
    };
    assert_eq!(value("switchboard_backups_total{kind=\"full\"}"), Some(0.0));
    assert!(value("switchboard_backup_unsaved_seconds").unwrap() > 0.0);
    let full = web.desk.must(&["backup", "full", "--repo", repo]);
    assert_eq!(value("switchboard_backups_total{kind=\"full\"}"), Some(1.0));
    assert_eq!(value("switchboard_backup_unsaved_seconds"), Some(0.0));
    assert_eq!(
        value("switchboard_backup_last_position{kind=\"full\"}"),
        full["last_position"].as_f64()
    );
    assert_eq!(
        value("switchboard_backup_last_position{kind=\"incremental\"}"),
        None
    );
    web.desk.must(&["agent", "add", "a", "--channel", "inbox"]);
    assert!(value("switchboard_backup_unsaved_seconds").unwrap() > 0.0);
    let more = web.desk.must(&["backup", "incremental", "--repo", repo]);
    assert_eq!(
        value("switchboard_backup_last_position{kind=\"incremental\"}"),
        more["last_position"].as_f64()
    );
    assert_eq!(value("switchboard_backup_unsaved_seconds"), Some(0.0));
    assert!(value("switchboard_store_free_bytes").unwrap() > 1e6);
}

#[test]
fn compose_and_scrape_settings_can_be_read_and_name_files_that_are_there() {
    let (path, text) = deploy("compose.yml");
    let compose: Value = serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    let services = compose["services"].as_object().unwrap();
    assert!(services.contains_key("switchboard") && services.contains_key("prometheus"));
    for service in services.values() {
        for volume in service["volumes"].as_array().into_iter().flatten() {
            let from = volume.as_str().unwrap().split(':').next().unwrap();
            if let Some(file) = from.strip_prefix("./") {
                assert!(path.with_file_name("").join(file).exists(), "{from}");
            }
        }
    }
    let (path, text) = deploy("prometheus/prometheus.yml");
    let scrape: Value = serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    for rules in scrape["rule_files"].as_array().unwrap() {
        assert!(path.with_file_name(rules.as_str().unwrap()).exists());
    }
    let target = &scrape["scrape_configs"][0]["static_configs"][0]["targets"][0];
    assert_eq!(target, "127.0.0.1:7717", "where `serve` listens by default");
}
