//! Before an agent's words are accepted: whether it says too much. What is too much puts it, or it and
//! the other, into quarantine, which is in the ledger before the sender is refused.

use uuid::Uuid;

use super::answer::Asked;
use crate::cli::exit::Failure;
use crate::commands::desk::{Outcome, Refused};
use crate::commands::quarantine::Quarantine;
use crate::commands::refusal::{Code, Refusal};
use crate::events::envelope::Cause;
use crate::events::facts::limits::{Excess, Limit};
use crate::events::ids::{AgentId, CommandId, MessageId, StreamId};
use crate::projections::conduct::{Allowed, Words};

/// What somebody is about to say.
#[derive(Clone, Debug)]
pub struct Said {
    /// Who.
    pub from: AgentId,
    /// To whom; none for several.
    pub to: Option<AgentId>,
    /// How many messages.
    pub more: u32,
    /// The message's id, or the broadcast's.
    pub id: Uuid,
}

/// A chain of messages that grew too long holds the two agents who are at it.
pub fn mind_hops(
    asked: &Asked,
    said: &Said,
    outcome: Result<Outcome, Refused>,
) -> Result<Outcome, Failure> {
    let is_agent = |id: &AgentId| !matches!(id.as_str(), AgentId::OPERATOR | AgentId::SWITCHBOARD);
    if let (Err(Refused::Refusal(refusal)), Some(to)) = (&outcome, &said.to)
        && refusal.code == Code::HopLimit
        && is_agent(&said.from)
        && is_agent(to)
    {
        let allowed = u32::from(asked.owner.config().settings().delivery.hop_limit);
        let excess = Excess {
            limit: Limit::Hops,
            count: allowed.saturating_add(1),
            allowed,
            span_micros: 0,
        };
        hold(asked, said, excess)?;
    }
    Ok(outcome?)
}

/// Lets it pass, or refuses it and holds who said too much.
pub fn pass(asked: &Asked, said: &Said) -> Result<(), Failure> {
    let owner = &asked.owner;
    owner.catch_up()?;
    let stream = StreamId::message(MessageId(said.id));
    if owner.desk.ledger().stream_head(&stream)?.is_some() {
        // Said before: the same answer, whatever was said since.
        return Ok(());
    }
    let config = owner.config();
    let limits = &config.settings().limits;
    let allowed = Allowed {
        rate: limits.agent_rate,
        rate_span: limits.agent_span.0,
        budget: limits.pair_budget,
        budget_span: limits.pair_span.0,
    };
    let now = owner.now().max(owner.desk.ledger().head().recorded_at);
    let excess = owner.projections.read(|states| {
        let limits = &states.conduct;
        // Who is held already is refused by the command itself, with the reason.
        let held = |to| limits.holds(&said.from, to).is_some();
        if limits.of(&said.from).is_some() || said.to.as_ref().is_some_and(held) {
            return None;
        }
        let words = Words {
            from: &said.from,
            to: said.to.as_ref(),
            more: said.more,
        };
        limits.excess(&words, &allowed, now)
    });
    match excess {
        Some(excess) => Err(hold(asked, said, excess)?),
        None => Ok(()),
    }
}

/// Writes the quarantine down; what the sender is told.
fn hold(asked: &Asked, said: &Said, excess: Excess) -> Result<Failure, Failure> {
    let owner = &asked.owner;
    let with = said.to.clone().filter(|_| excess.limit != Limit::Rate);
    let quarantine = Quarantine {
        agent: said.from.clone(),
        with: with.clone(),
        excess,
    };
    let now = owner.now();
    let cause = Cause {
        actor: AgentId::switchboard(),
        command: CommandId(owner.ids.fresh(now)),
        ..asked.cause.clone()
    };
    match owner.desk.execute(&quarantine.into(), &cause, now) {
        Ok(_) => {}
        // A sender nobody knows: that is what it is told.
        Err(Refused::Refusal(refusal)) => return Ok(Failure::from(refusal)),
        Err(error) => return Err(error.into()),
    }
    Ok(told(said, with.as_ref(), excess))
}

fn told(said: &Said, with: Option<&AgentId>, excess: Excess) -> Failure {
    let (from, span) = (&said.from, excess.span_micros / 1_000);
    let (code, who) = match with {
        None => (Code::RateLimit, format!("{from} said")),
        Some(with) => (
            Code::PairBudget,
            format!("{from} and {with} said to each other"),
        ),
    };
    let text = format!(
        "{who} {} messages within {span} ms; {} may be said: they are in quarantine, and this one \
         was not accepted",
        excess.count, excess.allowed
    );
    let refusal = Refusal::new(code, text).hint(format!(
        "look what is said (`switchboard messages --from {from}`), then `switchboard resume {from}`; \
         limits.* sets how much may be"
    ));
    Failure::from(refusal)
}
