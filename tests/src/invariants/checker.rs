//! All properties together, and which of them an event concerns.

use std::sync::Arc;

use raft::message::{AppendEntriesReply, InstallSnapshotReply, Vote};
use raft::{
    Entry, EntryId, Envelope, HardState, Index, Instant, Log, Membership, Message, PeerId,
    PersistentState, RoleName, Snapshot, Status, Term,
};

use super::acknowledged_entries::AcknowledgedEntry;
use super::commit_rule::{self, Advance};
use super::configurations::{Committed, Own};
use super::durability;
use super::election_safety::ElectionSafety;
use super::leader_append_only;
use super::leader_completeness::LeaderCompleteness;
use super::log_matching::LogMatching;
use super::monotonic::Past;
use super::observed_log::{Change, ObservedLog};
use super::pre_vote::{self, PreVotes};
use super::state_machine_safety::StateMachineSafety;
use super::violation::{Violation, Witness};

/// A peer as it is seen from outside.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// The moment.
    pub at: Instant,
    /// The peer's place in the cluster.
    pub server: usize,
    /// Its status.
    pub status: Status,
    /// Its log.
    pub log: &'a Log,
    /// The members it goes by.
    pub members: &'a Arc<Membership>,
    /// What is durable on its disk.
    pub disk: &'a PersistentState,
}

/// The memory of all properties.
#[derive(Debug, Default)]
pub struct Invariants {
    elections: ElectionSafety,
    matching: LogMatching,
    completeness: LeaderCompleteness,
    /// The members before the first entry.
    first: Arc<Membership>,
    configurations: Committed,
    application: StateMachineSafety,
    pre_votes: PreVotes,
    peers: Vec<Peer>,
}

#[derive(Debug)]
struct Peer {
    past: Past,
    shadow: ObservedLog,
    promise: AcknowledgedEntry,
    configurations: Own,
}

impl Seen<'_> {
    const fn witness(&self) -> Witness {
        Witness { peer: self.status.id, at: self.at }
    }
}

impl Invariants {
    /// No memory yet of a cluster that begins with these members.
    #[must_use]
    pub fn of(first: Arc<Membership>) -> Self {
        let configurations = Committed::new(Arc::clone(&first));
        Self { first, configurations, ..Self::default() }
    }

    /// A peer starts; for the first time if it is the next place in the cluster.
    ///
    /// # Errors
    /// See [`Past::restarts`] and [`LogMatching::holds`].
    pub fn starts(&mut self, seen: Seen<'_>) -> Result<(), Box<Violation>> {
        if seen.server == self.peers.len() {
            let past = Past::new(seen.status, HardState::default());
            self.peers.push(Peer {
                past,
                shadow: ObservedLog::default(),
                promise: AcknowledgedEntry::default(),
                configurations: Own::default(),
            });
        }
        let peer = &mut self.peers[seen.server];
        peer.past.restarts(seen.witness(), seen.status, seen.disk)?;
        peer.shadow = ObservedLog::default();
        peer.shadow.follow(seen.log);
        let nobody = Arc::default();
        let first = if self.first.contains(seen.status.id) { &self.first } else { &nobody };
        peer.configurations.starts(first, &self.configurations, seen.log);
        peer.configurations.are_kept(seen.witness(), &seen.status, seen.members)?;
        peer.promise.is_kept(seen.witness(), seen.status.current_term, seen.log)?;
        self.audit(seen)
    }

