//! The inbox: one file per message, for agents that read files and for messages that no window
//! took.

use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::adapters::files::{NotWritten, make_folder, sync_folder, write_atomic};
use crate::delivery::dispatch::Letters;
use crate::delivery::letter as delivery;
use crate::events::facts::message::{MessageKind, Priority};
use crate::events::facts::words::Word;
use crate::events::ids::{AgentId, CorrelationId, MessageId};
use crate::events::time::Timestamp;

/// Folders of the inbox are for their owner alone, and so are the letters.
const FOLDER_MODE: u32 = 0o700;
const LETTER_MODE: u32 = 0o600;

/// Words that YAML takes for something else than a word.
const NOT_WORDS: [&str; 9] = ["false", "n", "no", "null", "off", "on", "true", "y", "yes"];

/// The folder `DIR/inbox` of a store.
#[derive(Clone, Debug)]
pub struct Inbox {
    store: PathBuf,
}

/// A message as it is put into an inbox.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// Which message.
    pub message: MessageId,
    /// Who says it.
    pub from: &'a AgentId,
    /// Who shall read it.
    pub to: &'a AgentId,
    /// How urgent.
    pub priority: Priority,
    /// What sort of message.
    pub kind: MessageKind,
    /// The sender's tags.
    pub tags: &'a [Word],
    /// What it belongs to.
    pub correlation: CorrelationId,
    /// When it was accepted. The file is named after it.
    pub created_at: Timestamp,
    /// The words, byte for byte.
    pub body: &'a str,
}

impl Inbox {
    /// The inbox of the store in `store`, which must exist.
    pub fn of(store: &Path) -> Self {
        Self {
            store: store.to_owned(),
        }
    }

    /// Where a message lies: `DIR/inbox/<agent>/20250131T120000.000000Z-<message>.md`.
    pub fn path(&self, to: &AgentId, created_at: Timestamp, message: MessageId) -> PathBuf {
        let name = format!("{}-{message}.md", created_at.compact());
        self.store.join("inbox").join(to.as_str()).join(name)
    }

    /// Puts a letter there durably and says where. A letter that already lies there is left as it
    /// is: its reader may have written on it.
    pub fn put(&self, letter: &Letter<'_>) -> Result<PathBuf, NotWritten> {
        let path = self.path(letter.to, letter.created_at, letter.message);
        let folders = [
            self.store.join("inbox"),
            self.store.join("inbox").join(letter.to.as_str()),
        ];
        for folder in &folders {
            make_folder(folder, FOLDER_MODE)?;
        }
        if path.is_file() {
            // Somebody died between naming it and saying so: make sure of what they began.
            sync_file(&path)?;
            for folder in folders.iter().rev() {
                sync_folder(folder)?;
            }
        } else {
            write_atomic(&path, letter.text().as_bytes(), LETTER_MODE)?;
        }
        Ok(path)
    }
}

impl Letters for Inbox {
    fn put(&self, letter: &delivery::Letter) -> io::Result<String> {
        let message = &letter.message;
        let path = Self::put(
            self,
            &Letter {
                message: message.message,
                from: &message.from,
                to: &message.to,
                priority: message.priority,
                kind: message.kind,
                tags: &message.tags,
                correlation: letter.correlation,
                created_at: letter.created_at,
                body: &message.body,
            },
        )
        .map_err(io::Error::other)?;
        let below = path.strip_prefix(&self.store).unwrap_or(&path);
        Ok(below.display().to_string())
    }
}

