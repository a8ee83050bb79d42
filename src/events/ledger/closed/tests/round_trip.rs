//! What is closed reads as it was written.

use std::collections::BTreeMap;

use crate::events::ledger::closed::sought::Printer;
use crate::events::ledger::record::chained;

use super::kit::{close, events, heading};

#[test]
fn a_closed_epoch_gives_back_every_record_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let written = events(1001, 3000, 1);
    let (closed, _) = close(folder.path(), &written);
    let mut chain = heading(1001).before;
    assert_eq!(closed.chain_at(1000).unwrap(), Some(chain));
    for event in &written {
        let page = closed.page(event.position).unwrap().unwrap();
        let (record, header) = page.record(event.position).unwrap();
        assert_eq!(record, event.record());
        let mut expected = Vec::new();
        event.record().put_header(&mut expected);
        assert_eq!(header, expected);
        chain = chained(&chain, header, &record.payload_hash);
        if event.position.is_multiple_of(97) {
            assert_eq!(closed.chain_at(event.position).unwrap(), Some(chain));
        }
    }
    assert_eq!(closed.summary().after, chain);
    assert!(closed.page(1000).unwrap().is_none());
    assert!(closed.page(4001).unwrap().is_none());
    let mut seen = 0;
    closed.verify(&mut |_| seen += 1, &mut |damage| panic!("{damage:?}"));
    assert_eq!(seen, 3000);
}

#[test]
fn a_closed_epoch_answers_like_the_events_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let written = events(1, 4000, 2);
    let (closed, _) = close(folder.path(), &written);
    let printer = Printer::new(heading(1).ledger, heading(1).timeline);
    let mut heads = BTreeMap::new();
    for event in &written {
        heads.insert(event.stream.as_str(), (event.version, event.position));
        assert_eq!(
            closed.find(event.id, &printer.id(event.id)).unwrap(),
            Some(event.position)
        );
        if event.place == 0 {
            let found = closed
                .command_candidates(&printer.id(event.command))
                .unwrap();
            assert!(found.contains(&event.position));
        }
        let at = |micros| closed.position_at(micros).unwrap();
        assert_eq!(at(event.recorded_at), Some(event.position));
        let before = (event.position > 1).then(|| event.position - 1);
        assert_eq!(at(event.recorded_at - 1), before);
    }
    for (name, head) in &heads {
        let found = closed.stream(name, &printer.stream(name)).unwrap().unwrap();
        assert_eq!((found.version, found.position), *head);
    }
    for prefix in ["", "message/", "note/1", "agent/", "zzz", "message/0"] {
        let found: Vec<_> = closed.streams(prefix).map(|e| e.unwrap()).collect();
        let expected: Vec<_> = heads
            .iter()
            .filter(|(name, _)| name.starts_with(prefix))
            .collect();
        assert_eq!(found.len(), expected.len(), "{prefix}");
        for ((name, head), (other, known)) in found.iter().zip(expected) {
            assert_eq!((&**name, (head.version, head.position)), (*other, *known));
        }
    }
}
