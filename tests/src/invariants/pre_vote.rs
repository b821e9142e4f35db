//! Pre-votes (thesis §9.6): asking and answering changes no term, no vote and nothing on a disk,
//! whoever knows a live leader says no, and where peers ask before they stand, whoever stands was
//! told yes by a quorum.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use raft::{Envelope, Instant, Membership, Message, PeerId, RoleName, Status, Term, message::Vote};

use super::configurations::is_quorum;
use super::table::Invariant;
use super::violation::{Violation, Witness};

/// All pre-votes that were seen.
#[derive(Debug, Default)]
pub struct PreVotes {
    /// Candidate, its term, and the peer that granted the pre-vote.
    granted: BTreeSet<(PeerId, Term, PeerId)>,
}

impl PreVotes {
    /// A message was sent.
    pub fn record_sent(&mut self, envelope: &Envelope) {
        if let Message::RequestPreVoteReply(reply) = &envelope.message
            && reply.vote == Vote::Granted
        {
            self.granted.insert((envelope.to, reply.asked_in, envelope.from));
        }
    }

    /// Checks a peer that begins to stand among these members in a term after asking. Its own yes
    /// needs no message.
    ///
    /// # Errors
    /// No quorum said yes.
    pub fn check_candidate(
        &self,
        witness: Witness,
        term: Term,
        members: &Membership,
    ) -> Result<(), Box<Violation>> {
        let asked = self.granted.iter().filter(|(candidate, asked_in, _)| {
            *candidate == witness.peer && asked_in.next() == term
        });
        let yes: BTreeSet<PeerId> =
            asked.map(|(_, _, voter)| *voter).chain([witness.peer]).collect();
        if is_quorum(members, |voter| yes.contains(&voter)) {
            return Ok(());
        }
        let votes = yes.iter().filter(|voter| members.votes(**voter)).count();
        Err(Invariant::PreVote.broken(format_args!(
            "{witness} stands in term {term}, and {votes} would vote for it among {members}"
        )))
    }
}

/// Knowledge of a leader when a pre-vote was requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownLeader {
    /// In contact with a live leader, or leader in contact with a quorum.
    Live,
    /// Of no leader, for the shortest election timeout.
    None,
}

/// The requests that a peer was asked in this life and has not answered yet. Each is answered
/// once, and those of one candidate and term in their order; an answer may wait for the disk, so that
/// what the peer knows when it leaves says nothing.
#[derive(Clone, Debug, Default)]
pub struct OpenPreVotes {
    requests: BTreeMap<(PeerId, Term), VecDeque<KnownLeader>>,
}

impl OpenPreVotes {
    /// The peer is asked by another one, which is in this term.
    pub fn record_request(&mut self, candidate: PeerId, asked_in: Term, known_leader: KnownLeader) {
        self.requests.entry((candidate, asked_in)).or_default().push_back(known_leader);
    }

    /// Checks a message that the peer sends.
    ///
    /// # Errors
    /// It says yes to whoever would depose a leader that the peer knew.
    pub fn check_answer(
        &mut self,
        witness: Witness,
        envelope: &Envelope,
    ) -> Result<(), Box<Violation>> {
        let Message::RequestPreVoteReply(reply) = &envelope.message else { return Ok(()) };
        let of = (envelope.to, reply.asked_in);
        let known_leader = self.requests.get_mut(&of).and_then(VecDeque::pop_front);
        if known_leader != Some(KnownLeader::Live) || reply.vote == Vote::Refused {
            return Ok(());
        }
        Err(Invariant::Stickiness.broken(format_args!(
            "{witness} knew a leader when {} asked in term {}, and would vote for it",
            envelope.to, reply.asked_in
        )))
    }
}

/// Checks a peer that begins to ask.
///
/// # Errors
/// Its term or vote is not what it was.
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
        "{witness} begins to ask for pre-votes and changes its term or vote\n  before {before:?}\n  \
         after  {now:?}"
    )))
}

/// Checks a peer that was asked.
///
/// # Errors
/// It is not what it was, or its timer fires at another moment.
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
        "{witness} is asked by {candidate} for a pre-vote, and that changes it\n  \
         before {before:?}, timer {due_before:?}\n  after  {after:?}, timer {due_after:?}"
    )))
}

/// A peer wrote something because a pre-vote was requested.
#[must_use]
pub fn write_violation(witness: Witness, what: &str) -> Box<Violation> {
    Invariant::PreVote.broken(format_args!("{witness} is asked for a pre-vote and writes {what}"))
}
