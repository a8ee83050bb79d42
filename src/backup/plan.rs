//! What to write, and what to read, decided from manifests alone: no IO, no clock, no randomness.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::digest::Digest;
use super::error::{BackupError, Range};
use super::manifest::{Ancestor, Manifest, Piece};
use super::segment::EVENTS;
use crate::events::facts::backup::Kind;
use crate::events::ids::EventId;
use crate::events::time::Timestamp;

/// Up to where a ledger is restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// This event is the last.
    Position(u64),
    /// Everything recorded up to this instant, or only before it.
    Instant {
        /// The instant.
        at: Timestamp,
        /// Without what was recorded at the instant itself.
        exclusive: bool,
    },
    /// This event is the last.
    Event(EventId),
    /// Where the label stands.
    Label(String),
    /// Everything.
    Latest,
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Position(position) => write!(f, "position {position}"),
            Self::Instant { at, .. } => write!(f, "instant {at}"),
            Self::Event(event) => write!(f, "event {event}"),
            Self::Label(label) => write!(f, "label `{label}`"),
            Self::Latest => f.write_str("the latest position"),
        }
    }
}

/// Which event is the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The one at this position.
    At(u64),
    /// The last one recorded before this instant, in microseconds.
    Before(u64),
    /// The one with this id.
    Event(EventId),
}

impl Stop {
    /// Whether an event is still wanted, as its place tells; none when only ids tell.
    pub fn wants(self, position: u64, recorded_at: Timestamp) -> Option<bool> {
        match self {
            Self::At(last) => Some(position <= last),
            Self::Before(micros) => Some(recorded_at.micros() < micros),
            Self::Event(_) => None,
        }
    }
}

/// What a restore reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restore {
    /// The backup that knows the way.
    pub backup: Uuid,
    /// The ledger.
    pub ledger: Uuid,
    /// The timeline that the last event belongs to is this one, or one before it.
    pub timeline: Uuid,
    /// Segments from the first event on, without a gap; beyond the last event as far as there are any.
    pub pieces: Vec<Piece>,
    /// Which event is the last.
    pub stop: Stop,
    /// The timelines up to this one with the last position of each.
    pub timelines: Vec<Ancestor>,
}

impl Restore {
    /// The timeline that an event at the position belongs to.
    pub fn timeline_of(&self, position: u64) -> Uuid {
        let own = self.timelines.iter().find(|it| position <= it.until);
        own.map_or(self.timeline, |it| it.timeline)
    }
}

/// What is known of a repository: its manifests and the segments that are there.
#[derive(Clone, Copy, Debug)]
pub struct Known<'k> {
    /// In the order they were made.
    pub manifests: &'k [Manifest],
    /// Which segments are there, with their lengths.
    pub present: &'k BTreeMap<Digest, u64>,
}

impl<'k> Known<'k> {
    fn is_present(&self, piece: &Piece) -> bool {
        self.present.get(&piece.object) == Some(&piece.bytes)
    }

