//! HTTP to this machine: one POST, one answer. No names are resolved, no redirect is followed, nothing is encrypted, so
//! nothing leaves this machine.

use std::net::{IpAddr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// More of an answer is not read.
const ANSWER_MAX: usize = 64 * 1024;

/// Where something listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// As it is named in the request.
    host: String,
    address: SocketAddr,
    path: String,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// The beginning of everything after it, headers included.
    pub text: String,
}

impl Target {
    /// Reads `http://ADDRESS[:PORT]/PATH`, an address of this machine. None for anything else.
    pub fn read(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("http://")?;
        let (host, path) = rest
            .find('/')
            .map_or((rest, "/"), |at| (&rest[..at], &rest[at..]));
        let plain = |c: char| c.is_ascii_graphic();
        if !path.chars().all(plain) {
            return None;
        }
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()?),
            _ => (host, 80),
        };
        let address: IpAddr = if name == "localhost" {
            IpAddr::from([127, 0, 0, 1])
        } else {
            let name = name.trim_start_matches('[').trim_end_matches(']');
            name.parse().ok()?
        };
        address.is_loopback().then(|| Self {
            host: host.to_owned(),
            address: SocketAddr::new(address, port),
            path: path.to_owned(),
        })
    }

    /// The same with this path, unless it has one of its own.
    #[must_use]
    pub fn or_path(mut self, path: &str) -> Self {
        if self.path == "/" {
            path.clone_into(&mut self.path);
        }
        self
    }

    /// Posts JSON with these further headers, each a whole line. How long it may take is the caller's business.
    pub async fn post(&self, headers: &[String], body: &str) -> std::io::Result<Answered> {
        let more: Vec<String> = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let more = more.concat();
        let request = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             {more}User-Agent: switchboard/{}\r\nConnection: close\r\n\r\n{body}",
            self.path,
            self.host,
            body.len(),
            env!("CARGO_PKG_VERSION"),
        );
        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        let mut piece = [0_u8; 4_096];
        while answer.len() < ANSWER_MAX && !is_whole(&answer) {
            let count = stream.read(&mut piece).await?;
            if count == 0 {
                break;
            }
            answer.extend(piece.iter().take(count));
        }
        let text = String::from_utf8_lossy(&answer);
        let (line, rest) = text.split_once('\n').unwrap_or((&text, ""));
        let status = line.split(' ').nth(1).unwrap_or_default().trim();
        let status: u16 = status
            .parse()
            .map_err(|_no_status| std::io::Error::other("what it answered is no HTTP"))?;
        Ok(Answered {
            status,
            text: rest.to_owned(),
        })
    }
}

/// Whether an answer that says how long it is has come as a whole; one that does not ends with its connection.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    let length = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    length
        .and_then(|(_, length)| length.trim().parse::<usize>().ok())
        .is_some_and(|length| body.len() >= length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_asked() {
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
            assert!(Target::read(url).is_none(), "{url}");
        }
    }

    #[test]
    fn an_answer_with_a_length_is_whole_before_its_connection_ends() {
        assert!(is_whole(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"));
        for half in [
            &b""[..],
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{",
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n{}",
        ] {
            assert!(!is_whole(half));
        }
    }
}
