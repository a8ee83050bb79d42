//! Agents that say too much are held, said to be so, and let go by `resume`; all of it is in the ledger.

use crate::running_kit::{Desk, Ran};

/// A desk whose agents have inboxes only.
fn desk(agents: &[&str]) -> Desk {
    let desk = Desk::new();
    for agent in agents {
        desk.must(&["agent", "add", agent, "--channel", "inbox"]);
    }
    desk
}

fn says(desk: &Desk, set: &str, from: &str, to: &str) -> Ran {
    let send = ["--set", set, "send", "--from", from, "--to", to];
    desk.run(&[&send[..], &["--wait", "accepted", "hello"]].concat())
}

fn code(ran: &Ran) -> String {
    assert_eq!(ran.code, 6, "{ran:?}");
    ran.exit_error()["code"].as_str().unwrap().to_owned()
}

#[test]
fn an_agent_that_says_too_much_is_held_until_it_is_resumed() {
    let desk = desk(&["a", "b", "c"]);
    let three = "limits.agent_rate=3";
    let mut waiting = String::new();
    for to in ["b", "c", "b"] {
        let ran = says(&desk, three, "a", to);
        assert_eq!(ran.code, 0, "{ran:?}");
        waiting = ran.item()["message"].as_str().unwrap().to_owned();
    }
    assert_eq!(code(&says(&desk, three, "a", "c")), "rate_limit");
    assert_eq!(code(&says(&desk, three, "a", "b")), "quarantined");
    // Even under another limit: it is held by what happened, not by what is configured.
    assert_eq!(
        code(&says(&desk, "limits.agent_rate=0", "a", "b")),
        "quarantined"
    );
    // Others are not concerned, people never.
    assert_eq!(says(&desk, three, "b", "a").code, 0);
    for _ in 0..5 {
        assert_eq!(says(&desk, three, "operator", "a").code, 0);
    }

    let shown = desk.must(&["agent", "show", "a"]);
    let excess = &shown["quarantine"]["excess"];
    assert_eq!(
        (&excess["limit"], &excess["count"]),
        (&"rate".into(), &4.into()),
        "{shown}"
    );
    assert_eq!(
        desk.must(&["status"])["quarantine"]["agents"],
        serde_json::json!(["a"])
    );
    let held = desk.run(&["events", "--kind", "agent.quarantined"]).items();
    assert_eq!(held.len(), 1, "{held:?}");

    // What it said before and is not delivered yet waits, whoever delivers.
    let sent = desk.run(&["send", "--to", "b", "from a person"]);
    assert_eq!(sent.code, 7, "{sent:?}");
    assert_eq!(desk.must(&["show", &waiting])["state"], "accepted");
    let story = desk.run(&["why", &waiting]).items();
    assert_eq!(
        story.last().unwrap()["event"],
        "agent.quarantined",
        "{story:?}"
    );

    desk.must(&["resume", "a"]);
    assert_eq!(
        desk.must(&["agent", "show", "a"])["quarantine"],
        serde_json::Value::Null
    );
    let sent = desk.run(&["send", "--from", "a", "--to", "b", "again"]);
    assert_eq!(sent.code, 7, "{sent:?}");
    assert_eq!(desk.must(&["show", &waiting])["state"], "inboxed");
    assert_eq!(desk.must(&["verify"])["ok"], true);
}

#[test]
fn two_agents_who_talk_without_end_are_held_and_others_are_not() {
    let desk = desk(&["a", "b", "c"]);
    let four = "limits.pair_budget=4";
    for (from, to) in [("a", "b"), ("b", "a"), ("a", "b"), ("b", "a")] {
        assert_eq!(says(&desk, four, from, to).code, 0);
    }
    assert_eq!(code(&says(&desk, four, "b", "a")), "pair_budget");
    assert_eq!(code(&says(&desk, four, "a", "b")), "quarantined");
    for (from, to) in [("a", "c"), ("c", "b")] {
        assert_eq!(says(&desk, four, from, to).code, 0, "{from} {to}");
    }
    let status = desk.must(&["status"]);
    assert_eq!(
        status["quarantine"]["pairs"],
        serde_json::json!([["a", "b"]])
    );
    assert_eq!(
        desk.must(&["agent", "show", "b"])["quarantine_with"][0]["with"],
        "a"
    );
    // A repeated message is no new one.
    let id = uuid::Uuid::new_v4().to_string();
    let repeat = ["send", "--from", "a", "--to", "c", "--id", &id, "once"];
    let limited = [&["--set", "limits.agent_rate=4"], &repeat[..]].concat();
    for _ in 0..3 {
        assert_eq!(desk.run(&limited).code, 7);
    }
    desk.must(&["resume", "b"]);
    assert_eq!(says(&desk, four, "a", "b").code, 0);
}

#[test]
fn answers_to_answers_end_in_quarantine() {
    let desk = desk(&["a", "b"]);
    let two = ["--set", "delivery.hop_limit=2"];
    let said = ["send", "--from", "a", "--to", "b"];
    let said = desk.must(&[&said[..], &["--wait", "accepted", "ping"]].concat());
    let mut last = said["message"].as_str().unwrap().to_owned();
    for by in ["b", "a"] {
        let reply = ["reply", &last, "--from", by, "--wait", "accepted", "pong"];
        let answer = desk.must(&[&two[..], &reply].concat());
        last = answer["message"].as_str().unwrap().to_owned();
    }
    let reply = ["reply", &last, "--from", "b", "pong"];
    assert_eq!(code(&desk.run(&[&two[..], &reply].concat())), "hop_limit");
    let held = desk.run(&["events", "--kind", "pair.quarantined"]).item();
    assert_eq!(held["data"]["excess"]["limit"], "hops", "{held}");
    assert_eq!(
        code(&says(&desk, "delivery.hop_limit=2", "a", "b")),
        "quarantined"
    );
    desk.must(&["resume", "a"]);
    assert_eq!(says(&desk, "delivery.hop_limit=2", "a", "b").code, 0);
}
