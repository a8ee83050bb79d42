//! The control socket: how other processes reach the one that owns the ledger. One request a
//! connection, JSON lines both ways.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};

use super::request::Request;
use crate::cli::exit::{Exit, Failure};

/// Version of the talk on the socket; both ends must have the same.
pub const VERSION: u32 = 2;

/// The longest line either side accepts, in bytes: a 1 MiB body, escaped, with room to spare.
const LINE_MAX: usize = 16 * 1024 * 1024;

/// How long a peer may take for its greeting, and for the request that follows.
pub const GREETING: Duration = Duration::from_secs(5);

/// How often an owner that works on a long answer says so.
pub const SIGN_OF_LIFE: Duration = Duration::from_secs(3);

/// How long an owner may be silent in the middle of an answer before it is taken for stuck.
pub const SILENCE: Duration = Duration::from_secs(30);

/// One line from the client.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromClient {
    /// The first line.
    Hello {
        /// Its [`VERSION`].
        version: u32,
    },
    /// The second and last.
    Ask(Box<Request>),
}

/// One line from the owner.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromOwner {
    /// The first line.
    Hello {
        /// Its [`VERSION`].
        version: u32,
        /// Its process id.
        pid: u32,
    },
    /// One object of the answer.
    Item(Value),
    /// Nothing yet; but the owner is alive, and the request in its hands.
    Working,
    /// All was said.
    Done {
        /// The exit code.
        exit: Exit,
    },
    /// It was refused or failed.
    Failed(Failure),
    /// The owner is going away and did not take the request up; ask whoever comes next.
    Leaving,
}

/// A talk that broke off.
#[derive(Debug, thiserror::Error)]
pub enum TalkError {
    /// The other side is gone, or the system refused.
    #[error("the connection to the ledger's owner broke off")]
    Io(#[from] std::io::Error),
    /// What was said makes no sense here.
    #[error("the ledger's owner and this binary do not understand each other: {0}")]
    Nonsense(String),
}

/// Reads and writes lines of one connection.
#[derive(Debug)]
pub struct Talk {
    read: BufReader<OwnedReadHalf>,
    write: OwnedWriteHalf,
}

impl Talk {
    /// Wraps a connected stream.
    pub fn over(stream: UnixStream) -> Self {
        let (read, write) = stream.into_split();
        Self {
            read: BufReader::new(read),
            write,
        }
    }

    /// Says one line.
    pub async fn say<T: Serialize + Sync>(&mut self, line: &T) -> Result<(), TalkError> {
        let mut bytes =
            serde_json::to_vec(line).map_err(|error| TalkError::Nonsense(error.to_string()))?;
        bytes.push(b'\n');
        self.write.write_all(&bytes).await?;
        Ok(())
    }

