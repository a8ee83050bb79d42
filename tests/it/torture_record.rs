//! What a process did to the files below one folder, from strace's record of it, and every disk
//! that lost power could have made of that.
//!
//! The model is stricter than any file system that users have: what was not synced may be there or
//! not, page by page (4 KiB) and in any order; a name counts only once its folder was synced, and
//! each folder loses its last changes by itself.
#![expect(
    clippy::cast_possible_truncation,
    reason = "numbers of a test, far from any limit"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path};

use crate::torture_kit::{Ack, Dice};

const PAGE: u64 = 4096;

/// The calls to be recorded.
pub(crate) const CALLS: &str = "openat,open,creat,dup,dup2,dup3,fcntl,lseek,write,pwrite64,writev,pwritev,pwritev2,\
     ftruncate,truncate,fallocate,fsync,fdatasync,sync_file_range,rename,renameat,renameat2,link,linkat,symlink,\
     unlink,unlinkat,rmdir,mkdir,mkdirat,mmap,sendto";

/// Something that happened, in order.
#[derive(Debug)]
pub(crate) enum Happened {
    /// A change that is not durable yet.
    Change(Node, Change),
    /// A sync that began when so many things had happened, and is over now.
    Synced { node: Node, began: usize },
    /// The process said that this is durable.
    Acked(Ack),
    /// Any other word of the process.
    Said(String),
}

/// A file or folder, in the order of their making.
pub(crate) type Node = usize;

#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Bytes of a file.
    Bytes { at: u64, bytes: Vec<u8> },
    /// A file's length.
    Length(u64),
    /// A file is at least so long.
    Grow(u64),
    /// A name in a folder stands for this now.
    Name(String, Node),
    /// A name in a folder is gone.
    NoName(String),
    /// A name in a folder became another.
    Renamed(String, String),
}

/// Files and folders; the first is the folder that everything stands in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    nodes: Vec<Content>,
}

#[derive(Clone, Debug)]
enum Content {
    File(Vec<u8>),
    Folder(BTreeMap<String, Node>),
}

impl Disk {
    /// What stands below a folder of the real disk, all of it durable.
    pub(crate) fn of(folder: &Path) -> Self {
        let mut disk = Self::default();
        disk.add(folder);
        disk
    }

    fn add(&mut self, path: &Path) -> Node {
        let node = self.nodes.len();
        if !path.is_dir() {
            self.nodes.push(Content::File(fs::read(path).unwrap()));
            return node;
        }
        self.nodes.push(Content::Folder(BTreeMap::new()));
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            let child = self.add(&entry.path());
            self.names(node)
                .insert(entry.file_name().into_string().unwrap(), child);
        }
        node
    }

    pub(crate) fn make(&mut self, folder: bool) -> Node {
        self.nodes.push(if folder {
            Content::Folder(BTreeMap::new())
        } else {
            Content::File(Vec::new())
        });
        self.nodes.len() - 1
    }

    fn names(&mut self, node: Node) -> &mut BTreeMap<String, Node> {
        match &mut self.nodes[node] {
            Content::Folder(names) => names,
            Content::File(_) => panic!("node {node} is no folder"),
        }
    }

    fn bytes(&mut self, node: Node) -> &mut Vec<u8> {
        match &mut self.nodes[node] {
            Content::File(bytes) => bytes,
            Content::Folder(_) => panic!("node {node} is no file"),
        }
    }

    /// Whether a node is a folder; none beyond the last.
    pub(crate) fn kind(&self, node: Node) -> Option<bool> {
        Some(matches!(self.nodes.get(node)?, Content::Folder(_)))
    }

    pub(crate) fn length(&self, node: Node) -> u64 {
        match &self.nodes[node] {
            Content::File(bytes) => bytes.len() as u64,
            Content::Folder(_) => 0,
        }
    }

    /// What a name stands for.
    pub(crate) fn child(&self, node: Node, name: &str) -> Option<Node> {
        match &self.nodes[node] {
            Content::Folder(names) => names.get(name).copied(),
            Content::File(_) => None,
        }
    }

    /// What a path below the first folder stands for.
    pub(crate) fn walk(&self, path: &Path) -> Option<Node> {
        path.components().try_fold(0, |node, part| match part {
            Component::Normal(name) => self.child(node, name.to_str().unwrap()),
            Component::CurDir | Component::RootDir => Some(node),
            Component::Prefix(_) | Component::ParentDir => None,
        })
    }

    pub(crate) fn apply(&mut self, node: Node, change: &Change) {
        match change {
            Change::Bytes { at, bytes } => {
                let at = *at as usize;
                let file = self.bytes(node);
                if file.len() < at + bytes.len() {
                    file.resize(at + bytes.len(), 0);
                }
                file[at..at + bytes.len()].copy_from_slice(bytes);
            }
            Change::Length(length) => self.bytes(node).resize(*length as usize, 0),
            Change::Grow(length) => {
                let file = self.bytes(node);
                let length = file.len().max(*length as usize);
                file.resize(length, 0);
            }
            Change::Name(name, child) => drop(self.names(node).insert(name.clone(), *child)),
            Change::NoName(name) => drop(self.names(node).remove(name)),
            Change::Renamed(from, to) => {
                let names = self.names(node);
                if let Some(child) = names.remove(from) {
                    names.insert(to.clone(), child);
                }
            }
        }
    }

    /// Puts everything onto the real disk; returns a hash of it.
    pub(crate) fn put(&self, to: &Path) -> blake3::Hash {
        let mut hash = blake3::Hasher::new();
        self.put_node(0, to, &mut hash);
        hash.finalize()
    }

    fn put_node(&self, node: Node, to: &Path, hash: &mut blake3::Hasher) {
        hash.update(to.file_name().unwrap_or_default().as_encoded_bytes());
        match &self.nodes[node] {
            Content::File(bytes) => {
                hash.update(blake3::hash(bytes).as_bytes());
                fs::write(to, bytes).unwrap();
            }
            Content::Folder(names) => {
                fs::create_dir(to).unwrap();
                for (name, child) in names {
                    self.put_node(*child, &to.join(name), hash);
                }
                hash.update(b"/");
            }
        }
    }
}

