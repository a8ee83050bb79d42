//! Is everything there, and is it what it was? All damage is named, and which backups each piece kills.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use uuid::Uuid;

use super::catalog::{Catalog, Damage, KEYS, LATEST};
use super::digest::Digest;
use super::encryption::copy;
use super::error::{BackupError, Progress, Tell};
use super::looking::{self, Seen};
use super::manifest::{Manifest, Piece};
use super::plan::Known;
use super::ports::Shelf;
use super::prune::in_trash;
use super::reading;
use super::take::hinted;
use crate::events::facts::backup::Kind;
use crate::events::ledger::parcel::LargeBody;

/// How much is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Manifests, headers, names and lengths.
    Quick,
    /// Every byte.
    Full,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Each damaged object and what it takes with it.
    pub damage: Vec<Damage>,
    /// Objects that were looked at.
    pub objects: u64,
    /// Bytes that were read and compared.
    pub bytes: u64,
    /// Objects that no backup needs.
    pub unneeded: u64,
}

/// A look at a repository, as far as it has come.
struct Look<'l> {
    catalog: &'l Catalog,
    depth: Depth,
    found: Verified,
    /// Segments that cannot be used.
    bad: BTreeSet<Digest>,
    /// Bodies that segments need, and which segments.
    needed: BTreeMap<LargeBody, BTreeSet<Digest>>,
}

/// Looks at everything in a repository.
pub fn verify(
    catalog: &Catalog,
    depth: Depth,
    tell: &mut Tell<'_>,
) -> Result<Verified, BackupError> {
    let mut look = Look {
        catalog,
        depth,
        found: Verified {
            damage: catalog.damage.clone(),
            objects: 0,
            bytes: 0,
            unneeded: 0,
        },
        bad: BTreeSet::new(),
        needed: BTreeMap::new(),
    };
    look.keys()?;
    look.links()?;
    look.segments(tell)?;
    look.bodies(tell)?;
    look.uncovered();
    Ok(look.found)
}

