//! Helpers of the facts: checked words, and enums that people write as one word.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

use crate::events::ids::NotAName;

/// Gives an enum one spelling for JSON, command line and display, and lists it in errors.
macro_rules! worded {
    ($(#[$doc:meta])* $name:ident, $what:literal {
        $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize,
        )]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// Every value, in declared order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The one spelling used in JSON and on the command line.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::events::ids::NotAName;

            fn from_str(text: &str) -> Result<Self, $crate::events::ids::NotAName> {
                let found = Self::ALL.iter().find(|value| value.word().eq_ignore_ascii_case(text));
                found.copied().ok_or_else(|| $crate::events::ids::NotAName {
                    name: text.to_owned(),
                    rule: format!(concat!($what, " is one of {}"), [$($word),*].join(", ")),
                })
            }
        }
    };
}

pub(crate) use worded;

/// A tag, role or capability: small letters, digits, `.`, `_`, `-`, at most 32 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Word(String);

impl Word {
    /// The word itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Word {
    type Error = NotAName;

    fn try_from(mut name: String) -> Result<Self, NotAName> {
        name.make_ascii_lowercase();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let fits = name.len() <= 32
            && name.starts_with(plain)
            && name
                .chars()
                .all(|c| plain(c) || matches!(c, '.' | '_' | '-'));
        if fits {
            Ok(Self(name))
        } else {
            let rule = "a tag, role or capability has 1 to 32 letters, digits, `.`, `_` or `-`";
            Err(NotAName {
                name,
                rule: rule.to_owned(),
            })
        }
    }
}

impl FromStr for Word {
    type Err = NotAName;

    fn from_str(name: &str) -> Result<Self, NotAName> {
        Self::try_from(name.to_owned())
    }
}

impl From<Word> for String {
    fn from(word: Word) -> Self {
        word.0
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Bytes that people see only as their length and hash; stored whole.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(transparent)]
pub struct Bulk(pub Vec<u8>);

impl fmt::Debug for Bulk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bulk({} bytes)", self.0.len())
    }
}

impl Serialize for Bulk {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            let hash = blake3::hash(&self.0);
            to.collect_str(&format_args!(
                "{} bytes, blake3 {}",
                self.0.len(),
                hash.to_hex()
            ))
        } else {
            self.0.serialize(to)
        }
    }
}
