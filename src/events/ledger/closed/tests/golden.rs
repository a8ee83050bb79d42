//! Golden bytes of closed epochs (`tests/golden/closed.hex`). What zstd packed is compared by
//! what it unpacks to: another zstd may pack it otherwise, and must read it for ever.

use std::fmt::Write as _;
use std::path::Path;

use crate::events::ledger::bytes::Reader;
use crate::events::ledger::closed::bloom::Filter;
use crate::events::ledger::closed::footer::{Streams, stream_blocks, word_blocks};
use crate::events::ledger::closed::leaf::{Keys, Kind, Leaf, Places};
use crate::events::ledger::closed::page::{Draft, Page};
use crate::events::ledger::closed::seal::{Seal, Summary};
use crate::events::ledger::closed::sought::Printer;
use crate::events::ledger::closed::zipped::Zipper;
use crate::events::ledger::index::StreamHead;

use super::kit::{Event, events, heading};

fn written() -> Vec<Event> {
    let mut written = events(126, 6, 51);
    written[1].blob = true;
    written[2].hash = Some([9; 32]);
    written.truncate(3);
    written
}

fn page() -> Draft {
    let mut draft = Draft::new(126, [0xAB; 32]);
    for event in &written() {
        draft.push(&event.record(), [0xCD; 32]).unwrap();
    }
    draft
}

fn streams() -> [(&'static str, StreamHead); 2] {
    let head = |version, position| StreamHead { version, position };
    [("agent/one", head(300, 128)), ("note/two", head(0, 127))]
}

fn seal() -> Seal {
    let printer = Printer::new(heading(126).ledger, heading(126).timeline);
    let ids: Vec<_> = written().iter().map(|e| printer.id(e.command)).collect();
    let millis = written()[0].recorded_at / 1000;
    let places = |length| {
        let mut places = Places::default();
        places.push(length);
        for part in 0..u16::try_from(length.div_ceil(6126)).unwrap() {
            places.place(0, part, 4096 + u32::from(part));
        }
        places
    };
    Seal {
        summary: Summary {
            heading: heading(126),
            last: 128,
            after: [0xCD; 32],
            first_at: 1_790_000_000_000_001,
            last_at: 1_790_000_000_000_003,
            clock: 1_790_000_000_000_002,
            raw_bytes: 1500,
            stored_bytes: 524_288,
            streams: 2,
            commands: 3,
            strangers: 0,
            files: [0xEF; 32],
        },
        page_times: vec![1_790_000_000_000_001],
        pages: places(7000),
        streams: places(60),
        stream_tops: vec!["agent/one".into()],
        stream_filter: Filter::default(),
        commands: places(56),
        command_tops: vec![1 << 60],
        command_filter: Filter::of(&ids, millis, millis + 1),
        strangers: Places::default(),
        stranger_tops: Vec::new(),
        stranger_filter: Filter::default(),
    }
}

fn leaf() -> Vec<u8> {
    let keys = Keys::new(&heading(126).encode());
    let leaf = Leaf {
        kind: Kind::Commands,
        number: 3,
    };
    let closed = keys.close(leaf, b"content".to_vec());
    assert_eq!(keys.open(leaf, &closed), Some(&b"content"[..]));
    keys.parts(leaf, &closed).concat()
}

fn words() -> Vec<u8> {
    word_blocks(&mut [3 << 24 | 7, 1 << 24 | 9]).1.concat()
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2)
        .map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap())
        .collect()
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a developer asks for new golden bytes through the environment"
)]
fn closed_epochs_have_their_golden_bytes() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/closed.hex");
    let mut zipper = Zipper::new().unwrap();
    let packed_streams = stream_blocks(streams().into_iter(), &mut zipper).unwrap().1;
    let samples = [
        ("leaf", leaf()),
        ("words", words()),
        ("seal", seal().encode()),
        ("page", page().seal(&mut zipper).unwrap()),
        ("streams", packed_streams.concat()),
    ];
    if std::env::var("SWITCHBOARD_BLESS").is_ok() && !file.exists() {
        let lines = samples.iter().map(|(name, bytes)| {
            let mut line = format!("{name} ");
            for byte in bytes {
                write!(line, "{byte:02x}").unwrap();
            }
            line
        });
        let lines: Vec<String> = lines.collect();
        std::fs::write(&file, lines.join("\n") + "\n").unwrap();
    }
    let stored = std::fs::read_to_string(&file).unwrap();
    for (line, (name, made)) in stored.lines().zip(samples) {
        let (known, hex) = line.split_once(' ').unwrap();
        assert_eq!(known, name);
        let bytes = unhex(hex);
        match name {
            "page" => {
                let page = Page::read(&bytes).unwrap();
                assert_eq!(page, Page::read(&made).unwrap());
                for event in written() {
                    assert_eq!(page.record(event.position).unwrap().0, event.record());
                }
            }
            "streams" => {
                let found = Streams::read(&bytes).unwrap();
                assert!(found.iter().eq(streams()));
                for (name, head) in streams() {
                    assert_eq!(found.find(name), Some(head));
                    assert_eq!(found.find(&format!("{name}~")), None);
                }
                assert_eq!(found.find(""), None);
            }
            _ => assert_eq!(bytes, made, "{name} is frozen: make a new format"),
        }
    }
    assert_eq!(stored.lines().count(), 5);
    assert_eq!(Seal::decode(&seal().encode()), Some(seal()));
    let mut filter = Vec::new();
    seal().command_filter.put(&mut filter);
    assert_eq!(
        Filter::read(&mut Reader(&filter)).unwrap(),
        seal().command_filter
    );
}
