//! Probes for the situations that a good campaign must reach. They change nothing.

use raft::message::Vote;
use raft::progress::Flow;
use raft::role::Role;
use raft::{EntryId, Envelope, Message, Node, Record, RoleName, Status, Suffix, Term};

use super::event::Arrival;
use super::state::World;
use crate::coverage::{Coverage, Mark};
use crate::kv::{Execution, Request};
use crate::sim::disk::CrashDamage;

impl World {
    /// Probes a touched peer.
    pub(super) fn probe_coverage(&mut self, server: usize) {
        let peer = &mut self.peers[server];
        let Some(node) = &peer.node else { return };
        let (now, transferring) = (node.status(), node.transfer_target().is_some());
        let was_transferring = std::mem::replace(&mut peer.transferring, transferring);
        let Some(before) = peer.last_status.replace(now) else { return };
        self.probe_membership(server);
        if now.role != before.role || now.current_term != before.current_term {
            self.cover_role(server, &before, &now);
        }
        if was_transferring && !transferring && now.role == RoleName::Leader {
            self.coverage.hit(Mark::TransferAbandoned);
        }
        if now.commit_index > before.commit_index && now.role == RoleName::Leader {
            self.cover_commit(server, &before, &now);
        }
    }

    fn cover_role(&mut self, server: usize, before: &Status, now: &Status) {
        let Some(node) = self.peers[server].node.as_ref() else { return };
        let uncommitted = node.log().last().index > now.commit_index;
        let others_lead = self.has_other_leader(server);
        let led = before.role == RoleName::Leader && now.role != RoleName::Leader;
        match (before.role, now.role) {
            (_, RoleName::Leader) if before.role != RoleName::Leader => {
                if uncommitted && node.log().last().term < now.current_term {
                    self.coverage.hit(Mark::LeaderWithUncommitted);
                }
                if self.peers[server].transfer_candidacy == Some(now.current_term) {
                    self.coverage.hit(Mark::TransferDone);
                }
                if others_lead {
                    self.coverage.hit(Mark::TwoLeaders);
                }
            }
            (RoleName::Leader, _) if led && uncommitted => {
                self.coverage.hit(Mark::DeposedWithUncommitted);
            }
            (RoleName::PreCandidate, RoleName::Follower)
                if now.leader.is_some() && now.current_term == before.current_term =>
            {
                self.coverage.hit(Mark::PreCandidateFollows);
            }
            (RoleName::Candidate, RoleName::PreCandidate | RoleName::Candidate) => {
                self.coverage.hit(Mark::SplitVote);
            }
            _ => {}
        }
    }

    fn has_other_leader(&self, server: usize) -> bool {
        let leads = |other: usize| self.status(other).is_some_and(|s| s.role == RoleName::Leader);
        (0..self.size()).any(|other| other != server && leads(other))
    }

    fn cover_commit(&mut self, server: usize, before: &Status, now: &Status) {
        let Some(node) = self.peers[server].node.as_ref() else { return };
        let first = node.log().term_at(before.commit_index.next()).unwrap_or(Term::ZERO);
        if first > Term::ZERO && first < now.current_term {
            self.coverage.hit(Mark::OldTermCommitted);
        }
        if now.commit_index > now.durable_index {
            self.coverage.hit(Mark::CommitBeforeOwnDisk);
        }
    }

    pub(super) fn cover_write(&mut self, server: usize, record: &Record) {
        let peer = &self.peers[server];
        match record {
            Record::Truncate { .. } => self.coverage.hit(Mark::Truncation),
            Record::Snapshot { suffix: Suffix::Discarded, .. }
                if server >= self.settings.initial_members
                    && peer.disk.durable().last() == EntryId::ZERO =>
            {
                self.coverage.hit(Mark::SnapshotToJoiner);
            }
            Record::Snapshot { suffix: Suffix::Discarded, .. }
                if !peer.disk.durable().entries.is_empty() =>
            {
                self.coverage.hit(Mark::SnapshotReplacesLog);
            }
            Record::Snapshot { .. }
            | Record::Identity(_)
            | Record::HardState(_)
            | Record::Append(_) => {}
        }
    }

