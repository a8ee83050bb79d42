//! What the display tells without being asked: a person's keys and movements, and
//! other programs' answers about the clipboard. A thread reads all of it at once, so that
//! nothing piles up in the server while nobody looks.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xinput::{
    self, ConnectionExt as _, EventMask as DeviceEvents, KeyEventFlags, XIEventMask,
};
use x11rb::protocol::xproto::{ClientMessageEvent, ConnectionExt as _, EventMask};

use crate::delivery::ports::Trouble;

use super::link::{Link, lost, trouble};

/// All devices, in XI2's counting.
const ALL: u16 = 0;
/// All master devices.
const ALL_MASTERS: u16 = 1;
/// A note to the thread that it shall end. Every other number is a ping.
const STOP: u32 = u32::MAX;

/// An end of waiting for something that another program does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(Instant);

#[expect(
    clippy::disallowed_methods,
    reason = "a foreign program may never answer; the bound is part of the port's promise"
)]
impl Deadline {
    /// So long from now.
    pub(super) fn within(span: Duration) -> Self {
        Self(Instant::now() + span)
    }

    /// What is left of it.
    pub(super) fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// Another program's answer about the clipboard.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    /// The conversion is done; property 0 is a refusal.
    Converted { requestor: u32, property: u32 },
    /// The next piece of a long content lies on the window.
    Piece { window: u32 },
}

/// What the thread has heard so far.
#[derive(Debug, Default)]
struct Heard {
    person: AtomicBool,
    /// Keys and buttons that the XTEST devices pressed or released, for whomever.
    synthetic: AtomicU64,
    /// The last ping that came by: everything that happened before it has been counted.
    ping: AtomicU32,
    /// The server's devices for synthetic input.
    xtest: Mutex<Vec<u16>>,
}

/// The listening thread's other end.
#[derive(Debug)]
pub(super) struct Listener {
    link: Arc<Link>,
    window: u32,
    heard: Arc<Heard>,
    answers: Receiver<Answer>,
    pinged: u32,
    hears_people: bool,
}

impl Listener {
    /// Begins to listen on a connection of its own.
    pub(super) fn start(display: &str) -> Result<Self, Trouble> {
        let link = Arc::new(Link::open(display)?);
        let window = link.hidden_window(EventMask::NO_EVENT)?;
        let heard = Arc::new(Heard::default());
        let hears_people = select_raw(&link)?;
        if hears_people {
            learn_xtest(&link, &heard)?;
        }
        let (told, answers) = channel();
        let ears = Ears {
            link: Arc::clone(&link),
            window,
            heard: Arc::clone(&heard),
            told,
        };
        thread::Builder::new()
            .name("x11-listener".to_owned())
            .spawn(move || ears.listen())
            .map_err(|e| Trouble::Unsupported(format!("no thread to listen with: {e}")))?;
        Ok(Self {
            link,
            window,
            heard,
            answers,
            pinged: 0,
            hears_people,
        })
    }

    /// The connection of the listener: windows made on it have their events heard.
    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    /// Whether real devices can be told from synthetic input.
    pub(super) fn hears_people(&self) -> bool {
        self.hears_people
    }

    /// Whether a person pressed or moved something since the last time this was asked.
    pub(super) fn take_person(&self) -> bool {
        self.heard.person.swap(false, Ordering::AcqRel)
    }

    /// Sends a ping after everything that the server has done until now.
    pub(super) fn ping(&mut self) -> Result<(), Trouble> {
        self.pinged = self.pinged.wrapping_add(1) % STOP;
        self.note(self.pinged)
    }

    /// How many synthetic presses and releases there have been; none while the last ping is still
    /// on its way.
    pub(super) fn synthetic(&self) -> Option<u64> {
        let caught_up = self.heard.ping.load(Ordering::Acquire) == self.pinged;
        caught_up.then(|| self.heard.synthetic.load(Ordering::Acquire))
    }

    /// Forgets answers that nobody waits for any more.
    pub(super) fn drop_answers(&self) {
        while self.answers.try_recv().is_ok() {}
    }

    /// The next answer. None when the deadline has passed.
    pub(super) fn answer(&self, deadline: Deadline) -> Result<Option<Answer>, Trouble> {
        match self.answers.recv_timeout(deadline.left()) {
            Ok(answer) => Ok(Some(answer)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Trouble::DisplayGone(
                "the connection that listens has ended".to_owned(),
            )),
        }
    }

    fn note(&self, number: u32) -> Result<(), Trouble> {
        let kind = self.link.atoms._SWITCHBOARD_NOTE;
        let note = ClientMessageEvent::new(32, self.window, kind, [number, 0, 0, 0, 0]);
        let conn = &self.link.conn;
        conn.send_event(false, self.window, EventMask::NO_EVENT, note)
            .map_err(lost)?;
        conn.flush().map_err(lost)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // When the display is gone the thread has ended by itself.
        if let Err(error) = self.note(STOP) {
            tracing::debug!(%error, "the listener could not be told to stop");
        }
    }
}

