//! Harm for drills: flips bytes in a ledger's journals, in a folder that was made for it.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Flips a byte in the middle of what every journal of the store holds.
pub fn flip_journals(store: &Path) -> io::Result<()> {
    for entry in fs::read_dir(store.join("journal"))? {
        let path = entry?.path();
        if path.extension().is_none_or(|it| it != "journal") {
            continue;
        }
        let bytes = fs::read(&path)?;
        let used = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0);
        // Behind the header, which has a block of its own.
        let at = used.saturating_add(4096) / 2;
        let flipped = bytes.get(at).map_or(1, |byte| byte ^ 0xff);
        let file = OpenOptions::new().write(true).open(&path)?;
        file.write_all_at(&[flipped], u64::try_from(at).unwrap_or(0))?;
        file.sync_all()?;
    }
    Ok(())
}
