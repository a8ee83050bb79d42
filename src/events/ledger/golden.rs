//! Golden bytes of the ledger's own encodings (`tests/golden/ledger.hex`), and reading of bytes
//! that are nothing of the kind.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use uuid::Uuid;

use super::bytes::{Reader, size};
use super::frame::{Draft, Fault, Frame, search};
use super::journal::{HEADER, Heading};
use super::record::{Hash, Kept, Record, chained};
use super::witness::Testimony;

fn record<'a>(position: u64, kept: Kept<'a>, body: &[u8]) -> Record<'a> {
    Record {
        position,
        recorded_at: 1_738_324_800_000_000 + position,
        clock: 1_738_324_799_000_000,
        id: Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0000 + u128::from(position)),
        version: 3,
        previous: position - 1,
        kind: 900,
        place: u16::try_from(position % 2).unwrap(),
        of: 2,
        key: 0,
        correlation: Uuid::from_u128(0xC0),
        causation: position.is_multiple_of(2).then_some(Uuid::from_u128(0xCA)),
        command: Uuid::from_u128(0xCC),
        actor: "operator",
        stream: "note/plan",
        body_len: u32::try_from(body.len()).unwrap(),
        payload_hash: *blake3::hash(body).as_bytes(),
        kept,
    }
}

fn heading() -> Heading {
    Heading {
        ledger: Uuid::from_u128(7),
        timeline: Uuid::from_u128(8),
        first: 1,
        before: Hash::default(),
    }
}

fn frame() -> Vec<u8> {
    let mut draft = Draft::new(41, [0xAA; 32]);
    draft.push(&record(41, Kept::Inline(b"body"), b"body"));
    draft.push(&record(42, Kept::Blob, &[7; 5000]));
    let sealed = draft.seal(HEADER, 40, &heading().key());
    draft.sealed()[..size(sealed.length)].to_vec()
}

fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let mut header = Vec::new();
    record(42, Kept::Blob, b"x").put_header(&mut header);
    let mut journal = heading().encode();
    journal.truncate(112);
    let mut witness = Testimony {
        number: 5,
        position: 42,
        chain: [0xBB; 32],
        files: Some([0xCC; 32]),
    }
    .encode();
    witness.truncate(120);
    vec![
        ("event-header", header),
        ("frame", frame()),
        ("journal-header", journal),
        ("witness-slot", witness),
    ]
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/ledger.hex")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a developer asks for new golden bytes through the environment"
)]
fn the_ledgers_own_encodings_have_their_golden_bytes() {
    let stored = std::fs::read_to_string(file()).unwrap_or_default();
    let mut lines: Vec<String> = stored.lines().map(str::to_owned).collect();
    let bless = std::env::var("SWITCHBOARD_BLESS").is_ok();
    for (name, bytes) in samples() {
        let line = format!("{name} {}", hex(&bytes));
        let known = lines
            .iter()
            .find(|line| line.split(' ').next() == Some(name));
        match known {
            Some(known) => assert_eq!(*known, line, "{name} is frozen: make a new format"),
            None if bless => lines.push(line),
            None => panic!("{name} has no golden bytes; SWITCHBOARD_BLESS=1 writes them, once"),
        }
    }
    if bless {
        std::fs::write(file(), lines.join("\n") + "\n").unwrap();
    }
}

#[test]
fn a_frame_gives_back_what_was_put_in() {
    let sealed = frame();
    let key = heading().key();
    let frame = Frame::read(&sealed, Some(HEADER), &key).unwrap();
    assert_eq!((frame.first, frame.last(), frame.synced), (41, 42, 40));
    let body = [7; 5000];
    let records: Vec<_> = frame.records().map(Result::unwrap).collect();
    assert_eq!(records[0].0, record(41, Kept::Inline(b"body"), b"body"));
    assert_eq!(records[1].0, record(42, Kept::Blob, &body));
    let chain = records
        .iter()
        .fold(frame.before, |chain, (record, header)| {
            chained(&chain, header, &record.payload_hash)
        });
    assert_eq!(chain, frame.after);
}

#[test]
fn a_frame_fits_only_its_own_place_and_journal() {
    let sealed = frame();
    let key = heading().key();
    let read = |offset, key: &Hash| Frame::read(&sealed, offset, key).map(|_| ());
    assert_eq!(read(None, &key), Ok(()));
    assert_eq!(read(Some(HEADER + 8), &key), Err(Fault::Misplaced));
    let other = Heading {
        timeline: Uuid::from_u128(9),
        ..heading()
    };
    assert_eq!(read(Some(HEADER), &other.key()), Err(Fault::Checksum));
}

#[test]
fn every_flipped_bit_of_a_frame_is_seen() {
    let sealed = frame();
    let key = heading().key();
    for at in 0..sealed.len() * 8 {
        let mut bytes = sealed.clone();
        bytes[at / 8] ^= 1 << (at % 8);
        assert!(Frame::read(&bytes, Some(HEADER), &key).is_err(), "bit {at}");
    }
    for len in 0..sealed.len() {
        assert!(
            Frame::read(&sealed[..len], Some(HEADER), &key).is_err(),
            "{len}"
        );
    }
}

#[test]
fn the_next_whole_frame_is_found_behind_damage() {
    let sealed = frame();
    let key = heading().key();
    let mut bytes = vec![0x53; 4096 - 2048];
    bytes.extend_from_slice(&sealed);
    let found = search(&bytes, 2048, 2048, &key).unwrap();
    assert_eq!((found.offset, found.first), (4096, 41));
    assert!(search(&bytes, 2048, 4104, &key).is_none());
}

proptest! {
    #[test]
    fn reading_any_bytes_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let key = heading().key();
        prop_assert!(Frame::read(&bytes, None, &key).is_err());
        let mut claimed = b"SWfr".to_vec();
        claimed.extend_from_slice(&bytes);
        prop_assert!(Frame::read(&claimed, None, &key).is_err());
        if let Ok(frame) = Frame::again(&claimed) {
            prop_assert!(frame.records().take(1000).count() <= 1000);
        }
        let _damaged = Record::read(&mut Reader(&bytes));
        prop_assert_eq!(Heading::decode(&bytes), None);
    }

    #[test]
    fn reading_a_damaged_record_never_panics(at in any::<proptest::sample::Index>(), byte: u8) {
        let mut bytes = Vec::new();
        record(41, Kept::Inline(b"body"), b"body").put(&mut bytes, &Hash::default());
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok((record, _)) = Record::read(&mut Reader(&bytes)) {
            drop(record.event(b"body"));
        }
    }
}
