//! What is typed around a body.

use crate::events::facts::agent::Envelope;
use crate::events::ids::{AgentId, MessageId};

/// The body as it is typed. A stamp is ` [sb:3f9a]` after it: the last four digits of the
/// message's id, which tell two equal messages apart. A header is a first line naming sender and
/// message.
pub fn wrap(envelope: Envelope, message: MessageId, from: &AgentId, body: &str) -> String {
    match envelope {
        Envelope::None => body.to_owned(),
        Envelope::Stamp => format!("{body}{}", stamp(message)),
        Envelope::Header => format!("[from {from}, message {message}]\n{body}"),
    }
}

/// The stamp alone, with the blank before it.
pub fn stamp(message: MessageId) -> String {
    let id = message.0.simple().to_string();
    let digits: String = id.chars().skip(28).collect();
    format!(" [sb:{digits}]")
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn what_is_typed_around_a_body() {
        let message = MessageId(Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_3f9a));
        let from = "agent-2".parse().unwrap();
        for (envelope, expect) in [
            (Envelope::None, "hello"),
            (Envelope::Stamp, "hello [sb:3f9a]"),
            (
                Envelope::Header,
                "[from agent-2, message 01980000-0000-7000-8000-000000003f9a]\nhello",
            ),
        ] {
            assert_eq!(wrap(envelope, message, &from, "hello"), expect);
        }
    }
}
