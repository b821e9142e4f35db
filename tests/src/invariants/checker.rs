//! All invariants together, and the selection of those that an event concerns.

use std::sync::Arc;

use raft::message::{AppendEntriesReply, InstallSnapshotReply, Vote};
use raft::{
    Entry, EntryId, Envelope, HardState, Incarnation, Index, Instant, Log, Membership, Message,
    PeerId, PersistentState, RoleName, Snapshot, Status, Term,
};

use super::acknowledged_entries::AcknowledgedEntry;
use super::commit_rule::{self, Advance};
use super::configurations::{CommittedConfigurations, PeerConfigurations};
use super::durability;
use super::election_safety::ElectionSafety;
use super::leader_append_only;
use super::leader_completeness::LeaderCompleteness;
use super::log_matching::LogMatching;
use super::monotonic::Past;
use super::observed_log::{Change, ObservedLog};
use super::pre_vote;
use super::state_machine_safety::StateMachineSafety;
use super::terms::Sender;
use super::violation::{Violation, Witness};

/// A peer as it is seen from outside.
#[derive(Clone, Copy)]
pub struct ObservedPeer<'a> {
    /// The time.
    pub at: Instant,
    /// The peer's server number.
    pub server: usize,
    /// Its status.
    pub status: Status,
    /// Its log.
    pub log: &'a Log,
    /// The configuration in force.
    pub members: &'a Arc<Membership>,
    /// Durable state of its disk.
    pub disk: &'a PersistentState,
}

/// The state of all invariants.
#[derive(Debug, Default)]
pub struct InvariantChecker {
    elections: ElectionSafety,
    matching: LogMatching,
    completeness: LeaderCompleteness,
    /// The members before the first entry.
    first: Arc<Membership>,
    configurations: CommittedConfigurations,
    application: StateMachineSafety,
    peers: Vec<Peer>,
}

#[derive(Debug)]
struct Peer {
    past: Past,
    observed_log: ObservedLog,
    acknowledged: AcknowledgedEntry,
    configurations: PeerConfigurations,
}

impl ObservedPeer<'_> {
    const fn witness(&self) -> Witness {
        Witness { peer: self.status.id, at: self.at }
    }
}

impl InvariantChecker {
    /// The state before a cluster begins with these members.
    #[must_use]
    pub fn new(first: Arc<Membership>) -> Self {
        let configurations = CommittedConfigurations::new(Arc::clone(&first));
        Self { first, configurations, ..Self::default() }
    }

    /// Checks a peer that starts; for the first time if it is the next server.
    ///
    /// # Errors
    /// See [`Past::restart`] and [`LogMatching::check_entry`].
    pub fn peer_started(&mut self, observed: ObservedPeer<'_>) -> Result<(), Box<Violation>> {
        if observed.server == self.peers.len() {
            let past = Past::new(observed.status, HardState::default());
            self.peers.push(Peer {
                past,
                observed_log: ObservedLog::default(),
                acknowledged: AcknowledgedEntry::default(),
                configurations: PeerConfigurations::default(),
            });
        }
        let peer = &mut self.peers[observed.server];
        peer.past.restart(observed.witness(), observed.status, observed.disk)?;
        peer.observed_log = ObservedLog::default();
        peer.observed_log.follow(observed.log);
        let no_members = Arc::default();
        let first = if self.first.contains(observed.status.id) { &self.first } else { &no_members };
        peer.configurations.start(first, &self.configurations, observed.log);
        peer.configurations.check_in_force(
            observed.witness(),
            &observed.status,
            observed.members,
        )?;
        peer.acknowledged.check(observed.witness(), observed.status.current_term, observed.log)?;
        self.audit(observed)
    }

    /// Forgets a peer whose disk is lost: the next store under its id has promised nothing.
    pub fn peer_wiped(&mut self, server: usize, peer: PeerId) {
        self.elections.forget_votes(peer);
        let known = &mut self.peers[server];
        known.past.forget_disk();
        known.acknowledged = AcknowledgedEntry::default();
    }

    /// The place of a message's sender among the members that its receiver knows of; `None` if the
    /// receiver knows of none.
    #[must_use]
    pub fn sender(&self, server: usize, status: &Status, from: PeerId) -> Option<Sender> {
        let known = &self.peers[server].configurations;
        if known.latest().is_empty() {
            return None;
        }
        let is_member = known.in_use(status.commit_index).any(|members| members.contains(from));
        Some(if is_member { Sender::Member } else { Sender::Outsider })
    }

