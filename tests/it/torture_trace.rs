//! Reads strace's record (`-f -y -xx -s …`) of a process that works below one folder.
#![expect(
    clippy::cast_possible_truncation,
    reason = "numbers of a test, far from any limit"
)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::torture_kit::Ack;
use crate::torture_record::{Change, Disk, Happened, Node};

/// A recording: what happened, and all nodes in the order of their making (is it a folder?).
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) happened: Vec<Happened>,
    pub(crate) made: Vec<bool>,
    /// The paths whose syncs a control run leaves out.
    pub(crate) syncs: usize,
}

/// A descriptor's file and how far it was written.
#[derive(Clone, Copy, Debug)]
struct Open {
    node: Node,
    at: u64,
}

/// One argument.
#[derive(Clone, Debug)]
enum Word {
    /// A descriptor and what it stands for.
    File(i64, PathBuf),
    Text(Vec<u8>),
    Other(String),
}

impl Word {
    fn number(&self) -> u64 {
        match self {
            Self::Other(text) => text.parse().unwrap_or_else(|_| panic!("a number: {text}")),
            Self::File(..) | Self::Text(_) => panic!("a number: {self:?}"),
        }
    }

    fn path(&self) -> PathBuf {
        match self {
            Self::Text(bytes) => String::from_utf8(bytes.clone()).unwrap().into(),
            Self::File(..) | Self::Other(_) => panic!("a path: {self:?}"),
        }
    }

    fn file(&self) -> i64 {
        match self {
            Self::File(file, _) => *file,
            Self::Other(text) => text.parse().unwrap_or(-1),
            Self::Text(_) => panic!("a descriptor: {self:?}"),
        }
    }

    fn is(&self, flag: &str) -> bool {
        matches!(self, Self::Other(text) if text.split('|').any(|one| one == flag))
    }
}

