//! From a verb to the ledger's owner and back: who asks, what is asked, where the answer goes.

use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use super::entry::Run;
use super::exit::{Exit, Failure};
use super::output::messages;
use super::output::paint::Paint;
use super::owner::open::Plan;
use super::owner::request::{Request, What};
use super::reach::{self, Show};
use crate::adapters::clock::SystemClock;
use crate::adapters::entropy::RandomIds;
use crate::commands::command::Command;
use crate::config::layers::Config;
use crate::events::ids::{AgentId, CommandId, Ids as _};
use crate::events::time::Clock as _;

/// Threads that serve sockets and timers; the disk has threads of its own.
const THREADS: usize = 2;

impl Run {
    /// A fresh id for a wish.
    pub fn fresh_id() -> Uuid {
        RandomIds.fresh(SystemClock.now())
    }

    /// Who asks: `$SWITCHBOARD_AGENT`, else the operator.
    pub fn asker(&self) -> Result<AgentId, Failure> {
        self.sender(None)
    }

    /// Where the ledger is and how long to try for it.
    pub fn plan(&self, desktop: Option<String>) -> Result<Plan, Failure> {
        let sources = self.sources();
        let config = Config::load(&sources)?;
        Ok(Plan {
            store: self.store()?,
            patience: config.settings().socket.lock_timeout.0,
            sources,
            desktop,
            daemon: false,
        })
    }

    /// Runs something that waits on sockets, timers and signals.
    pub fn block_on<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .enable_all()
            .build()
            .map_err(|error| {
                let text = format!("the system gives no threads: {error}");
                Failure::new(Exit::Failed, "no_threads", text)
            })?;
        let done = runtime.block_on(work);
        // A blocked read of somebody's pipe must not keep the program alive.
        runtime.shutdown_timeout(Duration::from_secs(1));
        done
    }

    /// A request by whoever asks here.
    pub fn request(&self, what: What, id: Option<Uuid>) -> Result<Request, Failure> {
        let command = CommandId(id.unwrap_or_else(Self::fresh_id));
        Ok(Request {
            by: self.asker()?,
            command,
            what,
        })
    }

    fn converse(
        &self,
        what: What,
        id: Option<Uuid>,
        desktop: Option<String>,
        show: &mut Show<'_>,
    ) -> Result<Exit, Failure> {
        let request = self.request(what, id)?;
        let plan = self.plan(desktop)?;
        self.block_on(reach::ask(&plan, request, show))
    }

    /// Asks, and returns every object of the answer.
    pub fn ask(&self, what: What) -> Result<(Exit, Vec<Value>), Failure> {
        self.ask_with(what, None, None)
    }

    /// Asks under an id of the asker's, perhaps for another desktop.
    pub fn ask_with(
        &self,
        what: What,
        id: Option<Uuid>,
        desktop: Option<String>,
    ) -> Result<(Exit, Vec<Value>), Failure> {
        let mut items = Vec::new();
        let exit = self.converse(what, id, desktop, &mut |item| {
            items.push(item);
            Ok(())
        })?;
        Ok((exit, items))
    }

    /// Has a message sent under a wish of its own, and prints what became of it.
    pub fn send(&mut self, what: What, desktop: Option<String>) -> Result<Exit, Failure> {
        let (exit, items) = self.ask_with(what, None, desktop)?;
        self.tell_sent(exit, &items)
    }

    /// Prints what became of a message.
    pub fn tell_sent(&mut self, exit: Exit, items: &[Value]) -> Result<Exit, Failure> {
        for item in items {
            self.printer.answer(item, messages::sent)?;
        }
        Ok(exit)
    }

    /// Asks, and prints every object as it comes.
    pub fn stream(
        &mut self,
        what: What,
        words: fn(&Value, Paint) -> String,
    ) -> Result<Exit, Failure> {
        let request = self.request(what, None)?;
        let plan = self.plan(None)?;
        let mut printer = self.printer.take();
        let done = {
            let mut show = |item: Value| printer.answer(&item, words);
            self.block_on(reach::ask(&plan, request, &mut show))
        };
        self.printer = printer;
        done
    }

    /// Asks for one object and prints it.
    pub fn tell(
        &mut self,
        what: What,
        words: impl Fn(&Value, Paint) -> String,
    ) -> Result<Exit, Failure> {
        let (exit, items) = self.ask(what)?;
        for item in &items {
            self.printer.answer(item, &words)?;
        }
        Ok(exit)
    }

    /// Asks for a list and prints it.
    pub fn list(
        &mut self,
        what: What,
        words: impl FnOnce(&[Value], Paint) -> String,
    ) -> Result<Exit, Failure> {
        let (exit, items) = self.ask(what)?;
        self.printer.list(&items, words)?;
        Ok(exit)
    }

    /// Asks for a list that takes a while, shows how far it has come, and prints the list.
    pub fn list_telling(
        &mut self,
        what: What,
        words: impl FnOnce(&[Value], Paint) -> String,
    ) -> Result<Exit, Failure> {
        let request = self.request(what, None)?;
        let plan = self.plan(None)?;
        let mut printer = self.printer.take();
        let mut items = Vec::new();
        let done = {
            let mut show = |item: Value| {
                if item
                    .get("record")
                    .is_some_and(|record| record == "progress")
                {
                    printer.progress(&item);
                } else {
                    items.push(item);
                }
                Ok(())
            };
            self.block_on(reach::ask(&plan, request, &mut show))
        };
        self.printer = printer;
        let exit = done?;
        self.printer.list(&items, words)?;
        Ok(exit)
    }

    /// Has one command carried out and prints what it led to.
    pub fn execute(
        &mut self,
        command: impl Into<Command>,
        words: impl Fn(&Value, Paint) -> String,
    ) -> Result<Exit, Failure> {
        self.tell(What::Execute(Box::new(command.into())), words)
    }
}
