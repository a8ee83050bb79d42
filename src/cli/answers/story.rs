//! One message as people see it: its story and its words, from the ledger.

use serde_json::{Value, json};

use crate::cli::exit::Failure;
use crate::cli::owner::open::Owner;
use crate::commands::refusal::{Code, Refusal};
use crate::events::envelope::Event;
use crate::events::ids::MessageId;
use crate::projections::story::{Story, events_of};

/// The message's story up to the newest event, or the failure `unknown_message`.
pub fn find(owner: &Owner, message: MessageId) -> Result<Story, Failure> {
    Story::of(owner.desk.ledger(), message)?.ok_or_else(|| unknown(message))
}

/// Every event that concerns the message, or the failure `unknown_message`.
pub fn events(owner: &Owner, message: MessageId) -> Result<Vec<Event>, Failure> {
    let events = events_of(owner.desk.ledger(), message)?;
    if events.is_empty() {
        return Err(unknown(message));
    }
    Ok(events)
}

fn unknown(message: MessageId) -> Failure {
    Refusal::new(
        Code::UnknownMessage,
        format!("there is no message {message}"),
    )
    .hint("`switchboard messages` lists them")
    .into()
}

/// The result of a sending, as `send` prints it.
pub fn result(message: MessageId, story: &Story, repeated: bool) -> Value {
    let mut whole = story.to_json(message);
    set(&mut whole, "repeated", json!(repeated));
    whole
}

/// Sets a field of an object.
pub fn set(object: &mut Value, field: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(field.to_owned(), value);
    }
}
