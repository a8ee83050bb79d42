//! One connection to one X server.

use x11rb::connection::Connection as _;
use x11rb::errors::{ConnectError, ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::xproto::{ConnectionExt as _, CreateWindowAux, EventMask, WindowClass};
use x11rb::protocol::{ErrorKind, Event};
use x11rb::rust_connection::RustConnection;

use crate::delivery::ports::Trouble;
use crate::events::facts::screen::Rect;

x11rb::atom_manager! {
    /// The names that this adapter asks for.
    pub(super) Atoms: AtomCookies {
        ATOM,
        CLIPBOARD,
        CLIPBOARD_MANAGER,
        INCR,
        PRIMARY,
        STRING,
        TARGETS,
        TEXT,
        UTF8_STRING,
        TEXT_PLAIN_UTF8: b"text/plain;charset=utf-8",
        TEXT_PLAIN: b"text/plain",
        URI_LIST: b"text/uri-list",
        WM_STATE,
        _GTK_FRAME_EXTENTS,
        _NET_WM_NAME,
        _NET_WM_PID,
        _NET_WM_STATE,
        _NET_WM_STATE_MODAL,
        _NET_WM_WINDOW_TYPE,
        _NET_WM_WINDOW_TYPE_COMBO,
        _NET_WM_WINDOW_TYPE_DIALOG,
        _NET_WM_WINDOW_TYPE_DND,
        _NET_WM_WINDOW_TYPE_DROPDOWN_MENU,
        _NET_WM_WINDOW_TYPE_MENU,
        _NET_WM_WINDOW_TYPE_NOTIFICATION,
        _NET_WM_WINDOW_TYPE_POPUP_MENU,
        _NET_WM_WINDOW_TYPE_SPLASH,
        _NET_WM_WINDOW_TYPE_TOOLTIP,
        _SWITCHBOARD_ANSWER,
        _SWITCHBOARD_NOTE,
        _SWITCHBOARD_PROCESS,
        _SWITCHBOARD_SEAT,
        XTEST_DEVICE: b"XTEST Device",
    }
}

/// A connection, its screen and the names it uses.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) conn: RustConnection,
    pub(super) root: u32,
    pub(super) root_visual: u32,
    pub(super) atoms: Atoms,
}

impl Link {
    /// Connects to a display named like `:0`.
    pub(super) fn open(display: &str) -> Result<Self, Trouble> {
        let (conn, screen) =
            RustConnection::connect(Some(display)).map_err(|e| unreachable_display(display, &e))?;
        let screen = conn
            .setup()
            .roots
            .get(screen)
            .ok_or_else(|| Trouble::DisplayGone(format!("{display} has no such screen")))?;
        let (root, root_visual) = (screen.root, screen.root_visual);
        let atoms = Atoms::new(&conn).map_err(lost)?.reply().map_err(trouble)?;
        Ok(Self {
            conn,
            root,
            root_visual,
            atoms,
        })
    }

    /// A window that is never shown: it owns selections, receives answers and stands for us.
    pub(super) fn hidden_window(&self, events: EventMask) -> Result<u32, Trouble> {
        let id = self.conn.generate_id().map_err(no_id)?;
        self.conn
            .create_window(
                0,
                id,
                self.root,
                -1,
                -1,
                1,
                1,
                0,
                WindowClass::INPUT_ONLY,
                x11rb::COPY_FROM_PARENT,
                &CreateWindowAux::new()
                    .override_redirect(1)
                    .event_mask(events),
            )
            .map_err(lost)?
            .check()
            .map_err(trouble)?;
        Ok(id)
    }

    /// The whole screen as it is now.
    pub(super) fn screen(&self) -> Result<Rect, Trouble> {
        let size = self
            .conn
            .get_geometry(self.root)
            .map_err(lost)?
            .reply()
            .map_err(trouble)?;
        Ok(Rect {
            x: 0,
            y: 0,
            width: size.width.into(),
            height: size.height.into(),
        })
    }

    /// Whether the keyboard was changed before the last answer came. The server tells every
    /// connection, and this one asked for no other events.
    pub(super) fn take_keyboard_changed(&self) -> Result<bool, Trouble> {
        let mut changed = false;
        while let Some(event) = self.conn.poll_for_event().map_err(lost)? {
            changed |= matches!(event, Event::MappingNotify(_));
        }
        Ok(changed)
    }

    /// Asks for a sign of life.
    pub(super) fn ping(&self) -> Result<(), Trouble> {
        let answer = self.conn.get_input_focus().map_err(lost)?.reply();
        answer.map(|_| ()).map_err(trouble)
    }
}

/// The connection broke.
pub(super) fn lost(error: ConnectionError) -> Trouble {
    match error {
        ConnectionError::UnsupportedExtension => {
            Trouble::Unsupported("the X server lacks an extension".to_owned())
        }
        ConnectionError::MaximumRequestLengthExceeded => {
            Trouble::Unsupported("too much for one request to the X server".to_owned())
        }
        broken @ (ConnectionError::UnknownError
        | ConnectionError::FdPassingFailed
        | ConnectionError::ParseError(_)
        | ConnectionError::InsufficientMemory
        | ConnectionError::IoError(_)
        | _) => Trouble::DisplayGone(broken.to_string()),
    }
}

/// The connection broke, or the server said no.
pub(super) fn trouble(error: ReplyError) -> Trouble {
    match error {
        ReplyError::ConnectionError(error) => lost(error),
        ReplyError::X11Error(error) if error.error_kind == ErrorKind::Access => {
            Trouble::Permission(format!("the X server refused: {error:?}"))
        }
        ReplyError::X11Error(error) => {
            Trouble::Unsupported(format!("the X server refused: {error:?}"))
        }
    }
}

/// No number for a new window.
pub(super) fn no_id(error: ReplyOrIdError) -> Trouble {
    match error {
        ReplyOrIdError::IdsExhausted => {
            Trouble::DisplayGone("the connection has used up its window numbers".to_owned())
        }
        ReplyOrIdError::ConnectionError(error) => lost(error),
        ReplyOrIdError::X11Error(error) => trouble(ReplyError::X11Error(error)),
    }
}

/// An answer about a window that may have vanished since we learnt of it: none, then.
pub(super) fn if_still_there<T>(answer: Result<T, ReplyError>) -> Result<Option<T>, Trouble> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(ReplyError::X11Error(_)) => Ok(None),
        Err(ReplyError::ConnectionError(error)) => Err(lost(error)),
    }
}

fn unreachable_display(display: &str, error: &ConnectError) -> Trouble {
    let refused = matches!(
        error,
        ConnectError::SetupAuthenticate(_) | ConnectError::SetupFailed(_)
    );
    if refused {
        Trouble::Permission(format!("{display}: {error}"))
    } else {
        Trouble::DisplayGone(format!("{display}: {error}"))
    }
}
