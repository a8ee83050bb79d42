//! What backups and restores cannot do, as people and scripts are told.

use serde_json::json;

use super::exit::{Exit, Failure};
use super::failures::told;
use crate::backup::error::BackupError;
use crate::backup::ports::VaultError;
use crate::events::ledger::restoring::RestoreError;

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        let text = told(&error);
        let failure = |exit, code| Self::new(exit, code, text.clone());
        match error {
            BackupError::NoRepository(_) => failure(Exit::NoLedger, "no_repository")
                .hint("`switchboard backup full --repo DIR` makes one"),
            BackupError::NotARepository(..) => {
                failure(Exit::NoLedger, "not_a_repository").hint("--repo names another folder")
            }
            BackupError::TooNew { .. } => failure(Exit::TooNew, "too_new")
                .hint("use the binary that wrote it, or a newer one"),
            BackupError::NeedsKey(_) => failure(Exit::WrongKey, "key_needed")
                .hint("--identity FILE or --passphrase-file FILE opens it"),
            BackupError::WrongKey(_) => failure(Exit::WrongKey, "wrong_key")
                .hint("the repository was changed meanwhile; try again"),
            BackupError::NotEncrypted(_) => failure(Exit::Refused, "not_encrypted").hint(
                "what is there stays in the clear; name a new folder, and it is encrypted from the first \
                 object on",
            ),
            BackupError::Damaged { .. } | BackupError::Nothing { .. } => {
                failure(Exit::Corrupt, "corrupt")
                    .hint("`switchboard backup verify` names all damage and what it kills")
            }
            BackupError::Hole {
                until, until_at, ..
            } => failure(Exit::Corrupt, "hole")
                .fields(json!({"restorable_position": until, "restorable_at": until_at}))
                .hint(format!(
                    "`--position {until}` can be restored; `switchboard backup verify` names the damage"
                )),
            BackupError::Outside { ranges, .. } => failure(Exit::OutOfRange, "out_of_range")
                .fields(json!({ "ranges": ranges }))
                .hint("`switchboard backup ranges` shows what can be restored; --latest is the newest"),
            BackupError::NotFound { known, .. } => {
                let failure = failure(Exit::NotFound, "not_found");
                if known.is_empty() {
                    failure
                } else {
                    failure.hint(format!("there are {}", known.join(", ")))
                }
            }
            BackupError::OtherLedger { .. } => failure(Exit::Conflict, "other_ledger")
                .hint("one repository keeps one ledger: --repo names another folder"),
            BackupError::OtherHistory { .. } => failure(Exit::Conflict, "other_history").hint(
                "this store is an old or changed copy of what was backed up; keep both, and restore the \
                 one you want into a new place",
            ),
            BackupError::Forked { .. } => failure(Exit::Conflict, "timeline_left").hint(
                "back this store up to another repository, or say --despite-fork if both go on",
            ),
            BackupError::LabelTaken { .. } => {
                failure(Exit::Conflict, "label_taken").hint("choose another name")
            }
            BackupError::Locked { .. } => failure(Exit::Locked, "locked")
                .hint("try again when it is done; the lock of a process that is gone is broken by itself"),
            BackupError::EmptyPolicy => failure(Exit::Refused, "empty_policy")
                .hint("say what to keep, like --keep-last 7 or --keep-daily 14"),
            BackupError::BrokenOff => failure(Exit::Interrupted, "broken_off")
                .hint("what was written is used by the next backup"),
            BackupError::Vault(error) => of_vault(&error, text),
            BackupError::Read(error) => error.into(),
            BackupError::Restore(error) => of_restore(&error, text),
        }
    }
}

fn of_vault(error: &VaultError, text: String) -> Failure {
    use std::io::ErrorKind;

    let kind = error.source.kind();
    if error.full {
        return Failure::new(Exit::NoSpace, "no_space", text)
            .hint("free space on the disk of the repository; what is there stays whole");
    }
    if kind == ErrorKind::PermissionDenied {
        return Failure::new(Exit::NotAllowed, "not_allowed", text)
            .hint("a repository belongs to the user who made it");
    }
    if kind == ErrorKind::ReadOnlyFilesystem {
        return Failure::new(Exit::NoSpace, "read_only", text);
    }
    Failure::new(Exit::Failed, "io", text)
}

fn of_restore(error: &RestoreError, text: String) -> Failure {
    use std::io::ErrorKind;

    match error {
        RestoreError::NotEmpty { .. } => Failure::new(Exit::NotEmpty, "not_empty", text)
            .hint("a restore never writes over anything: name a new folder"),
        RestoreError::Busy { .. } => Failure::new(Exit::Locked, "locked", text),
        RestoreError::NoSpace { .. } => Failure::new(Exit::NoSpace, "no_space", text)
            .hint("nothing was left behind; free space or name another disk"),
        RestoreError::Broken { .. } => Failure::new(Exit::Corrupt, "corrupt", text)
            .hint("`switchboard backup verify` names all damage"),
        RestoreError::Io { source, .. } if source.kind() == ErrorKind::PermissionDenied => {
            Failure::new(Exit::NotAllowed, "not_allowed", text)
        }
        RestoreError::Differs(_) | RestoreError::Io { .. } => {
            Failure::new(Exit::Failed, "io", text)
        }
    }
}