impl Look<'_> {
    fn damaged(&mut self, damage: Damage) {
        let known = |it: &Damage| it.object == damage.object && it.problem == damage.problem;
        if !self.found.damage.iter().any(known) {
            self.found.damage.push(damage);
        }
    }

    /// The copy of the keys: without keys nothing could be read, so they are kept twice.
    fn keys(&mut self) -> Result<(), BackupError> {
        let config = self.catalog.config.as_ref();
        let Some(kept) = config.and_then(|it| it.encryption.as_ref()) else {
            return Ok(());
        };
        let problem = match copy(self.catalog.vault.as_ref())? {
            Some(Ok(copy)) if copy == *kept => return Ok(()),
            Some(Ok(_)) => "it has other keys than `config`".to_owned(),
            Some(Err(flaw)) => flaw.to_string(),
            None => "it is missing".to_owned(),
        };
        self.damaged(Damage::new(KEYS, problem));
        Ok(())
    }

    /// Manifests that others name and that are gone; the hint.
    fn links(&mut self) -> Result<(), BackupError> {
        let manifests = &self.catalog.manifests;
        let broken: BTreeSet<Uuid> = self
            .catalog
            .damage
            .iter()
            .flat_map(|it| it.kills.iter().copied())
            .collect();
        let named = manifests.iter().flat_map(|it| [it.previous, it.base]);
        let mut named: BTreeSet<Uuid> = named.flatten().collect();
        match hinted(self.catalog.vault.as_ref())? {
            Some(Ok(latest)) => {
                named.insert(latest);
            }
            Some(Err(flaw)) => self.damaged(Damage::new(LATEST, flaw.to_string())),
            // A backup that was cut off has a manifest and no hint, but only the very first one.
            None if manifests.len() > 1 => self.damaged(Damage::new(LATEST, "it is missing")),
            None => {}
        }
        let trash = in_trash(self.catalog.vault.as_ref())?;
        for id in named {
            let there = self.catalog.manifest(id).is_some()
                || self.catalog.pruned.contains(&id)
                || trash.contains(&id)
                || broken.contains(&id);
            if !there {
                let object = Shelf::Manifests.object(&id.to_string());
                self.damaged(Damage {
                    object,
                    problem: "it is missing".to_owned(),
                    kills: vec![id],
                });
            }
        }
        self.found.objects = u64::try_from(manifests.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// Every segment that is listed or there.
    fn segments(&mut self, tell: &mut Tell<'_>) -> Result<(), BackupError> {
        let mut listed: BTreeMap<Digest, Piece> = BTreeMap::new();
        for piece in self.catalog.manifests.iter().flat_map(|it| &it.segments) {
            if let Some(other) = listed.insert(piece.object, *piece)
                && other != *piece
            {
                let object = Shelf::Segments.object(&piece.object.to_string());
                let problem = "two manifests disagree about it";
                self.damaged(Damage::new(object, problem));
            }
        }
        let mut all: BTreeSet<Digest> = listed.keys().copied().collect();
        all.extend(self.catalog.present.keys().copied());
        let total = u64::try_from(all.len()).unwrap_or(u64::MAX);
        let all: Vec<(Digest, Option<Piece>)> = all
            .into_iter()
            .map(|name| (name, listed.get(&name).copied()))
            .collect();
        let mut done = 0_u64;
        let mut seen = Vec::with_capacity(all.len());
        looking::at_each(self.catalog, self.depth, &all, |one| {
            seen.push(one?);
            done = done.saturating_add(1);
            go_on(tell, Progress { done, total })
        })?;
        // In the same order whichever thread was first.
        seen.sort_by_key(|one| one.name);
        for one in seen {
            self.segment(one);
        }
        Ok(())
    }

    fn segment(&mut self, one: Seen) {
        let name = one.name;
        self.found.bytes = self.found.bytes.saturating_add(one.bytes);
        self.found.objects = self.found.objects.saturating_add(1);
        if !one.listed {
            self.found.unneeded = self.found.unneeded.saturating_add(1);
        }
        match one.large {
            Ok(large) if one.listed => {
                for body in large {
                    self.needed.entry(body).or_default().insert(name);
                }
            }
            Ok(_) => {}
            Err(problem) => {
                self.bad.insert(name);
                let kills = self.killed(&BTreeSet::from([name]));
                let object = Shelf::Segments.object(&name.to_string());
                self.damaged(Damage {
                    object,
                    problem,
                    kills,
                });
            }
        }
    }

    /// Every body that is needed or there.
    fn bodies(&mut self, tell: &mut Tell<'_>) -> Result<(), BackupError> {
        let vault = self.catalog.vault.as_ref();
        let there: BTreeMap<String, Option<u64>> = vault
            .list(Shelf::Blobs)?
            .into_iter()
            .map(|item| (item.name, item.bytes))
            .collect();
        let total = u64::try_from(self.needed.len()).unwrap_or(u64::MAX);
        let needed = std::mem::take(&mut self.needed);
        let mut named = BTreeSet::new();
        for ((body, segments), done) in needed.into_iter().zip(1_u64..) {
            let name = vault.name_of(Digest(body.hash)).to_string();
            let problem = match (there.get(&name), self.depth) {
                (None | Some(None), _) => Some("it is missing".to_owned()),
                (Some(Some(_)), Depth::Quick) => None,
                (Some(Some(_)), Depth::Full) => match reading::body(vault, &body) {
                    Ok(bytes) => {
                        let bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                        self.found.bytes = self.found.bytes.saturating_add(bytes);
                        None
                    }
                    Err(BackupError::Damaged { problem, .. }) => Some(problem),
                    Err(other) => return Err(other),
                },
            };
            if let Some(problem) = problem {
                let kills = self.killed(&segments);
                self.bad.extend(segments);
                self.damaged(Damage {
                    object: Shelf::Blobs.object(&name),
                    problem,
                    kills,
                });
            }
            self.found.objects = self.found.objects.saturating_add(1);
            named.insert(name);
            go_on(tell, Progress { done, total })?;
        }
        for (name, bytes) in there.iter().filter(|(name, _)| !named.contains(*name)) {
            self.strange_body(name, *bytes)?;
        }
        Ok(())
    }

    /// A body that no backup needs: what cannot be one is damage all the same.
    fn strange_body(&mut self, name: &str, bytes: Option<u64>) -> Result<(), BackupError> {
        let vault = self.catalog.vault.as_ref();
        self.found.unneeded = self.found.unneeded.saturating_add(1);
        self.found.objects = self.found.objects.saturating_add(1);
        let problem = match (name.parse::<Digest>(), bytes) {
            (Ok(hash), Some(_)) if self.depth == Depth::Full => {
                match reading::body_of_any_length(vault, hash) {
                    Ok(_) => return Ok(()),
                    Err(BackupError::Damaged { problem, .. }) => problem,
                    Err(other) => return Err(other),
                }
            }
            (Ok(_), Some(_)) => return Ok(()),
            (Ok(_) | Err(_), _) => "it does not belong here".to_owned(),
        };
        self.damaged(Damage::new(Shelf::Blobs.object(name), problem));
        Ok(())
    }

    /// The backups that cannot be restored to their end without these segments.
    fn killed(&self, without: &BTreeSet<Digest>) -> Vec<Uuid> {
        let mut present = self.catalog.present.clone();
        present.retain(|name, _| !without.contains(name));
        let known = Known {
            manifests: &self.catalog.manifests,
            present: &present,
        };
        let dead = |it: &&Manifest| {
            let listed = it.segments.iter().any(|it| without.contains(&it.object));
            listed && reached(&known, it) != it.last_position
        };
        self.catalog
            .manifests
            .iter()
            .filter(|it| it.kind != Kind::Label)
            .filter(dead)
            .map(|it| it.id)
            .collect()
    }

    /// Backups that only all the damage together kills.
    fn uncovered(&mut self) {
        let told: BTreeSet<Uuid> = self
            .found
            .damage
            .iter()
            .flat_map(|it| it.kills.iter().copied())
            .collect();
        for id in self.killed(&self.bad.clone()) {
            if !told.contains(&id) {
                let object = Shelf::Manifests.object(&id.to_string());
                self.damaged(Damage {
                    object,
                    problem: "what is damaged elsewhere leaves no way to its end".to_owned(),
                    kills: vec![id],
                });
            }
        }
    }
}

fn reached(known: &Known<'_>, manifest: &Manifest) -> u64 {
    known.cover(manifest).last().map_or(0, |it| it.last)
}

fn go_on(tell: &mut Tell<'_>, progress: Progress) -> Result<(), BackupError> {
    match tell(progress) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(BackupError::BrokenOff),
    }
}
