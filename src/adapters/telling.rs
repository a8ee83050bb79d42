//! Telling somebody of an alert: a line in the log, a notification on the desktop, a signed HTTP request on this
//! machine, a program.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::events::facts::alert::Notifier;

/// An answer's first line is not longer than this; the rest is not read.
const STATUS_LINE: usize = 64;

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

/// Where a webhook is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// As it is named in the request.
    host: String,
    address: SocketAddr,
    path: String,
}

impl Target {
    /// Reads `http://ADDRESS[:PORT]/PATH`. Only this machine: the request is not encrypted.
    pub fn read(url: &str) -> Result<Self, String> {
        let only = "a webhook is http://127.0.0.1:PORT/PATH (or localhost, or [::1]); for other machines, which \
                    need https, use a command";
        let refuse = || only.to_owned();
        let rest = url.strip_prefix("http://").ok_or_else(refuse)?;
        let (host, path) = rest
            .find('/')
            .map_or((rest, "/"), |at| (&rest[..at], &rest[at..]));
        let plain = |c: char| c.is_ascii_graphic();
        if !path.chars().all(plain) {
            return Err(refuse());
        }
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => {
                (name, port.parse().map_err(|_no_port| refuse())?)
            }
            _ => (host, 80),
        };
        let address: IpAddr = if name == "localhost" {
            IpAddr::from([127, 0, 0, 1])
        } else {
            let name = name.trim_start_matches('[').trim_end_matches(']');
            name.parse().map_err(|_no_address| refuse())?
        };
        if !address.is_loopback() {
            return Err(refuse());
        }
        Ok(Self {
            host: host.to_owned(),
            address: SocketAddr::new(address, port),
            path: path.to_owned(),
        })
    }
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
    let target = Target::read(&ways.webhook)?;
    let file = ways.secret_file.clone();
    let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(file)).await;
    let key = read.map_err(|error| error.to_string())?;
    let key = key.map_err(|error| format!("alerts.webhook_secret_file: {error}"))?;
    let key = key.lines().next().unwrap_or_default().trim();
    if key.is_empty() {
        return Err("alerts.webhook_secret_file holds no key".to_owned());
    }
    let signed = signature(key.as_bytes(), notice.body.as_bytes())?;
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         X-Switchboard-Signature: {signed}\r\nUser-Agent: switchboard/{}\r\nConnection: close\r\n\r\n{}",
        target.path,
        target.host,
        notice.body.len(),
        env!("CARGO_PKG_VERSION"),
        notice.body,
    );
    let answered = async {
        let mut stream = TcpStream::connect(target.address).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut line = Vec::new();
        while line.len() < STATUS_LINE && !line.contains(&b'\n') {
            match stream.read_u8().await {
                Ok(byte) => line.push(byte),
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(error),
            }
        }
        Ok::<_, std::io::Error>(line)
    };
    let line = answered.await.map_err(|error| error.to_string())?;
    let line = String::from_utf8_lossy(&line);
    let status = line.split(' ').nth(1).unwrap_or_default();
    if status.len() == 3 && status.starts_with('2') {
        Ok(())
    } else {
        let shown = status.chars().filter(char::is_ascii_digit).take(3);
        Err(format!("it answered `{}`", shown.collect::<String>()))
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

    #[test]
    fn a_webhook_is_on_this_machine() {
        for (url, address, path) in [
            (
                "http://127.0.0.1:9000/hook?a=1",
                "127.0.0.1:9000",
                "/hook?a=1",
            ),
            ("http://localhost", "127.0.0.1:80", "/"),
            ("http://[::1]:9000/", "[::1]:9000", "/"),
            ("http://[::1]/", "[::1]:80", "/"),
        ] {
            let target = Target::read(url).unwrap();
            assert_eq!(target.address, address.parse().unwrap(), "{url}");
            assert_eq!(target.path, path, "{url}");
        }
        for url in [
            "https://127.0.0.1/",
            "http://192.0.2.1/",
            "http://example.com/",
            "http://127.0.0.1.example.com/",
            "http://localhost@example.com/",
            "http://127.0.0.1:x/",
            "http://127.0.0.1/a b",
            "http://127.0.0.1/\r\nX: y",
            "",
        ] {
            assert!(Target::read(url).is_err(), "{url}");
        }
    }
}