    /// Probes a message that a peer sends.
    pub(super) fn cover_sent(coverage: &mut Coverage, envelope: &Envelope, node: &Node) {
        if envelope.message == Message::RequestVoteReply(Vote::Granted)
            && !node.membership().contains(envelope.to)
        {
            coverage.hit(Mark::VoteForNonMember);
        }
    }

    /// Probes a message before its receiver gets it.
    pub(super) fn cover_message(coverage: &mut Coverage, envelope: &Envelope, node: &Node) {
        let status = node.status();
        if envelope.term < status.current_term {
            coverage.hit(Mark::OldTermMessage);
        }
        if let Message::InstallSnapshot(chunk) = &envelope.message
            && chunk.last_included.index > status.commit_index
            && node.log().contains(chunk.last_included)
        {
            coverage.hit(Mark::SnapshotOfHeldEntries);
        }
    }

    pub(super) fn cover_flush(&mut self, length: std::time::Duration) {
        if length > self.settings.timing.election_max {
            self.coverage.hit(Mark::StalledFlush);
        }
    }

    pub(super) fn cover_arrival(&mut self, to: usize, arrival: Arrival, life: u32) {
        let peer = &self.peers[to];
        if peer.node.is_none() {
            return;
        }
        if peer.incarnation != life {
            self.coverage.hit(Mark::EarlierIncarnation);
        }
        if arrival == Arrival::Second {
            self.coverage.hit(Mark::Duplicate);
        }
    }

    pub(super) fn cover_request(&mut self, request: &Request, execution: Execution) {
        match execution {
            Execution::Repeated(_) => self.coverage.hit(Mark::DuplicateRequest),
            Execution::Executed(_) if self.open_requests.is_abandoned(request) => {
                self.coverage.hit(Mark::ExecutedLate);
            }
            Execution::Executed(_) | Execution::Stale => {}
        }
    }

    /// Probes a peer that is about to crash.
    pub(super) fn cover_before_crash(&mut self, server: usize) {
        let Some(node) = self.peers[server].node.as_ref() else { return };
        let leads = matches!(node.role(), Role::Leader(_));
        let sends = sends_snapshot(node.role(), None);
        let id = self.peer_id(server);
        let receives = self.peers.iter().filter_map(|peer| peer.node.as_ref());
        let receives = receives.into_iter().any(|node| sends_snapshot(node.role(), Some(id)));
        if node.membership().is_joint() {
            self.coverage.hit(Mark::CrashInJoint);
        }
        if leads {
            self.coverage.hit(Mark::LeaderCrash);
        }
        if sends {
            self.coverage.hit(Mark::SenderLostDuringSnapshot);
        }
        if receives {
            self.coverage.hit(Mark::CrashDuringSnapshot);
        }
    }

    /// Probes the result of a crash.
    pub(super) fn cover_after_crash(&mut self, damage: CrashDamage) {
        if damage.vote_lost {
            self.coverage.hit(Mark::VoteLost);
        }
        if damage.torn_entries > 0 {
            self.coverage.hit(Mark::TornAppend);
        }
        if self.peers.iter().all(|peer| peer.node.is_none()) {
            self.coverage.hit(Mark::AllDown);
        }
    }

    pub(super) fn cover_pause(&mut self, server: usize) {
        if self.status(server).is_some_and(|status| status.role == RoleName::Leader) {
            self.coverage.hit(Mark::LeaderPause);
        }
    }

    pub(super) fn cover_start(&mut self, server: usize) {
        let peer = &self.peers[server];
        if peer.incarnation > 1 && peer.disk.durable().snapshot.is_some() {
            self.coverage.hit(Mark::StartFromSnapshot);
        }
    }

    pub(super) fn cover_clocks(&mut self) {
        let first = self.peers.first().map(|peer| peer.clock);
        if self.peers.iter().any(|peer| Some(peer.clock) != first) {
            self.coverage.hit(Mark::ClockRates);
        }
    }
}

/// Returns whether a leader sends a snapshot, to this peer or to any.
fn sends_snapshot(role: &Role, to: Option<raft::PeerId>) -> bool {
    let Role::Leader(leader) = role else { return false };
    leader.followers.iter().any(|(peer, progress)| {
        to.is_none_or(|to| to == *peer) && matches!(progress.flow, Flow::Snapshot(_))
    })
}