struct Ears {
    link: Arc<Link>,
    window: u32,
    heard: Arc<Heard>,
    told: Sender<Answer>,
}

impl Ears {
    fn listen(self) {
        while let Ok(event) = self.link.conn.wait_for_event() {
            if !self.take_in(&event) {
                return;
            }
        }
    }

    /// False is the end.
    fn take_in(&self, event: &Event) -> bool {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the rest of the protocol's events was not asked for"
        )]
        match event {
            Event::XinputRawMotion(e) => self.person_unless_synthetic(e.sourceid),
            Event::XinputRawButtonPress(e) => self.device(e.sourceid),
            Event::XinputRawButtonRelease(e) => self.device_let_go(e.sourceid),
            Event::XinputRawKeyPress(e) if e.flags == KeyEventFlags::KEY_REPEAT => {
                self.person_unless_synthetic(e.sourceid);
            }
            Event::XinputRawKeyPress(e) => self.device(e.sourceid),
            Event::XinputRawKeyRelease(e) => self.device_let_go(e.sourceid),
            Event::XinputRawTouchBegin(e) => self.person_unless_synthetic(e.sourceid),
            Event::XinputHierarchy(_) => return learn_xtest(&self.link, &self.heard).is_ok(),
            Event::SelectionNotify(e) => {
                return self.tell(Answer::Converted {
                    requestor: e.requestor,
                    property: e.property,
                });
            }
            Event::PropertyNotify(e)
                if e.atom == self.link.atoms._SWITCHBOARD_ANSWER
                    && e.state == x11rb::protocol::xproto::Property::NEW_VALUE =>
            {
                return self.tell(Answer::Piece { window: e.window });
            }
            Event::ClientMessage(e)
                if e.window == self.window && e.type_ == self.link.atoms._SWITCHBOARD_NOTE =>
            {
                let [number, ..] = e.data.as_data32();
                self.heard.ping.store(number, Ordering::Release);
                return number != STOP;
            }
            _ => {}
        }
        true
    }

    fn tell(&self, answer: Answer) -> bool {
        self.told.send(answer).is_ok()
    }

    fn is_synthetic(&self, device: u16) -> bool {
        let xtest = self.heard.xtest.lock();
        xtest
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&device)
    }

    fn person_unless_synthetic(&self, device: u16) {
        if !self.is_synthetic(device) {
            self.heard.person.store(true, Ordering::Release);
        }
    }

    fn device(&self, device: u16) {
        if self.is_synthetic(device) {
            self.heard.synthetic.fetch_add(1, Ordering::AcqRel);
        } else {
            self.heard.person.store(true, Ordering::Release);
        }
    }

    /// Letting go begins nothing: the Enter that started us is released after we began to look.
    fn device_let_go(&self, device: u16) {
        if self.is_synthetic(device) {
            self.heard.synthetic.fetch_add(1, Ordering::AcqRel);
        }
    }
}

/// Asks for raw events of all devices. False when the server has no XI 2.2.
fn select_raw(link: &Link) -> Result<bool, Trouble> {
    let version = match link.conn.xinput_xi_query_version(2, 2).map_err(lost) {
        Err(Trouble::Unsupported(_)) => return Ok(false),
        other => other?.reply().map_err(trouble)?,
    };
    if (version.major_version, version.minor_version) < (2, 1) {
        return Ok(false);
    }
    let raw = XIEventMask::RAW_KEY_PRESS
        | XIEventMask::RAW_KEY_RELEASE
        | XIEventMask::RAW_BUTTON_PRESS
        | XIEventMask::RAW_BUTTON_RELEASE
        | XIEventMask::RAW_MOTION
        | XIEventMask::RAW_TOUCH_BEGIN;
    let masks = [
        DeviceEvents {
            deviceid: ALL_MASTERS,
            mask: vec![raw],
        },
        DeviceEvents {
            deviceid: ALL,
            mask: vec![XIEventMask::HIERARCHY],
        },
    ];
    link.conn
        .xinput_xi_select_events(link.root, &masks)
        .map_err(lost)?
        .check()
        .map_err(trouble)?;
    Ok(true)
}

/// Finds the devices that the server marks as its own for synthetic input.
fn learn_xtest(link: &Link, heard: &Heard) -> Result<(), Trouble> {
    let devices = xinput::xi_query_device(&link.conn, ALL)
        .map_err(lost)?
        .reply()
        .map_err(trouble)?
        .infos;
    let mut asked = Vec::with_capacity(devices.len());
    for device in &devices {
        let mark = link.atoms.XTEST_DEVICE;
        let answer = link
            .conn
            .xinput_xi_get_property(device.deviceid, false, mark, 0, 0, 1)
            .map_err(lost)?;
        asked.push((device.deviceid, answer));
    }
    let mut found = Vec::new();
    for (device, answer) in asked {
        // A device that was unplugged meanwhile is an X error, and no XTEST device.
        if answer.reply().is_ok_and(|mark| mark.num_items > 0) {
            found.push(device);
        }
    }
    *heard.xtest.lock().unwrap_or_else(PoisonError::into_inner) = found;
    Ok(())
}
