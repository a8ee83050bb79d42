//! Bytes that are nothing of the kind: no panic, and no memory for what they claim.

use proptest::prelude::*;

use crate::events::ledger::bytes::Reader;
use crate::events::ledger::closed::bloom::Filter;
use crate::events::ledger::closed::columns::{put_varint, split, unzigzag, varint, zigzag};
use crate::events::ledger::closed::footer::{Streams, blocks_of, names, numbers, places_in};
use crate::events::ledger::closed::leaf::Places;
use crate::events::ledger::closed::page::{Draft, Page};
use crate::events::ledger::closed::seal::Seal;
use crate::events::ledger::closed::zipped::{Zipper, unzip};

use super::kit::{close, events};

fn page() -> Vec<u8> {
    let written = events(1, 40, 41);
    let mut draft = Draft::new(1, [0; 32]);
    for event in &written {
        draft.push(&event.record(), [1; 32]).unwrap();
    }
    draft.seal(&mut Zipper::new().unwrap()).unwrap()
}

fn everything(bytes: &[u8]) {
    drop(Page::read(bytes));
    drop(Seal::parse(bytes));
    assert_eq!(Seal::decode(bytes), None);
    if let Some(streams) = Streams::read(bytes) {
        // Names that are out of order are not found, and found are only those that are there.
        let nameless = streams.iter().any(|(name, _)| name.is_empty());
        assert!(streams.find("").is_none() || nameless);
    }
    drop(places_in(bytes, 7));
    drop(names(&mut Reader(bytes)));
    drop(numbers(&mut Reader(bytes)));
    drop(Places::parse(&mut Reader(bytes)));
    drop(Filter::read(&mut Reader(bytes)));
    drop(unzip(&mut Reader(bytes), 1024));
    assert!(split::<11>(bytes).is_none() || bytes.len() >= 44);
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        everything(&bytes);
    }

    #[test]
    fn numbers_come_back(number: u64) {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, number);
        prop_assert!(bytes.len() <= 10);
        prop_assert_eq!(varint(&mut Reader(&bytes)), Some(number));
        prop_assert_eq!(unzigzag(zigzag(number)), number);
        prop_assert_eq!(varint(&mut Reader(&bytes[..bytes.len() - 1])), None);
    }

    #[test]
    fn words_are_looked_for_where_they_are(mut words in proptest::collection::vec(any::<u64>(), 1..3000), few: bool) {
        if few {
            for word in &mut words {
                *word &= 0xFFFF_FF00_0000_00FF | (*word & 3) << 24;
            }
        }
        let sought = words.clone();
        let (tops, blocks) = crate::events::ledger::closed::footer::word_blocks(&mut words);
        for word in sought.iter().take(200) {
            let found = blocks_of(&tops, *word)
                .flat_map(|block| places_in(&blocks[block], *word).unwrap())
                .any(|place| place == *word & 0xFF_FFFF);
            prop_assert!(found);
        }
    }
}

#[test]
fn damaged_pages_and_seals_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    let (closed, _) = close(folder.path(), &events(1, 200, 42));
    let mut seal = closed.seal.encode();
    seal.truncate(seal.len() - 32);
    assert!(Seal::parse(&seal).is_some());
    let page = page();
    assert!(Page::read(&page).is_some());
    for whole in [page, seal] {
        for at in 0..whole.len() {
            for byte in [0, 1, 0x7F, 0xFF] {
                let mut bytes = whole.clone();
                bytes[at] = byte;
                drop(Page::read(&bytes));
                drop(Seal::parse(&bytes));
            }
            drop(Page::read(&whole[..at]));
            drop(Seal::parse(&whole[..at]));
        }
    }
}

#[test]
fn a_section_that_claims_much_gets_no_memory() {
    let mut bomb = Vec::new();
    let zeros = vec![0; 4 * 1024 * 1024];
    Zipper::new().unwrap().put(&mut bomb, &zeros).unwrap();
    assert!(bomb.len() < 4096);
    assert_eq!(unzip(&mut Reader(&bomb), 1024 * 1024), None);
    // It says less than it holds.
    bomb[..4].copy_from_slice(&100_000_u32.to_le_bytes());
    assert_eq!(unzip(&mut Reader(&bomb), 1024 * 1024), None);
    let mut many = u32::MAX.to_le_bytes().to_vec();
    many.extend_from_slice(&[1; 64]);
    assert_eq!(Places::parse(&mut Reader(&many)), None);
}