fn unhex(text: &str) -> Vec<u8> {
    text.split("\\x")
        .skip(1)
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

fn word(text: &str) -> Word {
    if let Some(quoted) = text.strip_prefix('"') {
        let (bytes, rest) = quoted.split_once('"').unwrap();
        assert!(rest.is_empty(), "strace cut a text off: {}", text.len());
        return Word::Text(unhex(bytes));
    }
    match text.split_once('<') {
        Some((number, path)) if path.starts_with("\\x") => {
            let bytes = unhex(path.trim_end_matches('>'));
            let file = number.parse().unwrap_or(-1);
            Word::File(file, String::from_utf8(bytes).unwrap().into())
        }
        Some((number, _)) => Word::Other(number.to_owned()),
        None => Word::Other(text.to_owned()),
    }
}

/// Reads the record of what happened below `base`, where `disk` stood before. Syncs of files that
/// `forgets` says are taken for nothing: a control run.
pub(crate) fn read(text: &str, base: &Path, disk: &Disk, forgets: fn(&str) -> bool) -> Recording {
    let mut reader = Reader {
        base: base.to_owned(),
        disk: disk.clone(),
        opens: HashMap::new(),
        forgets,
        recording: Recording {
            happened: Vec::new(),
            made: (0..).map_while(|node| disk.kind(node)).collect(),
            syncs: 0,
        },
    };
    let mut unfinished: HashMap<&str, (String, usize)> = HashMap::new();
    for line in text.lines() {
        let (pid, rest) = line.split_once(' ').unwrap();
        let rest = rest.trim_start();
        let began = reader.recording.happened.len();
        if let Some(start) = rest.strip_suffix("<unfinished ...>") {
            let start = start.trim_end().to_owned();
            reader.begins(&start);
            unfinished.insert(pid, (start, began));
        } else if let Some(end) = rest.strip_prefix("<... ") {
            let (_, end) = end.split_once("resumed>").unwrap();
            if let Some((start, began)) = unfinished.remove(pid) {
                let whole = format!("{start}{}", end.trim_start_matches(' '));
                reader.call(&whole, began);
            }
        } else if rest.contains('(') && !rest.starts_with(['+', '-']) {
            reader.begins(rest);
            reader.call(rest, began);
        }
    }
    reader.recording
}

struct Reader {
    base: PathBuf,
    disk: Disk,
    opens: HashMap<i64, Open>,
    forgets: fn(&str) -> bool,
    recording: Recording,
}

impl Reader {
    /// A word of the process counts from its beginning: what it says was durable before.
    fn begins(&mut self, line: &str) {
        let Some(arguments) = line.strip_prefix("sendto(") else {
            return;
        };
        let Some(quoted) = arguments.split('"').nth(1) else {
            return;
        };
        let said = String::from_utf8(unhex(quoted)).unwrap();
        for line in said.lines() {
            let happened =
                Ack::heard(line).map_or_else(|| Happened::Said(line.to_owned()), Happened::Acked);
            self.recording.happened.push(happened);
        }
    }

    fn call(&mut self, line: &str, began: usize) {
        let (name, rest) = line.split_once('(').unwrap();
        let (arguments, result) = rest.rsplit_once(" = ").unwrap();
        let arguments = arguments.trim_end().trim_end_matches(')').trim_end();
        let words: Vec<Word> = arguments.split(", ").map(word).collect();
        let result = word(result.split(' ').next().unwrap());
        let done = result.file();
        // What the system refused changed nothing.
        let Ok(count) = u64::try_from(done) else {
            return;
        };
        match name {
            "openat" => self.open(&words, done),
            "dup" | "dup2" | "dup3" => self.dup(&words, done),
            "fcntl" if words[1].is("F_DUPFD_CLOEXEC") || words[1].is("F_DUPFD") => {
                self.dup(&words, done);
            }
            "lseek" => {
                if let Some(open) = self.opens.get_mut(&words[0].file()) {
                    open.at = count;
                }
            }
            "write" => {
                let file = words[0].file();
                if let Some(open) = self.opens.get(&file).copied() {
                    self.bytes(open.node, open.at, &words[1], count);
                    self.opens.get_mut(&file).unwrap().at += count;
                }
            }
            "pwrite64" => {
                if let Some(node) = self.node(&words[0]) {
                    self.bytes(node, words[3].number(), &words[1], count);
                }
            }
            "ftruncate" => self.change_of(&words[0], Change::Length(words[1].number())),
            "fallocate" => {
                assert_eq!(words[1].number(), 0, "{line}");
                let length = words[2].number() + words[3].number();
                self.change_of(&words[0], Change::Grow(length));
            }
            "fsync" | "fdatasync" => self.synced(&words[0], began),
            "mkdir" => self.mkdir(&words[0].path()),
            "rename" => self.rename(&words[0].path(), &words[1].path()),
            "unlink" | "rmdir" => self.unlink(&words[0].path()),
            "unlinkat" => {
                let path = at(&words[0], &words[1]);
                self.unlink(&path);
            }
            "fcntl" | "sendto" | "sync_file_range" => {}
            "mmap" => assert!(
                !(words[3].is("MAP_SHARED") && words[2].is("PROT_WRITE"))
                    || self.node(&words[4]).is_none(),
                "a file written by memory cannot be recorded: {line}"
            ),
            other => assert!(
                words.iter().all(|word| !self.is_here(word)),
                "{other} is not understood: {}",
                line.get(..200).unwrap_or(line)
            ),
        }
    }

    fn is_here(&self, word: &Word) -> bool {
        match word {
            Word::File(file, _) => self.opens.contains_key(file),
            Word::Text(bytes) => {
                Path::new(&*String::from_utf8_lossy(bytes)).starts_with(&self.base)
            }
            Word::Other(_) => false,
        }
    }

    fn node(&self, word: &Word) -> Option<Node> {
        self.opens.get(&word.file()).map(|open| open.node)
    }

    /// The folder and name of a path below the base.
    fn place(&self, path: &Path) -> Option<(Node, String)> {
        let below = path.strip_prefix(&self.base).ok()?;
        let name = below.file_name()?.to_str().unwrap().to_owned();
        Some((self.disk.walk(below.parent().unwrap())?, name))
    }

    fn change(&mut self, node: Node, change: Change) {
        self.disk.apply(node, &change);
        self.recording.happened.push(Happened::Change(node, change));
    }

    fn change_of(&mut self, file: &Word, change: Change) {
        if let Some(node) = self.node(file) {
            self.change(node, change);
        }
    }

    fn make(&mut self, folder: bool) -> Node {
        self.recording.made.push(folder);
        self.disk.make(folder)
    }

    fn open(&mut self, words: &[Word], file: i64) {
        self.opens.remove(&file);
        let path = at(&words[0], &words[1]);
        let Some(node) = self.opened(&path, words[2].is("O_CREAT")) else {
            return;
        };
        if words[2].is("O_TRUNC") && self.disk.length(node) > 0 {
            self.change(node, Change::Length(0));
        }
        assert!(!words[2].is("O_APPEND"), "{}", path.display());
        self.opens.insert(file, Open { node, at: 0 });
    }

    /// What a path stands for, made when it may be; none outside of the base.
    fn opened(&mut self, path: &Path, may_make: bool) -> Option<Node> {
        if path == self.base {
            return Some(0);
        }
        let (folder, name) = self.place(path)?;
        if let Some(node) = self.disk.child(folder, &name) {
            return Some(node);
        }
        assert!(may_make, "{} is opened and not there", path.display());
        let node = self.make(false);
        self.change(folder, Change::Name(name, node));
        Some(node)
    }

    fn dup(&mut self, words: &[Word], file: i64) {
        match self.opens.get(&words[0].file()).copied() {
            Some(open) => drop(self.opens.insert(file, open)),
            None => drop(self.opens.remove(&file)),
        }
    }

    fn bytes(&mut self, node: Node, at: u64, text: &Word, done: u64) {
        let Word::Text(bytes) = text else {
            panic!("written bytes: {text:?}");
        };
        let bytes = bytes[..done as usize].to_vec();
        self.change(node, Change::Bytes { at, bytes });
    }

    fn synced(&mut self, file: &Word, began: usize) {
        let (Some(node), Word::File(_, path)) = (self.node(file), file) else {
            return;
        };
        if (self.forgets)(path.to_str().unwrap()) {
            return;
        }
        self.recording.syncs += 1;
        self.recording
            .happened
            .push(Happened::Synced { node, began });
    }

    fn mkdir(&mut self, path: &Path) {
        if let Some((folder, name)) = self.place(path) {
            let node = self.make(true);
            self.change(folder, Change::Name(name, node));
        }
    }

    fn rename(&mut self, from: &Path, to: &Path) {
        let (Some((folder, old)), Some((other, new))) = (self.place(from), self.place(to)) else {
            return;
        };
        assert_eq!(folder, other, "a rename from one folder to another");
        self.change(folder, Change::Renamed(old, new));
    }

    fn unlink(&mut self, path: &Path) {
        if let Some((folder, name)) = self.place(path) {
            self.change(folder, Change::NoName(name));
        }
    }
}

/// A path relative to a descriptor.
fn at(folder: &Word, path: &Word) -> PathBuf {
    match folder {
        Word::File(_, folder) => folder.join(path.path()),
        Word::Text(_) | Word::Other(_) => path.path(),
    }
}
