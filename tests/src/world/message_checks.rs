//! Checks of a peer before and after each message, for the invariants about messages.

use std::sync::Arc;

use raft::message::Candidacy;
use raft::{
    CheckQuorum, EntryId, Envelope, Index, Instant, Node, PreVote, Role, RoleName, Status, Term,
};

use super::outputs::has_held;
use super::state::World;
use crate::case::Stores;
use crate::coverage::Mark;
use crate::failure::Failure;
use crate::invariants::election_timer::{self, VoteRequested};
use crate::invariants::follows_leader::{self, AfterLeaderMessage};
use crate::invariants::leader_contact::{
    LeaderContact, MessageKind, ReceivedMessage, StepDown, Timeouts,
};
use crate::invariants::lease::{self, HeldLease};
use crate::invariants::pre_vote::{self, KnownLeader};
use crate::invariants::terms::{self, Effect, Receiver, Sender};
use crate::invariants::violation::Witness;
use crate::invariants::{address_book, configurations};

/// A peer before a message.
pub(super) struct BeforeMessage {
    status: Status,
    due: Option<Instant>,
    /// Its knowledge of a leader.
    known_leader: KnownLeader,
    /// It must ignore vote requests.
    keeps_to_leader: bool,
    /// The effect that the message must have.
    pub(super) effect: Effect,
}

impl World {
    /// Timeouts for the checks of leader contact.
    pub(super) fn timeouts(&self) -> Timeouts {
        Timeouts {
            check_quorum: self.settings.protocol.check_quorum,
            timeout_min: self.settings.timing.election_min,
            timeout_max: self.settings.timing.election_max,
        }
    }

    /// The state of a peer before a message; `local` is its own time.
    pub(super) fn before(
        &self,
        server: usize,
        node: &Node,
        local: Instant,
        envelope: &Envelope,
    ) -> BeforeMessage {
        let timeouts = self.timeouts();
        let witness = Witness { peer: self.peer_id(server), at: local };
        let knows_leader = self.peers[server].contact.has_live_leader(witness, timeouts);
        let known_leader = if knows_leader { KnownLeader::Live } else { KnownLeader::None };
        let keeps_to_leader = timeouts.check_quorum == CheckQuorum::On && knows_leader;
        let (status, due) = (node.status(), node.role().election_deadline());
        let sender = self.invariants.sender(server, &status, envelope.from);
        let receiver = Receiver {
            status,
            last_log: node.log().last(),
            sender: sender.unwrap_or(Sender::Outsider),
            joins: sender.is_none(),
            keeps_to_leader,
            term_jump_max: TERM_JUMP_MAX,
        };
        let effect = receiver.effect(envelope);
        BeforeMessage { status, due, known_leader, keeps_to_leader, effect }
    }

    /// Checks a peer after a message.
    pub(super) fn after(
        &mut self,
        server: usize,
        local: Instant,
        before: &BeforeMessage,
        message: ReceivedMessage,
    ) -> Result<(), Failure> {
        let timeout_min = self.settings.timing.election_min;
        let peer = &mut self.peers[server];
        let Some(node) = &peer.node else { return Ok(()) };
        let (status, due) = (node.status(), node.role().election_deadline());
        let witness = Witness { peer: status.id, at: local };
        if before.effect != Effect::None {
            peer.contact.record(local, message, &status);
        }
        let ReceivedMessage { from, term, kind } = message;
        terms::check(witness, before.effect, (from, term), &before.status, &status)?;
        if before.effect == Effect::None && !matches!(kind, MessageKind::RequestVote(_)) {
            return Ok(());
        }
        match kind {
            MessageKind::RequestPreVote => {
                peer.open_pre_votes.record_request(from, term, before.known_leader);
                if before.known_leader == KnownLeader::Live {
                    self.coverage.hit(Mark::PreVoteRefused);
                }
                let (status, due) = ([before.status, status], [before.due, due]);
                return Ok(pre_vote::check_unchanged(witness, from, status, due)?);
            }
            MessageKind::RequestVote(Candidacy::Timeout)
                if before.keeps_to_leader && term >= before.status.current_term =>
            {
                if term > before.status.current_term {
                    self.coverage.hit(Mark::VoteRequestIgnored);
                }
                return Ok(LeaderContact::check_unmoved(witness, from, &before.status, &status)?);
            }
            MessageKind::RequestVote(_) => {
                if let (Some(was), Some(is)) = (before.due, due) {
                    let (status, deadline) = ([before.status, status], [was, is]);
                    let asked = VoteRequested { candidate: from, status, deadline };
                    election_timer::check(witness, asked, timeout_min)?;
                }
            }
            MessageKind::OfLeader if term == status.current_term => {
                let heard = AfterLeaderMessage { leader: from, status, deadline: due };
                follows_leader::check(witness, heard, timeout_min)?;
            }
            MessageKind::TimeoutNow => peer.timeout_now_term = Some(term),
            MessageKind::PreVote(request_term) => {
                peer.granted_pre_votes.record_granted(request_term, from);
            }
            MessageKind::OfLeader | MessageKind::OfFollower(_) | MessageKind::Other => {}
        }
        Ok(())
    }

