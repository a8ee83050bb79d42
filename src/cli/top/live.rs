//! The screen as it goes on: asks each second, draws what is new, does what keys say.

use std::time::Duration;

use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::frame::{Shown, frame};
use super::keys::Keys;
use super::terminal::Terminal;
use super::view::{View, Wish};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::items::truth;
use crate::cli::output::paint::Paint;
use crate::cli::owner::open::Plan;
use crate::cli::owner::request::{Request, What};
use crate::cli::reach;
use crate::cli::stop::Stop;
use crate::events::ids::CommandId;

/// How often is asked anew.
const EVERY: Duration = Duration::from_secs(1);

/// Without a daemon each answer opens the ledger: at most a fifth of the time, so that others get at it.
const SHARE: u32 = 5;

/// An answer that takes longer is told of.
const SOON: Duration = Duration::from_secs(3);

/// How long an answer under way may take when somebody leaves.
const LAST: Duration = Duration::from_secs(2);

/// An answer, and how long it took.
type Answered = (Result<Value, Failure>, Duration);

/// What is asked again and again.
#[derive(Clone, Debug)]
pub struct Asking {
    /// Where the ledger is.
    pub plan: Plan,
    /// What is asked; its id is made anew each time.
    pub request: Request,
}

impl Asking {
    /// Asks once.
    pub async fn once(&self) -> Result<Value, Failure> {
        let mut request = self.request.clone();
        request.command = CommandId(crate::cli::entry::Run::fresh_id());
        let mut found = Value::Null;
        let mut show = |item| {
            found = item;
            Ok(())
        };
        let exit = reach::ask(&self.plan, request, &mut show).await?;
        if exit == Exit::Done {
            Ok(found)
        } else {
            Err(Failure::new(exit, "interrupted", "interrupted"))
        }
    }

    fn begin(&self) -> JoinHandle<Answered> {
        let own = self.clone();
        tokio::spawn(async move {
            let begun = Instant::now();
            (own.once().await, begun.elapsed())
        })
    }
}

/// The request for the overview.
pub const WHAT: What = What::Overview;

/// What is on the screen.
struct Screen {
    terminal: Terminal,
    view: View,
    item: Value,
    trouble: Option<String>,
    page: usize,
    paint: Paint,
}

/// Goes on until somebody leaves. The terminal is given back before anything else is said.
pub async fn live(asking: Asking, paint: Paint) -> Result<Exit, Failure> {
    let mut stop = Stop::listen()?;
    // What cannot be asked at all is said before the screen is taken.
    let begun = Instant::now();
    let item = asking.once().await?;
    let mut next = Instant::now() + pause(&item, begun.elapsed());
    let mut resized = signal(SignalKind::window_change())?;
    let mut screen = Screen {
        terminal: Terminal::enter()?,
        view: View::default(),
        item,
        trouble: None,
        page: 1,
        paint,
    };
    let mut keys = Keys::default();
    let mut under_way: Option<JoinHandle<Answered>> = None;
    let mut asked = Instant::now();
    let exit = loop {
        screen.draw()?;
        let due = under_way.is_none() && !screen.view.paused;
        let awaited = under_way.is_some() && screen.trouble.is_none();
        tokio::select! {
            exit = stop.asked() => break exit,
            _ = resized.recv() => screen.terminal.wipe()?,
            pressed = screen.terminal.keys() => {
                let bytes = pressed?;
                if bytes.is_empty() {
                    // Whoever sat there is gone.
                    break Exit::Done;
                }
                if let Some(exit) = screen.press(&mut keys, &bytes)? {
                    break exit;
                }
            }
            (answer, took) = answered(&mut under_way) => {
                under_way = None;
                next = Instant::now() + screen.take(answer, took);
            }
            () = tokio::time::sleep_until(next), if due => {
                asked = Instant::now();
                under_way = Some(asking.begin());
            }
            () = tokio::time::sleep_until(asked + SOON), if awaited => {
                screen.trouble = Some("whoever has the ledger takes long to answer".to_owned());
            }
        }
    };
    drop(screen);
    if let Some(under_way) = under_way {
        // This process may hold the ledger for it: it is closed in peace if that is quick.
        let _cut_off = tokio::time::timeout(LAST, under_way).await;
    }
    Ok(exit)
}

/// How long until it is asked again.
fn pause(item: &Value, took: Duration) -> Duration {
    if truth(item, "daemon") {
        EVERY
    } else {
        EVERY.max(took.saturating_mul(SHARE))
    }
}

/// The answer that is under way; never when none is.
async fn answered(under_way: &mut Option<JoinHandle<Answered>>) -> Answered {
    match under_way {
        Some(asking) => match asking.await {
            Ok(answered) => answered,
            Err(error) => (Err(Failure::from(error)), Duration::ZERO),
        },
        None => std::future::pending().await,
    }
}

impl Screen {
    fn draw(&mut self) -> Result<(), Failure> {
        let size = self.terminal.size();
        let shown = Shown {
            item: &self.item,
            view: &self.view,
            trouble: self.trouble.as_deref(),
        };
        let picture = frame(&shown, size);
        self.page = picture.page;
        self.view.bound(picture.rows, picture.page);
        Ok(self.terminal.draw(&picture.lines, self.paint)?)
    }

    fn press(&mut self, keys: &mut Keys, bytes: &[u8]) -> Result<Option<Exit>, Failure> {
        for key in keys.read(bytes) {
            match self.view.press(key, self.page) {
                Wish::Draw => {}
                Wish::Redraw => self.terminal.wipe()?,
                Wish::Quit => return Ok(Some(Exit::Done)),
                Wish::Interrupt => return Ok(Some(Exit::Interrupted)),
            }
        }
        Ok(None)
    }

    /// What was answered; how long until it is asked again.
    fn take(&mut self, answer: Result<Value, Failure>, took: Duration) -> Duration {
        match answer {
            Ok(item) => {
                // What came while somebody had already paused is not shown: the screen stands still.
                if !self.view.paused {
                    self.item = item;
                    self.trouble = None;
                }
            }
            Err(failure) => self.trouble = Some(failure.message),
        }
        pause(&self.item, took)
    }
}
