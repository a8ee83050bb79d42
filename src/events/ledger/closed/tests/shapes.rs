//! Records and frames of every shape.

use proptest::prelude::*;
use uuid::Uuid;

use super::kit::{Event, close_frames, events};

fn shape() -> impl Strategy<Value = Event> {
    let ids = (any::<u128>(), any::<u128>(), any::<u128>());
    let numbers = (any::<u64>(), any::<u64>(), any::<u64>(), 1..u64::MAX / 8192);
    let names = ("[a-z]{0,8}", "[a-z/ü]{1,120}");
    let body = proptest::collection::vec(any::<u8>(), 0..400);
    let flags = (any::<u16>(), any::<u32>(), any::<u16>(), any::<[bool; 3]>());
    (ids, numbers, names, body, flags).prop_map(|(ids, numbers, names, body, flags)| Event {
        position: 0,
        recorded_at: numbers.3,
        clock: numbers.0,
        id: Uuid::from_u128(ids.0),
        version: numbers.1,
        previous: numbers.2.max(100_000),
        kind: flags.0,
        key: flags.1,
        actor: names.0,
        place: flags.2,
        of: flags.2.wrapping_mul(3),
        correlation: Uuid::from_u128(ids.1),
        causation: flags.3[0].then_some(Uuid::from_u128(ids.2)),
        command: Uuid::from_u128(ids.2),
        stream: names.1,
        body,
        blob: flags.3[1],
        hash: flags.3[2].then_some([7; 32]),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn records_of_every_shape_come_back(
        mut written in proptest::collection::vec(shape(), 1..300),
        first in 1_u64..1000,
        per_frame in 1_usize..200,
    ) {
        let mut now = 0;
        for (event, position) in written.iter_mut().zip(first..) {
            event.position = position;
            now += event.recorded_at;
            event.recorded_at = now;
        }
        let folder = tempfile::tempdir().unwrap();
        let (closed, _) = close_frames(folder.path(), &written, per_frame);
        for event in &written {
            let page = closed.page(event.position).unwrap().unwrap();
            let (record, header) = page.record(event.position).unwrap();
            prop_assert_eq!(record, event.record());
            let mut expected = Vec::new();
            event.record().put_header(&mut expected);
            prop_assert_eq!(header, &*expected);
        }
    }
}

#[test]
fn a_frame_of_many_megabytes_is_closed_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut written = events(1, 4096, 31);
    for event in &mut written {
        event.blob = false;
        event.hash = None;
        event.body = blake3::hash(&event.position.to_le_bytes())
            .as_bytes()
            .repeat(128);
    }
    let (closed, cache) = close_frames(folder.path(), &written, 4096);
    assert!(closed.summary().raw_bytes > 16 * 1024 * 1024);
    for event in written.iter().step_by(101) {
        let page = closed.page(event.position).unwrap().unwrap();
        assert_eq!(page.record(event.position).unwrap().0, event.record());
    }
    assert!(cache.statistics().bytes <= 1024 * 1024);
}
