//! Taking a backup: segments, then the manifest, then the hint. What is cut off before the manifest has
//! its name leaves segments that nobody needs, and that the next backup finds and uses.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use super::catalog::{CONFIG, Catalog, Config, LATEST};
use super::digest::Digest;
use super::error::{BackupError, Progress, Tell};
use super::manifest::{Ancestor, Manifest, Piece, StateHash, TITLE};
use super::plan::{Source, Take};
use super::ports::{Shelf, Vault};
use super::sealed::{self, Flaw};
use super::segment::{Draft, HEADER_MAX, Header};
use super::{catalog, reading};
use crate::events::facts::backup::Kind;
use crate::events::ids::{Ids, Position};
use crate::events::ledger::handle::{Ledger, ReadError};
use crate::events::ledger::parcel::{EVENTS_MAX, LargeBody, Packer};
use crate::events::time::{Clock, Timestamp};

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Wish {
    /// What it should add.
    pub kind: Kind,
    /// The name it gives, for a label.
    pub label: Option<String>,
    /// Words for retention.
    pub tags: Vec<String>,
    /// Up to this position, and the state there.
    pub at: Position,
    /// The state there, if it is known.
    pub state: Option<StateHash>,
    /// Whether a timeline may go on that a restored ledger left behind.
    pub despite_fork: bool,
    /// How many threads pack.
    pub threads: usize,
    /// The version of this binary.
    pub made_by: String,
}

/// Time and ids.
#[derive(Clone, Debug)]
pub struct Edge {
    /// The machine's clock.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn Ids>,
}

/// What became of it.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The backup.
    pub manifest: Manifest,
    /// True when there was nothing to add: it is the one that was there.
    pub unchanged: bool,
    /// What was wanted but could not be, and what was done instead.
    pub notes: Vec<String>,
}

/// Opens the repository, or makes it for this ledger.
pub fn open_or_make(
    vault: &Arc<dyn Vault>,
    ledger: Uuid,
    edge: &Edge,
    made_by: &str,
) -> Result<Catalog, BackupError> {
    let catalog = match Catalog::open(Arc::clone(vault)) {
        Err(BackupError::NoRepository(_)) => {
            let now = edge.clock.now();
            let config = Config {
                repository: edge.ids.fresh(now),
                ledger,
                created_at: now,
                made_by: made_by.to_owned(),
            };
            vault.prepare()?;
            vault.put(Shelf::Top, CONFIG, &sealed_bytes("config", &config)?)?;
            Catalog::open(Arc::clone(vault))?
        }
        opened => opened?,
    };
    let Some(config) = &catalog.config else {
        return Err(BackupError::Damaged {
            object: CONFIG.to_owned(),
            problem: "a repository without it is not written to".to_owned(),
        });
    };
    if config.ledger != ledger {
        return Err(BackupError::OtherLedger {
            place: vault.place(),
            theirs: config.ledger,
            ours: ledger,
        });
    }
    vault.prepare()?;
    Ok(catalog)
}

/// Bytes of a small object.
pub fn sealed_bytes<T: serde::Serialize>(title: &str, content: &T) -> Result<Vec<u8>, BackupError> {
    sealed::seal(title, content).map_err(|flaw: Flaw| BackupError::Damaged {
        object: title.to_owned(),
        problem: flaw.to_string(),
    })
}

