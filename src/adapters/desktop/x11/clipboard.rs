//! The clipboard: arboard owns it for us and serves it from its own thread; reading goes through
//! the X server like any other program's reading, but never longer than a moment.

use std::fmt;
use std::time::Duration;

use arboard::{ClearExtLinux as _, LinuxClipboardKind, SetExtLinux as _};
use x11rb::connection::Connection as _;
use x11rb::protocol::res::{ClientIdMask, ClientIdSpec, ConnectionExt as _};
use x11rb::protocol::xproto::{ConnectionExt as _, EventMask};

use crate::delivery::ports::{Clip, Trouble};

use super::keeper::Holding;
use super::link::{Link, if_still_there, lost, trouble};
use super::listener::{Answer, Deadline, Listener};
use super::words::text_of;

/// How long the owner of the clipboard may take to answer.
const PATIENCE: Duration = Duration::from_millis(150);
/// Longest content that is read, in bytes.
const CONTENT_MAX: usize = 16 << 20;

/// The clipboard of one display. arboard keeps one per process, on `$DISPLAY`.
pub(super) struct Clipboard {
    display: String,
    arboard: Option<arboard::Clipboard>,
    /// arboard's window, once it owned the clipboard.
    ours: Option<u32>,
    /// What somebody else had put there when it was last read.
    foreign: Option<String>,
    /// What we put there last.
    put: Option<String>,
    /// Whether the primary selection was taken along.
    primary: bool,
}

impl fmt::Debug for Clipboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The content is nobody's business.
        f.debug_struct("Clipboard")
            .field("display", &self.display)
            .field("ours", &self.ours)
            .finish_non_exhaustive()
    }
}

/// What the owner gave for one format.
enum Given {
    Bytes { kind: u32, bytes: Vec<u8> },
    Refused,
    TooLong,
}

/// One of the X server's selections, by both its names.
#[derive(Clone, Copy, Debug)]
struct Selection {
    kind: LinuxClipboardKind,
    atom: u32,
}

impl Selection {
    fn general(listener: &Listener) -> Self {
        Self {
            kind: LinuxClipboardKind::Clipboard,
            atom: listener.link().atoms.CLIPBOARD,
        }
    }

    fn primary(listener: &Listener) -> Self {
        Self {
            kind: LinuxClipboardKind::Primary,
            atom: listener.link().atoms.PRIMARY,
        }
    }
}

impl Clipboard {
    pub(super) fn new(display: &str) -> Self {
        Self {
            display: display.to_owned(),
            arboard: None,
            ours: None,
            foreign: None,
            put: None,
            primary: false,
        }
    }

    /// What it holds, as every other program would get it.
    pub(super) fn read(&mut self, listener: &Listener) -> Result<Clip, Trouble> {
        let owner = owner(listener, listener.link().atoms.CLIPBOARD)?;
        if owner == x11rb::NONE {
            return Ok(Clip::Empty);
        }
        let clipboard = listener.link().atoms.CLIPBOARD;
        // We know which formats we offer.
        let clip = if Some(owner) == self.ours {
            read_text(listener, clipboard)?
        } else {
            read_clip(listener, clipboard)?
        };
        if let Clip::Text(text) = &clip
            && Some(owner) != self.ours
        {
            self.foreign = Some(text.clone());
        }
        Ok(clip)
    }

    /// Takes it over, or gives it up.
    pub(super) fn write(&mut self, listener: &Listener, clip: &Clip) -> Result<(), Trouble> {
        let general = Selection::general(listener);
        match clip {
            Clip::Text(text) => {
                // Messages are kept out of clipboard histories. What a person had there before is
                // only put back: history and clipboard programs may know it as before.
                let secret = self.foreign.as_deref() != Some(text);
                self.take_over(listener, general, text, secret)?;
                self.put = Some(text.clone());
            }
            // Whoever owns it: the target does after a copy that we asked it for.
            Clip::Empty => self.empty(listener, general)?,
            Clip::Other => {
                return Err(Trouble::Unsupported(
                    "only text can be put into the clipboard".to_owned(),
                ));
            }
        }
        if self.primary {
            // It was borrowed for one paste.
            self.primary = false;
            let primary = Selection::primary(listener);
            if self.ours == Some(owner(listener, primary.atom)?) {
                self.empty(listener, primary)?;
            }
        }
        Ok(())
    }

    /// What we hold and nobody would keep once this process is gone. A clipboard program is asked to
    /// keep it by arboard.
    pub(super) fn holding(&self, listener: &Listener) -> Result<Option<Holding>, Trouble> {
        let atoms = &listener.link().atoms;
        let owner_now = owner(listener, atoms.CLIPBOARD)?;
        let kept = owner(listener, atoms.CLIPBOARD_MANAGER)? != x11rb::NONE;
        if owner_now == x11rb::NONE || self.ours != Some(owner_now) || kept {
            return Ok(None);
        }
        Ok(self.put.clone().map(|text| Holding {
            window: owner_now,
            private: self.foreign.as_deref() != Some(text.as_str()),
            text,
        }))
    }

