//! Pre-votes (thesis §9.6): asking and answering changes no term, no vote and nothing on a disk,
//! whoever knows a live leader says no, and where peers ask before they stand, whoever stands was
//! told yes by a quorum.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use raft::{Envelope, Instant, Membership, Message, PeerId, RoleName, Status, Term, message::Vote};

use super::configurations::is_quorum;
use super::violation::{Property, Violation, Witness};

/// All pre-votes that were seen.
#[derive(Debug, Default)]
pub struct PreVotes {
    /// Who asked in which term, and who said yes.
    granted: BTreeSet<(PeerId, Term, PeerId)>,
}

impl PreVotes {
    /// A message was sent.
    pub fn sends(&mut self, envelope: &Envelope) {
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
    pub fn stands(
        &self,
        seen: Witness,
        term: Term,
        members: &Membership,
    ) -> Result<(), Box<Violation>> {
        let asked = self
            .granted
            .iter()
            .filter(|(asker, asked_in, _)| *asker == seen.peer && asked_in.next() == term);
        let yes: BTreeSet<PeerId> = asked.map(|(_, _, voter)| *voter).chain([seen.peer]).collect();
        if is_quorum(members, |voter| yes.contains(&voter)) {
            return Ok(());
        }
        let votes = yes.iter().filter(|voter| members.votes(**voter)).count();
        Err(Property::PreVote.broken(format_args!(
            "{seen} stands in term {term}, and {votes} would vote for it among {members}"
        )))
    }
}

/// What a peer knew when it was asked for a pre-vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownLeader {
    /// That there is a leader: it heard from one just now, or leads and heard from a quorum.
    ALeader,
    /// Of no leader, for the shortest election timeout.
    Nobody,
}

/// The questions that a peer was asked in this life and has not answered yet. Each is answered
/// once, and those of one asker and term in their order; an answer may wait for the disk, so that
/// what the peer knows when it leaves says nothing.
#[derive(Clone, Debug, Default)]
pub struct OpenPreVotes {
    questions: BTreeMap<(PeerId, Term), VecDeque<KnownLeader>>,
}

impl OpenPreVotes {
    /// The peer is asked by another one, which is in this term.
    pub fn is_asked(&mut self, asker: PeerId, asked_in: Term, known_leader: KnownLeader) {
        self.questions.entry((asker, asked_in)).or_default().push_back(known_leader);
    }

    /// Checks a message that the peer sends.
    ///
    /// # Errors
    /// It says yes to whoever would depose a leader that the peer knew.
    pub fn answers(&mut self, seen: Witness, envelope: &Envelope) -> Result<(), Box<Violation>> {
        let Message::RequestPreVoteReply(reply) = &envelope.message else { return Ok(()) };
        let of = (envelope.to, reply.asked_in);
        let known_leader = self.questions.get_mut(&of).and_then(VecDeque::pop_front);
        if known_leader != Some(KnownLeader::ALeader) || reply.vote == Vote::Refused {
            return Ok(());
        }
        Err(Property::Stickiness.broken(format_args!(
            "{seen} knew a leader when {} asked in term {}, and would vote for it",
            envelope.to, reply.asked_in
        )))
    }
}

/// Checks a peer that begins to ask.
///
/// # Errors
/// Its term or vote is not what it was.
pub fn asks(seen: Witness, before: &Status, now: &Status) -> Result<(), Box<Violation>> {
    let begins = before.role != RoleName::PreCandidate && now.role == RoleName::PreCandidate;
    let kept = before.current_term == now.current_term && before.voted_for == now.voted_for;
    if !begins || kept {
        return Ok(());
    }
    Err(Property::PreVote.broken(format_args!(
        "{seen} begins to ask for pre-votes and changes its term or vote\n  before {before:?}\n  \
         after  {now:?}"
    )))
}

/// Checks a peer that was asked.
///
/// # Errors
/// It is not what it was, or its timer fires at another moment.
pub fn is_asked(
    seen: Witness,
    asker: PeerId,
    status: [Status; 2],
    deadline: [Option<Instant>; 2],
) -> Result<(), Box<Violation>> {
    let ([before, after], [due_before, due_after]) = (status, deadline);
    if before == after && due_before == due_after {
        return Ok(());
    }
    Err(Property::PreVote.broken(format_args!(
        "{seen} is asked by {asker} for a pre-vote, and that changes it\n  \
         before {before:?}, timer {due_before:?}\n  after  {after:?}, timer {due_after:?}"
    )))
}

/// That a peer wrote something because it was asked.
#[must_use]
pub fn writes(seen: Witness, what: &str) -> Box<Violation> {
    Property::PreVote.broken(format_args!("{seen} is asked for a pre-vote and writes {what}"))
}
