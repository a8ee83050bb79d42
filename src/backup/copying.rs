//! A repository once more, in another place and with another key or none: what is there is read, proven by
//! its hashes, and written under the names it has there.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::catalog::{CONFIG, Catalog, Config, LATEST, PRUNED};
use super::digest::Digest;
use super::encryption::{Encryption, put_config};
use super::error::{BackupError, Progress, Tell};
use super::manifest::{Manifest, Piece, TITLE};
use super::ports::{Shelf, Vault};
use super::reading;
use super::take::sealed_bytes;

/// What a copy is.
#[derive(Clone, Debug)]
pub struct As {
    /// Its own id.
    pub repository: Uuid,
    /// How it is encrypted; none in the clear.
    pub encryption: Option<Encryption>,
}

/// Copies every backup that can be read. It is a repository only when all of it is there, so what was cut
/// off goes on where it stopped. Damage in the source is refused: half a history is no copy.
pub fn copy(
    from: &Catalog,
    to: &Arc<dyn Vault>,
    becomes: &As,
    tell: &mut Tell<'_>,
) -> Result<Config, BackupError> {
    if let Some(damage) = from.damage.first() {
        return Err(damaged(&damage.object, &damage.problem));
    }
    let Some(config) = &from.config else {
        return Err(damaged(CONFIG, "it is missing"));
    };
    if to.read(Shelf::Top, CONFIG, 1)?.is_some() {
        return Err(BackupError::NotARepository(
            to.place(),
            "it is a repository already".to_owned(),
        ));
    }
    to.prepare()?;
    let pieces: BTreeMap<Digest, Piece> = from
        .manifests
        .iter()
        .flat_map(|it| it.segments.iter().map(|piece| (piece.object, *piece)))
        .collect();
    let total = u64::try_from(pieces.len()).unwrap_or(u64::MAX);
    let mut named = BTreeMap::new();
    for (piece, done) in pieces.values().zip(1_u64..) {
        named.insert(piece.object, one(from.vault.as_ref(), to.as_ref(), piece)?);
        if tell(Progress { done, total }).is_break() {
            return Err(BackupError::BrokenOff);
        }
    }
    for manifest in &from.manifests {
        let mut manifest: Manifest = manifest.clone();
        for piece in &mut manifest.segments {
            piece.object = named.get(&piece.object).copied().unwrap_or(piece.object);
        }
        let name = manifest.id.to_string();
        to.put(Shelf::Manifests, &name, &sealed_bytes(TITLE, &manifest)?)?;
    }
    if !from.pruned.is_empty() {
        let pruned = sealed_bytes("pruned", &from.pruned)?;
        to.put(Shelf::Top, PRUNED, &pruned)?;
    }
    if let Some(newest) = from.newest() {
        to.put(Shelf::Top, LATEST, &sealed_bytes("latest", &newest.id)?)?;
    }
    let config = Config {
        repository: becomes.repository,
        encryption: becomes.encryption.clone(),
        ..config.clone()
    };
    put_config(to.as_ref(), &config)?;
    Ok(config)
}

/// One segment, its bodies first; its name there.
fn one(from: &dyn Vault, to: &dyn Vault, piece: &Piece) -> Result<Digest, BackupError> {
    let segment = reading::segment(from, piece)?;
    for body in &segment.header.large {
        let name = to.name_of(Digest(body.hash));
        if reading::body(to, body).is_err() {
            let packed = reading::packed_body(from, body)?;
            to.put(Shelf::Blobs, &name.to_string(), &packed)?;
        }
    }
    let name = to.name_of(Digest::of(segment.bytes()));
    let there = Piece {
        object: name,
        ..*piece
    };
    if reading::segment(to, &there).is_err() {
        to.put(Shelf::Segments, &name.to_string(), segment.bytes())?;
    }
    Ok(name)
}

fn damaged(object: &str, problem: &str) -> BackupError {
    BackupError::Damaged {
        object: object.to_owned(),
        problem: format!("{problem}; only what is whole is copied"),
    }
}