    /// Makes the primary selection say the same as the clipboard, if that is ours: some programs
    /// (xterm) insert that one, and there is no other way to paste into them.
    pub(super) fn lend_to_primary(&mut self, listener: &Listener) -> Result<(), Trouble> {
        let owner = owner(listener, listener.link().atoms.CLIPBOARD)?;
        if owner == x11rb::NONE || self.ours != Some(owner) {
            return Ok(());
        }
        if let Some(text) = self.put.clone() {
            self.take_over(listener, Selection::primary(listener), &text, true)?;
            self.primary = true;
        }
        Ok(())
    }

    /// arboard does not wait for the server, and it may still be about to forget our content
    /// because of an earlier loss of ownership (it handles `SelectionClear` late). So: read back,
    /// and once more if it is not there.
    fn take_over(
        &mut self,
        listener: &Listener,
        selection: Selection,
        text: &str,
        secret: bool,
    ) -> Result<(), Trouble> {
        for _ in 0..2 {
            let set = self.arboard(listener)?.set().clipboard(selection.kind);
            let set = if secret {
                set.exclude_from_history()
            } else {
                set
            };
            set.text(text).map_err(|e| refused(listener, &e))?;
            self.await_ownership(listener, selection)?;
            match read_text(listener, selection.atom)? {
                Clip::Text(there) if there == text => return Ok(()),
                Clip::Text(_) | Clip::Empty | Clip::Other => {}
            }
        }
        Err(Trouble::Clipboard(
            "somebody else took it at the same moment".to_owned(),
        ))
    }

    /// arboard uses one window for all selections; its number is learnt when it first owns one.
    fn await_ownership(
        &mut self,
        listener: &Listener,
        selection: Selection,
    ) -> Result<(), Trouble> {
        let deadline = Deadline::within(PATIENCE);
        loop {
            let now = owner(listener, selection.atom)?;
            if now != x11rb::NONE
                && (self.ours == Some(now) || is_this_process(listener.link(), now)?)
            {
                self.ours = Some(now);
                return Ok(());
            }
            if deadline.left().is_zero() {
                return Err(Trouble::Clipboard(format!(
                    "it did not become ours; this process must run with DISPLAY={}",
                    self.display
                )));
            }
        }
    }

    fn empty(&mut self, listener: &Listener, selection: Selection) -> Result<(), Trouble> {
        let before = owner(listener, selection.atom)?;
        if before == x11rb::NONE {
            return Ok(());
        }
        let cleared = self.arboard(listener)?.clear_with();
        let cleared = cleared.clipboard(selection.kind);
        cleared.map_err(|e| refused(listener, &e))?;
        let deadline = Deadline::within(PATIENCE);
        while owner(listener, selection.atom)? == before {
            if deadline.left().is_zero() {
                return Err(Trouble::Clipboard("it could not be emptied".to_owned()));
            }
        }
        Ok(())
    }

    fn arboard(&mut self, listener: &Listener) -> Result<&mut arboard::Clipboard, Trouble> {
        match &mut self.arboard {
            Some(arboard) => Ok(arboard),
            none => {
                let new = arboard::Clipboard::new().map_err(|e| refused(listener, &e))?;
                Ok(none.insert(new))
            }
        }
    }
}

fn refused(listener: &Listener, error: &arboard::Error) -> Trouble {
    match listener.link().ping() {
        Err(gone) => gone,
        Ok(()) => Trouble::Clipboard(error.to_string()),
    }
}

/// The window that owns a selection.
pub(super) fn owner_of(link: &Link, selection: u32) -> Result<u32, Trouble> {
    let asked = link.conn.get_selection_owner(selection);
    Ok(asked.map_err(lost)?.reply().map_err(trouble)?.owner)
}

fn owner(listener: &Listener, selection: u32) -> Result<u32, Trouble> {
    owner_of(listener.link(), selection)
}

/// Whether the window was made by a connection of this very process.
pub(super) fn is_this_process(link: &Link, window: u32) -> Result<bool, Trouble> {
    let spec = ClientIdSpec {
        client: window,
        mask: ClientIdMask::LOCAL_CLIENT_PID,
    };
    let asked = link.conn.res_query_client_ids(&[spec]);
    let answer = match asked.map_err(lost) {
        // A server that cannot tell: then the text read back has to do.
        Err(Trouble::Unsupported(_)) => return Ok(true),
        other => if_still_there(other?.reply())?,
    };
    let ids = answer.map(|answer| answer.ids).unwrap_or_default();
    let process = ids.iter().find_map(|id| id.value.first());
    Ok(process.is_none_or(|process| *process == std::process::id()))
}

