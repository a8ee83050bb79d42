//! A message's body as the command line gives it: words, standard input or a file, byte for byte.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failure};

/// The longest body, in bytes.
pub const BODY_MAX_BYTES: usize = 1_048_576;

/// Where a body comes from.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub struct BodyArgs {
    /// The words; `-` reads standard input
    #[arg(value_name = "TEXT|-")]
    pub text: Option<OsString>,
    /// A file holding the words
    #[arg(long, value_name = "F")]
    pub file: Option<PathBuf>,
}

impl BodyArgs {
    /// The body. Empty, too long or not UTF-8 is refused (exit 6); nothing is trimmed, and no more
    /// than one byte beyond the limit is ever read.
    pub fn read(&self, stdin: impl Read) -> Result<String, Failure> {
        let bytes = match (&self.text, &self.file) {
            (_, Some(file)) => {
                let opened = File::open(file).map_err(|e| unreadable(&file.display(), &e))?;
                limited(opened).map_err(|e| unreadable(&file.display(), &e))?
            }
            (Some(text), None) if text == "-" => {
                limited(stdin).map_err(|e| unreadable(&"standard input", &e))?
            }
            (Some(text), None) => text.as_encoded_bytes().to_vec(),
            (None, None) => Vec::new(),
        };
        checked(bytes)
    }
}

fn limited(from: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(BODY_MAX_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    from.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(what: &dyn std::fmt::Display, error: &std::io::Error) -> Failure {
    let exit = if error.kind() == std::io::ErrorKind::NotFound {
        Exit::NotFound
    } else if error.kind() == std::io::ErrorKind::PermissionDenied {
        Exit::NotAllowed
    } else {
        Exit::Failed
    };
    Failure::new(
        exit,
        "unreadable",
        format!("{what} cannot be read: {error}"),
    )
}

fn checked(bytes: Vec<u8>) -> Result<String, Failure> {
    if bytes.is_empty() {
        return Err(Failure::new(
            Exit::Refused,
            "body_empty",
            "the message has no body",
        ));
    }
    if bytes.len() > BODY_MAX_BYTES {
        let message = format!("the body is longer than {BODY_MAX_BYTES} bytes");
        return Err(Failure::new(Exit::Refused, "body_too_large", message)
            .hint("put it into a file and send its path"));
    }
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        let message = format!("the body is not UTF-8: byte {at} starts no character");
        Failure::new(Exit::Refused, "not_utf8", message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_stdin(bytes: &[u8]) -> Result<String, Failure> {
        let args = BodyArgs {
            text: Some("-".into()),
            file: None,
        };
        args.read(bytes)
    }

    #[test]
    fn a_body_is_kept_byte_for_byte() {
        for text in ["a", " a \n", "\n", "\u{feff}a", "a\0b\u{1b}[31m", "ü🦀\r\n"] {
            assert_eq!(from_stdin(text.as_bytes()).unwrap(), text);
        }
        let longest = "x".repeat(BODY_MAX_BYTES);
        assert_eq!(from_stdin(longest.as_bytes()).unwrap(), longest);
    }

    #[test]
    fn what_cannot_be_a_body_is_refused_with_six() {
        let too_long = vec![b'x'; BODY_MAX_BYTES + 1];
        for (bytes, code) in [
            (&b""[..], "body_empty"),
            (&too_long, "body_too_large"),
            (b"ab\xff", "not_utf8"),
        ] {
            let failure = from_stdin(bytes).unwrap_err();
            assert_eq!((failure.exit, failure.code.as_str()), (Exit::Refused, code));
        }
    }

    #[test]
    fn an_endless_body_is_not_read_to_its_end() {
        let failure = BodyArgs {
            text: Some("-".into()),
            file: None,
        }
        .read(std::io::repeat(b'x'))
        .unwrap_err();
        assert_eq!(failure.code, "body_too_large");
    }
}
