//! How a verb reaches the ledger: through its owner's socket, or by becoming the owner.

use std::io;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::exit::Exit;
use super::output::Failure;
use super::owner::open::{OpenFailed, Owner, Plan};
use super::owner::request::Request;
use super::owner::serve::Serving;
use super::owner::socket::{self, FromClient, FromOwner, Talk, TalkError};
use crate::events::ledger::handle::OpenError;

/// What came of one try over the socket.
enum Tried {
    /// The owner answered.
    Answered(Result<i32, Failure>),
    /// There is no socket, or nobody behind it: the lock may be free.
    NoOwner,
    /// The owner went away, or is going, without finishing.
    Gone,
}

/// Asks whoever owns the ledger, becoming the owner if nobody is. Shows each item as it comes and
/// returns the exit code. `plan.patience` bounds the time until somebody takes the request up.
pub async fn ask(
    plan: &Plan,
    request: Request,
    show: &mut (dyn FnMut(Value) + Send),
) -> Result<i32, Failure> {
    let mut give_up = Instant::now() + plan.patience;
    loop {
        let mut shown = false;
        let mut show_it = |item: Value| {
            shown = true;
            show(item);
        };
        let no_owner = match over_socket(plan, &request, &mut show_it).await {
            Tried::Answered(answer) => return answer,
            Tried::Gone if shown => return Err(broke_off(plan)),
            // It was taken up once: whoever comes next gets the full patience again.
            Tried::Gone => {
                give_up = Instant::now() + plan.patience;
                false
            }
            Tried::NoOwner => true,
        };
        match Owner::open(plan).await {
            Ok(owner) => return Serving::start(owner)?.serve_one(request, show).await,
            Err(OpenFailed::Ledger(OpenError::Locked { .. })) => {}
            Err(OpenFailed::Ledger(error)) => return Err(Failure::from(error)),
            Err(OpenFailed::Other(failure)) => return Err(failure),
        }
        if Instant::now() >= give_up {
            return Err(busy(plan, no_owner));
        }
        tokio::time::sleep(jitter()).await;
    }
}

async fn over_socket(
    plan: &Plan,
    request: &Request,
    show: &mut (dyn FnMut(Value) + Send),
) -> Tried {
    let Ok(mut talk) = socket::connect(&plan.store).await else { return Tried::NoOwner };
    match converse(&mut talk, request, show).await {
        Ok(tried) => tried,
        Err(TalkError::Io(_)) => Tried::Gone,
        Err(error @ TalkError::Nonsense(_)) => Tried::Answered(Err(Failure::new(
            "owner_incompatible",
            Exit::Unreachable,
            error.to_string(),
        ))),
    }
}

async fn converse(
    talk: &mut Talk,
    request: &Request,
    show: &mut (dyn FnMut(Value) + Send),
) -> Result<Tried, TalkError> {
    talk.greet().await?;
    talk.say(&FromClient::Ask(Box::new(request.clone()))).await?;
    loop {
        match talk.hear::<FromOwner>().await? {
            Some(FromOwner::Item(item)) => show(item),
            Some(FromOwner::Done { exit }) => return Ok(Tried::Answered(Ok(exit))),
            Some(FromOwner::Failed(failure)) => return Ok(Tried::Answered(Err(failure))),
            Some(FromOwner::Leaving) | None => return Ok(Tried::Gone),
            Some(FromOwner::Hello { .. }) => {
                return Err(TalkError::Nonsense("a second greeting".to_owned()));
            }
        }
    }
}

fn busy(plan: &Plan, no_owner: bool) -> Failure {
    let store = plan.store.display();
    if no_owner {
        Failure::new(
            "owner_silent",
            Exit::Locked,
            format!("the ledger in {store} is locked, and its owner does not answer"),
        )
        .hint("see who holds it with `fuser DIR/lock`; a longer --lock-timeout waits longer")
    } else {
        Failure::new("locked", Exit::Locked, format!("the ledger in {store} is in use"))
            .hint("a longer --lock-timeout waits longer")
    }
}

fn broke_off(plan: &Plan) -> Failure {
    Failure::new(
        "owner_gone",
        Exit::Unreachable,
        format!("the owner of {} went away in the middle of its answer", plan.store.display()),
    )
    .hint("run the command again")
}

/// 5 to 50 ms, so that many waiting processes do not try in step.
fn jitter() -> Duration {
    let bits = uuid::Uuid::new_v4().as_u128() % 46;
    Duration::from_millis(5 + u64::try_from(bits).unwrap_or(0))
}
