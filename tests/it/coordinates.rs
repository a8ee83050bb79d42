//! coordinates.json: the three shapes of other tools, and what is refused.

use std::collections::BTreeMap;

use switchboard::cli::coordinates::{CoordinatesError, parse, render};
use switchboard::events::facts::agent::Profile;
use switchboard::events::facts::attempt::Channel;
use switchboard::events::facts::screen::{Fingerprint, Point, Rect};
use switchboard::events::ids::AgentId;

const FIRST: &str = r#"{"version": 3, "agents": {
    "Agent-1": {"chat_input_coordinates": [-1269, 481], "onboarding_coordinates": [-1265, 171],
                "description": "Captain", "active": true, "tools": {"x": 1}},
    "Agent-2": {"chat_input_coordinates": [-308, 480], "active": false,
                "onboarding_coordinates": null}}}"#;
const TWIN: &str = r#"{"agents": {
    "Agent-1": {"chat_input_coordinates": [-1269, 481], "onboarding_input_coords": [-1265, 171],
                "description": "Captain", "active": true},
    "Agent-2": {"chat_input_coordinates": [-308, 480], "active": false}}}"#;
const LAYOUT: &str = r#"{"8-agent": {
    "Agent-1": {"input_box": {"x": -1269, "y": 481}, "starter_location_box": {"x": -1265, "y": 171},
                "description": "Captain", "active": true},
    "Agent-2": {"input_box": {"x": -308, "y": 480}, "active": false}}}"#;

fn id(name: &str) -> AgentId {
    name.parse().unwrap()
}

fn profiles(text: &str) -> BTreeMap<AgentId, Profile> {
    let seat = ":0".parse().unwrap();
    parse(text, None)
        .unwrap()
        .into_iter()
        .map(|(id, agent)| (id, agent.over(None, Some(&seat))))
        .collect()
}

#[test]
fn the_three_shapes_say_the_same() {
    let first = profiles(FIRST);
    assert_eq!(first, profiles(TWIN));
    assert_eq!(first, profiles(LAYOUT));
    let one = &first[&id("agent-1")];
    assert_eq!(one.place, Some(Point { x: -1269, y: 481 }));
    assert_eq!(one.onboarding_place, Some(Point { x: -1265, y: 171 }));
    assert_eq!((one.description.as_str(), one.active), ("Captain", true));
    assert_eq!(one.channels, [Channel::Gui, Channel::Inbox]);
    // A description is no rank: captains are not guessed.
    assert_eq!((one.rank, one.roles.len()), (0, 0));
    assert!(!first[&id("agent-2")].active);
}

#[test]
fn what_is_exported_is_imported_again() {
    let mut before = profiles(FIRST);
    let one = before.get_mut(&id("agent-1")).unwrap();
    one.rank = 10;
    one.roles = vec!["captain".parse().unwrap()];
    one.window = Some("^Chat — \"quoted\"$".to_owned());
    let text = render(&before);
    assert!(text.ends_with("}\n"));
    let after: BTreeMap<_, _> = parse(&text, None)
        .unwrap()
        .into_iter()
        .map(|(id, agent)| (id, agent.over(None, None)))
        .collect();
    assert_eq!(before, after);
    assert_eq!(render(&after), text);
}

#[test]
fn an_import_changes_only_what_the_file_says() {
    let mut known = profiles(FIRST).remove(&id("agent-1")).unwrap();
    known.rank = 7;
    known.fingerprint = Some(Fingerprint {
        class: "a.b".to_owned(),
        title: "t".to_owned(),
        process: None,
        frame: Rect {
            x: 0,
            y: 0,
            width: 1,
            height: 1,
        },
    });
    let same = parse(FIRST, None).unwrap().remove(&id("agent-1")).unwrap();
    assert_eq!(same.over(Some(&known), None), known);

    let moved = r#"{"agents": {"agent-1": {"chat_input_coordinates": [5, 6]}}}"#;
    let moved = parse(moved, None).unwrap().remove(&id("agent-1")).unwrap();
    let after = moved.over(Some(&known), None);
    assert_eq!(after.place, Some(Point { x: 5, y: 6 }));
    assert_eq!((after.rank, after.seat.as_ref()), (7, known.seat.as_ref()));
    // The window that stood at the old place says nothing about the new one.
    assert_eq!(after.fingerprint, None);
}

