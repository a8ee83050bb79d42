//! Which top-level window has the keyboard.

use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ConnectionExt as _, InputFocus};

use crate::delivery::ports::Trouble;

use super::link::{Link, if_still_there, lost};
use super::windows::TopLevel;

/// How many parents are followed upwards.
const DEPTH_MAX: usize = 32;

/// The client of the top-level window that `focus` lies in. Toolkits also give the focus to
/// windows that lie nowhere on screen; then it is a top-level of the same program: the one of
/// interest (`under`) if it is among them, else the highest.
pub(super) fn focused(
    link: &Link,
    tops: &[TopLevel],
    focus: u32,
    under: Option<u32>,
    beneath: Option<u32>,
) -> Result<Option<u32>, Trouble> {
    if focus == u32::from(InputFocus::POINTER_ROOT) {
        return Ok(beneath);
    }
    if focus == x11rb::NONE || focus == link.root {
        return Ok(None);
    }
    if let Some(client) = top_of(link, tops, focus)? {
        return Ok(Some(client));
    }
    let mask = link.conn.setup().resource_id_mask;
    let same_program = |client: u32| client & !mask == focus & !mask;
    let highest = || {
        let mut clients = tops.iter().rev().map(|top| top.client);
        clients.find(|client| same_program(*client))
    };
    Ok(under.filter(|under| same_program(*under)).or_else(highest))
}

fn top_of(link: &Link, tops: &[TopLevel], focus: u32) -> Result<Option<u32>, Trouble> {
    let mut window = focus;
    for _ in 0..DEPTH_MAX {
        let here = |top: &&TopLevel| top.client == window || top.frame == window;
        if let Some(top) = tops.iter().find(here) {
            return Ok(Some(top.client));
        }
        let tree = link.conn.query_tree(window).map_err(lost)?;
        match if_still_there(tree.reply())? {
            Some(tree) if ![x11rb::NONE, link.root].contains(&tree.parent) => window = tree.parent,
            _ => return Ok(None),
        }
    }
    Ok(None)
}
