//! What a peer hears, and whether what it does with it is right: the world's side of the rules about
//! messages, of which each looks at a peer before and after one.

use std::sync::Arc;

use raft::message::Candidacy;
use raft::{CheckQuorum, Instant, Node, PreVote, Role, RoleName, Status, Term};

use super::World;
use crate::coverage::Mark;
use crate::failure::Failure;
use crate::invariants::election_timer::{self, Asked};
use crate::invariants::follows_leader::{self, Heard};
use crate::invariants::leader_contact::{
    LeaderContact, MessageKind, ReceivedMessage, StepDown, Timeouts,
};
use crate::invariants::lease::{self, Held};
use crate::invariants::monotonic;
use crate::invariants::pre_vote::{self, KnownLeader};
use crate::invariants::violation::Witness;

/// A peer before a message.
pub(super) struct Before {
    status: Status,
    due: Option<Instant>,
    /// Whether it knew a leader.
    known_leader: KnownLeader,
    /// Whether it must keep to that leader.
    keeps_to_leader: bool,
}

impl World {
    /// What the rules about who hears from whom need to know.
    pub(super) fn timeouts(&self) -> Timeouts {
        Timeouts {
            check_quorum: self.settings.protocol.check_quorum,
            timeout_min: self.settings.timing.election_min,
            timeout_max: self.settings.timing.election_max,
        }
    }

    /// A peer before it takes a message; `local` is its own time.
    pub(super) fn before(&self, server: usize, node: &Node, local: Instant) -> Before {
        let timeouts = self.timeouts();
        let seen = Witness { peer: super::peer_id(server), at: local };
        let knows_leader = self.peers[server].hearing.knows_a_leader(seen, timeouts);
        let known_leader = if knows_leader { KnownLeader::ALeader } else { KnownLeader::Nobody };
        let keeps_to_leader = timeouts.check_quorum == CheckQuorum::On && knows_leader;
        let (status, due) = (node.status(), node.role().election_deadline());
        Before { status, due, known_leader, keeps_to_leader }
    }

    /// Checks what a message did to a peer.
    pub(super) fn after(
        &mut self,
        server: usize,
        local: Instant,
        before: &Before,
        message: ReceivedMessage,
    ) -> Result<(), Failure> {
        let timeout_min = self.settings.timing.election_min;
        let peer = &mut self.peers[server];
        let Some(node) = &peer.node else { return Ok(()) };
        let (status, due) = (node.status(), node.role().election_deadline());
        let seen = Witness { peer: status.id, at: local };
        peer.hearing.hears(local, message, &status);
        let ReceivedMessage { from, term, kind } = message;
        match kind {
            MessageKind::RequestPreVote => {
                peer.is_asked = true;
                peer.unanswered.is_asked(from, term, before.known_leader);
                if before.known_leader == KnownLeader::ALeader {
                    self.coverage.hit(Mark::PreVoteRefused);
                }
                let (status, due) = ([before.status, status], [before.due, due]);
                return Ok(pre_vote::is_asked(seen, from, status, due)?);
            }
            MessageKind::RequestVote(Candidacy::Timeout)
                if before.keeps_to_leader && term >= before.status.current_term =>
            {
                if term > before.status.current_term {
                    self.coverage.hit(Mark::CandidateLeftAlone);
                }
                return Ok(LeaderContact::stays(seen, from, &before.status, &status)?);
            }
            MessageKind::RequestVote(_) => {
                if let (Some(was), Some(is)) = (before.due, due) {
                    let (status, deadline) = ([before.status, status], [was, is]);
                    let asked = Asked { candidate: from, status, deadline };
                    election_timer::check(seen, asked, timeout_min)?;
                }
            }
            MessageKind::OfLeader if term == status.current_term => {
                let heard = Heard { leader: from, status, deadline: due };
                follows_leader::check(seen, heard, timeout_min)?;
            }
            MessageKind::TimeoutNow => peer.called_in = Some(term),
            MessageKind::OfLeader | MessageKind::OfFollower | MessageKind::Other => {}
        }
        Ok(monotonic::follows(seen, term, status.current_term)?)
    }

    /// Looks at what has become of a peer since it was last settled.
    pub(super) fn heed(&mut self, server: usize) -> Result<(), Failure> {
        let (timeouts, pre_vote) = (self.timeouts(), self.settings.protocol.pre_vote);
        let peer = &mut self.peers[server];
        let Some(node) = &peer.node else { return Ok(()) };
        let now = node.status();
        let Some(before) = peer.looked_at else { return Ok(()) };
        let seen = Witness { peer: now.id, at: peer.clock.shows(self.now) };
        let members = Arc::clone(node.membership());
        let mut leave = std::mem::replace(&mut peer.leave, StepDown::Unasked);
        if !members.votes(now.id) {
            // The others have asked it.
            leave = StepDown::Asked;
        }
        peer.hearing.becomes(seen, &before, &now, timeouts, leave)?;
        if !peer.hearing.knows_members(node.membership(), node.address_book().len()) {
            peer.hearing.goes_by(seen.at, node.membership(), node.address_book().keys());
        }
        let led = before.role == RoleName::Leader && now.role != RoleName::Leader;
        if led && now.current_term == before.current_term && leave == StepDown::Unasked {
            self.coverage.hit(Mark::LeaderWithoutQuorum);
        }
        let called = peer.called_in.is_some_and(|term| term.next() == now.current_term);
        let stands = now.role == RoleName::Candidate && now.current_term > before.current_term;
        if stands && !called && pre_vote == PreVote::On {
            self.invariants.stands(seen, now.current_term, &members)?;
        }
        let led = before.role == RoleName::Leader && before.current_term == now.current_term;
        if now.role == RoleName::Leader && !led {
            self.leases_are_over(seen, now.current_term)?;
        }
        Ok(())
    }

    /// Checks the leases of all others when a peer is elected. A late vote may still make somebody the
    /// leader of a term that is over; it commits nothing, and harms no lease of a later one.
    fn leases_are_over(&self, seen: Witness, term: Term) -> Result<(), Failure> {
        for peer in &self.peers {
            let Some(node) = peer.node.as_ref() else { continue };
            let by = node.status().id;
            if let Role::Leader(leader) = node.role()
                && by != seen.peer
                && node.status().current_term < term
                && let Some(until) = leader.reads.lease().until()
            {
                lease::is_over(seen, term, Held { by, now: peer.clock.shows(self.now), until })?;
            }
        }
        Ok(())
    }

    /// Checks a peer whose timer has fired.
    pub(super) fn may_lead(&self, server: usize, local: Instant) -> Result<(), Failure> {
        let peer = &self.peers[server];
        let Some(status) = peer.status() else { return Ok(()) };
        if status.role != RoleName::Leader {
            return Ok(());
        }
        let seen = Witness { peer: status.id, at: local };
        Ok(peer.hearing.may_lead(seen, self.timeouts())?)
    }
}
