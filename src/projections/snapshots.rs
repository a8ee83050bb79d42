//! States of the past, kept at a bounded number of places, so that a question about the past need not
//! be answered from the first event. Derived, and never trusted when damaged.

use super::agents::Agents;
use super::checkpoints::seal_as;
use super::host::SaveError;
use super::inbox::Inbox;
use super::outbox::Outbox;
use super::saved::Loading;
use super::states::States;
use super::traffic::Traffic;
use super::view::{View, Views};
use crate::events::ids::Position;
use crate::events::ledger::handle::ReadError;

/// A snapshot lies at least so many events after the one before.
pub(super) const SPACING: u64 = 64 * 1024;
/// How many are kept: near the head one after the other, further back ever rarer.
pub(super) const KEPT: usize = 16;
/// The newest ones, which are never thinned out.
const NEWEST: usize = 6;
const PREFIX: &str = "snapshot-";
/// Of the way a snapshot is put together.
const VERSION: u32 = 1;

type Body = (Agents, Outbox, Inbox, Traffic);

/// Which folds made it: another version's snapshot says something else.
fn content() -> String {
    let views = Views::HASHED.iter();
    let names: Vec<String> = views
        .map(|view: View| format!("{}@{}", view.name(), view.version()))
        .collect();
    names.join(" ")
}

/// Where snapshots stand, in order.
pub(super) fn places(loading: Loading<'_>) -> Vec<Position> {
    // A folder that cannot be listed has no snapshots: everything is folded from zero.
    let names = loading.checkpoints.names().unwrap_or_default();
    let mut places: Vec<Position> = names
        .iter()
        .filter_map(|name| name.strip_prefix(PREFIX)?.parse().ok().map(Position))
        .collect();
    places.sort_unstable();
    places
}

fn name(at: Position) -> String {
    format!("{PREFIX}{:020}", at.0)
}

/// The newest snapshot at or before a position that is whole and of this ledger, or nothing. Only the
/// hashed projections are in it.
pub(super) fn nearest(loading: Loading<'_>, to: Position) -> Result<States, ReadError> {
    let places = places(loading);
    for place in places.into_iter().rev().filter(|place| *place <= to) {
        if let Some(states) = read(loading, place)? {
            return Ok(states);
        }
    }
    Ok(States::only(Views::HASHED))
}

/// A snapshot, if it can be trusted.
pub(super) fn read(loading: Loading<'_>, at: Position) -> Result<Option<States>, ReadError> {
    let Ok(Some(bytes)) = loading.checkpoints.load(&name(at)) else {
        return Ok(None);
    };
    let unsealed = loading.unsealed::<Body>((&content(), VERSION), &bytes)?;
    let Some(restored) = unsealed.ok().filter(|it| it.position == at) else {
        return Ok(None);
    };
    let recorded_at = loading.ledger.read(at, 1)?.first().map(|it| it.recorded_at);
    let Some(recorded_at) = recorded_at else {
        return Ok(None);
    };
    let mut states = States::only(Views::HASHED);
    (states.position, states.at) = (at, recorded_at);
    (states.agents, states.outbox, states.inbox, states.traffic) = restored.fold;
    Ok(Some(states))
}

/// The bytes of a snapshot.
pub(super) fn seal(states: &States, chain: [u8; 32]) -> Result<Vec<u8>, SaveError> {
    let body = (
        &states.agents,
        &states.outbox,
        &states.inbox,
        &states.traffic,
    );
    let name = (content(), VERSION);
    Ok(seal_as((&name.0, name.1), &body, states.position, chain)?)
}

/// Keeps one more and forgets what is too much.
pub(super) fn keep(loading: Loading<'_>, at: Position, bytes: &[u8]) -> Result<(), SaveError> {
    loading.checkpoints.store(&name(at), bytes)?;
    let mut places = places(loading);
    while let Some(surplus) = surplus(&places) {
        loading.checkpoints.remove(&name(surplus))?;
        places.retain(|place| *place != surplus);
    }
    Ok(())
}

/// Where a fold from zero stops next on its way to the head: at each place for a snapshot among the last
/// few, and before that a few times altogether.
pub(super) fn next_on_the_way(from: Position, head: Position) -> Position {
    let last = head.0 / SPACING;
    let dense = last.saturating_sub(u64::try_from(NEWEST).unwrap_or(0));
    let here = from.0 / SPACING;
    let stride = if here >= dense { 1 } else { (last / 8).max(1) };
    let next = here.saturating_add(stride);
    let next = if here < dense { next.min(dense) } else { next };
    Position(next.saturating_mul(SPACING).min(head.0))
}

/// The one that is missed least, when there are too many: whose neighbours lie closest together,
/// measured by how long ago they are.
fn surplus(places: &[Position]) -> Option<Position> {
    if places.len() <= KEPT {
        return None;
    }
    let newest = places.last()?.0;
    let older = places.len().saturating_sub(NEWEST);
    let mut least: Option<(u128, Position)> = None;
    for (nth, place) in places.iter().enumerate().take(older) {
        let before = nth.checked_sub(1).and_then(|nth| places.get(nth));
        let after = places.get(nth.saturating_add(1))?;
        let gap = after.0.saturating_sub(before.map_or(0, |before| before.0));
        let age = newest.saturating_sub(place.0).max(1);
        // Whole numbers, a million to one.
        let miss = u128::from(gap).saturating_mul(1_000_000) / u128::from(age);
        if least.is_none_or(|(known, _)| miss < known) {
            least = Some((miss, *place));
        }
    }
    least.map(|(_, place)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fold_from_zero_leaves_a_few_snapshots_and_the_newest_ones_on_its_way() {
        for head in [
            0,
            1,
            SPACING,
            3 * SPACING + 7,
            40 * SPACING + 1,
            160 * SPACING,
        ] {
            let (mut at, mut places) = (Position::START, Vec::new());
            while at.0 < head {
                let next = next_on_the_way(at, Position(head));
                assert!(next > at && next.0 <= head, "{at} → {next}, {head}");
                at = next;
                places.push(at.0);
            }
            assert!(places.len() <= 20, "{places:?}");
            for nth in 0..6_u64 {
                let near = (head / SPACING).saturating_sub(nth) * SPACING;
                assert!(near == 0 || places.contains(&near), "{near}: {places:?}");
            }
        }
    }

    #[test]
    fn snapshots_are_bounded_dense_near_the_head_and_reach_far_back() {
        let mut places: Vec<Position> = Vec::new();
        for nth in 1..=1_000_u64 {
            places.push(Position(nth * SPACING));
            while let Some(drop) = surplus(&places) {
                places.retain(|place| *place != drop);
            }
            assert!(places.len() <= KEPT);
            let newest: Vec<u64> = places.iter().rev().take(NEWEST).map(|it| it.0).collect();
            let expected: Vec<u64> = (0..nth.min(6)).map(|back| (nth - back) * SPACING).collect();
            assert_eq!(newest, expected);
        }
        // Whoever asks about the past folds at most as much again as it is long ago, about.
        let mut before = 0;
        for place in &places {
            let age = 1_000 * SPACING - before;
            assert!(place.0 - before <= age, "{places:?}");
            before = place.0;
        }
    }
}
