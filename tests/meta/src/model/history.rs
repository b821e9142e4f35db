//! History of a state, as far as an invariant needs it.

use std::collections::BTreeMap;

use raft::{Entry, EntryId, Index, Log, Membership, Payload, PeerId, Term};

/// Invariants of every state (paper, Figure 3); the last two are about the core's own health.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModelInvariant {
    /// One leader a term.
    ElectionSafety,
    /// Two logs with the same entry are the same up to it.
    LogMatching,
    /// A committed entry is in the log of every later leader.
    LeaderCompleteness,
    /// All services apply the same commands, in order.
    StateMachineSafety,
    /// A quorum of disks holds what was committed, for ever.
    LostCommit,
    /// Every peer uses the latest configuration in its log; they change one at a time, through a
    /// joint one, and a leader counts by the one that is in force.
    Configurations,
    /// A leader counts of a follower what its disk holds.
    MatchIndex,
    /// A read sees what was committed anywhere when it was asked for.
    ReadSeesCommitted,
    /// Connected peers without requests become quiescent after a while.
    Quiescence,
    /// No assertion of the core fails, and it starts from any state of its disk.
    Panic,
}

impl ModelInvariant {
    /// All invariants.
    pub const ALL: [Self; 10] = [
        Self::ElectionSafety,
        Self::LogMatching,
        Self::LeaderCompleteness,
        Self::StateMachineSafety,
        Self::LostCommit,
        Self::Configurations,
        Self::MatchIndex,
        Self::ReadSeesCommitted,
        Self::Quiescence,
        Self::Panic,
    ];

    /// The invariant's name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ElectionSafety => "election-safety",
            Self::LogMatching => "log-matching",
            Self::LeaderCompleteness => "leader-completeness",
            Self::StateMachineSafety => "state-machine-safety",
            Self::LostCommit => "lost-commit",
            Self::Configurations => "configurations",
            Self::MatchIndex => "match-index",
            Self::ReadSeesCommitted => "read-sees-committed",
            Self::Quiescence => "quiescence",
            Self::Panic => "panic",
        }
    }
}

/// An entry that some peer counted as committed, and the first term in which one did.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Commit {
    pub(super) entry: Entry,
    in_term: Term,
}

/// History of a behaviour.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct History {
    leaders: BTreeMap<Term, PeerId>,
    /// The entry at index `n` is at position `n - 1`.
    pub(super) committed: Vec<Commit>,
}

impl History {
    pub(super) fn record_leader(
        &mut self,
        term: Term,
        leader: PeerId,
    ) -> Result<(), ModelInvariant> {
        let first = *self.leaders.entry(term).or_insert(leader);
        if first == leader { Ok(()) } else { Err(ModelInvariant::ElectionSafety) }
    }

    /// A new leader holds what was committed before its term.
    pub(super) fn check_leader(&self, term: Term, log: &Log) -> Result<(), ModelInvariant> {
        let missing = |commit: &&Commit| {
            let id = commit.entry.id;
            commit.in_term < term && id.index >= log.base().index && !log.contains(id)
        };
        match self.committed.iter().find(missing) {
            Some(_) => Err(ModelInvariant::LeaderCompleteness),
            None => Ok(()),
        }
    }

    /// A peer in `term` counts its log as committed through an index.
    pub(super) fn record_commits(
        &mut self,
        term: Term,
        log: &Log,
        through: Index,
    ) -> Result<(), ModelInvariant> {
        for entry in log.range(log.base().index, through) {
            match self.at(entry.id.index) {
                Some(first) if first == entry => {}
                Some(_) => return Err(ModelInvariant::StateMachineSafety),
                None => self.committed.push(Commit { entry: entry.clone(), in_term: term }),
            }
        }
        Ok(())
    }

    /// A service is given an entry after it was given those through `given`.
    pub(super) fn check_applied(
        &self,
        applied: Index,
        entry: &Entry,
    ) -> Result<(), ModelInvariant> {
        let in_order = entry.id.index == applied.next();
        let same = self.at(entry.id.index) == Some(entry);
        if in_order && same { Ok(()) } else { Err(ModelInvariant::StateMachineSafety) }
    }

    /// A service is given a snapshot.
    pub(super) fn check_restored(&self, through: EntryId) -> Result<(), ModelInvariant> {
        let found = self.at(through.index).map(|entry| entry.id);
        if found == Some(through) { Ok(()) } else { Err(ModelInvariant::StateMachineSafety) }
    }

    /// The last index that any peer counted as committed.
    pub(super) fn last(&self) -> Index {
        Index::new(self.committed.len() as u64)
    }

    /// The last committed configuration and its index, if any was.
    pub(super) fn members(&self) -> Option<(Index, &Membership)> {
        let entries = self.committed.iter().rev().map(|commit| &commit.entry);
        configurations(entries).next()
    }

    fn at(&self, index: Index) -> Option<&Entry> {
        let position = usize::try_from(index.prev().number()).ok()?;
        self.committed.get(position).map(|commit| &commit.entry)
    }
}

/// The configurations among entries, with their indexes.
pub(super) fn configurations<'a>(
    entries: impl Iterator<Item = &'a Entry>,
) -> impl Iterator<Item = (Index, &'a Membership)> {
    entries.filter_map(|entry| match &entry.payload {
        Payload::Membership(membership) => Some((entry.id.index, &**membership)),
        Payload::NoOp | Payload::Command(_) => None,
    })
}

/// Two logs that have an entry in common are the same before it.
pub(super) fn logs_match(one: &Log, other: &Log) -> Result<(), ModelInvariant> {
    let (first, index) = (one.base().index.max(other.base().index), last_common(one, other));
    let same = one.range(first, index).eq(other.range(first, index));
    if same { Ok(()) } else { Err(ModelInvariant::LogMatching) }
}

/// The last index at which two logs have an entry of the same term, or the base of the one that
/// begins later.
pub(super) fn last_common(one: &Log, other: &Log) -> Index {
    let first = one.base().index.max(other.base().index);
    let mut index = one.last().index.min(other.last().index);
    while index > first && one.term_at(index) != other.term_at(index) {
        index = index.prev();
    }
    index
}
