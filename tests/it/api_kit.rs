//! A desk that serves HTTP, and a client that says exactly what it is told to say.

use std::io::{BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use super::running_kit::{Desk, Running};

/// Long enough for a machine that does a lot of other things.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A desk that serves HTTP on a port of its own.
pub(crate) struct Web {
    pub(crate) desk: Desk,
    pub(crate) daemon: Running,
    pub(crate) address: SocketAddr,
}

/// What was answered.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    pub(crate) fn position(&self) -> u64 {
        self.header("ledger-position").unwrap().parse().unwrap()
    }
}

impl Web {
    /// A new ledger and a daemon over it.
    pub(crate) fn new() -> Self {
        Self::over(Desk::new(), &[])
    }

    pub(crate) fn over(desk: Desk, more: &[&str]) -> Self {
        let line = ["serve", "--listen", "127.0.0.1:0", "--desktop", "none"];
        let daemon = desk.start(&[&line, more].concat());
        let serving: Value = serde_json::from_str(&daemon.line()).unwrap();
        let http = serving["http"].as_str().expect("it serves HTTP");
        let address = http.strip_prefix("http://").unwrap().parse().unwrap();
        Self {
            desk,
            daemon,
            address,
        }
    }

    /// Some agents and messages: `a` gets letters, `b` waits behind a pause.
    pub(crate) fn furnished() -> Self {
        let web = Self::new();
        let desk = &web.desk;
        desk.must(&[
            "agent",
            "add",
            "a",
            "--channel",
            "inbox",
            "--role",
            "captain",
        ]);
        desk.must(&["agent", "add", "b", "--channel", "inbox"]);
        for number in 0..3 {
            let text = format!("letter {number} <b>&</b>");
            desk.must(&[
                "send", "--to", "a", "--via", "inbox", "--tag", "wrapup", &text,
            ]);
        }
        desk.must(&["pause", "b"]);
        for priority in ["normal", "critical", "urgent"] {
            let line = [
                "send",
                "--to",
                "b",
                "--wait",
                "accepted",
                "--priority",
                priority,
            ];
            desk.must(&[&line[..], &["waits"]].concat());
        }
        web
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends these bytes and reads one reply.
    pub(crate) fn say(&self, bytes: &[u8]) -> Reply {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        read_reply(&mut BufReader::new(stream), bytes.starts_with(b"HEAD"))
    }

    pub(crate) fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Reply {
        let own = format!("{}", self.address);
        let mut text = format!("{method} {target} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            text = text + "Host: " + &own + "\r\n";
        }
        for (name, value) in headers {
            text = text + name + ": " + value + "\r\n";
        }
        text.push_str("\r\n");
        self.say(text.as_bytes())
    }

    pub(crate) fn get(&self, target: &str) -> Reply {
        self.ask("GET", target, &[])
    }

    /// The object that is answered.
    pub(crate) fn item(&self, target: &str) -> Value {
        let reply = self.get(target);
        assert_eq!(reply.status, 200, "{target}: {}", reply.text());
        assert_eq!(
            reply.header("content-type"),
            Some("application/json"),
            "{target}"
        );
        reply.json()
    }

    /// The items of a page.
    pub(crate) fn items(&self, target: &str) -> Vec<Value> {
        self.item(target)["items"].as_array().unwrap().clone()
    }

    /// The problem that is answered, checked for its form.
    pub(crate) fn problem(&self, target: &str) -> Value {
        problem(&self.get(target))
    }

    /// A stream of events, from its first byte after the head on.
    pub(crate) fn follow(&self, target: &str, last: Option<u64>) -> Follower {
        let mut stream = self.connect();
        let last = last.map_or_else(String::new, |last| format!("Last-Event-ID: {last}\r\n"));
        let head = format!(
            "GET {target} HTTP/1.1\r\nHost: {}\r\n{last}\r\n",
            self.address
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let (status, headers) = read_head(&mut reader);
        assert_eq!(status, 200, "{headers:?}");
        let kind = headers
            .iter()
            .find(|(name, _)| name == "content-type")
            .unwrap();
        assert_eq!(kind.1, "text/event-stream");
        Follower {
            reader,
            pending: Vec::new(),
        }
    }

    pub(crate) fn head(&self) -> u64 {
        self.get("/livez").position()
    }
}

/// A problem, checked for its form.
pub(crate) fn problem(reply: &Reply) -> Value {
    assert!(reply.status >= 400, "{reply:?}");
    assert_eq!(
        reply.header("content-type"),
        Some("application/problem+json"),
        "{reply:?}"
    );
    let problem = reply.json();
    assert_eq!(problem["status"], reply.status);
    for field in ["type", "title", "code", "detail", "request_id"] {
        assert!(problem[field].is_string(), "{field}: {problem}");
    }
    assert_eq!(problem["request_id"].as_str(), reply.header("x-request-id"));
    problem
}

/// Status and headers.
pub(crate) fn read_head(reader: &mut impl std::io::BufRead) -> (u16, Vec<(String, String)>) {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let status = line
        .split(' ')
        .nth(1)
        .unwrap_or_else(|| panic!("no status: {line:?}"));
    let status = status.parse().unwrap();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(':') else {
            return (status, headers);
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

/// One chunk of a body in chunks; empty at the end.
fn read_chunk(reader: &mut impl std::io::BufRead) -> Vec<u8> {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(!line.is_empty(), "the body broke off");
    let length = usize::from_str_radix(line.trim(), 16).unwrap();
    let mut chunk = vec![0; length + 2];
    reader.read_exact(&mut chunk).unwrap();
    chunk.truncate(length);
    chunk
}

pub(crate) fn read_reply(reader: &mut impl std::io::BufRead, bare: bool) -> Reply {
    let (status, headers) = read_head(reader);
    let named = |name: &str| {
        headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, v)| v.as_str())
    };
    let mut body = Vec::new();
    if bare || status == 204 || status == 304 {
        // Nothing follows.
    } else if named("transfer-encoding") == Some("chunked") {
        loop {
            let chunk = read_chunk(reader);
            if chunk.is_empty() {
                break;
            }
            body.extend(chunk);
        }
    } else if let Some(length) = named("content-length") {
        body.resize(length.parse().unwrap(), 0);
        reader.read_exact(&mut body).unwrap();
    } else {
        reader.read_to_end(&mut body).unwrap();
    }
    Reply {
        status,
        headers,
        body,
    }
}

/// A client that follows events.
pub(crate) struct Follower {
    reader: BufReader<TcpStream>,
    pending: Vec<u8>,
}

/// One server-sent event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent {
    pub(crate) id: Option<u64>,
    pub(crate) event: Option<String>,
    pub(crate) data: Value,
    pub(crate) comment: bool,
}

impl Follower {
    /// The next block, comments and all; none when the stream ended.
    pub(crate) fn block(&mut self) -> Option<Sent> {
        loop {
            let end = self.pending.windows(2).position(|pair| pair == b"\n\n");
            if let Some(end) = end {
                let block: Vec<u8> = self.pending.drain(..end + 2).collect();
                return Some(Self::read(&String::from_utf8(block).unwrap()));
            }
            let chunk = read_chunk(&mut self.reader);
            if chunk.is_empty() {
                return None;
            }
            self.pending.extend(chunk);
        }
    }

    fn read(block: &str) -> Sent {
        let mut sent = Sent::default();
        for line in block.lines() {
            match line.split_once(": ") {
                Some(("id", id)) => sent.id = Some(id.parse().unwrap()),
                Some(("event", event)) => sent.event = Some(event.to_owned()),
                Some(("data", data)) => sent.data = serde_json::from_str(data).unwrap(),
                Some(("", _)) => sent.comment = true,
                _ => {}
            }
        }
        sent
    }

    /// The next event of the ledger.
    pub(crate) fn event(&mut self) -> Sent {
        loop {
            let sent = self.block().expect("the stream goes on");
            if let Some(id) = sent.id {
                assert_eq!(sent.data["position"], id);
                return sent;
            }
        }
    }
}