impl Letter<'_> {
    /// Front matter in YAML, then the body unchanged.
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(self.body.len().saturating_add(400));
        let tags: Vec<String> = self.tags.iter().map(|tag| scalar(tag.as_str())).collect();
        let lines = [
            ("id", self.message.to_string()),
            ("from", scalar(self.from.as_str())),
            ("to", scalar(self.to.as_str())),
            ("priority", self.priority.to_string()),
            ("kind", self.kind.to_string()),
            ("tags", format!("[{}]", tags.join(", "))),
            ("correlation", self.correlation.to_string()),
            ("created_at", self.created_at.to_string()),
        ];
        text.push_str("---\n");
        for (name, value) in lines {
            // Writing into a string cannot fail.
            writeln!(text, "{name}: {value}").ok();
        }
        text.push_str("---\n");
        text.push_str(self.body);
        text
    }
}

/// Names are plain words; those that YAML would read as a number or a truth value are quoted.
fn scalar(name: &str) -> String {
    let word = name.starts_with(|c: char| c.is_ascii_alphabetic()) && !NOT_WORDS.contains(&name);
    if word {
        name.to_owned()
    } else {
        format!("\"{name}\"")
    }
}

fn sync_file(path: &Path) -> Result<(), NotWritten> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|source| NotWritten {
        step: "syncing",
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use uuid::Uuid;

    use super::*;

    fn letter<'a>(to: &'a AgentId, tags: &'a [Word], body: &'a str) -> Letter<'a> {
        Letter {
            message: MessageId(Uuid::from_u128(7)),
            from: to,
            to,
            priority: Priority::Urgent,
            kind: MessageKind::AgentToAgent,
            tags,
            correlation: CorrelationId(Uuid::from_u128(9)),
            created_at: Timestamp::from_micros(1_738_324_800_000_000),
            body,
        }
    }

    #[test]
    fn a_letter_is_front_matter_and_the_body_byte_for_byte() {
        let store = tempfile::tempdir().unwrap();
        let to: AgentId = "agent-3".parse().unwrap();
        let tags: Vec<Word> = ["captain", "on", "7"]
            .map(|tag| tag.parse().unwrap())
            .into();
        let body = "no newline at the end,\r\n---\na rule and ✓ \u{1b}[31m";
        let path = Inbox::of(store.path())
            .put(&letter(&to, &tags, body))
            .unwrap();
        let id = "00000000-0000-0000-0000-000000000007";
        let expected = format!("inbox/agent-3/20250131T120000.000000Z-{id}.md");
        assert_eq!(path, store.path().join(expected));
        let text = fs::read_to_string(&path).unwrap();
        let front = format!(
            "---\nid: {id}\nfrom: agent-3\nto: agent-3\npriority: urgent\nkind: agent-to-agent\n\
             tags: [captain, \"on\", \"7\"]\n\
             correlation: 00000000-0000-0000-0000-000000000009\n\
             created_at: 2025-01-31T12:00:00.000000Z\n---\n"
        );
        assert_eq!(text.strip_prefix(&front), Some(body));
    }

    #[test]
    fn the_same_message_twice_is_one_letter_as_its_reader_left_it() {
        let store = tempfile::tempdir().unwrap();
        let to: AgentId = "null".parse().unwrap();
        let inbox = Inbox::of(store.path());
        let path = inbox.put(&letter(&to, &[], "once")).unwrap();
        let mut noted = fs::read_to_string(&path).unwrap();
        assert!(noted.contains("to: \"null\"\n") && noted.contains("tags: []\n"));
        noted.push_str("\nread, will do");
        write_atomic(&path, noted.as_bytes(), LETTER_MODE).unwrap();
        assert_eq!(inbox.put(&letter(&to, &[], "once")).unwrap(), path);
        assert_eq!(fs::read_to_string(&path).unwrap(), noted);
        let folder = fs::read_dir(path.parent().unwrap()).unwrap();
        assert_eq!(folder.count(), 1);
    }

    #[test]
    fn a_store_that_is_not_there_is_an_error_with_its_step() {
        let to: AgentId = "a".parse().unwrap();
        let failure = Inbox::of(Path::new("/nonexistent/store"))
            .put(&letter(&to, &[], "x"))
            .unwrap_err();
        assert_eq!(failure.step, "making");
    }
}