/// What a power cut leaves of what was not synced.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Left {
    Nothing,
    Everything,
    /// Names, but no bytes.
    Names,
    /// Bytes, but no names.
    Bytes,
    /// Half of the pages, at random.
    Half,
    /// Nine pages of ten.
    Most,
    /// The last write only in part, its first pages.
    TornAtTheEnd,
    /// Later writes, but not the first.
    WithoutTheFirst,
}

pub(crate) const LEFT: [Left; 8] = [
    Left::Nothing,
    Left::Half,
    Left::TornAtTheEnd,
    Left::Names,
    Left::Everything,
    Left::WithoutTheFirst,
    Left::Most,
    Left::Bytes,
];

/// A disk while it is written to: what is durable, and what is on its way.
#[derive(Debug)]
pub(crate) struct Writing {
    durable: Disk,
    pending: BTreeMap<Node, Vec<(usize, Change)>>,
}

impl Writing {
    /// `made` are all nodes of the recording; those that are made later stand there, without a name.
    pub(crate) fn new(mut durable: Disk, made: &[bool]) -> Self {
        for folder in &made[durable.nodes.len()..] {
            durable.make(*folder);
        }
        Self {
            durable,
            pending: BTreeMap::new(),
        }
    }

    /// The next thing happens.
    pub(crate) fn happens(&mut self, at: usize, happened: &Happened) {
        match happened {
            Happened::Change(node, change) => {
                let pending = self.pending.entry(*node).or_default();
                pending.push((at, change.clone()));
            }
            Happened::Synced { node, began } => {
                let Some(pending) = self.pending.get_mut(node) else {
                    return;
                };
                let (durable, still): (Vec<_>, Vec<_>) = std::mem::take(pending)
                    .into_iter()
                    .partition(|(at, _)| at < began);
                *pending = still;
                for (_, change) in durable {
                    self.durable.apply(*node, &change);
                }
            }
            Happened::Acked(_) | Happened::Said(_) => {}
        }
    }

    /// The disk as it may be found after a power cut now.
    pub(crate) fn cut(&self, left: Left, dice: &mut Dice) -> Disk {
        let mut disk = self.durable.clone();
        let order = |pending: &Vec<(usize, Change)>| pending.first().map(|(at, _)| *at);
        let first = self.pending.values().filter_map(order).min();
        let last = self
            .pending
            .values()
            .filter_map(|pending| pending.last().map(|(at, _)| *at))
            .max();
        for (node, pending) in &self.pending {
            // A file system keeps the order of a folder's changes, but not for how long.
            let names = match left {
                Left::Nothing | Left::Bytes => 0,
                Left::Half => dice.below(pending.len() as u64 + 1) as usize,
                Left::Everything
                | Left::Names
                | Left::Most
                | Left::TornAtTheEnd
                | Left::WithoutTheFirst => pending.len(),
            };
            for (index, (at, change)) in pending.iter().enumerate() {
                match change {
                    Change::Name(..) | Change::NoName(_) | Change::Renamed(..) => {
                        if index < names {
                            disk.apply(*node, change);
                        }
                    }
                    Change::Bytes { at: begin, bytes } => {
                        for (page, from, to) in pages(*begin, bytes.len() as u64) {
                            let kept = match left {
                                Left::Nothing | Left::Names => false,
                                Left::Everything | Left::Bytes => true,
                                Left::Half => dice.below(2) == 0,
                                Left::Most => dice.below(10) > 0,
                                Left::TornAtTheEnd => Some(*at) != last || page == 0,
                                Left::WithoutTheFirst => Some(*at) != first,
                            };
                            if kept {
                                let bytes = bytes[from as usize..to as usize].to_vec();
                                let at = begin + from;
                                disk.apply(*node, &Change::Bytes { at, bytes });
                            }
                        }
                    }
                    Change::Length(_) | Change::Grow(_) => {
                        let kept = match left {
                            Left::Nothing | Left::Names => false,
                            Left::Half => dice.below(2) == 0,
                            Left::WithoutTheFirst => Some(*at) != first,
                            Left::Everything | Left::Bytes | Left::Most | Left::TornAtTheEnd => {
                                true
                            }
                        };
                        if kept {
                            disk.apply(*node, change);
                        }
                    }
                }
            }
        }
        disk
    }
}

/// A write as pieces within pages: number, from, to.
fn pages(begin: u64, length: u64) -> impl Iterator<Item = (u64, u64, u64)> {
    let mut from = 0;
    (0..).map_while(move |page| {
        if from >= length {
            return None;
        }
        let to = length.min((begin + from) / PAGE * PAGE + PAGE - begin);
        let piece = (page, from, to);
        from = to;
        Some(piece)
    })
}
