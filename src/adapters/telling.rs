//! Telling somebody of an alert: a line in the log, a notification on the desktop, a signed HTTP request on this
//! machine, a program.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::loopback::Target;
use crate::events::facts::alert::Notifier;

/// What is told: the alert as JSON, and the same in words and variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// JSON.
    pub body: String,
    /// A line for people.
    pub words: String,
    /// Names and values for a program's environment.
    pub variables: Vec<(&'static str, String)>,
}

/// How somebody can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ways {
    /// Where a webhook listens; empty for nowhere.
    pub webhook: String,
    /// The file whose first line signs it.
    pub secret_file: PathBuf,
    /// A program and its arguments.
    pub command: Vec<String>,
    /// How long each try may take.
    pub within: Duration,
}

/// Tells it once. What went wrong is said in words, without anything secret.
pub async fn tell(notifier: Notifier, ways: &Ways, notice: &Notice) -> Result<(), String> {
    let telling = async {
        match notifier {
            Notifier::Log => {
                tracing::warn!(target: "switchboard::alert", "{}", notice.words);
                Ok(())
            }
            Notifier::Desktop => desktop(notice).await,
            Notifier::Webhook => webhook(ways, notice).await,
            Notifier::Command => command(ways, notice).await,
        }
    };
    match tokio::time::timeout(ways.within, telling).await {
        Ok(told) => told,
        Err(_) => Err(format!("no answer within {} ms", ways.within.as_millis())),
    }
}

async fn desktop(notice: &Notice) -> Result<(), String> {
    let mut program = Command::new("notify-send");
    program.args(["--app-name", "Switchboard", "Switchboard", &notice.words]);
    run(program, None).await
}

async fn command(ways: &Ways, notice: &Notice) -> Result<(), String> {
    let Some((name, arguments)) = ways.command.split_first() else {
        return Err("alerts.command names no program".to_owned());
    };
    let mut program = Command::new(name);
    program.args(arguments);
    for (name, value) in &notice.variables {
        program.env(name, value);
    }
    run(program, Some(&notice.body)).await
}

/// Runs a program to its end. It is killed when nobody waits any more.
async fn run(mut program: Command, input: Option<&str>) -> Result<(), String> {
    program
        .stdin(input.map_or_else(Stdio::null, |_| Stdio::piped()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let begun = program.spawn();
    let mut child = begun.map_err(|error| format!("it cannot be started: {error}"))?;
    if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input) {
        // A program need not read what it is told.
        pipe.write_all(input.as_bytes()).await.unwrap_or_default();
    }
    let ended = child.wait().await;
    let ended = ended.map_err(|error| format!("its end cannot be seen: {error}"))?;
    if ended.success() {
        Ok(())
    } else {
        Err(format!("it ended with {ended}"))
    }
}

/// Where a webhook is: `http://ADDRESS[:PORT]/PATH`. Only this machine: the request is not encrypted.
pub fn hook(url: &str) -> Result<Target, String> {
    let only = "a webhook is http://127.0.0.1:PORT/PATH (or localhost, or [::1]); for other machines, which \
                need https, use a command";
    Target::read(url).ok_or_else(|| only.to_owned())
}

/// The header's value for a body: `sha256=` and HMAC-SHA256 in hexadecimal digits (RFC 2104).
pub fn signature(key: &[u8], body: &[u8]) -> Result<String, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|error| error.to_string())?;
    mac.update(body);
    let digits = mac.finalize().into_bytes();
    let hex: Vec<String> = digits.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("sha256={}", hex.concat()))
}

async fn webhook(ways: &Ways, notice: &Notice) -> Result<(), String> {
    let target = hook(&ways.webhook)?;
    let file = ways.secret_file.clone();
    let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(file)).await;
    let key = read.map_err(|error| error.to_string())?;
    let key = key.map_err(|error| format!("alerts.webhook_secret_file: {error}"))?;
    let key = key.lines().next().unwrap_or_default().trim();
    if key.is_empty() {
        return Err("alerts.webhook_secret_file holds no key".to_owned());
    }
    let signed = signature(key.as_bytes(), notice.body.as_bytes())?;
    let header = format!("X-Switchboard-Signature: {signed}");
    let answered = target.post(&[header], &notice.body).await;
    let status = answered.map_err(|error| error.to_string())?.status;
    if (200..300).contains(&status) {
        Ok(())
    } else {
        Err(format!("it answered `{status}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_signed_as_the_standard_says() {
        // RFC 4231, test case 2.
        let signed = signature(b"Jefe", b"what do ya want for nothing?").unwrap();
        let hex = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signed, format!("sha256={hex}"));
    }
}
