//! `switchboard verify`: is the ledger whole?

use crate::cli::answers::story::set;
use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::past;
use crate::cli::owner::request::What;
use crate::events::ledger::handle::{Ledger, OpenError, TornTail};
use clap::Args;
use serde_json::{Value, json};

/// Read the whole ledger and compare everything with everything.
///
/// Journal against sled, chain, gaps, indexes, projections against a fold from the first event. Exit 9
/// when something is damaged. Nothing is changed. A crash may leave a torn tail: bytes at the end of the
/// journal that were being written and never acknowledged. It is named (exit 9) and left where it is;
/// any other command sets it aside when it opens the ledger.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard verify
  switchboard verify --repair")]
pub struct VerifyArgs {
    /// First copy a torn tail aside and cut it off; other damage stays as it is
    #[arg(long)]
    pub repair: bool,
}

impl VerifyArgs {
    /// Has the owner compare everything; a ledger that nobody can open is examined as it lies.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        let store = run.store()?;
        let torn = if self.repair {
            Ledger::repair(&store)
        } else {
            Ledger::torn_tail(&store)
        };
        let torn = match torn {
            Ok(torn) => torn,
            // Whoever has it open has set a torn tail aside; what else is damaged is told below.
            Err(OpenError::Locked { .. }) => None,
            // Asking an owner would open the ledger, and that puts back what sled still holds.
            Err(error @ OpenError::Corrupt { .. }) => {
                let mut found = json!(Ledger::examine(&store)?);
                self.tell_repaired(&mut found, None);
                run.printer.answer(&found, past::verify)?;
                return Err(error.into());
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(torn) = torn.as_ref().filter(|_| !self.repair) {
            // Asking an owner would open the ledger, and that would set it aside.
            let mut found = json!(Ledger::examine(&store)?);
            set(&mut found, "torn", json!(torn));
            run.printer.answer(&found, past::verify)?;
            return Err(left_alone(torn));
        }
        match run.ask(What::Verify) {
            Ok((exit, mut items)) => {
                for item in &mut items {
                    self.tell_repaired(item, torn.as_ref());
                    run.printer.answer(item, past::verify)?;
                }
                Ok(exit)
            }
            Err(failure) if failure.exit == Exit::Corrupt => {
                let mut found = json!(Ledger::examine(&store)?);
                self.tell_repaired(&mut found, torn.as_ref());
                run.printer.answer(&found, past::verify)?;
                Err(failure)
            }
            Err(failure) => Err(failure),
        }
    }

    fn tell_repaired(&self, item: &mut Value, torn: Option<&TornTail>) {
        if self.repair {
            set(item, "repaired", json!(torn));
        }
    }
}

fn left_alone(torn: &TornTail) -> Failure {
    let TornTail { offset, bytes, .. } = torn;
    let text = format!(
        "{bytes} bytes at the journal's end (from byte {offset} on) were never acknowledged"
    );
    Failure::new(Exit::Corrupt, "torn_tail", text)
        .hint("`switchboard verify --repair` copies them aside and cuts them off")
        .fields(json!({"offset": offset, "bytes": bytes}))
}
