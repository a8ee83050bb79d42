//! The top-level windows as the X server stacks them, and the clients inside the frames.

use std::collections::HashMap;

use x11rb::cookie::Cookie;
use x11rb::protocol::shape::{ConnectionExt as _, SK};
use x11rb::protocol::xproto::{
    ConnectionExt as _, GetPropertyReply, MapState, QueryTreeReply, WindowClass,
};
use x11rb::rust_connection::RustConnection;

use crate::delivery::ports::Trouble;
use crate::events::facts::screen::Rect;

use super::link::{Link, if_still_there, lost};

/// How deep below its frame a client is looked for.
const DEPTH_MAX: usize = 3;
/// How many windows are looked at on the way.
const SEARCHED_MAX: usize = 256;

/// A child of the root window that is on screen.
#[derive(Clone, Debug)]
pub(super) struct TopLevel {
    /// The child of the root: a frame drawn by the window manager, or the client itself.
    pub(super) frame: u32,
    /// The window that the program made; the frame itself when there is no other.
    pub(super) client: u32,
    /// Whether a window manager looks after it.
    pub(super) managed: bool,
    /// Whether it asked window managers to keep their hands off.
    pub(super) override_redirect: bool,
    /// Borders included, in screen coordinates.
    pub(super) rect: Rect,
}

/// Which client lives in which frame. A client found holds while the frame has the same children.
/// That there is none is asked again each time: a window manager marks its clients only after it
/// has put them into their frames.
#[derive(Debug, Default)]
pub(super) struct Frames {
    known: HashMap<u32, Known>,
}

#[derive(Debug)]
struct Known {
    children: Vec<u32>,
    client: u32,
}

/// Asks for what is on screen among `children` of the root (lowest first). `hit` is looked at even
/// when it cannot be seen, because clicks end there.
pub(super) fn on_screen(
    link: &Link,
    frames: &mut Frames,
    children: &[u32],
    hit: u32,
    screen: Rect,
) -> Result<Vec<TopLevel>, Trouble> {
    let mut found = visible(link, children, hit, screen)?;
    let mut looks = Vec::with_capacity(found.len());
    for top in &found {
        let state = wm_state(link, top.frame)?;
        let tree = link.conn.query_tree(top.frame).map_err(lost)?;
        looks.push((state, tree));
    }
    let mut gone = Vec::new();
    for (top, (state, tree)) in found.iter_mut().zip(looks) {
        let state = if_still_there(state.reply())?;
        let tree = if_still_there(tree.reply())?;
        let (Some(state), Some(tree)) = (state, tree) else {
            gone.push(top.frame);
            continue;
        };
        let client = if is_state(&state) {
            Some(top.frame)
        } else {
            frames.client_in(link, top.frame, tree)?
        };
        top.managed = client.is_some();
        top.client = client.unwrap_or(top.frame);
        top.override_redirect &= client.is_none();
    }
    found.retain(|top| !gone.contains(&top.frame));
    frames.known.retain(|frame, _| children.contains(frame));
    Ok(found)
}

fn visible(
    link: &Link,
    children: &[u32],
    hit: u32,
    screen: Rect,
) -> Result<Vec<TopLevel>, Trouble> {
    let mut asked = Vec::with_capacity(children.len());
    for child in children {
        let attributes = link.conn.get_window_attributes(*child).map_err(lost)?;
        let geometry = link.conn.get_geometry(*child).map_err(lost)?;
        asked.push((*child, attributes, geometry));
    }
    let mut found = Vec::new();
    for (frame, attributes, geometry) in asked {
        let attributes = if_still_there(attributes.reply())?;
        let geometry = if_still_there(geometry.reply())?;
        let (Some(attributes), Some(geometry)) = (attributes, geometry) else {
            continue;
        };
        let border = u32::from(geometry.border_width).saturating_mul(2);
        let rect = Rect {
            x: geometry.x.into(),
            y: geometry.y.into(),
            width: u32::from(geometry.width).saturating_add(border),
            height: u32::from(geometry.height).saturating_add(border),
        };
        let mapped = attributes.map_state == MapState::VIEWABLE;
        let drawn = attributes.class == WindowClass::INPUT_OUTPUT;
        if mapped && (drawn || frame == hit) && rect.intersection(&screen).is_some() {
            found.push(TopLevel {
                frame,
                client: frame,
                managed: false,
                override_redirect: attributes.override_redirect,
                rect,
            });
        }
    }
    Ok(found)
}

impl Frames {
    fn client_in(
        &mut self,
        link: &Link,
        frame: u32,
        tree: QueryTreeReply,
    ) -> Result<Option<u32>, Trouble> {
        if let Some(known) = self.known.get(&frame)
            && known.children == tree.children
        {
            return Ok(Some(known.client));
        }
        let client = search(link, &tree.children)?;
        let children = tree.children;
        match client {
            Some(client) => self.known.insert(frame, Known { children, client }),
            None => self.known.remove(&frame),
        };
        Ok(client)
    }
}

/// Breadth first for the first window with a `WM_STATE`.
fn search(link: &Link, children: &[u32]) -> Result<Option<u32>, Trouble> {
    let mut level: Vec<u32> = children.iter().copied().take(SEARCHED_MAX).collect();
    for _ in 0..DEPTH_MAX {
        let mut asked = Vec::with_capacity(level.len());
        for window in &level {
            let tree = link.conn.query_tree(*window).map_err(lost)?;
            asked.push((*window, wm_state(link, *window)?, tree));
        }
        let mut client = None;
        let mut below = Vec::new();
        for (window, state, tree) in asked {
            let has_state = if_still_there(state.reply())?.is_some_and(|state| is_state(&state));
            if has_state && client.is_none() {
                client = Some(window);
            }
            if let Some(tree) = if_still_there(tree.reply())? {
                below.extend(tree.children);
            }
        }
        if client.is_some() || below.is_empty() {
            return Ok(client);
        }
        below.truncate(SEARCHED_MAX);
        level = below;
    }
    Ok(None)
}

/// Whether no click can ever hit the window: the canvas of a compositor lies over everything, lets
/// every click through and is no window to anybody.
pub(super) fn lets_clicks_through(link: &Link, window: u32) -> Result<bool, Trouble> {
    let asked = link.conn.shape_get_rectangles(window, SK::INPUT);
    let answer = match asked.map_err(lost) {
        Err(Trouble::Unsupported(_)) => return Ok(false),
        other => other?.reply(),
    };
    Ok(if_still_there(answer)?.is_some_and(|shape| shape.rectangles.is_empty()))
}

type Asked<'a, T> = Cookie<'a, RustConnection, T>;

fn wm_state(link: &Link, window: u32) -> Result<Asked<'_, GetPropertyReply>, Trouble> {
    let kind = link.atoms.WM_STATE;
    link.conn
        .get_property(false, window, kind, kind, 0, 2)
        .map_err(lost)
}

fn is_state(reply: &GetPropertyReply) -> bool {
    // 0 is Withdrawn: some window managers leave the property behind.
    reply
        .value32()
        .and_then(|mut values| values.next())
        .is_some_and(|state| state != 0)
}
