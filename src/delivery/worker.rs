//! A seat's worker: the process that owns one display's pointer, keyboard and clipboard. It carries
//! what it is told to and never sees the ledger. When its owner is gone it stops before Enter.

use std::io::{self, BufRead, Write};

use super::courier::moves::{Answer, Ending, Milestone};
use super::hands::{self, Pace};
use super::job::{ClipboardLimits, Job};
use super::ports::Desktop;
use super::wire::{FromWorker, ToWorker};
use crate::events::facts::attempt::FailureClass;

/// Serves until the owner closes `input`. Returns how the last job was to use the clipboard; none
/// when there was no job.
pub fn serve(
    desktop: &mut dyn Desktop,
    pace: &mut dyn Pace,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> io::Result<Option<ClipboardLimits>> {
    let mut clipboard = None;
    say(output, &FromWorker::Ready(desktop.abilities()))?;
    while let Some(line) = hear(input)? {
        match line {
            ToWorker::Carry(job) => {
                clipboard = Some(job.clipboard);
                let ending = carry(*job, desktop, pace, input, output)?;
                say(output, &FromWorker::Ended(Box::new(ending)))?;
            }
            // An answer that came after its attempt had ended.
            ToWorker::Answer(_) => {}
        }
    }
    Ok(clipboard)
}

/// Says that the seat cannot be used.
pub fn unable(output: &mut dyn Write, reason: String) -> io::Result<()> {
    say(output, &FromWorker::Unable { reason })
}

/// Says that a person wants all hands to stop.
pub fn corner(output: &mut dyn Write) -> io::Result<()> {
    say(output, &FromWorker::Corner)
}

fn carry(
    job: Job,
    desktop: &mut dyn Desktop,
    pace: &mut dyn Pace,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> io::Result<Ending> {
    let mut broken = None;
    let ending = {
        let mut ask = |milestone: Milestone| {
            let answer = say(output, &FromWorker::Reached(milestone)).and_then(|()| hear(input));
            match answer {
                Ok(Some(ToWorker::Answer(answer))) => answer,
                Ok(Some(ToWorker::Carry(_))) => refuse("the owner asked for something else"),
                Ok(None) => refuse("the ledger's owner is gone"),
                Err(error) => {
                    broken = Some(error);
                    refuse("the ledger's owner cannot be reached")
                }
            }
        };
        hands::carry(job, desktop, pace, &mut ask)
    };
    broken.map_or(Ok(ending), Err)
}

fn say(output: &mut dyn Write, line: &FromWorker) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    output.write_all(&bytes)?;
    output.flush()
}

fn hear(input: &mut dyn BufRead) -> io::Result<Option<ToWorker>> {
    let mut line = String::new();
    if input.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    serde_json::from_str(&line)
        .map(Some)
        .map_err(io::Error::other)
}

fn refuse(reason: &str) -> Answer {
    Answer::Refused {
        class: FailureClass::Interrupted,
        detail: reason.to_owned(),
    }
}
