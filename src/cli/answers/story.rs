//! One message as people see it: its story from the timeline, its words from the ledger.

use serde_json::{Value, json};

use crate::cli::exit::Failure;
use crate::cli::owner::open::Owner;
use crate::commands::refusal::{Code, Refusal};
use crate::events::ids::{MessageId, Position};
use crate::events::kind::Fact;
use crate::projections::timeline::Story;

/// The message's story up to the newest event, or the failure `unknown_message`.
pub fn find(owner: &Owner, message: MessageId) -> Result<Story, Failure> {
    owner.catch_up()?;
    owner
        .projections
        .read(|states| states.timeline.get(message).cloned())
        .ok_or_else(|| {
            Refusal::new(
                Code::UnknownMessage,
                format!("there is no message {message}"),
            )
            .hint("`switchboard messages` lists them")
            .into()
        })
}

/// The result of a sending, as `send` prints it.
pub fn result(message: MessageId, story: &Story, repeated: bool) -> Value {
    let mut whole = story.to_json(message);
    set(&mut whole, "repeated", json!(repeated));
    whole
}

/// Everything with the body, as `show` and `messages` print it.
pub fn whole(owner: &Owner, message: MessageId, story: &Story) -> Result<Value, Failure> {
    let mut whole = story.to_json(message);
    set(&mut whole, "body", json!(body(owner, story.position)?));
    Ok(whole)
}

/// The words of the message that was accepted there.
pub fn body(owner: &Owner, at: Position) -> Result<String, Failure> {
    let events = owner.desk.ledger().read(at, 1)?;
    Ok(events
        .into_iter()
        .find_map(|event| {
            let Fact::MessageAccepted(accepted) = event.fact else {
                return None;
            };
            Some(accepted.body)
        })
        .unwrap_or_default())
}

/// Sets a field of an object.
pub fn set(object: &mut Value, field: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(field.to_owned(), value);
    }
}