    /// Checks a peer after an input. `holds` returns whether a peer's disk holds an entry.
    ///
    /// # Errors
    /// An invariant is broken.
    pub fn check_after_input(
        &mut self,
        observed: ObservedPeer<'_>,
        holds: impl Fn(PeerId, EntryId) -> bool,
    ) -> Result<(), Box<Violation>> {
        let peer = &mut self.peers[observed.server];
        let before = peer.past.status;
        let change = peer.observed_log.follow(observed.log);
        if before == observed.status && change.is_none() {
            return Ok(());
        }
        let last = observed.log.last().index;
        pre_vote::check_pre_candidate(observed.witness(), &before, &observed.status)?;
        peer.past.update(observed.witness(), observed.status, last)?;
        peer.acknowledged.check(observed.witness(), observed.status.current_term, observed.log)?;
        durability::check_durable_index(
            observed.witness(),
            observed.status.durable_index,
            observed.log,
            observed.disk,
        )?;
        // An index that rose with this input was counted in the configuration before it.
        let members = Arc::clone(peer.configurations.latest());
        if let Some(change) = change {
            self.check_log_change(observed, &before, change)?;
        }
        if observed.status.commit_index > before.commit_index {
            self.check_commit(observed, &before, &members, holds)?;
        }
        let own = &self.peers[observed.server].configurations;
        own.check_in_force(observed.witness(), &observed.status, observed.members)?;
        if observed.status.role == RoleName::Leader && !led_before(&before, &observed.status) {
            self.check_new_leader(observed)?;
        }
        match observed.status.leader {
            Some(leader) if observed.status.leader != before.leader => self
                .elections
                .check_follower(observed.witness(), observed.status.current_term, leader),
            Some(_) | None => Ok(()),
        }
    }

    /// A peer grants its vote to a candidate with this store.
    ///
    /// # Errors
    /// It voted for another store in this term.
    pub fn check_voted_store(
        &mut self,
        voter: Witness,
        term: Term,
        candidate: (PeerId, Incarnation),
    ) -> Result<(), Box<Violation>> {
        self.elections.record_voted_store(voter, term, candidate)
    }

    /// A peer sends a message. `leader_log` is as in [`durability::check_sent`].
    ///
    /// # Errors
    /// The message promises what may be lost, or is a second vote.
    pub fn check_sent(
        &mut self,
        server: usize,
        witness: Witness,
        envelope: &Envelope,
        disk: &PersistentState,
        leader_log: impl FnOnce(Index) -> Option<Term>,
    ) -> Result<(), Box<Violation>> {
        durability::check_sent(witness, envelope, disk, leader_log)?;
        match &envelope.message {
            Message::RequestVote(_) => {
                self.elections.record_vote(witness, envelope.term, envelope.from)
            }
            Message::RequestVoteReply(Vote::Granted) => {
                self.elections.record_vote(witness, envelope.term, envelope.to)
            }
            Message::AppendEntriesReply(AppendEntriesReply::Accepted { match_index, .. })
            | Message::InstallSnapshotReply(InstallSnapshotReply::Installed {
                match_index, ..
            }) => {
                self.record_acknowledged(server, envelope.term, *match_index, disk);
                Ok(())
            }
            Message::RequestVoteReply(Vote::Rejected)
            | Message::RequestPreVote(_)
            | Message::RequestPreVoteReply(_)
            | Message::TimeoutNow
            | Message::AppendEntries(_)
            | Message::AppendEntriesReply(_)
            | Message::InstallSnapshot(_)
            | Message::InstallSnapshotReply(_)
            | Message::ReadIndex(_)
            | Message::ReadIndexReply(_)
            | Message::Register
            | Message::RegisterReply(_) => Ok(()),
        }
    }

    /// Acknowledged entries below a snapshot are kept for ever.
    fn record_acknowledged(
        &mut self,
        server: usize,
        term: Term,
        match_index: Index,
        disk: &PersistentState,
    ) {
        if let Some(entry_term) = disk.term_at(match_index) {
            let entry = EntryId::new(entry_term, match_index);
            self.peers[server].acknowledged.record(term, entry);
        }
    }

