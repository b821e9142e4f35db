//! Configurations (paper §6): the latest one in a peer's log is in force there; each follows from
//! the one before it through a joint one, one at a time; a snapshot has the one of its index; and a
//! peer without a vote is neither candidate nor leader once that is committed.
//!
//! The configuration in force is derived here from logs alone, and is the one by which votes and
//! commits are counted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use raft::{Entry, Index, Log, Membership, Payload, PeerId, RoleName, Snapshot, Status};

use super::table::Invariant;
use super::violation::{Violation, Witness};

/// The committed configurations of a cluster.
#[derive(Debug, Default)]
pub struct CommittedConfigurations {
    first: Arc<Membership>,
    /// Committed configurations by the index of their entry.
    later: BTreeMap<Index, Arc<Membership>>,
    through: Index,
}

/// The configurations in one peer's log.
#[derive(Debug, Default)]
pub struct PeerConfigurations {
    /// The configuration in force before the first one in the log; empty for a peer that joined.
    base: Arc<Membership>,
    later: Vec<(Index, Arc<Membership>)>,
}

/// Returns whether some peers contain a majority of each group of voters. A returning peer is an
/// outgoing voter that has crashed for ever.
#[must_use]
pub fn is_quorum(membership: &Membership, among: impl Fn(PeerId) -> bool) -> bool {
    let most = |voters: &BTreeSet<PeerId>, lost: &BTreeSet<PeerId>| {
        voters.difference(lost).filter(|peer| among(**peer)).count() * 2 > voters.len()
    };
    let (none, returning) = (BTreeSet::new(), membership.returning());
    most(membership.voters(), &none) && membership.outgoing().is_none_or(|old| most(old, returning))
}

/// Checks a peer that a leader begins to make a voter; `holds` tells whether its store holds the
/// configuration at `index`, which recorded it.
///
/// # Errors
/// It does not.
pub fn check_admitted(
    leader: Witness,
    voter: PeerId,
    index: Index,
    holds: bool,
) -> Result<(), Box<Violation>> {
    if holds {
        return Ok(());
    }
    Err(Invariant::Configurations.broken(format_args!(
        "{leader} makes {voter} a voter, whose store does not hold the configuration at {index}"
    )))
}

/// Returns whether two configurations differ at most in what is recorded of stores: for the initial
/// one that is not part of the log.
fn same_members(one: &Membership, other: &Membership) -> bool {
    one == other || one.without_records() == other.without_records()
}

impl CommittedConfigurations {
    /// Those of a cluster that begins with these members.
    #[must_use]
    pub const fn new(first: Arc<Membership>) -> Self {
        Self { first, later: BTreeMap::new(), through: Index::ZERO }
    }

    /// A peer counts its log through `commit_index` as committed.
    pub fn record_committed(&mut self, log: &Log, commit_index: Index) {
        for entry in log.range(self.through, commit_index) {
            if let Payload::Membership(membership) = &entry.payload {
                self.later.insert(entry.id.index, Arc::clone(membership));
            }
        }
        self.through = self.through.max(commit_index);
    }

    /// The one that was in force at a committed index.
    #[must_use]
    pub fn at(&self, index: Index) -> &Arc<Membership> {
        self.later.range(..=index).next_back().map_or(&self.first, |(_, membership)| membership)
    }

    /// Checks what a peer writes into a snapshot.
    ///
    /// # Errors
    /// It is not the configuration of the snapshot's index.
    pub fn check_snapshot(
        &self,
        witness: Witness,
        snapshot: &Snapshot,
    ) -> Result<(), Box<Violation>> {
        let (index, expected) = (snapshot.index(), self.at(snapshot.index()));
        if same_members(&snapshot.membership, expected) {
            return Ok(());
        }
        Err(Invariant::Configurations.broken(format_args!(
            "{witness} stores a snapshot through {index} with the members {}, which are {expected}",
            snapshot.membership
        )))
    }
}

impl PeerConfigurations {
    /// Starts with this log; `first` is the initial configuration.
    pub fn start(
        &mut self,
        first: &Arc<Membership>,
        committed: &CommittedConfigurations,
        log: &Log,
    ) {
        *self = Self { base: Arc::clone(first), later: Vec::new() };
        self.rebase(committed, log);
        self.extend(log.range(log.base().index, log.last().index));
    }

