//! What is on the screen at one moment. Requests go out in bundles, answers are read afterwards:
//! a handful of round trips, however many windows there are.

use x11rb::cookie::Cookie;
use x11rb::protocol::randr::{ConnectionExt as _, GetMonitorsReply};
use x11rb::protocol::res::{ClientIdMask, ClientIdSpec, ConnectionExt as _};
use x11rb::protocol::xproto::{
    AtomEnum, ConnectionExt as _, GetPropertyReply, GrabMode, GrabStatus, KeyButMask,
};
use x11rb::rust_connection::RustConnection;

use crate::delivery::ports::{Survey, Trouble, Window};
use crate::events::facts::screen::{Fingerprint, Point, Rect};

use super::focus::focused;
use super::link::{Link, if_still_there, lost, trouble};
use super::windows::{Frames, TopLevel, lets_clicks_through, on_screen};

/// Longest title, class or list that is read, in units of four bytes.
const PROPERTY_MAX: u32 = 1024;

/// What a survey needs to know that the server does not tell each time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Looking {
    /// The point of interest.
    pub(super) at: Point,
    /// A window of ours that is never shown.
    pub(super) hidden: u32,
    /// The modifiers that are locks (Caps, Num, Scroll) and do not count as held.
    pub(super) locks: u16,
}

/// Looks around. `person` is left false: the listener knows about people.
pub(super) fn look(link: &Link, frames: &mut Frames, looking: Looking) -> Result<Survey, Trouble> {
    let Looking { at, hidden, locks } = looking;
    let conn = &link.conn;
    let size = conn.get_geometry(link.root).map_err(lost)?;
    let tree = conn.query_tree(link.root).map_err(lost)?;
    let (x, y) = (clamped(at.x), clamped(at.y));
    let hit = conn
        .translate_coordinates(link.root, link.root, x, y)
        .map_err(lost)?;
    let focus = conn.get_input_focus().map_err(lost)?;
    let pointer = conn.query_pointer(link.root).map_err(lost)?;
    let monitors = conn.randr_get_monitors(link.root, true);
    let grabs = GrabProbe::send(link, hidden)?;

    let size = size.reply().map_err(trouble)?;
    let screen = Rect {
        x: 0,
        y: 0,
        width: size.width.into(),
        height: size.height.into(),
    };
    let tree = tree.reply().map_err(trouble)?;
    let hit = hit.reply().map_err(trouble)?.child;
    let hit = if screen.contains(at) {
        hit
    } else {
        x11rb::NONE
    };
    let focus = focus.reply().map_err(trouble)?.focus;
    let pointer = pointer.reply().map_err(trouble)?;
    let monitors = monitors_of(monitors, screen)?;
    let grabbed = grabs.taken()?;

    let tops = on_screen(link, frames, &tree.children, hit, screen)?;
    let (tops, windows) = described(link, tops, screen)?;
    let client_of = |frame: u32| {
        let top = tops.iter().find(|top| top.frame == frame);
        top.map(|top| top.client)
    };
    let under = client_of(hit);
    let beneath = client_of(pointer.child);
    let focus = focused(link, &tops, focus, under, beneath)?;
    Ok(Survey {
        monitors,
        windows,
        under: under.map(u64::from),
        focus: focus.map(u64::from),
        pointer: Point {
            x: pointer.root_x.into(),
            y: pointer.root_y.into(),
        },
        held: is_held(pointer.mask, locks),
        grabbed,
        person: false,
    })
}

/// Whether a modifier that is no lock, or a button, is down.
pub(super) fn is_held(state: KeyButMask, locks: u16) -> bool {
    // Bits 13 and 14 carry the keyboard group.
    u16::from(state) & 0x1fff & !locks != 0
}

/// Coordinates on the wire are 16 bits wide.
pub(super) fn clamped(coordinate: i32) -> i16 {
    i16::try_from(coordinate).unwrap_or(if coordinate < 0 { i16::MIN } else { i16::MAX })
}

type Asked<'a, T> = Cookie<'a, RustConnection, T>;

fn monitors_of(
    asked: Result<Asked<'_, GetMonitorsReply>, x11rb::errors::ConnectionError>,
    screen: Rect,
) -> Result<Vec<Rect>, Trouble> {
    let answer = match asked.map_err(lost) {
        Err(Trouble::Unsupported(_)) => None,
        other => if_still_there(other?.reply())?,
    };
    let monitors: Vec<Rect> = answer
        .map(|answer| answer.monitors)
        .unwrap_or_default()
        .iter()
        .map(|monitor| Rect {
            x: monitor.x.into(),
            y: monitor.y.into(),
            width: monitor.width.into(),
            height: monitor.height.into(),
        })
        .collect();
    if monitors.is_empty() {
        Ok(vec![screen])
    } else {
        Ok(monitors)
    }
}

