//! The seat claim: one program at a time moves the hands of a display, whatever ledger or user it
//! works for. The claim is an X selection, so the server frees it when the holder dies.

use std::process;

use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, EventMask, PropMode};
use x11rb::wrapper::ConnectionExt as _;

use crate::delivery::ports::Trouble;

use super::link::{Link, if_still_there, lost, trouble};

/// The hands of a display are ours until this is dropped.
#[derive(Debug)]
pub struct SeatClaim {
    link: Link,
    window: u32,
}

/// Why the seat could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotClaimed {
    /// Another program has it.
    #[error("another switchboard works on this display{}", process_of(*by))]
    Taken {
        /// Its process, if it says so.
        by: Option<u32>,
    },
    /// The display did not answer.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

fn process_of(by: Option<u32>) -> String {
    by.map(|pid| format!(" (process {pid})"))
        .unwrap_or_default()
}

impl SeatClaim {
    /// Claims the seat of a display named like `:0`, if it is free.
    pub fn take(display: &str) -> Result<Self, NotClaimed> {
        let link = Link::open(display)?;
        let window = link.hidden_window(EventMask::NO_EVENT)?;
        let seat = link.atoms._SWITCHBOARD_SEAT;
        link.conn
            .change_property32(
                PropMode::REPLACE,
                window,
                link.atoms._SWITCHBOARD_PROCESS,
                AtomEnum::CARDINAL,
                &[process::id()],
            )
            .map_err(lost)?;
        // Between looking and taking nobody else may act. Should we die here, the server lets go.
        link.conn.grab_server().map_err(lost)?;
        let owner = link.conn.get_selection_owner(seat).map_err(lost)?;
        let owner = owner.reply().map_err(trouble)?.owner;
        if owner == x11rb::NONE {
            link.conn
                .set_selection_owner(window, seat, x11rb::CURRENT_TIME)
                .map_err(lost)?;
        }
        link.conn.ungrab_server().map_err(lost)?;
        let claim = Self { link, window };
        if owner == x11rb::NONE && claim.is_ours()? {
            Ok(claim)
        } else {
            Err(NotClaimed::Taken {
                by: claim.holder()?,
            })
        }
    }

    /// Whether the claim still stands; another program could have torn it away.
    pub fn is_ours(&self) -> Result<bool, Trouble> {
        Ok(self.owner()? == self.window)
    }

    fn owner(&self) -> Result<u32, Trouble> {
        let seat = self.link.atoms._SWITCHBOARD_SEAT;
        let asked = self.link.conn.get_selection_owner(seat).map_err(lost)?;
        Ok(asked.reply().map_err(trouble)?.owner)
    }

    fn holder(&self) -> Result<Option<u32>, Trouble> {
        let owner = self.owner()?;
        let asked = self.link.conn.get_property(
            false,
            owner,
            self.link.atoms._SWITCHBOARD_PROCESS,
            AtomEnum::CARDINAL,
            0,
            1,
        );
        let answer = if_still_there(asked.map_err(lost)?.reply())?;
        Ok(answer.and_then(|answer| answer.value32()?.next()))
    }
}
