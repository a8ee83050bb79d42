//! What faults are called, and what they do to a window.

use std::fmt;
use std::time::Duration;

use super::window::SimulatedWindow;
use super::world::Fault;
use crate::events::time::Timestamp;

/// A process that was stopped comes back only after everything else is over.
const FROZEN: Duration = Duration::from_hours(24);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stall(span) => write!(f, "the window stalls for {span:?}"),
            Self::FocusTheft => write!(f, "another window takes the keyboard"),
            Self::Modal => write!(f, "a dialog comes up over the box"),
            Self::ModalBeside => write!(f, "a dialog comes up beside the box"),
            Self::ClipboardThief => write!(f, "another program takes the clipboard"),
            Self::Moved => write!(f, "the window moves"),
            Self::Closed => write!(f, "the window closes"),
            Self::PasteLost => write!(f, "the window will lose the next paste"),
            Self::EnterSwallowed => write!(f, "the window will swallow the next Enter"),
            Self::EnterDoubled => write!(f, "the window will handle the next Enter twice"),
            Self::PersonTypes => write!(f, "a person types `q`"),
            Self::PersonMoves => write!(f, "a person moves the pointer"),
            Self::Output => write!(f, "the transcript grows by a line"),
            Self::SlowClipboard(span) => write!(f, "the clipboard takes {span:?} from now on"),
            Self::Discarded => write!(f, "a person empties the box"),
            Self::Frozen => write!(f, "the window's process is stopped"),
            Self::Covered => write!(f, "another agent's window comes to lie over the box"),
            Self::SlowPaste(gap) => write!(f, "pastes come in pieces {gap:?} apart from now on"),
            Self::Completes => write!(f, "the window will offer to complete the next text"),
            Self::EnterEater => write!(f, "the window swallows every Enter from now on"),
        }
    }
}

/// Lets a fault strike the window that it is about.
pub(super) fn strike(window: &mut SimulatedWindow, fault: &Fault, now: Timestamp) {
    match fault {
        Fault::Stall(span) => window.stalled_until = now.after(*span),
        Fault::Moved => window.fingerprint.frame.x += 300,
        Fault::PasteLost => window.pastes_lost = window.pastes_lost.saturating_add(1),
        Fault::EnterSwallowed => window.enters_lost = window.enters_lost.saturating_add(1),
        Fault::EnterDoubled => window.enters_doubled = window.enters_doubled.saturating_add(1),
        Fault::Output => window.transcript.push(format!("out {}", now.micros())),
        Fault::Discarded => window.text.clear(),
        Fault::Frozen => window.stalled_until = now.after(FROZEN),
        Fault::SlowPaste(gap) => window.slow_paste = Some(*gap),
        Fault::Completes => window.completes = Some(" /help".to_owned()),
        Fault::EnterEater => window.enters_lost = u8::MAX,
        Fault::Covered
        | Fault::FocusTheft
        | Fault::Modal
        | Fault::ModalBeside
        | Fault::ClipboardThief
        | Fault::Closed
        | Fault::PersonTypes
        | Fault::PersonMoves
        | Fault::SlowClipboard(_) => {}
    }
}