/// Takes a backup of the ledger, which may be written to meanwhile.
pub fn take(
    ledger: &Ledger,
    vault: &Arc<dyn Vault>,
    wish: &Wish,
    edge: &Edge,
    tell: &mut Tell<'_>,
) -> Result<Taken, BackupError> {
    let begun = edge.clock.now();
    let (id, timeline) = ledger.identity();
    let mut catalog = open_or_make(vault, id, edge, &wish.made_by)?;
    let timelines: Vec<Ancestor> = ledger
        .lineage()?
        .into_iter()
        .map(|(timeline, until)| Ancestor { timeline, until })
        .collect();
    let source = Source {
        ledger: id,
        timelines: &timelines,
        last: wish.at.0,
    };
    if let Some((fork, child)) = catalog.known().child(&source)
        && !wish.despite_fork
    {
        return Err(BackupError::Forked {
            timeline,
            fork,
            child,
        });
    }
    let chain = ledger
        .chain_at(wish.at)?
        .filter(|_| wish.at.0 > 0)
        .ok_or_else(|| lost(wish.at.0, "it is beyond the newest event"))?;
    let mut manifest = Manifest {
        id: Uuid::nil(),
        kind: wish.kind,
        ledger: id,
        timeline,
        lineage: timelines
            .split_last()
            .map_or(Vec::new(), |(_, before)| before.to_vec()),
        previous: catalog.newest().map(|it| it.id),
        base: None,
        first_position: wish.at.0,
        last_position: wish.at.0,
        first_at: Timestamp::EPOCH,
        last_at: recorded_at(ledger, wish.at)?,
        chain: Digest(chain),
        taken_at: begun,
        micros: 0,
        bytes_raw: 0,
        bytes_stored: 0,
        state: wish.state.clone(),
        label: wish.label.clone(),
        tags: wish.tags.clone(),
        made_by: wish.made_by.clone(),
        segments: Vec::new(),
    };
    let mut notes = Vec::new();
    if wish.kind == Kind::Label {
        manifest.first_at = manifest.last_at;
        refuse_taken_label(&catalog, &manifest)?;
    } else {
        find_left_over(&mut catalog, ledger, &mut manifest)?;
        let plan = plan(&catalog, wish.kind, (&source, ledger), &mut notes)?;
        if plan.write.is_empty()
            && plan.kind != Kind::Full
            && let Some(base) = plan.base.and_then(|base| catalog.manifest(base))
            && base.last_position == wish.at.0
        {
            return Ok(Taken {
                manifest: base.clone(),
                unchanged: true,
                notes,
            });
        }
        write(ledger, &catalog, (&plan, wish.threads), &mut manifest, tell)?;
    }
    let after = catalog.manifests.iter().map(|it| it.taken_at).max();
    publish(vault, &mut manifest, (edge, begun), after)?;
    Ok(Taken {
        manifest,
        unchanged: false,
        notes,
    })
}

fn lost(position: u64, reason: &str) -> BackupError {
    BackupError::Read(ReadError::Corrupt {
        position: Position(position),
        reason: reason.to_owned(),
    })
}

fn recorded_at(ledger: &Ledger, at: Position) -> Result<Timestamp, BackupError> {
    let mut found = None;
    ledger.scan(at, at, |stored| {
        found = Some(stored.recorded_at());
        ControlFlow::Continue(())
    })?;
    found.ok_or_else(|| lost(at.0, "it is not there"))
}

fn refuse_taken_label(catalog: &Catalog, wanted: &Manifest) -> Result<(), BackupError> {
    let same = |it: &&Manifest| it.label == wanted.label && it.timeline == wanted.timeline;
    match catalog.manifests.iter().find(same) {
        Some(taken) => Err(BackupError::LabelTaken {
            label: wanted.label.clone().unwrap_or_default(),
            position: taken.last_position,
        }),
        None => Ok(()),
    }
}

/// Segments that no manifest lists, because a backup was cut off before it had one: those of this
/// ledger's chain count as a backup's, so that they need not be written again.
fn find_left_over(
    catalog: &mut Catalog,
    ledger: &Ledger,
    model: &mut Manifest,
) -> Result<(), BackupError> {
    let listed: std::collections::BTreeSet<Digest> = catalog
        .manifests
        .iter()
        .flat_map(|it| it.segments.iter().map(|piece| piece.object))
        .collect();
    let mut pieces = Vec::new();
    for (object, bytes) in &catalog.present {
        if listed.contains(object) {
            continue;
        }
        let name = object.to_string();
        let Some(start) = catalog.vault.read(Shelf::Segments, &name, HEADER_MAX)? else {
            continue;
        };
        if let Some((header, length)) = Header::read(&start)
            && header.ledger == model.ledger
            && header.last <= model.last_position
            && header.length(length) == *bytes
            && ledger.chain_at(Position(header.last))? == Some(header.after.0)
        {
            let piece = header.listed(*object, *bytes);
            // Nobody ever said that it is whole.
            if reading::segment(catalog.vault.as_ref(), &piece).is_ok() {
                pieces.push(piece);
            }
        }
    }
    if pieces.is_empty() {
        return Ok(());
    }
    // They may follow what a backup has, so its segments are taken along.
    let known = catalog.known();
    let own = known
        .candidates(&Source {
            ledger: model.ledger,
            timelines: &model.timelines().collect::<Vec<_>>(),
            last: model.last_position,
        })
        .first()
        .map(|(it, common)| (it.segments.clone(), *common));
    let (mut all, common) = own.unwrap_or_default();
    all.retain(|it| it.last <= common);
    all.extend(pieces);
    let segments = super::plan::cover(&all, model.last_position);
    let Some(last) = segments.last() else {
        return Ok(());
    };
    let mut found = model.clone();
    found.kind = Kind::Incremental;
    found.last_position = last.last;
    found.chain = last.after;
    found.last_at = last.last_at;
    found.segments = segments;
    catalog.manifests.push(found);
    Ok(())
}