/// Asks for keyboard and pointer in the name of a window that is not shown. The server answers
/// `AlreadyGrabbed` when another program holds them, and otherwise `NotViewable`: so the grab
/// itself never happens, and no window hears of it.
struct GrabProbe<'a> {
    keyboard: Asked<'a, x11rb::protocol::xproto::GrabKeyboardReply>,
    pointer: Asked<'a, x11rb::protocol::xproto::GrabPointerReply>,
}

impl<'a> GrabProbe<'a> {
    fn send(link: &'a Link, hidden: u32) -> Result<Self, Trouble> {
        let now = x11rb::CURRENT_TIME;
        let conn = &link.conn;
        let keyboard = conn
            .grab_keyboard(false, hidden, now, GrabMode::ASYNC, GrabMode::ASYNC)
            .map_err(lost)?;
        let pointer = conn
            .grab_pointer(
                false,
                hidden,
                0_u16.into(),
                GrabMode::ASYNC,
                GrabMode::ASYNC,
                x11rb::NONE,
                x11rb::NONE,
                now,
            )
            .map_err(lost)?;
        Ok(Self { keyboard, pointer })
    }

    fn taken(self) -> Result<bool, Trouble> {
        let keyboard = self.keyboard.reply().map_err(trouble)?.status;
        let pointer = self.pointer.reply().map_err(trouble)?.status;
        Ok([keyboard, pointer].contains(&GrabStatus::ALREADY_GRABBED))
    }
}

struct Properties<'a> {
    class: Asked<'a, GetPropertyReply>,
    net_name: Asked<'a, GetPropertyReply>,
    name: Asked<'a, GetPropertyReply>,
    process: Asked<'a, GetPropertyReply>,
    transient_for: Asked<'a, GetPropertyReply>,
    kind: Asked<'a, GetPropertyReply>,
    state: Asked<'a, GetPropertyReply>,
    shadow: Asked<'a, GetPropertyReply>,
}

impl<'a> Properties<'a> {
    fn send(link: &'a Link, window: u32) -> Result<Self, Trouble> {
        let ask = |property: u32| {
            let any = u32::from(AtomEnum::ANY);
            link.conn
                .get_property(false, window, property, any, 0, PROPERTY_MAX)
                .map_err(lost)
        };
        Ok(Self {
            class: ask(AtomEnum::WM_CLASS.into())?,
            net_name: ask(link.atoms._NET_WM_NAME)?,
            name: ask(AtomEnum::WM_NAME.into())?,
            process: ask(link.atoms._NET_WM_PID)?,
            transient_for: ask(AtomEnum::WM_TRANSIENT_FOR.into())?,
            kind: ask(link.atoms._NET_WM_WINDOW_TYPE)?,
            state: ask(link.atoms._NET_WM_STATE)?,
            shadow: ask(link.atoms._GTK_FRAME_EXTENTS)?,
        })
    }

    /// None when the window vanished meanwhile.
    fn read(self, link: &Link, top: &TopLevel) -> Result<Option<Window>, Trouble> {
        let class = if_still_there(self.class.reply())?;
        let net_name = if_still_there(self.net_name.reply())?;
        let name = if_still_there(self.name.reply())?;
        let process = if_still_there(self.process.reply())?;
        let transient_for = if_still_there(self.transient_for.reply())?;
        let kind = if_still_there(self.kind.reply())?;
        let state = if_still_there(self.state.reply())?;
        let shadow = if_still_there(self.shadow.reply())?;
        let Some(class) = class else {
            return Ok(None);
        };
        let title = [net_name, name]
            .into_iter()
            .flatten()
            .map(|reply| text_of(link, &reply))
            .find(|title| !title.is_empty())
            .unwrap_or_default();
        let belongs = numbers(transient_for.as_ref()).first().copied();
        let modal = numbers(state.as_ref()).contains(&link.atoms._NET_WM_STATE_MODAL);
        let transient = top.override_redirect
            || belongs.is_some()
            || modal
            || comes_over(link, &numbers(kind.as_ref()));
        Ok(Some(Window {
            id: top.client.into(),
            fingerprint: Fingerprint {
                class: class_of(&class),
                title,
                process: numbers(process.as_ref())
                    .first()
                    .copied()
                    .filter(|pid| *pid != 0),
                frame: without_shadow(top.rect, &numbers(shadow.as_ref())),
            },
            transient,
            owner: belongs
                .filter(|owner| ![x11rb::NONE, link.root].contains(owner))
                .map(u64::from),
        }))
    }
}

