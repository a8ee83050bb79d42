//! Campaign: facts decoded from mutated golden bytes and from anything. No panic, and no memory to
//! speak of: what a hostile length claims is not believed.
#![expect(
    clippy::cast_possible_truncation,
    reason = "numbers of a test, far from any limit"
)]

use std::path::Path;
use std::process::{Command, Stdio};

use switchboard::events::kind::Fact;

use crate::torture_kit::{Dice, figure, seed, times};

/// What decoding may take beside the golden bytes: the largest body twice, and the allocator's air.
const MEMORY_MAX: u64 = 16 * 1024 * 1024;

/// Every kind's golden bytes.
fn golden() -> Vec<(u16, Vec<u8>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/kinds.hex");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let bytes = (0..words[2].len() / 2)
                .map(|at| u8::from_str_radix(&words[2][at * 2..at * 2 + 2], 16).unwrap())
                .collect();
            (words[0].parse().unwrap(), bytes)
        })
        .collect()
}

fn mutate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..=dice.below(4) {
        if bytes.is_empty() {
            bytes.push(dice.next() as u8);
        }
        let at = dice.below(bytes.len() as u64) as usize;
        match dice.below(6) {
            0 => bytes[at] = dice.next() as u8,
            1 => bytes[at] ^= 1 << dice.below(8),
            // bincode's marks of wide integers, then the largest: a length nobody has.
            2 => {
                bytes[at] = 0xFB + dice.below(4) as u8;
                let end = bytes.len().min(at + 9);
                bytes[at + 1..end].fill(0xFF);
            }
            3 => bytes.truncate(at),
            4 => bytes.insert(at, dice.next() as u8),
            _ => {
                let piece = bytes[at..].to_vec();
                bytes.extend_from_slice(&piece[..piece.len().min(64)]);
            }
        }
    }
}

/// The most memory this process ever asked for, in bytes.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmPeak:"));
    let kib: u64 = line
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    kib * 1024
}

/// Not a test by itself: alone in a process, so that its memory is nobody else's.
#[test]
#[ignore = "a child of hostile_facts_neither_panic_nor_take_memory"]
fn child_decodes_hostile_facts() {
    let golden = golden();
    let mut dice = Dice::new(seed());
    for (kind, bytes) in &golden {
        Fact::decode(*kind, bytes).unwrap();
    }
    let before = most_memory();
    let (mut decoded, mut refused) = (0_usize, 0_usize);
    for _ in 0..times("DECODERS", 50_000) {
        let (kind, bytes) = &golden[dice.below(golden.len() as u64) as usize];
        let mut bytes = bytes.clone();
        if dice.below(10) == 0 {
            bytes = (0..dice.below(300)).map(|_| dice.next() as u8).collect();
        }
        mutate(&mut bytes, &mut dice);
        match Fact::decode(*kind, &bytes) {
            Ok(fact) => {
                decoded += 1;
                // What was understood can be shown and written down again.
                assert!(!fact.name().is_empty());
                drop(fact.to_json());
                fact.encode().unwrap();
            }
            Err(error) => {
                refused += 1;
                assert!(!error.to_string().is_empty());
            }
        }
    }
    let taken = most_memory() - before;
    figure("decoders", "facts decoded", decoded);
    figure("decoders", "refused", refused);
    figure("decoders", "memory taken, KiB", taken / 1024);
    assert!(taken < MEMORY_MAX, "{taken} bytes");
    assert!(decoded > 100 && refused > 100);
}

/// A length in stored bytes was allocated before it was compared with what is there (bincode #764).
/// Guard: a limit in the codec.
#[test]
fn hostile_facts_neither_panic_nor_take_memory() {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "torture_decoders::child_decodes_hostile_facts"])
        .args(["--ignored", "--nocapture"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&child.stdout);
    print!("{out}");
    let errors = String::from_utf8_lossy(&child.stderr);
    assert!(
        child.status.success() && out.contains("1 passed"),
        "{out}{errors}"
    );
}
