//! Event ids are found by their time, and those that do not tell it all the same.

use uuid::Uuid;

use crate::events::ledger::closed::sought::Printer;

use super::kit::{Dice, close, events, heading};

fn printer() -> Printer {
    Printer::new(heading(1).ledger, heading(1).timeline)
}

#[test]
fn ids_are_found_when_the_clock_stood_still_stepped_back_or_was_somebody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let mut written = events(1, 3000, 21);
    let mut dice = Dice(22);
    let start = written[0].recorded_at;
    for (event, at) in written.iter_mut().zip(start..) {
        // A microsecond each, a thousand in a millisecond, while the clock stands an hour behind.
        event.recorded_at = at;
        event.clock = start - 3_600_000_000;
        event.id = match event.position % 10 {
            // Made elsewhere: another time, no time, or a time near to the right one.
            0 => dice.v7(start / 1000 - 86_400_000),
            1 => dice.v4(),
            2 => dice.v7(at / 1000 + 1),
            3 => dice.v7(event.clock / 1000),
            _ => dice.v7(at / 1000),
        };
    }
    let (closed, cache) = close(folder.path(), &written);
    for event in &written {
        let found = closed.find(event.id, &printer().id(event.id)).unwrap();
        assert_eq!(found, Some(event.position));
    }
    assert_eq!(closed.summary().strangers, 1200);
    let before = cache.statistics().misses;
    for _ in 0..300 {
        for id in [dice.v4(), dice.v7(1), dice.v7(start / 1000 - 86_400_000)] {
            assert_eq!(closed.find(id, &printer().id(id)).unwrap(), None);
        }
    }
    // Twelve bits of filter for each: a few in a hundred at most are looked for in the index.
    assert!(cache.statistics().misses - before < 100);
    let here = dice.v7(start / 1000);
    assert_eq!(closed.find(here, &printer().id(here)).unwrap(), None);
    let nil = Uuid::nil();
    assert_eq!(closed.find(nil, &printer().id(nil)).unwrap(), None);
}

#[test]
fn a_command_made_long_before_it_was_carried_out_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut written = events(1, 600, 23);
    let mut dice = Dice(24);
    let now = written[0].recorded_at / 1000;
    let ages = [0, 1, 3_599_000, 3_601_000, 86_400_000, 1 << 40];
    for (event, age) in written.iter_mut().zip(ages.iter().cycle()) {
        (event.place, event.of) = (0, 1);
        event.command = match event.position % 3 {
            0 => dice.v7(now - age),
            1 => dice.v7(now + age),
            _ => dice.v4(),
        };
    }
    let (closed, _) = close(folder.path(), &written);
    for event in &written {
        let found = closed.command_candidates(&printer().id(event.command));
        assert_eq!(found.unwrap(), [event.position]);
    }
    let new: usize = (0..2000)
        .map(|_| dice.v7(now + 7_200_000))
        .map(|id| closed.command_candidates(&printer().id(id)).unwrap().len())
        .sum();
    assert_eq!(new, 0);
}

#[test]
fn one_command_in_several_commits_gives_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut written = events(1, 300, 25);
    for event in &mut written {
        (event.place, event.of) = (0, 1);
        event.command = Uuid::from_u128(5);
    }
    let (closed, _) = close(folder.path(), &written);
    let found = closed.command_candidates(&printer().id(Uuid::from_u128(5)));
    assert_eq!(found.unwrap(), (1..=300).collect::<Vec<u64>>());
}
