//! How a verb reaches the ledger: through its owner's socket, or by becoming the owner.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::exit::{Exit, Failure};
use super::owner::open::{NotOpened, Owner, Plan};
use super::owner::request::{Request, What};
use super::owner::serve::Serving;
use super::owner::socket::{self, FromClient, FromOwner, Talk, TalkError};
use super::stop::{Stop, Subject};
use crate::adapters::clock::SystemClock;
use crate::adapters::entropy::RandomIds;
use crate::events::ids::{AgentId, CommandId, Ids as _};
use crate::events::time::Clock as _;

/// Where each object of an answer goes.
pub type Show<'s> = dyn FnMut(Value) -> Result<(), Failure> + Send + 's;

/// How long an owner has for its greeting even with `--lock-timeout 0`.
const GREETING_LEAST: Duration = Duration::from_secs(1);

/// What came of one try over the socket.
enum Tried {
    /// The owner answered.
    Answered(Result<Exit, Failure>),
    /// There is no socket, or nobody behind it who greets: the lock may be free.
    NoOwner,
    /// The owner took the request and went away, or is going, without finishing.
    Gone,
    /// The owner took the request and fell silent.
    Stuck,
}

/// Asks whoever owns the ledger, becoming the owner if nobody is. Shows each object as it comes and
/// returns the exit code. `plan.patience` bounds the time until somebody takes the request up.
pub async fn ask(plan: &Plan, request: Request, show: &mut Show<'_>) -> Result<Exit, Failure> {
    let mut stop = Stop::listen()?;
    let subject = Subject::of(&request.what);
    let mut give_up = Instant::now() + plan.patience;
    loop {
        let mut shown = false;
        let mut show_it = |item: Value| {
            shown = true;
            show(item)
        };
        let tried = tokio::select! {
            tried = over_socket(plan, &request, &mut show_it) => tried,
            exit = stop.asked() => return subject.told_from_afar(exit),
        };
        let silent = matches!(tried, Tried::NoOwner);
        match tried {
            Tried::Answered(answer) => return answer,
            Tried::Gone if shown => return Err(broke_off(plan)),
            // It was taken up once: whoever comes next gets the full patience again.
            Tried::Gone => give_up = Instant::now() + plan.patience,
            Tried::Stuck => return Err(stuck(plan)),
            Tried::NoOwner => {}
        }
        let opened = tokio::select! {
            opened = Owner::open(plan) => opened,
            // Cut off as by a kill, which opening is made for; nothing was asked of the ledger yet.
            exit = stop.asked() => return subject.told_from_afar(exit),
        };
        match opened {
            Ok(owner) => {
                return Serving::start(owner)?
                    .serve_one(request, show, &mut stop)
                    .await;
            }
            Err(NotOpened::Locked) => {}
            Err(NotOpened::Failed(failure)) => return Err(failure),
        }
        if Instant::now() >= give_up {
            return Err(busy(plan, silent));
        }
        tokio::time::sleep(jitter()).await;
    }
}

async fn over_socket(plan: &Plan, request: &Request, show: &mut Show<'_>) -> Tried {
    let Ok(mut talk) = socket::connect(&plan.store).await else {
        return Tried::NoOwner;
    };
    // Even who does not wait for a lock gives a living owner the time to look up.
    let patience = plan.patience.clamp(GREETING_LEAST, socket::GREETING);
    let tried = match talk.greet(patience).await {
        // Nothing was asked yet, so this owner counts as none, and the patience runs on.
        Err(TalkError::Io(_)) => return Tried::NoOwner,
        Err(error) => Err(error),
        Ok(()) => converse(&mut talk, request, show).await,
    };
    match tried {
        Ok(tried) => tried,
        Err(TalkError::Io(_)) => Tried::Gone,
        Err(error @ TalkError::Nonsense(_)) => Tried::Answered(Err(Failure::new(
            Exit::Unreachable,
            "owner_incompatible",
            error.to_string(),
        ))),
    }
}

async fn converse(
    talk: &mut Talk,
    request: &Request,
    show: &mut Show<'_>,
) -> Result<Tried, TalkError> {
    let wish = FromClient::Ask(Box::new(request.clone()));
    let Ok(said) = tokio::time::timeout(socket::SILENCE, talk.say(&wish)).await else {
        return Ok(Tried::Stuck);
    };
    said?;
    loop {
        let Ok(heard) = tokio::time::timeout(socket::SILENCE, talk.hear::<FromOwner>()).await
        else {
            return Ok(Tried::Stuck);
        };
        match heard? {
            Some(FromOwner::Working) => {}
            Some(FromOwner::Item(item)) => {
                if let Err(failure) = show(item) {
                    return Ok(Tried::Answered(Err(failure)));
                }
            }
            Some(FromOwner::Done { exit }) => return Ok(Tried::Answered(Ok(exit))),
            Some(FromOwner::Failed(failure)) => return Ok(Tried::Answered(Err(failure))),
            Some(FromOwner::Leaving) | None => return Ok(Tried::Gone),
            Some(FromOwner::Hello { .. }) => {
                return Err(TalkError::Nonsense("a second greeting".to_owned()));
            }
        }
    }
}

fn busy(plan: &Plan, silent: bool) -> Failure {
    let store = plan.store.display();
    let hint = "a longer --lock-timeout waits longer; `fuser DIR/lock` names the process";
    if silent {
        let text = format!("the ledger in {store} is locked, and its owner does not answer");
        Failure::new(Exit::Unreachable, "owner_silent", text).hint(hint)
    } else {
        let text = format!("the ledger in {store} is in use by another process");
        Failure::new(Exit::Locked, "locked", text).hint(hint)
    }
}

fn broke_off(plan: &Plan) -> Failure {
    let store = plan.store.display();
    let text = format!("the owner of {store} went away in the middle of its answer");
    Failure::new(Exit::Unreachable, "owner_gone", text).hint("run the command again")
}

fn stuck(plan: &Plan) -> Failure {
    let store = plan.store.display();
    let text = format!("the owner of {store} took the request and fell silent");
    Failure::new(Exit::Unreachable, "owner_silent", text)
        .hint("what was asked may have happened: look before you ask again")
}

/// 5 to 50 ms, so that many waiting processes do not try in step.
fn jitter() -> Duration {
    let bits = RandomIds.fresh(SystemClock.now()).as_u128() % 46;
    Duration::from_millis(u64::try_from(bits).unwrap_or(0).saturating_add(5))
}

/// The process id of the daemon that owns the ledger, if one does and answers.
pub async fn daemon_of(plan: &Plan) -> Option<u64> {
    let now = SystemClock.now();
    let request = Request {
        by: AgentId::operator(),
        command: CommandId(RandomIds.fresh(now)),
        what: What::Status,
    };
    let mut pid = None;
    let mut show = |status: Value| {
        if status.get("daemon") == Some(&Value::Bool(true)) {
            pid = status.get("pid").and_then(Value::as_u64);
        }
        Ok(())
    };
    over_socket(plan, &request, &mut show).await;
    pid
}