    /// The backups, without labels.
    fn backups(&self) -> impl DoubleEndedIterator<Item = &'k Manifest> {
        self.manifests.iter().filter(|it| it.kind != Kind::Label)
    }

    /// The newest timeline: that of the newest backup.
    pub fn newest_timeline(&self) -> Option<Uuid> {
        self.backups().next_back().map(|it| it.timeline)
    }

    /// The backup that reaches furthest on a timeline.
    fn furthest(&self, timeline: Uuid) -> Option<&'k Manifest> {
        self.backups()
            .filter(|it| it.timeline == timeline)
            .max_by_key(|it| it.last_position)
    }

    /// Segments that hold events of the timeline of this backup and are there: its own, and those of
    /// other backups that share its history so far.
    fn usable(&self, of: &Manifest) -> Vec<Piece> {
        let timelines: Vec<Ancestor> = of.timelines().collect();
        let mut seen = BTreeSet::new();
        let mut usable = Vec::new();
        for manifest in self.backups() {
            let shared = manifest.shared_with(&timelines);
            let fit = manifest.segments.iter().filter(|it| it.last <= shared);
            for piece in fit.filter(|it| self.is_present(it)) {
                if seen.insert(piece.object) {
                    usable.push(*piece);
                }
            }
        }
        usable
    }

    /// The fewest segments that lead from the first event without a gap as far as possible, at most to
    /// the end of this backup.
    pub fn cover(&self, of: &Manifest) -> Vec<Piece> {
        cover(&self.usable(of), of.last_position)
    }

    /// What can be restored of each timeline, without a gap from its first event on.
    pub fn ranges(&self) -> Vec<Range> {
        let timelines: BTreeSet<Uuid> = self.backups().map(|it| it.timeline).collect();
        let mut ranges: Vec<Range> = timelines
            .into_iter()
            .filter_map(|timeline| {
                let pieces = self.cover(self.furthest(timeline)?);
                let (first, last) = (pieces.first()?, pieces.last()?);
                Some(Range {
                    timeline,
                    first_position: first.first,
                    last_position: last.last,
                    first_at: first.first_at,
                    last_at: last.last_at,
                })
            })
            .collect();
        ranges.sort_by_key(|range| range.last_at);
        ranges
    }

    /// The label's manifest, the newest if it was given twice on different timelines.
    fn label(&self, label: &str) -> Option<&'k Manifest> {
        let mut labels = self.manifests.iter().rev();
        labels.find(|it| it.label.as_deref() == Some(label))
    }

    fn labels(&self) -> Vec<String> {
        let labels = self.manifests.iter().filter_map(|it| it.label.clone());
        labels.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// How to get to the target, on this timeline or the newest.
    pub fn restore(&self, target: &Target, timeline: Option<Uuid>) -> Result<Restore, BackupError> {
        let asked = target.to_string();
        let missing = |what: String, known: Vec<String>| BackupError::NotFound { what, known };
        let mut wanted = timeline;
        let mut stop = match target {
            Target::Position(position) => Some(Stop::At(*position)),
            Target::Instant { at, exclusive } => Some(Stop::Before(
                at.micros().saturating_add(u64::from(!exclusive)),
            )),
            Target::Event(event) => Some(Stop::Event(*event)),
            Target::Latest => None,
            Target::Label(label) => {
                let found = self.label(label);
                let found = found.ok_or_else(|| missing(target.to_string(), self.labels()))?;
                wanted = wanted.or(Some(found.timeline));
                Some(Stop::At(found.last_position))
            }
        };
        let Some(timeline) = wanted.or_else(|| self.newest_timeline()) else {
            return Err(missing("backup".to_owned(), Vec::new()));
        };
        let Some(backup) = self.furthest(timeline) else {
            let known = self.backups().map(|it| it.timeline.to_string());
            let known: BTreeSet<String> = known.collect();
            if matches!(target, Target::Label(_)) {
                // Named, but never backed up since.
                let ranges = self.ranges();
                return Err(BackupError::Outside { asked, ranges });
            }
            let what = format!("backup of timeline {timeline}");
            return Err(missing(what, known.into_iter().collect()));
        };
        let pieces = self.cover(backup);
        let reached = pieces
            .last()
            .map_or((0, Timestamp::EPOCH), |it| (it.last, it.last_at));
        let first_at = backup.segments.first().map(|it| it.first_at);
        let stop = *stop.get_or_insert(Stop::At(backup.last_position));
        let outside = match (stop, target) {
            (Stop::At(position), _) => position == 0 || position > backup.last_position,
            (Stop::Before(micros), Target::Instant { at, .. }) => {
                *at > backup.last_at || first_at.is_none_or(|first| micros <= first.micros())
            }
            (Stop::Before(_) | Stop::Event(_), _) => false,
        };
        if outside {
            let ranges = self.ranges();
            return Err(BackupError::Outside { asked, ranges });
        }
        let beyond = match stop {
            Stop::At(position) => position > reached.0,
            // What was recorded up to the instant may go on in what is missing.
            Stop::Before(micros) => {
                reached.0 < backup.last_position && micros > reached.1.micros().saturating_add(1)
            }
            Stop::Event(_) => false,
        };
        if beyond {
            return Err(self.hole(asked, backup, &pieces));
        }
        Ok(Restore {
            backup: backup.id,
            ledger: backup.ledger,
            timeline,
            pieces,
            stop,
            timelines: backup.timelines().collect(),
        })
    }

    /// The first of what is missing behind these segments.
    pub fn hole(&self, asked: String, backup: &Manifest, pieces: &[Piece]) -> BackupError {
        let next = pieces.last().map_or(1, |it| it.last.saturating_add(1));
        let missing = backup.segments.iter().find(|it| it.last >= next);
        let why = missing.map_or_else(
            || format!("the events from position {next} on are missing"),
            |it| {
                format!(
                    "positions {next} to {} are missing (segments/{})",
                    it.last, it.object
                )
            },
        );
        match pieces.last() {
            Some(last) => BackupError::Hole {
                asked,
                why,
                until: last.last,
                until_at: last.last_at,
            },
            None => BackupError::Nothing { asked, why },
        }
    }
}

/// The fewest of these segments that lead from the first event without a gap as far as possible, at
/// most to `end`. All of them belong to one history.
pub fn cover(pieces: &[Piece], end: u64) -> Vec<Piece> {
    // From each position that can be reached: with how many segments, and the last of them. Segments are
    // visited in the order of their beginnings, so whatever leads to a beginning was visited before.
    let mut order: Vec<&Piece> = pieces.iter().filter(|it| it.last <= end).collect();
    order.sort_by_key(|it| (it.first, it.last));
    let mut ways: BTreeMap<(u64, Digest), (u32, Option<&Piece>)> = BTreeMap::new();
    ways.insert((0, Digest::default()), (0, None));
    for piece in order {
        let from = (piece.first.saturating_sub(1), piece.before);
        let Some((count, _)) = ways.get(&from).copied() else {
            continue;
        };
        let count = count.saturating_add(1);
        let way = ways
            .entry((piece.last, piece.after))
            .or_insert((u32::MAX, None));
        if count < way.0 {
            *way = (count, Some(piece));
        }
    }
    let mut at = ways.keys().next_back().copied();
    let mut covered = Vec::new();
    while let Some(piece) = at
        .and_then(|at| ways.get(&at))
        .and_then(|(_, piece)| *piece)
    {
        covered.push(*piece);
        at = Some((piece.first.saturating_sub(1), piece.before));
    }
    covered.reverse();
    covered
}

