//! Making a store. `format` is written last: cut off before it, the next try starts again.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use super::blobs::INLINE_MAX;
use super::disk::Disk;
use super::frame::Draft;
use super::handle::{Edge, OpenError};
use super::journal::{HEADER, Heading, Journal, WriteFailure};
use super::layout::{self, FIRST_EPOCH, FORMAT, Layout, Nature};
use super::opening::{Opened, open_locked};
use super::options::Options;
use super::record::{Hash, Kept as Stored, Record};
use crate::events::facts::ledger::LedgerCreated;
use crate::events::ids::{AgentId, StreamId};
use crate::events::kind::Fact;

/// Makes a store and opens it.
pub(super) fn create(
    store: &Path,
    edge: Edge,
    (disk, options): (Arc<dyn Disk>, Options),
    made_by: &str,
) -> Result<Opened, OpenError> {
    let layout = Layout::new(store);
    refuse_a_store(&layout)?;
    layout.make_store_folder()?;
    fs::set_permissions(store, Permissions::from_mode(0o700))
        .map_err(layout.io("making the folder private"))?;
    let lock = layout.take_lock()?;
    // Somebody else may have made it before the lock was ours.
    refuse_a_store(&layout)?;
    layout
        .mark_creating()
        .map_err(layout.io("marking the store as unfinished"))?;
    for left_over in [layout.journals(), layout.sleds(), layout.blobs()] {
        layout::remove(&left_over).map_err(layout.io("removing an unfinished store"))?;
    }
    for folder in [layout.journals(), layout.sleds(), layout.blobs()] {
        layout::make_folder(&folder).map_err(layout.io("making the folders"))?;
    }
    begin_journal(&layout, &edge, &disk, made_by)?;
    layout
        .write_format()
        .map_err(layout.io("writing the format"))?;
    open_locked(layout, (edge, disk, options), lock, FORMAT)
}

fn refuse_a_store(layout: &Layout) -> Result<(), OpenError> {
    match layout.nature()? {
        Nature::Nothing => Ok(()),
        Nature::Store(_) => Err(OpenError::Present {
            path: layout.shown(),
        }),
    }
}

/// The journal's file with `ledger.created` in it.
fn begin_journal(
    layout: &Layout,
    edge: &Edge,
    disk: &Arc<dyn Disk>,
    made_by: &str,
) -> Result<(), OpenError> {
    let now = edge.clock.now();
    let heading = Heading {
        ledger: edge.ids.fresh(now),
        timeline: edge.ids.fresh(now),
        first: FIRST_EPOCH,
        before: Hash::default(),
    };
    let fact = Fact::from(LedgerCreated {
        ledger: heading.ledger,
        timeline: heading.timeline,
        made_by: made_by.chars().take(INLINE_MAX / 8).collect(),
    });
    let body = fact
        .encode()
        .map_err(|e| layout.io("encoding the first event")(std::io::Error::other(e)))?;
    let actor = AgentId::switchboard();
    let stream = StreamId::ledger();
    let mut draft = Draft::new(FIRST_EPOCH, heading.before);
    draft.push(&Record {
        position: FIRST_EPOCH,
        recorded_at: now.micros(),
        clock: now.micros(),
        id: edge.ids.fresh(now),
        version: 0,
        previous: 0,
        kind: fact.kind(),
        place: 0,
        of: 1,
        key: 0,
        correlation: edge.ids.fresh(now),
        causation: None,
        command: edge.ids.fresh(now),
        actor: actor.as_str(),
        stream: stream.as_str(),
        body_len: super::bytes::len32(body.len()),
        payload_hash: *blake3::hash(&body).as_bytes(),
        kept: Stored::Inline(&body),
    });
    let journal = Journal::create(&layout.journal(FIRST_EPOCH), heading, Arc::clone(disk))
        .map_err(layout.io("making the journal"))?;
    draft.seal(HEADER, 0, &journal.key);
    let written = journal.append(draft.sealed(), HEADER, HEADER);
    written.map(|_| ()).map_err(|failure| {
        let (WriteFailure::Full(reason) | WriteFailure::Broken(reason)) = failure;
        layout.io("writing the first event")(std::io::Error::other(reason))
    })
}