    /// A peer hands entries to its service.
    ///
    /// # Errors
    /// One of them is not durable there, or differs from what another peer applied.
    pub fn check_applied(
        &mut self,
        witness: Witness,
        entries: &[Entry],
        disk: &PersistentState,
    ) -> Result<(), Box<Violation>> {
        durability::check_applied(witness, entries, disk)?;
        entries.iter().try_for_each(|entry| self.application.record_applied(witness, entry))
    }

    /// A peer hands a snapshot to its service.
    ///
    /// # Errors
    /// The snapshot is not durable there, or covers entries that no peer applied.
    pub fn check_restored(
        &self,
        witness: Witness,
        snapshot: &Snapshot,
        disk: &PersistentState,
    ) -> Result<(), Box<Violation>> {
        durability::check_restored(witness, snapshot.last_included, disk)?;
        self.application.check_restored(witness, snapshot.last_included)
    }

    /// A peer writes a snapshot.
    ///
    /// # Errors
    /// Its members are not those of its index.
    pub fn check_stored_snapshot(
        &self,
        witness: Witness,
        snapshot: &Snapshot,
    ) -> Result<(), Box<Violation>> {
        self.configurations.check_snapshot(witness, snapshot)
    }

    /// A flush of a peer's disk has ended.
    ///
    /// # Errors
    /// Its term or vote went back.
    pub fn check_flushed(
        &mut self,
        server: usize,
        witness: Witness,
        disk: &PersistentState,
    ) -> Result<(), Box<Violation>> {
        self.peers[server].past.update_durable(witness, disk)
    }

    /// Goes through a whole log.
    ///
    /// # Errors
    /// It does not match the others.
    pub fn audit(&mut self, observed: ObservedPeer<'_>) -> Result<(), Box<Violation>> {
        self.check_entries(observed, observed.log.base().index)
    }

    fn check_log_change(
        &mut self,
        observed: ObservedPeer<'_>,
        before: &Status,
        change: Change,
    ) -> Result<(), Box<Violation>> {
        if led_before(before, &observed.status) {
            let term = observed.status.current_term;
            leader_append_only::check(observed.witness(), term, change.deleted)?;
        }
        self.check_entries(observed, change.new_after)?;
        let own = &mut self.peers[observed.server].configurations;
        let (by, committed) = (observed.witness(), &self.configurations);
        own.log_changed(by, &observed.status, committed, observed.log, change.new_after)
    }

    fn check_entries(
        &mut self,
        observed: ObservedPeer<'_>,
        after: Index,
    ) -> Result<(), Box<Violation>> {
        let mut prev_term = observed.log.term_at(after).unwrap_or_default();
        for entry in observed.log.range(after, observed.log.last().index) {
            self.matching.check_entry(observed.witness(), prev_term, entry)?;
            prev_term = entry.id.term;
        }
        Ok(())
    }

    fn check_commit(
        &mut self,
        observed: ObservedPeer<'_>,
        before: &Status,
        members: &Membership,
        holds: impl Fn(PeerId, EntryId) -> bool,
    ) -> Result<(), Box<Violation>> {
        let Status { current_term: term, commit_index, .. } = observed.status;
        self.completeness.record_committed(observed.witness(), term, observed.log, commit_index);
        self.configurations.record_committed(observed.log, commit_index);
        if !led_before(before, &observed.status) {
            return Ok(());
        }
        let entry =
            EntryId::new(observed.log.term_at(commit_index).unwrap_or_default(), commit_index);
        let holds = |peer| holds(peer, entry);
        commit_rule::check(observed.witness(), Advance { term, entry }, members, holds)
    }

    fn check_new_leader(&mut self, observed: ObservedPeer<'_>) -> Result<(), Box<Violation>> {
        let term = observed.status.current_term;
        self.elections.check_majority(term, observed.witness(), observed.members)?;
        self.elections.record_leader(term, observed.witness())?;
        self.completeness.check_leader(observed.witness(), term, observed.log)?;
        self.audit(observed)
    }
}

/// Returns whether a peer leads the same term before and after an event.
fn led_before(before: &Status, now: &Status) -> bool {
    let both = before.role == RoleName::Leader && now.role == RoleName::Leader;
    both && before.current_term == now.current_term
}