    /// The log changed: entries after `new_after` are new.
    ///
    /// # Errors
    /// A new configuration does not follow from the one before it, or came too soon.
    pub fn log_changed(
        &mut self,
        witness: Witness,
        status: &Status,
        committed: &CommittedConfigurations,
        log: &Log,
        new_after: Index,
    ) -> Result<(), Box<Violation>> {
        self.later.retain(|(index, _)| *index <= new_after);
        self.rebase(committed, log);
        let known = self.later.len();
        self.extend(log.range(new_after, log.last().index));
        for position in known..self.later.len() {
            self.check_successor(witness, position)?;
            if status.role == RoleName::Leader {
                self.check_in_turn(witness, status, log, position)?;
            }
        }
        Ok(())
    }

    /// The one in force.
    #[must_use]
    pub fn latest(&self) -> &Arc<Membership> {
        self.later.last().map_or(&self.base, |(_, membership)| membership)
    }

    /// Checks a peer against what is in force by its log.
    ///
    /// # Errors
    /// It uses another one, or is candidate or leader without a vote.
    pub fn check_in_force(
        &self,
        witness: Witness,
        status: &Status,
        effective: &Membership,
    ) -> Result<(), Box<Violation>> {
        let latest = self.latest();
        if !same_members(effective, latest) {
            return Err(Invariant::Configurations.broken(format_args!(
                "{witness} uses the members {effective}; by its log they are {latest}"
            )));
        }
        let done = self.later.last().is_none_or(|(index, _)| *index <= status.commit_index);
        let may = match status.role {
            RoleName::Follower => true,
            RoleName::PreCandidate | RoleName::Candidate => {
                self.in_use(status.commit_index).any(|members| members.is_voter(witness.peer))
            }
            RoleName::Leader => latest.is_voter(witness.peer) || !done,
        };
        if may {
            return Ok(());
        }
        Err(Invariant::Configurations
            .broken(format_args!("{witness} is a {} and has no vote among {latest}", status.role)))
    }

    /// The last committed one and all after it.
    pub(super) fn in_use(&self, commit_index: Index) -> impl Iterator<Item = &Arc<Membership>> {
        let committed = self.later.iter().rposition(|(index, _)| *index <= commit_index);
        let base = committed.is_none().then_some(&self.base);
        let later = self.later.iter().skip(committed.unwrap_or_default());
        base.into_iter().chain(later.map(|(_, members)| members))
    }

    fn extend<'a>(&mut self, entries: impl Iterator<Item = &'a Entry>) {
        self.later.extend(entries.filter_map(|entry| match &entry.payload {
            Payload::Membership(membership) => Some((entry.id.index, Arc::clone(membership))),
            Payload::NoOp | Payload::Command(_) => None,
        }));
    }

    /// Replaces configurations that a snapshot covers by the committed one at its index.
    fn rebase(&mut self, committed: &CommittedConfigurations, log: &Log) {
        let base = log.base().index;
        if base > Index::ZERO {
            self.base = Arc::clone(committed.at(base));
            self.later.retain(|(index, _)| *index > base);
        }
    }

    fn before(&self, position: usize) -> &Arc<Membership> {
        match position.checked_sub(1) {
            Some(before) => &self.later[before].1,
            None => &self.base,
        }
    }

    /// Nothing, learners alone, into a joint configuration or out of it.
    fn check_successor(&self, witness: Witness, position: usize) -> Result<(), Box<Violation>> {
        let (before, (index, next)) = (self.before(position), &self.later[position]);
        let same = before.voters() == next.voters();
        let fits = match (before.outgoing(), next.outgoing()) {
            (None, None) => same,
            (None, Some(outgoing)) => outgoing == before.voters(),
            (Some(_), None) => same && before.learners() == next.learners(),
            (Some(_), Some(_)) => false,
        };
        // The log of a peer that joined does not have the configuration before it.
        if fits || before.is_empty() {
            return Ok(());
        }
        Err(Invariant::Configurations
            .broken(format_args!("{witness}: at {index} the members {before} become {next}")))
    }

    /// A leader begins a step after the last one and an entry of its own term are committed.
    fn check_in_turn(
        &self,
        witness: Witness,
        status: &Status,
        log: &Log,
        position: usize,
    ) -> Result<(), Box<Violation>> {
        let (Status { commit_index, current_term, .. }, index) = (status, self.later[position].0);
        let last = position.checked_sub(1).map_or(Index::ZERO, |before| self.later[before].0);
        if last > *commit_index {
            return Err(Invariant::Configurations.broken(format_args!(
                "{witness} changes members at {index}, the change at {last} is not committed"
            )));
        }
        if log.term_at(*commit_index) != Some(*current_term) {
            return Err(Invariant::Configurations.broken(format_args!(
                "{witness} leads term {current_term} and changes members at {index}; of its own term \
                 nothing is committed, {commit_index} is the last"
            )));
        }
        Ok(())
    }
}
