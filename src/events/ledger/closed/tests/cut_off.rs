//! Closing that is cut off leaves no seal, and is begun again.

use crate::events::ledger::closed::reading::Fault;
use crate::events::ledger::closed::seal::Seal;
use crate::events::ledger::closed::sealing::{SealError, Sealing, Step, seal};
use crate::events::ledger::frame::Frame;

use super::kit::{close, events, frames, heading, open, target};

#[test]
fn a_closing_stopped_at_any_step_leaves_no_seal_and_is_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    let written = events(1, 1200, 4);
    let heading = heading(1);
    let (frames, _) = frames(&heading, &written, 12);
    let target = target(folder.path(), 1);
    let mut reached = Vec::new();
    let mut stop_at = 0;
    loop {
        let mut steps = 0;
        let mut pace = |step: Step| {
            assert!(!target.seal.exists(), "sealed before {step:?}");
            reached.push(step);
            steps += 1;
            steps <= stop_at
        };
        match seal(&target, heading, frames.iter().map(Ok), &mut pace) {
            Err(SealError::Stopped) => {
                assert!(!target.seal.exists());
                assert!(matches!(open(folder.path(), 1), Err(Fault::NoSeal)));
            }
            sealed => {
                sealed.unwrap();
                break;
            }
        }
        // The values are compared one by one; stopping at every fifth of them will do.
        let comparing = reached.last() == Some(&Step::Compared);
        stop_at += if comparing { 5 } else { 1 };
    }
    for step in [Step::Packed, Step::Written, Step::Compared, Step::Hashing] {
        assert!(reached.contains(&step), "{step:?} was never reached");
    }
    let mut pace = |step: Step| step != Step::Hashing;
    let stopped = seal(&target, heading, frames.iter().map(Ok), &mut pace);
    assert!(matches!(stopped, Err(SealError::Stopped)));
    // The seal of before spoke of another folder, so it went first.
    assert!(matches!(open(folder.path(), 1), Err(Fault::NoSeal)));
    let mut pace = |_: Step| true;
    seal(&target, heading, frames.iter().map(Ok), &mut pace).unwrap();
    let (closed, _) = open(folder.path(), 1).unwrap();
    let mut seen = 0;
    closed.verify(&mut |_| seen += 1, &mut |damage| panic!("{damage:?}"));
    assert_eq!(seen, 1200);
}

#[test]
fn what_was_left_behind_is_thrown_away_not_built_upon() {
    let folder = tempfile::tempdir().unwrap();
    let written = events(1, 300, 5);
    let target = target(folder.path(), 1);
    std::fs::create_dir_all(target.folder.join("blobs")).unwrap();
    for name in ["db", "conf", "snap.0000.generating", "blobs/7"] {
        std::fs::File::create(target.folder.join(name)).unwrap();
    }
    let (closed, _) = close(folder.path(), &written);
    assert!(!target.folder.join("snap.0000.generating").exists());
    closed.verify(&mut |_| (), &mut |damage| panic!("{damage:?}"));
}

#[test]
fn a_seal_cut_off_anywhere_is_no_seal() {
    let folder = tempfile::tempdir().unwrap();
    let (closed, _) = close(folder.path(), &events(1, 300, 6));
    let bytes = closed.seal.encode();
    assert_eq!(Seal::decode(&bytes).as_ref(), Some(&closed.seal));
    for length in 0..bytes.len() {
        assert_eq!(Seal::decode(&bytes[..length]), None, "{length}");
    }
}

#[test]
fn frames_that_do_not_follow_each_other_are_not_closed() {
    let written = events(1, 60, 7);
    let heading = heading(1);
    let (good, _) = frames(&heading, &written, 12);
    let mut pace = |_: Step| true;
    let mut sealing = Sealing::begin(heading, &mut pace).unwrap();
    sealing.add(&Frame::again(&good[0]).unwrap()).unwrap();
    let skipped = sealing.add(&Frame::again(&good[2]).unwrap());
    assert!(matches!(skipped, Err(SealError::Chain(25))));
    let mut late = written;
    late[30].recorded_at = late[29].recorded_at;
    let (late, _) = frames(&heading, &late, 12);
    let mut sealing = Sealing::begin(heading, &mut pace).unwrap();
    let added = late
        .iter()
        .try_for_each(|bytes| sealing.add(&Frame::again(bytes).unwrap()));
    assert!(matches!(added, Err(SealError::Time(31))));
    let folder = tempfile::tempdir().unwrap();
    let empty = Sealing::begin(heading, &mut pace)
        .unwrap()
        .finish(&target(folder.path(), 1));
    assert!(matches!(empty, Err(SealError::Size)));
    assert!(!target(folder.path(), 1).seal.exists());
}

#[test]
fn a_seal_of_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    close(folder.path(), &events(1, 200, 8));
    let (one, other) = (target(folder.path(), 1), target(folder.path(), 201));
    std::fs::copy(&one.seal, &other.seal).unwrap();
    assert!(matches!(open(folder.path(), 201), Err(Fault::OtherSeal)));
}
