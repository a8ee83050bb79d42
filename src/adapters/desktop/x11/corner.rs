//! The pointer in the upper left corner means: stop. It is watched over a connection of its own, so that
//! it counts while hands are at work and while they rest.

use std::thread;
use std::time::{Duration, Instant};

use x11rb::protocol::xproto::ConnectionExt as _;

use crate::delivery::ports::Trouble;

use super::link::Link;

/// How often the pointer is looked at.
const EVERY: Duration = Duration::from_millis(100);
/// How long it must stay there.
const HELD: Duration = Duration::from_millis(500);
/// How far from the corner still counts, in pixels.
const NEAR: i16 = 1;

/// Calls `stop`, once, when the pointer came to the corner and stayed. Where it is when watching begins
/// is nobody's gesture, and our own hands never go there. Ends when the display goes.
pub fn watch(display: &str, stop: impl FnOnce() + Send + 'static) -> Result<(), Trouble> {
    let link = Link::open(display)?;
    thread::spawn(move || {
        if stays_in_corner(&link) {
            stop();
        }
    });
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a gesture is a place and a time, and this thread has nothing else to do"
)]
fn stays_in_corner(link: &Link) -> bool {
    let mut elsewhere = false;
    let mut since: Option<Instant> = None;
    loop {
        let asked = link.conn.query_pointer(link.root).ok();
        let Some(pointer) = asked.and_then(|cookie| cookie.reply().ok()) else {
            return false;
        };
        if pointer.root_x > NEAR || pointer.root_y > NEAR {
            elsewhere = true;
            since = None;
        } else if elsewhere && since.get_or_insert_with(Instant::now).elapsed() >= HELD {
            return true;
        }
        thread::sleep(EVERY);
    }
}
