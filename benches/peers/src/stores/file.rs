//! The limit: a preallocated file, one write and one fdatasync per group of commits, nothing else. No
//! index, no checksum, no look-up: what the disk allows, for something that could only be replayed.

use std::fs::{File as OsFile, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};

use super::{Outcome, Producer, Store};
use crate::events::Event;

/// Space is reserved in steps of this many bytes.
const STEP: u64 = 64 << 20;
type Request = (Vec<u8>, SyncSender<Outcome<()>>);

#[derive(Debug)]
pub struct File {
    path: PathBuf,
    requests: Sender<Request>,
}

impl File {
    pub fn open(folder: &Path) -> Outcome<Self> {
        let path = folder.join("events");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        let mut end = 0;
        walk(&path, |offset, bytes| end = offset + 4 + bytes.len() as u64)?;
        let (requests, waiting) = mpsc::channel();
        std::thread::spawn(move || write(&file, end, &waiting));
        Ok(Self { path, requests })
    }
}

fn reserve(file: &OsFile, from: u64) -> Outcome<u64> {
    // Written, not only allocated: fdatasync then has no metadata to carry along.
    let zeros = vec![0; 1 << 20];
    for at in (from..from + STEP).step_by(1 << 20) {
        file.write_all_at(&zeros, at)?;
    }
    file.sync_all()?;
    Ok(from + STEP)
}

fn write(file: &OsFile, mut end: u64, waiting: &Receiver<Request>) {
    let mut reserved = end;
    while let Ok(first) = waiting.recv() {
        let group: Vec<Request> = std::iter::once(first).chain(waiting.try_iter()).collect();
        let bytes: Vec<u8> = group.iter().flat_map(|(bytes, _)| bytes.iter().copied()).collect();
        let wrote = (|| {
            while end + bytes.len() as u64 + 4 > reserved {
                reserved = reserve(file, reserved)?;
            }
            file.write_all_at(&bytes, end)?;
            file.sync_data()?;
            Ok(())
        })();
        end += bytes.len() as u64;
        for (_, reply) in group {
            let answer = wrote.as_ref().map(|()| ()).map_err(|e: &super::Fault| e.to_string().into());
            drop(reply.send(answer));
        }
    }
}

fn walk(path: &Path, mut visit: impl FnMut(u64, &[u8])) -> Outcome<()> {
    use std::io::Read as _;
    let mut reader = std::io::BufReader::with_capacity(1 << 20, OsFile::open(path)?);
    let (mut offset, mut length) = (0, [0; 4]);
    let mut bytes = Vec::new();
    while reader.read_exact(&mut length).is_ok() {
        let size = u32::from_le_bytes(length);
        if size == 0 {
            break;
        }
        bytes.resize(size as usize, 0);
        reader.read_exact(&mut bytes)?;
        visit(offset, &bytes);
        offset += 4 + u64::from(size);
    }
    Ok(())
}

impl Store for File {
    fn producer(&self) -> Outcome<Box<dyn Producer>> {
        Ok(Box::new(Lane(self.requests.clone())))
    }

    fn scan(&self) -> Outcome<(u64, u64)> {
        let (mut count, mut sum) = (0, 0);
        walk(&self.path, |_, bytes| {
            count += 1;
            sum += bytes.len() as u64;
        })?;
        Ok((count, sum))
    }

    fn point(&self, _position: u64) -> Outcome<usize> {
        Err("the limit has no look-up".into())
    }
}

struct Lane(Sender<Request>);

impl Producer for Lane {
    fn append(&mut self, batch: &[Event]) -> Outcome<()> {
        let mut bytes = Vec::with_capacity(batch.len() * 360);
        for event in batch {
            let event = event.bytes();
            bytes.extend_from_slice(&u32::try_from(event.len())?.to_le_bytes());
            bytes.extend_from_slice(&event);
        }
        let (reply, answer) = mpsc::sync_channel(1);
        self.0.send((bytes, reply))?;
        answer.recv()?
    }
}