    /// Hears one line; none when the other side has closed.
    pub async fn hear<T: for<'de> Deserialize<'de>>(&mut self) -> Result<Option<T>, TalkError> {
        let mut line = Vec::new();
        loop {
            let chunk = self.read.fill_buf().await?;
            if chunk.is_empty() {
                return Ok(None);
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(chunk.len(), |end| end.saturating_add(1));
            line.extend(chunk.iter().take(taken));
            self.read.consume(taken);
            if line.len() > LINE_MAX {
                return Err(TalkError::Nonsense(format!(
                    "a line of over {LINE_MAX} bytes"
                )));
            }
            if end.is_some() {
                return serde_json::from_slice(&line)
                    .map(Some)
                    .map_err(|error| TalkError::Nonsense(error.to_string()));
            }
        }
    }

    /// The owner's side of the greeting; the request that follows.
    pub async fn welcome(&mut self) -> Result<Option<Request>, TalkError> {
        let heard = tokio::time::timeout(GREETING, self.hear::<FromClient>()).await;
        let version = match heard.map_err(|_elapsed| silent())?? {
            Some(FromClient::Hello { version }) => version,
            Some(FromClient::Ask(_)) => return Err(TalkError::Nonsense("no greeting".to_owned())),
            None => return Ok(None),
        };
        self.say(&FromOwner::Hello {
            version: VERSION,
            pid: std::process::id(),
        })
        .await?;
        if version != VERSION {
            return Ok(None);
        }
        let heard = tokio::time::timeout(GREETING, self.hear::<FromClient>()).await;
        match heard.map_err(|_elapsed| silent())?? {
            Some(FromClient::Ask(request)) => Ok(Some(*request)),
            Some(FromClient::Hello { .. }) => Err(TalkError::Nonsense("two greetings".to_owned())),
            None => Ok(None),
        }
    }

    /// The client's side of the greeting, which the owner answers within `patience`.
    pub async fn greet(&mut self, patience: Duration) -> Result<(), TalkError> {
        self.say(&FromClient::Hello { version: VERSION }).await?;
        let heard = tokio::time::timeout(patience, self.hear::<FromOwner>()).await;
        match heard.map_err(|_elapsed| silent())?? {
            Some(FromOwner::Hello { version, .. }) if version == VERSION => Ok(()),
            Some(FromOwner::Hello { version, pid }) => Err(TalkError::Nonsense(format!(
                "process {pid} speaks version {version}, this binary {VERSION}; \
                 stop it and start it again with this binary"
            ))),
            Some(other) => Err(TalkError::Nonsense(format!(
                "{other:?} instead of a greeting"
            ))),
            None => Err(TalkError::Io(std::io::ErrorKind::UnexpectedEof.into())),
        }
    }

    /// Resolves when the other side hangs up.
    pub async fn hung_up(&mut self) {
        while let Ok(chunk) = self.read.fill_buf().await {
            if chunk.is_empty() {
                return;
            }
            let length = chunk.len();
            self.read.consume(length);
        }
    }
}

fn silent() -> TalkError {
    TalkError::Io(std::io::Error::new(
        std::io::ErrorKind::TimedOut,
        "no greeting in time",
    ))
}

/// The socket in the store's folder, removed by the one who made it.
#[derive(Debug)]
pub struct Listening {
    listener: UnixListener,
    path: PathBuf,
    inode: u64,
}

impl Listening {
    /// Binds under a temporary name and renames, so that nobody connects to a socket that is not
    /// ready. Only the holder of the ledger's lock may call it.
    pub fn at(store: &Path) -> std::io::Result<Self> {
        let path = socket_path(store);
        let fresh = store.join(format!(".control.{}.sock", std::process::id()));
        remove_if_there(&fresh)?;
        let folder = std::fs::File::open(store)?;
        let listener = UnixListener::bind(short(&folder, &fresh))?;
        std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o600))?;
        let inode = std::fs::metadata(&fresh)?.ino();
        crate::adapters::files::replace(&fresh, &path)?;
        Ok(Self {
            listener,
            path,
            inode,
        })
    }

    /// The next connection from this user.
    pub async fn accept(&self) -> std::io::Result<UnixStream> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            let me = rustix::process::geteuid().as_raw();
            // The folder is 0700 and the socket 0600; root may still connect for others.
            if stream
                .peer_cred()
                .is_ok_and(|peer| peer.uid() == me || peer.uid() == 0)
            {
                return Ok(stream);
            }
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // Never somebody else's: a newer owner may have replaced it.
        if std::fs::metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            remove_if_there(&self.path).unwrap_or_default();
        }
    }
}

/// Connects to the owner, if there is one that answers.
pub async fn connect(store: &Path) -> std::io::Result<Talk> {
    let folder = std::fs::File::open(store)?;
    let stream = UnixStream::connect(short(&folder, &socket_path(store))).await?;
    Ok(Talk::over(stream))
}

fn socket_path(store: &Path) -> PathBuf {
    store.join("control.sock")
}

/// A name for the socket that fits into the 107 bytes the system allows.
fn short(folder: &std::fs::File, path: &Path) -> PathBuf {
    use std::os::fd::AsRawFd as _;
    match path.file_name() {
        Some(name) if path.as_os_str().len() > 100 => Path::new("/proc/self/fd")
            .join(folder.as_raw_fd().to_string())
            .join(name),
        _ => path.to_path_buf(),
    }
}

fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
