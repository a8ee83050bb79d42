//! Bytes that somebody made on purpose: right checksums around anything. Reading them never panics,
//! and never allocates more than there is to read.

use std::hint::black_box;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::tempdir;
use uuid::Uuid;

use super::bytes::{len64, size};
use super::disk::OsDisk;
use super::frame::{Draft, Frame, next_offset, search};
use super::index::Index;
use super::journal::{HEADER, Heading, Journal};
use super::layout::{FIRST_EPOCH, Layout, make_folder};
use super::record::{Hash, Kept, Record};
use super::scan::{self, Flaw};
use super::witness::Testimony;

fn heading() -> Heading {
    Heading {
        ledger: Uuid::from_u128(1),
        timeline: Uuid::from_u128(2),
        first: FIRST_EPOCH,
        before: Hash::default(),
    }
}

/// Three events, one of them a blob, as the writer would write them.
fn golden(first: u64) -> Vec<u8> {
    let mut draft = Draft::new(first, Hash::default());
    for position in first..first + 3 {
        let body = [7; 60];
        draft.push(&Record {
            position,
            recorded_at: position,
            clock: position,
            id: Uuid::from_u128(position.into()),
            version: position - first,
            previous: 0,
            kind: 900,
            place: 0,
            of: 1,
            key: 0,
            correlation: Uuid::nil(),
            causation: (position % 2 == 0).then_some(Uuid::nil()),
            command: Uuid::from_u128(position.into()),
            actor: "operator",
            stream: "note/a",
            body_len: 60,
            payload_hash: *blake3::hash(&body).as_bytes(),
            kept: if position % 3 == 0 {
                Kept::Blob
            } else {
                Kept::Inline(&body)
            },
        });
    }
    let sealed = draft.seal(HEADER, 0, &heading().key());
    draft.sealed()[..size(sealed.length)].to_vec()
}

/// The frame with its length and checksum made right again.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len().saturating_sub(32));
    bytes.resize(bytes.len().max(104), 0);
    let length = u32::try_from(bytes.len() + 32).unwrap();
    bytes[..4].copy_from_slice(b"SWfr");
    bytes[4..8].copy_from_slice(&length.to_le_bytes());
    let checksum = blake3::keyed_hash(&heading().key(), &bytes);
    bytes.extend_from_slice(checksum.as_bytes());
    bytes
}

/// What is done to golden bytes.
#[derive(Clone, Debug)]
enum Mutation {
    Byte(prop::sample::Index, u8),
    /// The largest numbers there are, where a length may stand.
    Huge(prop::sample::Index, u8),
    CutOut(prop::sample::Index, usize),
    Insert(prop::sample::Index, Vec<u8>),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        3 => (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
        2 => (at(), 1_u8..=8).prop_map(|(at, width)| Mutation::Huge(at, width)),
        1 => (at(), 1_usize..40).prop_map(|(at, len)| Mutation::CutOut(at, len)),
        1 => (at(), vec(any::<u8>(), 1..40)).prop_map(|(at, more)| Mutation::Insert(at, more)),
    ]
}

fn mutated(mut bytes: Vec<u8>, mutations: &[Mutation]) -> Vec<u8> {
    for mutation in mutations {
        if bytes.is_empty() {
            break;
        }
        match mutation {
            Mutation::Byte(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Mutation::Huge(at, width) => {
                let at = at.index(bytes.len());
                let end = bytes.len().min(at + usize::from(*width));
                bytes[at..end].fill(0xFF);
            }
            Mutation::CutOut(at, len) => {
                let at = at.index(bytes.len());
                let end = bytes.len().min(at + len);
                drop(bytes.drain(at..end));
            }
            Mutation::Insert(at, more) => {
                let at = at.index(bytes.len());
                drop(bytes.splice(at..at, more.iter().copied()));
            }
        }
    }
    bytes
}

/// Reads a frame as opening and verifying do.
fn read(bytes: &[u8]) {
    let Ok(frame) = Frame::read(bytes, None, &heading().key()) else {
        return;
    };
    let mut records = 0;
    for (record, header) in frame.records().flatten() {
        records += 1;
        assert!(header.len() <= bytes.len());
        if let Kept::Inline(body) = record.kept {
            assert!(body.len() <= bytes.len());
            drop(record.event(body));
        }
    }
    // A record takes bytes, whatever the frame's count says.
    assert!(records <= bytes.len() / 100, "{records}");
    black_box(Index::default().add(&frame)).unwrap_or_default();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn anything_under_a_right_checksum_is_read_without_panic(bytes in vec(any::<u8>(), 0..2000)) {
        read(&sealed(bytes));
    }

    #[test]
    fn mutated_frames_under_a_right_checksum_are_read_without_panic(
        mutations in vec(mutation(), 1..6),
    ) {
        read(&sealed(mutated(golden(1), &mutations)));
        let bytes = mutated(golden(1), &mutations);
        read(&bytes);
        let found = search(&bytes, HEADER, HEADER, &heading().key());
        prop_assert!(found.is_none_or(|found| found.bytes.len() <= bytes.len()));
    }

    #[test]
    fn mutated_witnesses_and_headings_are_read_without_panic(
        slot in vec(any::<u8>(), 0..200),
        mutations in vec(mutation(), 1..6),
    ) {
        black_box(Testimony::decode(&slot));
        let mut right = mutated(slot, &mutations);
        right.resize(88, 1);
        right[..8].copy_from_slice(b"SWwtns01");
        let checksum = blake3::hash(&right);
        right.extend_from_slice(checksum.as_bytes());
        prop_assert!(Testimony::decode(&right).is_some());
        let mut header = mutated(heading().encode(), &mutations);
        black_box(Heading::decode(&header));
        header.resize(112, 0);
        let checksum = blake3::hash(&header[..80]);
        header[80..112].copy_from_slice(checksum.as_bytes());
        black_box(Heading::decode(&header));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// A journal of frames that are each whole by their checksum: read, or named as corrupt.
    #[test]
    fn a_journal_of_hostile_frames_is_read_or_named(
        frames in vec(vec(mutation(), 0..3), 1..6),
    ) {
        let dir = tempdir().unwrap();
        let layout = Layout::new(dir.path());
        make_folder(&layout.journals()).unwrap();
        let path = layout.journal(FIRST_EPOCH);
        let journal = Journal::create(&path, heading(), Arc::new(OsDisk)).unwrap();
        let mut offset = HEADER;
        let mut written: Vec<u8> = Vec::new();
        for (number, mutations) in (0_u64..).zip(&frames) {
            let mut bytes = mutated(golden(1 + number * 3), mutations);
            bytes.resize(bytes.len().max(136), 0);
            // At its own place, so that its number alone does not give it away.
            bytes[8..16].copy_from_slice(&offset.to_le_bytes());
            let bytes = sealed(bytes);
            offset = next_offset(offset, len64(bytes.len()));
            written.extend_from_slice(&bytes);
            written.resize(size(offset - HEADER), 0);
        }
        journal.append(&written, HEADER, HEADER).unwrap();
        match scan::scan(&journal, Index::beginning(&journal.heading, (0, 0)), 0) {
            Ok(_) | Err(Flaw::Damage(_) | Flaw::Strange(_)) => {}
            Err(other @ Flaw::Io(_)) => prop_assert!(false, "{:?}", other),
        }
    }
}
