//! Pruning: what a policy does not keep goes to the trash, and what has lain there long enough is removed.
//! Nothing is written before room was made, so it works on a full disk.

use std::collections::BTreeSet;
use std::time::Duration;

use uuid::Uuid;

use super::catalog::{Catalog, PRUNED};
use super::digest::Digest;
use super::error::BackupError;
use super::manifest::Manifest;
use super::plan_prune::{Policy, Verdict};
use super::ports::{Shelf, Vault};
use super::reading;
use super::segment::{HEADER_MAX, Header};
use super::take::sealed_bytes;
use crate::events::time::Timestamp;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What becomes of each backup.
    pub verdicts: Vec<Verdict>,
    /// Backups to remove.
    pub manifests: Vec<Uuid>,
    /// Segments that nobody needs then, with their lengths.
    pub segments: Vec<(Digest, u64)>,
    /// Bodies that nobody needs then, with their lengths.
    pub bodies: Vec<(String, u64)>,
    /// What lies in the trash for long enough.
    pub trash: Vec<String>,
    /// Why bodies are left alone, if they are.
    pub note: Option<String>,
}

impl Plan {
    /// Bytes that it frees, now or later.
    pub fn bytes(&self) -> u64 {
        let segments = self.segments.iter().map(|(_, bytes)| *bytes);
        let bodies = self.bodies.iter().map(|(_, bytes)| *bytes);
        segments.chain(bodies).fold(0, u64::saturating_add)
    }
}

/// An object's name in the trash: when it came there, from which shelf, its name.
fn trash_name(now: Timestamp, on: Shelf, name: &str) -> String {
    format!("{}.{}.{name}", now.micros(), on.name())
}

/// When something came to the trash, from where, and its name.
fn trashed(name: &str) -> Option<(Timestamp, &str, &str)> {
    let (at, rest) = name.split_once('.')?;
    let (shelf, name) = rest.split_once('.')?;
    Some((Timestamp::from_micros(at.parse().ok()?), shelf, name))
}

/// Whether a manifest's segments are all there and, byte for byte, whole.
fn is_sound(catalog: &Catalog, manifest: &Manifest) -> bool {
    let vault = catalog.vault.as_ref();
    let whole = |piece| reading::segment(vault, piece).is_ok();
    manifest.segments.iter().all(whole)
}

/// What the policy leads to. Nothing is changed.
pub fn plan(
    catalog: &Catalog,
    policy: &Policy,
    (now, trash_age): (Timestamp, Duration),
) -> Result<Plan, BackupError> {
    if policy.is_empty() {
        return Err(BackupError::EmptyPolicy);
    }
    // What cannot be read may need anything.
    if let Some(damage) = catalog.damage.first() {
        return Err(BackupError::Damaged {
            object: damage.object.clone(),
            problem: format!("{}; nothing is pruned where damage is", damage.problem),
        });
    }
    let verdicts = policy.judge(&catalog.manifests, &|it| is_sound(catalog, it));
    let removed: BTreeSet<Uuid> = verdicts
        .iter()
        .filter(|it| it.because.is_empty())
        .map(|it| it.backup)
        .collect();
    let kept = || {
        catalog
            .manifests
            .iter()
            .filter(|it| !removed.contains(&it.id))
    };
    let needed: BTreeSet<Digest> = kept()
        .flat_map(|it| it.segments.iter().map(|piece| piece.object))
        .collect();
    let segments: Vec<(Digest, u64)> = catalog
        .present
        .iter()
        .filter(|(name, _)| !needed.contains(*name))
        .map(|(name, bytes)| (*name, *bytes))
        .collect();
    let (bodies, note) = unneeded_bodies(catalog, &needed)?;
    let mut trash = Vec::new();
    for item in catalog.vault.list(Shelf::Trash)? {
        let old = trashed(&item.name).is_none_or(|(at, ..)| now.since(at) >= trash_age);
        if old {
            trash.push(item.name);
        }
    }
    Ok(Plan {
        verdicts,
        manifests: removed.into_iter().collect(),
        segments,
        bodies,
        trash,
        note,
    })
}

type Bodies = (Vec<(String, u64)>, Option<String>);

fn unneeded_bodies(catalog: &Catalog, segments: &BTreeSet<Digest>) -> Result<Bodies, BackupError> {
    let mut needed = BTreeSet::new();
    for name in segments {
        let name = name.to_string();
        let start = catalog.vault.read(Shelf::Segments, &name, HEADER_MAX)?;
        let Some((header, _)) = start.as_deref().and_then(Header::read) else {
            let note = format!("segments/{name} is damaged, so all bodies are kept");
            return Ok((Vec::new(), Some(note)));
        };
        let named = |hash| catalog.vault.name_of(Digest(hash)).to_string();
        needed.extend(header.large.iter().map(|it| named(it.hash)));
    }
    let there = catalog.vault.list(Shelf::Blobs)?.into_iter();
    let unneeded = there
        .filter(|it| !needed.contains(&it.name))
        .filter_map(|it| it.bytes.map(|bytes| (it.name, bytes)));
    Ok((unneeded.collect(), None))
}

/// Does what the plan says: backups first, so that nobody relies on what goes after them; then what they
/// needed; then what has lain in the trash for long enough.
pub fn apply(
    catalog: &Catalog,
    plan: &Plan,
    now: Timestamp,
    at_once: bool,
) -> Result<(), BackupError> {
    let vault = catalog.vault.as_ref();
    let discard = |on: Shelf, name: &str| vault.discard(on, name, &trash_name(now, on, name));
    for id in &plan.manifests {
        discard(Shelf::Manifests, &id.to_string())?;
    }
    for (name, _) in &plan.segments {
        discard(Shelf::Segments, &name.to_string())?;
    }
    for (name, _) in &plan.bodies {
        discard(Shelf::Blobs, name)?;
    }
    let mut trash = plan.trash.clone();
    if at_once {
        trash = vault
            .list(Shelf::Trash)?
            .into_iter()
            .map(|it| it.name)
            .collect();
    }
    empty(vault, &catalog.pruned, &trash)
}

/// Large things go first and make room; a backup is forgotten only after it was taken down that it was
/// removed on purpose.
fn empty(vault: &dyn Vault, known: &[Uuid], trash: &[String]) -> Result<(), BackupError> {
    let manifest = |name: &String| {
        let (_, shelf, name) = trashed(name)?;
        (shelf == Shelf::Manifests.name()).then(|| name.parse::<Uuid>().ok())?
    };
    for name in trash.iter().filter(|name| manifest(name).is_none()) {
        vault.remove(Shelf::Trash, name)?;
    }
    let gone: BTreeSet<Uuid> = trash.iter().filter_map(manifest).collect();
    if gone.is_empty() {
        return Ok(());
    }
    let all: BTreeSet<Uuid> = known.iter().copied().chain(gone).collect();
    vault.put(Shelf::Top, PRUNED, &sealed_bytes("pruned", &all)?)?;
    for name in trash.iter().filter(|name| manifest(name).is_some()) {
        vault.remove(Shelf::Trash, name)?;
    }
    Ok(())
}

/// Backups that lie in the trash.
pub fn in_trash(vault: &dyn Vault) -> Result<Vec<Uuid>, BackupError> {
    let items = vault.list(Shelf::Trash)?;
    let manifest = |name: &str| {
        let (_, shelf, name) = trashed(name)?;
        (shelf == Shelf::Manifests.name()).then(|| name.parse().ok())?
    };
    Ok(items.iter().filter_map(|it| manifest(&it.name)).collect())
}