    /// Checks a peer's transition since its outputs were last processed.
    pub(super) fn check_transition(&mut self, server: usize) -> Result<(), Failure> {
        self.check_admitted(server)?;
        let (timeouts, pre_vote) = (self.timeouts(), self.settings.protocol.pre_vote);
        let peer = &mut self.peers[server];
        let Some(node) = &peer.node else { return Ok(()) };
        let now = node.status();
        let Some(before) = peer.last_status else { return Ok(()) };
        let witness = Witness { peer: now.id, at: peer.clock.local_time(self.now) };
        let members = Arc::clone(node.membership());
        let mut step_down = std::mem::replace(&mut peer.step_down, StepDown::Unrequested);
        if !members.is_voter(now.id) {
            // The others have asked it.
            step_down = StepDown::Requested;
        }
        peer.contact.transition(witness, &before, &now, timeouts, step_down)?;
        if !peer.contact.has_members(node.membership(), node.address_book().len()) {
            address_book::check_members(witness, node.membership(), node.address_book())?;
            peer.contact.set_members(witness.at, node.membership(), node.address_book().keys());
        }
        let led = before.role == RoleName::Leader && now.role != RoleName::Leader;
        if led && now.current_term == before.current_term && step_down == StepDown::Unrequested {
            self.coverage.hit(Mark::LeaderWithoutQuorum);
        }
        let called = peer.timeout_now_term.is_some_and(|term| term.next() == now.current_term);
        let stands = now.role == RoleName::Candidate && now.current_term > before.current_term;
        if stands && !called && pre_vote == PreVote::On {
            peer.granted_pre_votes.check_candidate(witness, now.current_term, &members)?;
        }
        let led = before.role == RoleName::Leader && before.current_term == now.current_term;
        if now.role == RoleName::Leader && !led {
            self.check_leases(witness, now.current_term)?;
        }
        Ok(())
    }

    /// Checks that the new voters of a leader's configuration hold the one that recorded their stores:
    /// without it they might refuse their votes (docs/decisions.md).
    fn check_admitted(&self, leader: usize) -> Result<(), Failure> {
        let peer = &self.peers[leader];
        let Some(node) = &peer.node else { return Ok(()) };
        let (index, before) = &peer.members.last;
        let leads = peer.last_status.is_some_and(|it| it.role == RoleName::Leader)
            && node.status().role == RoleName::Leader;
        let identified = self.settings.stores != Stores::Plain && *index > Index::ZERO;
        if !leads || !identified || node.membership_index() <= *index {
            return Ok(());
        }
        let Some(term) = node.log().term_at(*index) else { return Ok(()) };
        for voter in node.membership().voters().difference(before.voters()) {
            let disk = self.server_of(*voter).map(|server| &self.peers[server].disk);
            let meant = node.membership().store_of(*voter);
            let holds = |disk| has_held(disk, meant, EntryId::new(term, *index));
            configurations::check_admitted(
                self.witness(leader),
                *voter,
                *index,
                disk.is_some_and(holds),
            )?;
        }
        Ok(())
    }

    /// Checks the leases of all others when a peer is elected. A late vote may still elect a leader
    /// of a past term; it commits nothing, and harms no lease of a later one.
    fn check_leases(&self, witness: Witness, term: Term) -> Result<(), Failure> {
        for peer in &self.peers {
            let Some(node) = peer.node.as_ref() else { continue };
            let by = node.status().id;
            if let Role::Leader(leader) = node.role()
                && by != witness.peer
                && node.status().current_term < term
                && let Some(until) = leader.reads.lease().until()
            {
                lease::check_expired(
                    witness,
                    term,
                    HeldLease { by, now: peer.clock.local_time(self.now), until },
                )?;
            }
        }
        Ok(())
    }

    /// Checks a peer whose timer has fired.
    pub(super) fn check_quorum_contact(
        &self,
        server: usize,
        local: Instant,
    ) -> Result<(), Failure> {
        let peer = &self.peers[server];
        let Some(status) = peer.status() else { return Ok(()) };
        if status.role != RoleName::Leader {
            return Ok(());
        }
        let witness = Witness { peer: status.id, at: local };
        Ok(peer.contact.check_quorum(witness, self.timeouts())?)
    }
}

/// The default of [`raft::Config::term_jump_max`].
pub(crate) const TERM_JUMP_MAX: u64 = 1 << 32;
