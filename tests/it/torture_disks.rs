//! Disks that misbehave on purpose.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use switchboard::events::ledger::disk::{Disk, OsDisk};

use crate::torture_kit::Dice;

/// Says that everything is on the device, and asks nobody: what a campaign about lost power must
/// find out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SyncsNothing;

impl Disk for SyncsNothing {
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        OsDisk.write(file, bytes, offset)
    }

    fn sync(&self, _file: &File) -> io::Result<()> {
        Ok(())
    }

    fn reserve(&self, file: &File, from: u64, length: u64) -> io::Result<()> {
        OsDisk.reserve(file, from, length)
    }

    fn free(&self, folder: &Path) -> io::Result<u64> {
        OsDisk.free(folder)
    }
}

/// Takes its time at random, so that threads meet in ever new orders. Its syncs are counted, and
/// cost nothing but that time.
#[derive(Debug)]
pub(crate) struct Dawdles {
    dice: AtomicU64,
    longest: Duration,
    pub(crate) syncs: AtomicU64,
}

impl Dawdles {
    pub(crate) fn new(seed: u64, longest: Duration) -> Self {
        Self {
            dice: AtomicU64::new(seed),
            longest,
            syncs: AtomicU64::new(0),
        }
    }

    fn dawdle(&self) {
        let mut dice = Dice::new(self.dice.fetch_add(1, Ordering::SeqCst));
        match dice.below(4) {
            0 => {}
            1 => std::thread::yield_now(),
            _ => {
                let longest = u64::try_from(self.longest.as_nanos()).unwrap();
                std::thread::sleep(Duration::from_nanos(dice.below(longest)));
            }
        }
    }
}

impl Disk for Dawdles {
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.dawdle();
        OsDisk.write(file, bytes, offset)
    }

    fn sync(&self, _file: &File) -> io::Result<()> {
        self.dawdle();
        self.syncs.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn reserve(&self, file: &File, from: u64, length: u64) -> io::Result<()> {
        self.dawdle();
        OsDisk.reserve(file, from, length)
    }

    fn free(&self, folder: &Path) -> io::Result<u64> {
        OsDisk.free(folder)
    }
}