fn read_clip(listener: &Listener, selection: u32) -> Result<Clip, Trouble> {
    let deadline = Deadline::within(PATIENCE);
    let ask = |format: u32| ask(listener, selection, format, deadline);
    let atoms = &listener.link().atoms;
    let mut formats = vec![atoms.UTF8_STRING, atoms.STRING];
    if let Given::Bytes { bytes, .. } = ask(atoms.TARGETS)? {
        let offered: Vec<u32> = bytes
            .chunks_exact(4)
            .filter_map(|four| four.try_into().ok())
            .map(u32::from_ne_bytes)
            .collect();
        if cannot_be_given_back(listener, &offered)? {
            return Ok(Clip::Other);
        }
        formats = vec![
            atoms.UTF8_STRING,
            atoms.TEXT_PLAIN_UTF8,
            atoms.STRING,
            atoms.TEXT,
            atoms.TEXT_PLAIN,
        ];
        formats.retain(|format| offered.contains(format));
    }
    for format in formats {
        match ask(format)? {
            Given::Bytes { kind, bytes } if kind == atoms.STRING => {
                return Ok(Clip::Text(bytes.into_iter().map(char::from).collect()));
            }
            Given::Bytes { bytes, .. } => {
                return Ok(text_of(bytes).map_or(Clip::Other, Clip::Text));
            }
            Given::TooLong => return Ok(Clip::Other),
            Given::Refused => {}
        }
    }
    Ok(Clip::Other)
}

/// What a selection that is ours gives to whoever asks for text; a text, or nothing.
fn read_text(listener: &Listener, selection: u32) -> Result<Clip, Trouble> {
    let deadline = Deadline::within(PATIENCE);
    match ask(
        listener,
        selection,
        listener.link().atoms.UTF8_STRING,
        deadline,
    )? {
        Given::Bytes { bytes, .. } => Ok(text_of(bytes).map_or(Clip::Other, Clip::Text)),
        Given::Refused | Given::TooLong => Ok(Clip::Other),
    }
}

/// Images and files would come back as bare text, or not at all.
fn cannot_be_given_back(listener: &Listener, offered: &[u32]) -> Result<bool, Trouble> {
    let link = listener.link();
    if offered.contains(&link.atoms.URI_LIST) {
        return Ok(true);
    }
    let mut asked = Vec::with_capacity(offered.len());
    for format in offered.iter().filter(|format| **format != x11rb::NONE) {
        asked.push(link.conn.get_atom_name(*format).map_err(lost)?);
    }
    let mut images = false;
    for answer in asked {
        let name = if_still_there(answer.reply())?;
        images |= name.is_some_and(|name| name.name.starts_with(b"image/"));
    }
    Ok(images)
}

/// Asks the owner for one format, in the name of a window made for this question alone: a late
/// answer to an earlier question cannot be taken for this one's.
fn ask(
    listener: &Listener,
    selection: u32,
    format: u32,
    deadline: Deadline,
) -> Result<Given, Trouble> {
    let link = listener.link();
    listener.drop_answers();
    let window = link.hidden_window(EventMask::PROPERTY_CHANGE)?;
    let answer = link.atoms._SWITCHBOARD_ANSWER;
    link.conn
        .convert_selection(window, selection, format, answer, x11rb::CURRENT_TIME)
        .map_err(lost)?;
    link.conn.flush().map_err(lost)?;
    let given = receive(listener, window, deadline);
    link.conn.destroy_window(window).map_err(lost)?;
    link.conn.flush().map_err(lost)?;
    given
}

fn receive(listener: &Listener, window: u32, deadline: Deadline) -> Result<Given, Trouble> {
    let incr = listener.link().atoms.INCR;
    loop {
        if let Answer::Converted {
            requestor,
            property,
        } = next(listener, deadline)?
            && requestor == window
        {
            if property == x11rb::NONE {
                return Ok(Given::Refused);
            }
            break;
        }
    }
    let (kind, bytes) = take(listener, window)?;
    if kind != incr {
        return Ok(Given::Bytes { kind, bytes });
    }
    // A long content comes in pieces; the empty one is the last.
    let (mut kind, mut all) = (x11rb::NONE, Vec::new());
    loop {
        match next(listener, deadline)? {
            Answer::Piece { window: on } if on == window => {}
            Answer::Piece { .. } | Answer::Converted { .. } => continue,
        }
        let (piece_kind, bytes) = take(listener, window)?;
        if piece_kind == x11rb::NONE {
            // The notice of a property that was taken already.
            continue;
        }
        if bytes.is_empty() {
            return Ok(Given::Bytes { kind, bytes: all });
        }
        kind = piece_kind;
        all.extend(bytes);
        if all.len() > CONTENT_MAX {
            return Ok(Given::TooLong);
        }
    }
}

fn next(listener: &Listener, deadline: Deadline) -> Result<Answer, Trouble> {
    listener.answer(deadline)?.ok_or_else(|| {
        let millis = PATIENCE.as_millis();
        Trouble::Clipboard(format!("its owner did not answer within {millis} ms"))
    })
}

fn take(listener: &Listener, window: u32) -> Result<(u32, Vec<u8>), Trouble> {
    let link = listener.link();
    let longest = u32::try_from(CONTENT_MAX / 4).unwrap_or(u32::MAX);
    let property = link
        .conn
        .get_property(
            true,
            window,
            link.atoms._SWITCHBOARD_ANSWER,
            x11rb::NONE,
            0,
            longest,
        )
        .map_err(lost)?
        .reply()
        .map_err(trouble)?;
    Ok((property.type_, property.value))
}
