//! Pre-votes (dissertation §9.6): requests and replies change no term, no vote and nothing on a
//! disk; a peer in contact with a live leader refuses; and where pre-votes are on, a candidate has
//! those of a quorum, granted since its timer fired last.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use raft::{Envelope, Instant, Membership, Message, PeerId, RoleName, Status, Term, message::Vote};

use super::configurations::is_quorum;
use super::table::Invariant;
use super::violation::{Violation, Witness};

/// The pre-votes that a peer was granted since its election timer fired last.
#[derive(Clone, Debug, Default)]
pub struct GrantedPreVotes {
    /// The term of the request, and the peer that granted it.
    granted: BTreeSet<(Term, PeerId)>,
}

impl GrantedPreVotes {
    /// The peer's election timer fires: what it was granted before no longer counts.
    pub fn record_timeout(&mut self) {
        self.granted.clear();
    }

    /// The peer receives a pre-vote.
    pub fn record_granted(&mut self, request_term: Term, voter: PeerId) {
        self.granted.insert((request_term, voter));
    }

    /// Checks a peer that becomes candidate of a term in this configuration. Its own pre-vote needs
    /// no message.
    ///
    /// # Errors
    /// No quorum granted its pre-vote.
    pub fn check_candidate(
        &self,
        witness: Witness,
        term: Term,
        members: &Membership,
    ) -> Result<(), Box<Violation>> {
        let asked = self.granted.iter().filter(|(request_term, _)| request_term.next() == term);
        let yes: BTreeSet<PeerId> = asked.map(|(_, voter)| *voter).chain([witness.peer]).collect();
        if is_quorum(members, |voter| yes.contains(&voter)) {
            return Ok(());
        }
        let votes = yes.iter().filter(|voter| members.is_voter(**voter)).count();
        Err(Invariant::PreVote.broken(format_args!(
            "{witness} is candidate of term {term} with {votes} pre-votes among {members} since its \
             election timer fired"
        )))
    }
}

/// Knowledge of a leader when a pre-vote was requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownLeader {
    /// In contact with a live leader, or leader in contact with a quorum.
    Live,
    /// Without contact to a leader for the shortest election timeout.
    None,
}

/// Pre-vote requests that a peer received since it started and has not answered yet. Each is
/// answered once, and those of one candidate and term in their order; an answer may wait for the
/// disk, so that the peer's knowledge at that time is irrelevant.
#[derive(Clone, Debug, Default)]
pub struct OpenPreVotes {
    requests: BTreeMap<(PeerId, Term), VecDeque<KnownLeader>>,
}

impl OpenPreVotes {
    /// Records a request of a candidate in this term.
    pub fn record_request(
        &mut self,
        candidate: PeerId,
        request_term: Term,
        known_leader: KnownLeader,
    ) {
        self.requests.entry((candidate, request_term)).or_default().push_back(known_leader);
    }

    /// Checks a message that the peer sends.
    ///
    /// # Errors
    /// It grants a pre-vote against a live leader that the peer knew.
    pub fn check_answer(
        &mut self,
        witness: Witness,
        envelope: &Envelope,
    ) -> Result<(), Box<Violation>> {
        let Message::RequestPreVoteReply(reply) = &envelope.message else { return Ok(()) };
        let of = (envelope.to, reply.request_term);
        let known_leader = self.requests.get_mut(&of).and_then(VecDeque::pop_front);
        if known_leader != Some(KnownLeader::Live) || reply.vote == Vote::Rejected {
            return Ok(());
        }
        Err(Invariant::Stickiness.broken(format_args!(
            "{witness} knew a leader when {} requested a pre-vote in term {}, and granted it",
            envelope.to, reply.request_term
        )))
    }
}

/// Checks a peer that becomes pre-candidate.
///
/// # Errors
/// Its term or vote changed.
pub fn check_pre_candidate(
    witness: Witness,
    before: &Status,
    now: &Status,
) -> Result<(), Box<Violation>> {
    let begins = before.role != RoleName::PreCandidate && now.role == RoleName::PreCandidate;
    let kept = before.current_term == now.current_term && before.voted_for == now.voted_for;
    if !begins || kept {
        return Ok(());
    }
    Err(Invariant::PreVote.broken(format_args!(
        "{witness} becomes pre-candidate and changes its term or vote\n  before {before:?}\n  \
         after  {now:?}"
    )))
}

/// Checks a peer after a pre-vote request.
///
/// # Errors
/// It or its timer changed.
pub fn check_unchanged(
    witness: Witness,
    candidate: PeerId,
    status: [Status; 2],
    deadline: [Option<Instant>; 2],
) -> Result<(), Box<Violation>> {
    let ([before, after], [due_before, due_after]) = (status, deadline);
    if before == after && due_before == due_after {
        return Ok(());
    }
    Err(Invariant::PreVote.broken(format_args!(
        "{witness} is changed by a pre-vote request of {candidate}\n  \
         before {before:?}, timer {due_before:?}\n  after  {after:?}, timer {due_after:?}"
    )))
}

/// A peer wrote something because a pre-vote was requested.
#[must_use]
pub fn write_violation(witness: Witness, what: &str) -> Box<Violation> {
    Invariant::PreVote.broken(format_args!("{witness} writes {what} after a pre-vote request"))
}
