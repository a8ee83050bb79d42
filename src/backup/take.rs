//! Taking a backup: segments, then the manifest, then the hint. What is cut off before the manifest has
//! its name leaves segments that nobody needs, and that the next backup finds and uses.

use std::ops::ControlFlow;
use std::sync::Arc;

use uuid::Uuid;

use super::catalog::{CONFIG, Catalog, Config, LATEST};
use super::digest::Digest;
use super::encryption::{Encryption, put_config};
use super::error::{BackupError, Tell};
use super::manifest::{Ancestor, Manifest, Piece, StateHash, TITLE};
use super::packing::{Packing, lost};
use super::plan::{Source, Take};
use super::ports::{Shelf, Vault};
use super::sealed::{self, Flaw};
use super::segment::{HEADER_MAX, Header};
use super::{catalog, reading};
use crate::events::facts::backup::Kind;
use crate::events::ids::{Ids, Position};
use crate::events::ledger::handle::Ledger;
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
    /// How a repository is encrypted that is made for it.
    pub encryption: Option<Encryption>,
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
    /// The repository's id.
    pub repository: Uuid,
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
    (made_by, encryption): (&str, Option<&Encryption>),
) -> Result<Catalog, BackupError> {
    let catalog = match Catalog::open(Arc::clone(vault)) {
        Err(BackupError::NoRepository(_)) => {
            let now = edge.clock.now();
            let config = Config {
                repository: edge.ids.fresh(now),
                ledger,
                created_at: now,
                made_by: made_by.to_owned(),
                encryption: encryption.cloned(),
            };
            if vault.key() != encryption.map(|it| it.check) {
                return Err(BackupError::WrongKey(vault.place()));
            }
            vault.prepare()?;
            put_config(vault.as_ref(), &config)?;
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
    let mut catalog = open_or_make(vault, id, edge, (&wish.made_by, wish.encryption.as_ref()))?;
    let repository = catalog
        .config
        .as_ref()
        .map_or(Uuid::nil(), |it| it.repository);
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
        chain: Digest(chain),
        last_at: recorded_at(ledger, wish.at)?,
        previous: catalog.newest().map(|it| it.id),
        ..blank(wish, (id, timeline), &timelines)
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
                repository,
                unchanged: true,
                notes,
            });
        }
        let pace = (wish.threads, edge.clock.as_ref());
        write(ledger, &catalog, (&plan, pace), &mut manifest, tell)?;
    }
    let after = catalog.manifests.iter().map(|it| it.taken_at).max();
    publish(vault, &mut manifest, (edge, begun), after)?;
    Ok(Taken {
        manifest,
        repository,
        unchanged: false,
        notes,
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

/// A manifest with what is known from the beginning.
fn blank(wish: &Wish, (ledger, timeline): (Uuid, Uuid), timelines: &[Ancestor]) -> Manifest {
    Manifest {
        id: Uuid::nil(),
        kind: wish.kind,
        ledger,
        timeline,
        lineage: timelines
            .split_last()
            .map_or(Vec::new(), |(_, before)| before.to_vec()),
        previous: None,
        base: None,
        first_position: wish.at.0,
        last_position: wish.at.0,
        first_at: Timestamp::EPOCH,
        last_at: Timestamp::EPOCH,
        chain: Digest::default(),
        taken_at: Timestamp::EPOCH,
        micros: 0,
        bytes_raw: 0,
        bytes_stored: 0,
        state: wish.state.clone(),
        label: wish.label.clone(),
        tags: wish.tags.clone(),
        made_by: wish.made_by.clone(),
        segments: Vec::new(),
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

/// Writes the segments of the plan and lists all of them in the manifest.
fn write(
    ledger: &Ledger,
    catalog: &Catalog,
    (plan, (threads, clock)): (&Take, (usize, &dyn Clock)),
    manifest: &mut Manifest,
    tell: &mut Tell<'_>,
) -> Result<(), BackupError> {
    let packing = Packing::new(ledger, catalog, &plan.write, clock);
    let mut written = packing.run(threads, tell)?;
    written.sort_by_key(|it| it.piece.first);
    manifest.kind = plan.kind;
    manifest.base = plan.base;
    manifest.bytes_stored = written.iter().map(|it| it.stored).sum();
    manifest.segments.clone_from(&plan.shared);
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
