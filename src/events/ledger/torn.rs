//! A torn tail told from damage, on journals made by hand.

use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use tempfile::{TempDir, tempdir};
use uuid::Uuid;

use super::bytes::size;
use super::disk::OsDisk;
use super::frame::{Draft, Sealed};
use super::index::Index;
use super::journal::{HEADER, Heading, Journal};
use super::layout::{FIRST_EPOCH, Layout, make_folder};
use super::record::{Hash, Kept, Record};
use super::scan::{Flaw, Scanned, scan};

struct Made {
    _dir: TempDir,
    journal: Journal,
    frames: Vec<Sealed>,
    after: Hash,
}

fn put(draft: &mut Draft, position: u64) {
    draft.push(&Record {
        position,
        recorded_at: position,
        clock: position,
        id: Uuid::from_u128(position.into()),
        version: position - 1,
        previous: position - 1,
        kind: 900,
        place: 0,
        of: 1,
        key: 0,
        correlation: Uuid::nil(),
        causation: None,
        command: Uuid::from_u128(position.into()),
        actor: "operator",
        stream: "note/a",
        body_len: 4,
        payload_hash: *blake3::hash(b"body").as_bytes(),
        kept: Kept::Inline(b"body"),
    });
}

/// A journal of one frame per number: what the frame calls synced. Frame n holds position n.
fn journal(synced: &[u64]) -> Made {
    let dir = tempdir().unwrap();
    let layout = Layout::new(dir.path());
    make_folder(&layout.journals()).unwrap();
    let heading = Heading {
        ledger: Uuid::nil(),
        timeline: Uuid::nil(),
        first: FIRST_EPOCH,
        before: Hash::default(),
    };
    let path = layout.journal(FIRST_EPOCH);
    let journal = Journal::create(&path, heading, Arc::new(OsDisk)).unwrap();
    let mut offset = HEADER;
    let mut frames = Vec::new();
    let mut draft = Draft::new(1, Hash::default());
    for (position, synced) in (1..).zip(synced) {
        put(&mut draft, position);
        let frame = draft.seal(offset, *synced, &journal.key);
        offset = frame.end();
        frames.push(frame);
    }
    journal.append(draft.sealed(), HEADER, HEADER).unwrap();
    Made {
        _dir: dir,
        journal,
        frames,
        after: draft.chain(),
    }
}

impl Made {
    /// Zeros where a frame's bytes should be: a page that never reached the disk.
    fn lose(&self, frame: usize) {
        let frame = &self.frames[frame];
        let zeros = vec![0; size(frame.length)];
        self.journal
            .file
            .write_all_at(&zeros, frame.offset)
            .unwrap();
    }

    fn scan(&self) -> Result<Scanned, Flaw> {
        let beginning = Index::beginning(&self.journal.heading, (0, 0));
        scan(&self.journal, beginning, 0)
    }
}

/// The device may write the pages of one unsynced batch in any order. A store in this state was
/// never wrong about anything it had said, and must open.
#[test]
fn whole_frames_behind_a_hole_in_an_unsynced_batch_are_a_torn_tail() {
    let made = journal(&[0, 1, 1, 1]);
    made.lose(1);
    let scanned = made.scan().unwrap();
    assert_eq!(scanned.index.end.position, 1);
    assert_eq!(scanned.torn.unwrap(), made.frames[1].offset);
}

#[test]
fn a_hole_that_a_later_frame_calls_synced_is_damage() {
    for lost in 1..3 {
        let made = journal(&[0, 1, 1, 3]);
        made.lose(lost);
        let refused = made.scan().unwrap_err().to_string();
        let position = format!("from position {}", lost + 1);
        assert!(refused.contains(&position), "{refused}");
    }
}

#[test]
fn what_is_known_to_have_been_there_is_damage_when_it_is_lost() {
    let made = journal(&[0]);
    made.lose(0);
    let beginning = Index::beginning(&made.journal.heading, (0, 0));
    let lost = scan(&made.journal, beginning, 1);
    assert!(matches!(lost, Err(Flaw::Damage(_))), "{lost:?}");
}

#[test]
fn an_undamaged_journal_has_no_torn_tail() {
    let made = journal(&[0, 1, 2, 3]);
    let scanned = made.scan().unwrap();
    assert!(scanned.torn.is_none());
    assert_eq!(scanned.index.end.position, 4);
    assert_eq!(scanned.index.end.offset, made.frames[3].end());
    assert_eq!(scanned.index.frames.len(), 4);
}

/// A large frame is found whole although it does not fit the reading window at once.
#[test]
fn frames_across_reading_windows_are_found() {
    let made = journal(&[0]);
    let last = &made.frames[0];
    let mut draft = Draft::new(2, made.after);
    for position in 2..60_000 {
        put(&mut draft, position);
    }
    let frame = draft.seal(last.end(), 1, &made.journal.key);
    assert!(frame.length > 8 * 1024 * 1024);
    let written = made.journal.append(draft.sealed(), last.end(), last.end());
    written.unwrap();
    assert_eq!(made.scan().unwrap().index.end.position, 59_999);
}