    /// A peer has taken an input. `holds` says whether a peer's disk holds an entry.
    ///
    /// # Errors
    /// A property is broken.
    pub fn after_input(
        &mut self,
        seen: Seen<'_>,
        holds: impl Fn(PeerId, EntryId) -> bool,
    ) -> Result<(), Box<Violation>> {
        let peer = &mut self.peers[seen.server];
        let before = peer.past.status;
        let change = peer.shadow.follow(seen.log);
        if before == seen.status && change.is_none() {
            return Ok(());
        }
        let last = seen.log.last().index;
        pre_vote::asks(seen.witness(), &before, &seen.status)?;
        peer.past.goes_on(seen.witness(), seen.status, last)?;
        peer.promise.is_kept(seen.witness(), seen.status.current_term, seen.log)?;
        durability::believes(seen.witness(), seen.status.durable_index, seen.log, seen.disk)?;
        // What rose with this input was counted by the members before it.
        let members = Arc::clone(peer.configurations.latest());
        if let Some(change) = change {
            self.log_changed(seen, &before, change)?;
        }
        if seen.status.commit_index > before.commit_index {
            self.commit_rose(seen, &before, &members, holds)?;
        }
        let own = &self.peers[seen.server].configurations;
        own.are_kept(seen.witness(), &seen.status, seen.members)?;
        if seen.status.role == RoleName::Leader && !led_before(&before, &seen.status) {
            self.becomes_leader(seen)?;
        }
        match seen.status.leader {
            Some(leader) if seen.status.leader != before.leader => {
                self.elections.follows(seen.witness(), seen.status.current_term, leader)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// A peer sends a message. `leader_log` is as in [`durability::releases`].
    ///
    /// # Errors
    /// The message promises what may be lost, or is a second vote.
    pub fn sends(
        &mut self,
        server: usize,
        seen: Witness,
        envelope: &Envelope,
        disk: &PersistentState,
        leader_log: impl FnOnce(Index) -> Option<Term>,
    ) -> Result<(), Box<Violation>> {
        durability::releases(seen, envelope, disk, leader_log)?;
        self.pre_votes.sends(envelope);
        match &envelope.message {
            Message::RequestVote(_) => self.elections.votes(seen, envelope.term, envelope.from),
            Message::RequestVoteReply(Vote::Granted) => {
                self.elections.votes(seen, envelope.term, envelope.to)
            }
            Message::AppendEntriesReply(AppendEntriesReply::Accepted { match_index, .. })
            | Message::InstallSnapshotReply(InstallSnapshotReply::Installed {
                match_index, ..
            }) => {
                self.acknowledges(server, envelope.term, *match_index, disk);
                Ok(())
            }
            Message::RequestVoteReply(Vote::Refused)
            | Message::RequestPreVote(_)
            | Message::RequestPreVoteReply(_)
            | Message::TimeoutNow
            | Message::AppendEntries(_)
            | Message::AppendEntriesReply(_)
            | Message::InstallSnapshot(_)
            | Message::InstallSnapshotReply(_)
            | Message::ReadIndex(_)
            | Message::ReadIndexReply(_) => Ok(()),
        }
    }

    /// A peer begins to stand, and should have asked before.
    ///
    /// # Errors
    /// No majority would vote for it.
    pub fn stands(
        &self,
        seen: Witness,
        term: Term,
        members: &Membership,
    ) -> Result<(), Box<Violation>> {
        self.pre_votes.stands(seen, term, members)
    }

    /// What is acknowledged below a snapshot is kept for ever.
    fn acknowledges(
        &mut self,
        server: usize,
        term: Term,
        match_index: Index,
        disk: &PersistentState,
    ) {
        if let Some(entry_term) = durability::term_at(disk, match_index) {
            let entry = EntryId::new(entry_term, match_index);
            self.peers[server].promise.acknowledges(term, entry);
        }
    }

    /// A peer hands entries to its service.
    ///
    /// # Errors
    /// One of them is not durable there, or differs from what another peer applied.
    pub fn applies(
        &mut self,
        seen: Witness,
        entries: &[Entry],
        disk: &PersistentState,
    ) -> Result<(), Box<Violation>> {
        durability::applies(seen, entries, disk)?;
        entries.iter().try_for_each(|entry| self.application.applies(seen, entry))
    }

    /// A peer hands a snapshot to its service.
    ///
    /// # Errors
    /// The snapshot is not durable there, or covers what nobody applied.
    pub fn restores(
        &self,
        seen: Witness,
        snapshot: &Snapshot,
        disk: &PersistentState,
    ) -> Result<(), Box<Violation>> {
        durability::restores(seen, snapshot.last_included, disk)?;
        self.application.restores(seen, snapshot.last_included)
    }

    /// A peer writes a snapshot.
    ///
    /// # Errors
    /// Its members are not those of its index.
    pub fn stores(&self, seen: Witness, snapshot: &Snapshot) -> Result<(), Box<Violation>> {
        self.configurations.is_in(seen, snapshot)
    }

    /// A flush of a peer's disk has ended.
    ///
    /// # Errors
    /// Its term or vote went back.
    pub fn becomes_durable(
        &mut self,
        server: usize,
        seen: Witness,
        disk: &PersistentState,
    ) -> Result<(), Box<Violation>> {
        self.peers[server].past.becomes_durable(seen, disk)
    }

    /// Goes through a whole log.
    ///
    /// # Errors
    /// It does not match the others.
    pub fn audit(&mut self, seen: Seen<'_>) -> Result<(), Box<Violation>> {
        self.entries_match(seen, seen.log.base().index)
    }

    fn log_changed(
        &mut self,
        seen: Seen<'_>,
        before: &Status,
        change: Change,
    ) -> Result<(), Box<Violation>> {
        if led_before(before, &seen.status) {
            let term = seen.status.current_term;
            leader_append_only::check(seen.witness(), term, change.deleted)?;
        }
        self.entries_match(seen, change.new_after)?;
        let own = &mut self.peers[seen.server].configurations;
        let (by, committed) = (seen.witness(), &self.configurations);
        own.changes(by, &seen.status, committed, seen.log, change.new_after)
    }

    fn entries_match(&mut self, seen: Seen<'_>, after: Index) -> Result<(), Box<Violation>> {
        let mut prev_term = seen.log.term_at(after).unwrap_or_default();
        for entry in seen.log.range(after, seen.log.last().index) {
            self.matching.holds(seen.witness(), prev_term, entry)?;
            prev_term = entry.id.term;
        }
        Ok(())
    }

    fn commit_rose(
        &mut self,
        seen: Seen<'_>,
        before: &Status,
        members: &Membership,
        holds: impl Fn(PeerId, EntryId) -> bool,
    ) -> Result<(), Box<Violation>> {
        let Status { current_term: term, commit_index, .. } = seen.status;
        self.completeness.commits(seen.witness(), term, seen.log, commit_index);
        self.configurations.commits(seen.log, commit_index);
        if !led_before(before, &seen.status) {
            return Ok(());
        }
        let entry = EntryId::new(seen.log.term_at(commit_index).unwrap_or_default(), commit_index);
        let holds = |peer| holds(peer, entry);
        commit_rule::check(seen.witness(), Advance { term, entry }, members, holds)
    }

    fn becomes_leader(&mut self, seen: Seen<'_>) -> Result<(), Box<Violation>> {
        let term = seen.status.current_term;
        self.elections.wins(term, seen.witness(), seen.members)?;
        self.elections.leads(term, seen.witness())?;
        self.completeness.leads(seen.witness(), term, seen.log)?;
        self.audit(seen)
    }
}

/// Whether a peer led the term it leads now before the event, too.
fn led_before(before: &Status, now: &Status) -> bool {
    let both = before.role == RoleName::Leader && now.role == RoleName::Leader;
    both && before.current_term == now.current_term
}