#[test]
fn one_layout_of_several_must_be_chosen() {
    let both = r#"{"2-agent": {"Agent-1": {"input_box": {"x": 1, "y": 2}}},
                   "8-agent": {"Agent-1": {"input_box": {"x": 3, "y": 4}}}}"#;
    let refused = parse(both, None).unwrap_err().to_string();
    assert!(refused.contains("--layout") && refused.contains("2-agent, 8-agent"));
    let chosen = parse(both, Some("8-agent")).unwrap();
    assert_eq!(chosen[&id("agent-1")].place, Some(Point { x: 3, y: 4 }));
    assert!(matches!(
        parse(both, Some("5-agent")),
        Err(CoordinatesError::Layout { .. })
    ));
}

#[test]
fn what_is_wrong_names_the_agent_and_the_field() {
    let agents = |inner: &str| format!("{{\"agents\": {{{inner}}}}}");
    for (text, says) in [
        ("[1]".to_owned(), "shape"),
        ("{".to_owned(), "not JSON"),
        ("{}".to_owned(), "neither"),
        ("{\"agents\": []}".to_owned(), "not an object"),
        ("{\"agents\": {}, \"agents\": {}}".to_owned(), "twice"),
        (agents(r#""A b": {}"#), "agent `A b`"),
        (agents(r#""a": 7"#), "agent `a`: an object"),
        (agents(r#""Agent-1": {}, "agent-1": {}"#), "twice"),
        (agents(r#""a": {}, "a": {}"#), "twice"),
        (
            agents(r#""a": {"chat_input_coordinates": [1]}"#),
            "agent `a`: `chat_input_coordinates` must be",
        ),
        (
            agents(r#""a": {"chat_input_coordinates": [1, 2, 3]}"#),
            "`chat_input_coordinates`",
        ),
        (
            agents(r#""a": {"chat_input_coordinates": ["1", 2]}"#),
            "`chat_input_coordinates`",
        ),
        (
            agents(r#""a": {"chat_input_coordinates": [1.5, 2]}"#),
            "`chat_input_coordinates`",
        ),
        (
            agents(r#""a": {"chat_input_coordinates": [99999999999, 2]}"#),
            "`chat_input_coordinates`",
        ),
        (agents(r#""a": {"input_box": {"x": 1}}"#), "`input_box`"),
        (
            agents(r#""a": {"input_box": {"x": 1, "x": 2, "y": 3}}"#),
            "`input_box`",
        ),
        (
            agents(r#""a": {"active": "yes"}"#),
            "`active` must be true or false",
        ),
        (
            agents(r#""a": {"description": 7}"#),
            "`description` must be text",
        ),
        (agents(r#""a": {"channels": []}"#), "`channels`"),
        (agents(r#""a": {"channels": ["fax"]}"#), "gui, inbox"),
        (
            agents(r#""a": {"onboarding_coordinates": [1, 2], "onboarding_input_coords": [1, 3]}"#),
            "said twice",
        ),
    ] {
        let refused = parse(&text, None).unwrap_err().to_string();
        assert!(refused.contains(says), "{text}: {refused}");
    }
}

#[test]
fn the_shipped_example_is_valid_and_in_the_exported_shape() {
    let example = include_str!("../../config/agents.example.json");
    let agents = parse(example, None).unwrap();
    assert_eq!(agents.len(), 4);
    let captain = agents.iter().max_by_key(|(_, agent)| agent.rank).unwrap();
    assert_eq!(captain.0.as_str(), "agent-4");
    let profiles: BTreeMap<_, _> = agents
        .iter()
        .map(|(id, agent)| (id.clone(), agent.over(None, None)))
        .collect();
    assert_eq!(parse(&render(&profiles), None).unwrap().len(), 4);
}
