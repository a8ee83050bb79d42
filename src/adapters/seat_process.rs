//! Seat workers as processes of their own: the hidden verb `seat-worker` of this same binary,
//! talking JSON lines over its standard input and output.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;

use crate::delivery::dispatch::{Hands, Hire};
use crate::delivery::wire::{FromWorker, ToWorker};
use crate::events::ids::SeatId;

/// Starts a worker process per seat.
#[derive(Clone, Debug)]
pub struct SeatProcesses {
    /// The binary to start.
    pub program: PathBuf,
    /// Which desktop the worker opens: `x11`, `blind` or `record:FILE`.
    pub desktop: String,
    /// Whether the pointer in the corner stops all hands.
    pub corner: bool,
}

impl SeatProcesses {
    /// Workers of the running binary, even if its file was replaced meanwhile.
    pub fn of_this_binary(desktop: String, corner: bool) -> std::io::Result<Self> {
        let own = PathBuf::from("/proc/self/exe");
        let program = if own.exists() {
            own
        } else {
            std::env::current_exe()?
        };
        Ok(Self {
            program,
            desktop,
            corner,
        })
    }
}

impl Hire for SeatProcesses {
    fn hire(&self, seat: &SeatId) -> std::io::Result<Hands> {
        let mut child = Command::new(&self.program)
            .args([
                "seat-worker",
                "--seat",
                seat.as_str(),
                "--desktop",
                &self.desktop,
            ])
            .args(self.corner.then_some("--panic-corner"))
            .env("DISPLAY", seat.as_str())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            // The terminal's Ctrl-C is for the owner, who lets an attempt under way end.
            .process_group(0)
            .spawn()?;
        let (say, to_write) = mpsc::channel(4);
        let (to_tell, hear) = mpsc::channel(4);
        if let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) {
            tokio::spawn(write(stdin, to_write));
            tokio::spawn(read(stdout, to_tell, child));
        }
        Ok(Hands { say, hear })
    }
}

async fn write(mut stdin: ChildStdin, mut lines: mpsc::Receiver<ToWorker>) {
    while let Some(line) = lines.recv().await {
        let Ok(mut bytes) = serde_json::to_vec(&line) else {
            return;
        };
        bytes.push(b'\n');
        // A worker that is gone is noticed by the reader.
        if stdin.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// Passes the worker's words on until it closes its output, then collects the process. The channel
/// closes last, so that whoever hears the end knows that the process is gone.
async fn read(stdout: ChildStdout, told: mpsc::Sender<FromWorker>, mut child: Child) {
    let mut lines = BufReader::new(stdout).lines();
    loop {
        let line = tokio::select! {
            line = lines.next_line() => line,
            // Nobody listens any more: these hands shall stop, whatever they are at.
            () = told.closed() => {
                child.kill().await.unwrap_or_default();
                return;
            }
        };
        let Ok(Some(line)) = line else { break };
        match serde_json::from_str::<FromWorker>(&line) {
            Ok(word) => {
                if told.send(word).await.is_err() {
                    break;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a seat worker said something that is no word of ours");
                break;
            }
        }
    }
    let grace = std::time::Duration::from_secs(3);
    if tokio::time::timeout(grace, child.wait()).await.is_err() {
        child.kill().await.unwrap_or_default();
    }
    drop(told);
}