/// Gives every window its name; what vanished is left out of both lists.
fn described(
    link: &Link,
    tops: Vec<TopLevel>,
    screen: Rect,
) -> Result<(Vec<TopLevel>, Vec<Window>), Trouble> {
    let mut asked = Vec::with_capacity(tops.len());
    for top in tops {
        let properties = Properties::send(link, top.client)?;
        asked.push((top, properties));
    }
    let (mut kept, mut windows) = (Vec::new(), Vec::new());
    for (top, properties) in asked {
        let Some(window) = properties.read(link, &top)? else {
            continue;
        };
        let nameless = window.fingerprint.class.is_empty() && window.fingerprint.title.is_empty();
        let covers_all = top.rect.intersection(&screen) == Some(screen);
        let canvas = !top.managed && nameless && covers_all;
        if canvas && lets_clicks_through(link, top.frame)? {
            continue;
        }
        kept.push(top);
        windows.push(window);
    }
    name_processes(link, &mut windows)?;
    Ok((kept, windows))
}

/// Asks the server itself for the processes that windows do not name.
fn name_processes(link: &Link, windows: &mut [Window]) -> Result<(), Trouble> {
    let mut asked = Vec::new();
    for window in windows.iter_mut() {
        if window.fingerprint.process.is_none() {
            let spec = ClientIdSpec {
                client: u32::try_from(window.id).unwrap_or(x11rb::NONE),
                mask: ClientIdMask::LOCAL_CLIENT_PID,
            };
            match link.conn.res_query_client_ids(&[spec]).map_err(lost) {
                Err(Trouble::Unsupported(_)) => return Ok(()),
                other => asked.push((window, other?)),
            }
        }
    }
    for (window, answer) in asked {
        let ids = if_still_there(answer.reply())?.map(|answer| answer.ids);
        let process = ids.iter().flatten().find_map(|id| id.value.first());
        window.fingerprint.process = process.copied();
    }
    Ok(())
}

fn numbers(reply: Option<&GetPropertyReply>) -> Vec<u32> {
    reply
        .and_then(GetPropertyReply::value32)
        .map(Iterator::collect)
        .unwrap_or_default()
}

fn text_of(link: &Link, reply: &GetPropertyReply) -> String {
    if reply.format != 8 {
        return String::new();
    }
    if reply.type_ == link.atoms.UTF8_STRING {
        return String::from_utf8_lossy(&reply.value).into_owned();
    }
    // STRING is Latin-1. COMPOUND_TEXT is near enough to it where no UTF-8 name stands beside it.
    reply.value.iter().copied().map(char::from).collect()
}

fn class_of(reply: &GetPropertyReply) -> String {
    let parts: Vec<String> = reply
        .value
        .split(|byte| *byte == 0)
        .filter(|part| !part.is_empty())
        .map(|part| String::from_utf8_lossy(part).into_owned())
        .collect();
    parts.join(".")
}

/// Windows that draw their own decoration may carry an invisible margin for their shadow.
fn without_shadow(rect: Rect, extents: &[u32]) -> Rect {
    let [left, right, top, bottom] = *extents else {
        return rect;
    };
    Rect {
        x: rect.x.saturating_add_unsigned(left),
        y: rect.y.saturating_add_unsigned(top),
        width: rect.width.saturating_sub(left).saturating_sub(right),
        height: rect.height.saturating_sub(top).saturating_sub(bottom),
    }
}

fn comes_over(link: &Link, kinds: &[u32]) -> bool {
    let atoms = &link.atoms;
    let over = [
        atoms._NET_WM_WINDOW_TYPE_COMBO,
        atoms._NET_WM_WINDOW_TYPE_DIALOG,
        atoms._NET_WM_WINDOW_TYPE_DND,
        atoms._NET_WM_WINDOW_TYPE_DROPDOWN_MENU,
        atoms._NET_WM_WINDOW_TYPE_MENU,
        atoms._NET_WM_WINDOW_TYPE_NOTIFICATION,
        atoms._NET_WM_WINDOW_TYPE_POPUP_MENU,
        atoms._NET_WM_WINDOW_TYPE_SPLASH,
        atoms._NET_WM_WINDOW_TYPE_TOOLTIP,
    ];
    kinds.iter().any(|kind| over.contains(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caps_and_num_lock_are_not_held_keys() {
        let (caps, num) = (KeyButMask::LOCK, KeyButMask::MOD2);
        let locks = u16::from(caps) | u16::from(num);
        assert!(!is_held(caps | num, locks));
        assert!(!is_held(KeyButMask::from(0x2000_u16), locks));
        for down in [
            KeyButMask::SHIFT,
            KeyButMask::CONTROL,
            KeyButMask::MOD1,
            KeyButMask::MOD4,
            KeyButMask::BUTTON1,
        ] {
            assert!(is_held(down | caps, locks), "{down:?}");
        }
    }

    #[test]
    fn coordinates_off_the_wire_stay_at_its_edge() {
        for (given, sent) in [(0, 0), (-5, -5), (70_000, i16::MAX), (-70_000, i16::MIN)] {
            assert_eq!(clamped(given), sent);
        }
    }
}
