//! Reading one journal from its beginning: what it holds, and whether bytes that are no frame are
//! a torn tail that nobody was told of, or damage.

use std::io;

use super::frame::{Fault, Frame};
use super::index::Index;
use super::journal::{Found, HEADER, Journal, Walk};
use super::witness::Testimony;

/// What a journal holds.
#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) index: Index,
    /// Where a tail begins that was never acknowledged.
    pub(super) torn: Option<u64>,
}

/// Acknowledged events that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "the journal at byte {offset}: {fault}; events from position {next} up to {last} were acknowledged \
     and cannot be read"
)]
pub(super) struct Damage {
    /// Where the bytes are that are no frame.
    pub(super) offset: u64,
    /// Where whole frames go on, if they do.
    pub(super) until: Option<u64>,
    /// The first event that is lost.
    pub(super) next: u64,
    /// The last event that is lost.
    pub(super) last: u64,
    pub(super) fault: Fault,
}

/// Why a journal is not taken as it is.
#[derive(Debug, thiserror::Error)]
pub(super) enum Flaw {
    #[error(transparent)]
    Damage(#[from] Damage),
    /// Beyond mending: frames that do not follow from each other.
    #[error("{0}")]
    Strange(String),
    #[error("reading the journal: {0}")]
    Io(#[from] io::Error),
}

/// Bytes that are no frame.
#[derive(Debug)]
struct Gap {
    offset: u64,
    until: Option<u64>,
    fault: Fault,
    /// First position of the next whole frame.
    resumes: Option<u64>,
}

/// Derives the index. What a later frame calls synced was acknowledged, as was everything up to
/// `known`.
pub(super) fn scan(journal: &Journal, beginning: Index, known: u64) -> Result<Scanned, Flaw> {
    let mut index = beginning;
    let mut walk = Walk::new(&journal.file, journal.key, HEADER)?;
    let mut gap: Option<Gap> = None;
    while let Some(found) = walk.next()? {
        match found {
            Found::Frame(frame) => {
                let next = index.end.position.saturating_add(1);
                if let Some(gap) = &mut gap {
                    let resumes = *gap.resumes.get_or_insert(frame.first);
                    if frame.synced >= next {
                        return Err(damage(gap, next, resumes.saturating_sub(1)).into());
                    }
                    continue;
                }
                take(&mut index, &frame)?;
            }
            Found::Gap {
                offset,
                until,
                fault,
            } => {
                gap.get_or_insert(Gap {
                    offset,
                    until,
                    fault,
                    resumes: None,
                });
            }
            Found::End => {}
        }
    }
    let next = index.end.position.saturating_add(1);
    if known >= next {
        let gap = gap.unwrap_or(Gap {
            offset: index.end.offset,
            until: None,
            fault: Fault::CutOff,
            resumes: None,
        });
        return Err(damage(&gap, next, known).into());
    }
    Ok(Scanned {
        index,
        torn: gap.map(|gap| gap.offset),
    })
}

fn damage(gap: &Gap, next: u64, last: u64) -> Damage {
    Damage {
        offset: gap.offset,
        until: gap.until,
        next,
        last,
        fault: gap.fault,
    }
}

fn take(index: &mut Index, frame: &Frame<'_>) -> Result<(), Flaw> {
    let next = index.end.position.saturating_add(1);
    if frame.first != next || frame.before != index.end.chain {
        return Err(Flaw::Strange(format!(
            "the journal at byte {} goes on with position {} where {next} belongs, or with another \
             chain",
            frame.offset, frame.first
        )));
    }
    index
        .add(frame)
        .map_err(|fault| Flaw::Strange(format!("the journal from position {next} on: {fault}")))
}

/// The journal must have the chain that its witness saw.
pub(super) fn compare(
    journal: &Journal,
    index: &Index,
    said: Option<&Testimony>,
) -> Result<(), Flaw> {
    let Some(said) = said else {
        return Ok(());
    };
    let chain = match index.frame_of(said.position.saturating_add(1)) {
        // The witness speaks of a frame's end, and the next frame carries the chain hash there.
        Some(next) => journal
            .frame(next.offset)?
            .ok()
            .and_then(|bytes| Frame::again(&bytes).ok().map(|frame| frame.before)),
        None => Some(index.end.chain),
    };
    if chain == Some(said.chain) {
        Ok(())
    } else {
        Err(Flaw::Strange(format!(
            "the journal's chain at position {} is not what it was",
            said.position
        )))
    }
}