/// What a backup shares with those before, and what it writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Take {
    /// What it is: a full one where there is nothing to build on.
    pub kind: Kind,
    /// The backup it builds on.
    pub base: Option<Uuid>,
    /// Segments that are there already, from the first event on.
    pub shared: Vec<Piece>,
    /// First and last positions of the segments to write.
    pub write: Vec<(u64, u64)>,
}

/// The ledger as a backup finds it.
#[derive(Clone, Copy, Debug)]
pub struct Source<'s> {
    /// Its id.
    pub ledger: Uuid,
    /// Its timelines, its own last, with the last position of each.
    pub timelines: &'s [Ancestor],
    /// The last position to back up.
    pub last: u64,
}

impl Source<'_> {
    fn timeline(&self) -> Uuid {
        self.timelines.last().map_or(Uuid::nil(), |it| it.timeline)
    }
}

impl Known<'_> {
    /// Backups that share history with the source, the longest first: with the last position that both
    /// have. Whether they really have the same events there is for the chain to say.
    pub fn candidates(&self, source: &Source<'_>) -> Vec<(&Manifest, u64)> {
        let mut candidates: Vec<(&Manifest, u64)> = self
            .backups()
            .filter_map(|it| {
                let shared = it.shared_with(source.timelines).min(source.last);
                (shared > 0).then_some((it, shared))
            })
            .collect();
        // Of two that reach as far, the newer.
        candidates.reverse();
        candidates.sort_by_key(|(_, shared)| std::cmp::Reverse(*shared));
        candidates
    }

    /// A timeline that was forked off the source's before its end and is backed up here.
    pub fn child(&self, source: &Source<'_>) -> Option<(u64, Uuid)> {
        let own = source.timeline();
        let forks = self.backups().filter_map(|it| {
            let timelines: Vec<Ancestor> = it.timelines().collect();
            let at = timelines.iter().position(|it| it.timeline == own)?;
            let child = timelines.get(at.checked_add(1)?)?;
            let fork = timelines.get(at)?.until;
            (fork < source.last).then_some((fork, child.timeline))
        });
        forks.min_by_key(|(fork, _)| *fork)
    }

    /// What a backup of this kind shares and writes. `is_same` says whether a segment's end is in the
    /// source's chain.
    pub fn take(
        &self,
        kind: Kind,
        source: &Source<'_>,
        is_same: &mut dyn FnMut(&Piece) -> Result<bool, BackupError>,
    ) -> Result<Take, BackupError> {
        let mut base = None;
        let mut shared = Vec::new();
        for (manifest, common) in self.candidates(source) {
            if kind == Kind::Differential && manifest.kind != Kind::Full {
                continue;
            }
            let fit = manifest.segments.iter().filter(|it| it.last <= common);
            let fit: Vec<Piece> = fit.filter(|it| self.is_present(it)).copied().collect();
            let covered = cover(&fit, source.last);
            let reached = covered.last().map_or(0, |it| it.last);
            let better = shared.last().is_none_or(|it: &Piece| reached > it.last);
            if let Some(end) = covered.last().filter(|_| better) {
                if is_same(end)? {
                    shared = covered;
                    base = Some(manifest.id);
                } else if manifest.timeline == source.timeline() {
                    return Err(BackupError::OtherHistory {
                        timeline: manifest.timeline,
                        reason: format!("position {} has another chain hash", end.last),
                    });
                }
            }
            if shared.last().is_some_and(|it| it.last >= common) {
                break;
            }
        }
        if let Some(manifest) = self.furthest(source.timeline())
            && manifest.last_position > source.last
        {
            return Err(BackupError::OtherHistory {
                timeline: manifest.timeline,
                reason: format!(
                    "it reaches position {} there, and {} in the ledger",
                    manifest.last_position, source.last
                ),
            });
        }
        let kind = if base.is_none() { Kind::Full } else { kind };
        if kind == Kind::Full {
            // Only whole segments: the rest is written in one piece, so that pieces do not pile up.
            let whole = shared.iter().take_while(|it| {
                let events = it.last.saturating_sub(it.first).saturating_add(1);
                it.last.is_multiple_of(EVENTS) && events == EVENTS
            });
            shared = whole.copied().collect();
            base = None;
        }
        let from = shared.last().map_or(1, |it| it.last.saturating_add(1));
        Ok(Take {
            kind,
            base,
            shared,
            write: cut(from, source.last),
        })
    }
}

/// First and last positions of the segments for a stretch.
pub fn cut(from: u64, to: u64) -> Vec<(u64, u64)> {
    let mut cuts = Vec::new();
    let mut first = from;
    while first <= to {
        let end = first.saturating_sub(1) / EVENTS;
        let last = end.saturating_add(1).saturating_mul(EVENTS).min(to);
        cuts.push((first, last));
        first = last.saturating_add(1);
    }
    cuts
}
