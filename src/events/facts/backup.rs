//! What happens around backups.

use super::words::worded;

worded! {
    /// What a backup adds.
    Kind, "a kind of backup" {
        /// Everything; shares only whole segments with others.
        Full = "full",
        /// What came since the last backup.
        Incremental = "incremental",
        /// What came since the last full one.
        Differential = "differential",
        /// Nothing: it gives a position a name.
        Label = "label",
    }
}
