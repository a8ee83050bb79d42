//! The ledger against a model that is too simple to be wrong.

use std::collections::HashMap;
use std::path::PathBuf;

use proptest::collection::vec;
use proptest::prelude::*;
use switchboard::events::ids::{CommandId, Position};
use switchboard::events::ledger::append::{AppendError, Appended, Commit, Expected, Part};
use tempfile::tempdir;
use uuid::Uuid;

use crate::ledger_kit::{
    cause, copy, created_with, epochs_of, everything, note, opened_with, stream,
};

#[derive(Clone, Debug)]
enum Step {
    Append {
        command: u8,
        parts: Vec<(u8, Expected, Vec<u16>)>,
    },
    Reopen,
    Crash,
}

fn expected() -> impl Strategy<Value = Expected> {
    prop_oneof![
        3 => Just(Expected::Any),
        1 => Just(Expected::NoStream),
        1 => Just(Expected::Exists),
        2 => (0_u64..6).prop_map(Expected::Exact),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    // Few commands and streams, so that they meet; lengths on both sides of every limit.
    let facts = vec(prop_oneof![0_u16..40, 3900_u16..4200, Just(9000_u16)], 1..4);
    let part = (0_u8..4, expected(), facts);
    prop_oneof![
        9 => (0_u8..30, vec(part, 1..3)).prop_map(|(command, parts)| Step::Append { command, parts }),
        1 => Just(Step::Reopen),
        1 => Just(Step::Crash),
    ]
}

type Events = Vec<(u8, u16)>;

#[derive(Default)]
struct Model {
    events: Vec<(u8, u64, u16)>,
    versions: HashMap<u8, u64>,
    commands: HashMap<u8, (Events, Appended)>,
}

#[derive(Debug, PartialEq)]
enum Answer {
    Done(Appended),
    Conflict(Position),
    Wrong(u8, Option<u64>),
    Invalid,
}

impl Model {
    fn append(&mut self, command: u8, parts: &[(u8, Expected, Vec<u16>)]) -> Answer {
        if parts.len() == 2 && parts[0].0 == parts[1].0 {
            return Answer::Invalid;
        }
        let events: Events = parts
            .iter()
            .flat_map(|(stream, _, facts)| facts.iter().map(|fact| (*stream, *fact)))
            .collect();
        if let Some((content, appended)) = self.commands.get(&command) {
            return if *content == events {
                Answer::Done(Appended {
                    repeated: true,
                    ..*appended
                })
            } else {
                Answer::Conflict(appended.first)
            };
        }
        for (stream, expected, _) in parts {
            let actual = self.versions.get(stream).copied();
            let fits = match expected {
                Expected::Any => true,
                Expected::NoStream => actual.is_none(),
                Expected::Exists => actual.is_some(),
                Expected::Exact(version) => actual == Some(*version),
            };
            if !fits {
                return Answer::Wrong(*stream, actual);
            }
        }
        // Position 1 is the ledger's own.
        let first = Position(self.events.len() as u64 + 2);
        for (stream, fact) in &events {
            let version = self.versions.get(stream).map_or(0, |version| version + 1);
            self.versions.insert(*stream, version);
            self.events.push((*stream, version, *fact));
        }
        let appended = Appended {
            first,
            last: Position(self.events.len() as u64 + 1),
            version: self.versions[&parts[0].0],
            repeated: false,
        };
        self.commands.insert(command, (events, appended));
        Answer::Done(appended)
    }
}

fn text(fact: u16) -> String {
    char::from(b'a' + (fact % 26) as u8)
        .to_string()
        .repeat(fact.into())
}

fn name(stream: u8) -> String {
    format!("note/{stream}")
}

fn commit(command: u8, parts: &[(u8, Expected, Vec<u16>)]) -> Commit {
    Commit {
        cause: cause(CommandId(Uuid::from_u128(u128::from(command) + 1))),
        parts: parts
            .iter()
            .map(|(of, expected, facts)| Part {
                stream: stream(&name(*of)),
                expected: *expected,
                facts: facts.iter().map(|fact| note(&text(*fact))).collect(),
            })
            .collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_answers_as_the_model_does(
        steps in vec(step(), 1..60),
        epoch in prop_oneof![Just(7_u64), Just(16), Just(1 << 18)],
    ) {
        let options = epochs_of(epoch);
        let dir = tempdir().unwrap();
        let mut store = dir.path().join("0");
        let mut ledger = created_with(options, &store);
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Append { command, parts } => {
                    let answer = match ledger.append(commit(command, &parts)) {
                        Ok(appended) => Answer::Done(appended),
                        Err(AppendError::Conflict { at, .. }) => Answer::Conflict(at),
                        Err(AppendError::WrongVersion { stream, actual, .. }) => {
                            Answer::Wrong(stream.id().parse().unwrap(), actual)
                        }
                        Err(AppendError::Invalid { .. }) => Answer::Invalid,
                        Err(other) => panic!("{other:?}"),
                    };
                    prop_assert_eq!(answer, model.append(command, &parts));
                }
                Step::Reopen => {
                    ledger.close().unwrap();
                    ledger = opened_with(options, &store).0;
                }
                Step::Crash => {
                    // What stands on the disk at this moment is what a kill leaves, if nothing moves
                    // while it is copied.
                    ledger.settle();
                    let after = PathBuf::from(format!("{}+", store.display()));
                    copy(&store, &after);
                    store = after;
                    ledger = opened_with(options, &store).0;
                }
            }
        }
        let events = everything(&ledger);
        prop_assert_eq!(events.len(), model.events.len() + 1);
        for (event, (of, version, fact)) in events[1..].iter().zip(&model.events) {
            prop_assert_eq!(event.stream.as_str(), name(*of));
            prop_assert_eq!(event.version, *version);
            prop_assert_eq!(&event.fact, &note(&text(*fact)));
        }
        for (of, version) in &model.versions {
            let of = stream(&name(*of));
            prop_assert_eq!(ledger.stream_head(&of).unwrap().unwrap().0, *version);
            prop_assert_eq!(ledger.read_stream(&of).unwrap().len() as u64, version + 1);
        }
        let verified = ledger.verify().unwrap();
        prop_assert!(verified.ok, "{:?}", verified);
    }
}