fn plan(
    catalog: &Catalog,
    kind: Kind,
    (source, ledger): (&Source<'_>, &Ledger),
    notes: &mut Vec<String>,
) -> Result<Take, BackupError> {
    let known = catalog.known();
    let mut is_same = |piece: &Piece| -> Result<bool, BackupError> {
        Ok(ledger.chain_at(Position(piece.last))? == Some(piece.after.0))
    };
    let mut plan = known.take(kind, source, &mut is_same)?;
    if plan.kind != kind {
        notes.push(format!(
            "there is no backup to build on: a full one is taken, not {kind}"
        ));
    }
    if plan.kind == Kind::Full {
        // What is shared is read once more: a full backup relies on nothing unseen.
        let vault = catalog.vault.as_ref();
        let sound = plan
            .shared
            .iter()
            .take_while(|piece| reading::segment(vault, piece).is_ok())
            .count();
        if sound < plan.shared.len() {
            notes.push("a damaged segment is written anew".to_owned());
            plan.shared.truncate(sound);
            let from = plan.shared.last().map_or(1, |it| it.last.saturating_add(1));
            plan.write = super::plan::cut(from, source.last);
        }
    }
    if plan.base.is_some_and(|base| base.is_nil()) {
        plan.base = None;
    }
    Ok(plan)
}

/// One segment that was written.
struct Written {
    piece: Piece,
    stored: u64,
}

/// What the threads that pack share.
struct Packing<'p> {
    ledger: &'p Ledger,
    vault: &'p dyn Vault,
    present: &'p BTreeMap<Digest, u64>,
    id: Uuid,
    cuts: &'p [(u64, u64)],
    next: AtomicUsize,
    stop: AtomicBool,
    /// Bodies that were looked after, so that two threads do not write one.
    bodies: Mutex<std::collections::BTreeSet<LargeBody>>,
}

/// Writes the segments of the plan and lists all of them in the manifest.
fn write(
    ledger: &Ledger,
    catalog: &Catalog,
    (plan, threads): (&Take, usize),
    manifest: &mut Manifest,
    tell: &mut Tell<'_>,
) -> Result<(), BackupError> {
    let packing = Packing {
        ledger,
        vault: catalog.vault.as_ref(),
        present: &catalog.present,
        id: manifest.ledger,
        cuts: &plan.write,
        next: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
        bodies: Mutex::default(),
    };
    let mut written = packing.run(threads, tell)?;
    written.sort_by_key(|it| it.piece.first);
    manifest.kind = plan.kind;
    manifest.base = plan.base;
    manifest.bytes_stored = written.iter().map(|it| it.stored).sum();
    manifest.segments = plan.shared.clone();
    manifest.segments.extend(written.iter().map(|it| it.piece));
    // A full backup is everything, however much of it was there already.
    let adds: &[Piece] = if plan.kind == Kind::Full {
        &manifest.segments
    } else {
        manifest
            .segments
            .get(plan.shared.len()..)
            .unwrap_or_default()
    };
    manifest.bytes_raw = adds.iter().map(|it| it.raw).sum();
    if let Some(first) = adds.first() {
        manifest.first_position = first.first;
        manifest.first_at = first.first_at;
    }
    match manifest.flaw() {
        Some(flaw) => Err(lost(manifest.last_position, &flaw)),
        None => Ok(()),
    }
}

impl Packing<'_> {
    fn run(&self, threads: usize, tell: &mut Tell<'_>) -> Result<Vec<Written>, BackupError> {
        let total: u64 = self.cuts.iter().map(|(first, last)| last - first + 1).sum();
        let mut progress = Progress { done: 0, total };
        let mut written = Vec::new();
        let mut failed = None;
        let (send, receive) = mpsc::channel();
        std::thread::scope(|scope| {
            for number in 0..threads.clamp(1, self.cuts.len().max(1)) {
                let send = send.clone();
                let thread = std::thread::Builder::new().name(format!("backup-{number}"));
                // With fewer threads it takes longer; without any, the error is met below.
                drop(thread.spawn_scoped(scope, move || self.serve(&send)));
            }
            drop(send);
            for answer in receive {
                match answer {
                    Ok(one) => {
                        progress.done = progress.done.saturating_add(
                            one.piece
                                .last
                                .saturating_sub(one.piece.first)
                                .saturating_add(1),
                        );
                        written.push(one);
                        if tell(progress).is_break() {
                            failed.get_or_insert(BackupError::BrokenOff);
                            self.stop.store(true, Ordering::Relaxed);
                        }
                    }
                    Err(error) => {
                        failed.get_or_insert(error);
                        self.stop.store(true, Ordering::Relaxed);
                    }
                }
            }
        });
        match failed {
            Some(error) => Err(error),
            None if written.len() == self.cuts.len() => Ok(written),
            None => Err(BackupError::Read(ReadError::Io {
                step: "starting a thread",
                source: std::io::ErrorKind::WouldBlock.into(),
            })),
        }
    }

    fn serve(&self, send: &mpsc::Sender<Result<Written, BackupError>>) {
        let mut packer = match Packer::new() {
            Ok(packer) => packer,
            Err(error) => {
                drop(send.send(Err(error.into())));
                return;
            }
        };
        while !self.stop.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(cut) = self.cuts.get(number) else {
                return;
            };
            if send.send(self.segment(&mut packer, *cut)).is_err() {
                return;
            }
        }
    }

    /// Packs and writes one segment, its bodies first.
    fn segment(
        &self,
        packer: &mut Packer,
        (first, last): (u64, u64),
    ) -> Result<Written, BackupError> {
        let chain_at = |position: u64| -> Result<[u8; 32], BackupError> {
            let chain = self.ledger.chain_at(Position(position))?;
            chain.ok_or_else(|| lost(position, "it is not there"))
        };
        let mut before = chain_at(first.saturating_sub(1))?;
        let mut next = first;
        let mut draft: Option<Draft> = None;
        while next <= last {
            let end = last.min(next.saturating_add(EVENTS_MAX).saturating_sub(1));
            let parcel = packer.pack(self.ledger, (Position(next), Position(end)), before)?;
            before = parcel.after;
            next = end.saturating_add(1);
            match &mut draft {
                Some(draft) => draft.push(&parcel),
                None => draft = Some(Draft::of(self.id, &parcel)),
            }
        }
        if before != chain_at(last)? {
            return Err(lost(last, "its chain does not hold"));
        }
        let Some(draft) = draft else {
            return Err(lost(first, "it is not there"));
        };
        let (bytes, piece, large) = draft.finish();
        let mut stored = 0;
        for body in &large {
            stored += self.body(packer, body)?;
        }
        if self.present.get(&piece.object) != Some(&piece.bytes)
            || !reading::segment(self.vault, &piece).is_ok()
        {
            let name = piece.object.to_string();
            self.vault.put(Shelf::Segments, &name, &bytes)?;
            stored += piece.bytes;
        }
        Ok(Written { piece, stored })
    }

    /// Writes a body unless it is there and whole. Returns how many bytes were written.
    fn body(&self, packer: &mut Packer, body: &LargeBody) -> Result<u64, BackupError> {
        let fresh = {
            let mut seen = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
            seen.insert(*body)
        };
        if !fresh || reading::body(self.vault, body).is_ok() {
            return Ok(0);
        }
        let content = self.ledger.large_body(body)?;
        let packed = packer.pack_body(&content)?;
        let name = Digest(body.hash).to_string();
        self.vault.put(Shelf::Blobs, &name, &packed)?;
        Ok(u64::try_from(packed.len()).unwrap_or(u64::MAX))
    }
}

/// Gives the backup its id and its name, and hints at it.
fn publish(
    vault: &Arc<dyn Vault>,
    manifest: &mut Manifest,
    (edge, begun): (&Edge, Timestamp),
    after: Option<Timestamp>,
) -> Result<(), BackupError> {
    let now = edge.clock.now();
    manifest.id = edge.ids.fresh(now);
    // Later than all before, whatever the clock says: that is how their order is known.
    let tick = std::time::Duration::from_micros(1);
    manifest.taken_at = after.map_or(now, |after| now.max(after.after(tick)));
    manifest.micros = u64::try_from(now.since(begun).as_micros()).unwrap_or(u64::MAX);
    let name = manifest.id.to_string();
    vault.put(Shelf::Manifests, &name, &sealed_bytes(TITLE, manifest)?)?;
    vault.put(Shelf::Top, LATEST, &sealed_bytes("latest", &manifest.id)?)?;
    Ok(())
}

/// The backup that the hint names, if it can be read.
pub fn hinted(vault: &dyn Vault) -> Result<Option<Result<Uuid, Flaw>>, BackupError> {
    let bytes = vault.read(Shelf::Top, LATEST, catalog::SMALL_MAX)?;
    Ok(bytes.map(|bytes| sealed::open("latest", &bytes)))
}
