//! Contact between leaders and followers, and its consequences under check-quorum:
//!
//! - a peer in contact with a leader within the shortest election timeout, or a leader in contact
//!   with a quorum within it, ignores vote requests of any term (dissertation §4.2.3);
//! - a leader without contact to a quorum for the longest election timeout steps down, and one with
//!   contact does not step down by itself (dissertation §6.2).
//!
//! Times are on the peer's own clock. Contact is derived from the messages that reach the peer, not
//! from its own account.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use raft::message::{Candidacy, RequestPreVoteReply, Vote};
use raft::{
    CheckQuorum, Envelope, Instant, Membership, Message, PeerId, RoleName, Round, Status, Term,
};

use super::table::Invariant;
use super::violation::{Violation, Witness};

/// Timeouts and mode of check-quorum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Mode of check-quorum: off disables these checks.
    pub check_quorum: CheckQuorum,
    /// The shortest election timeout.
    pub timeout_min: Duration,
    /// The longest.
    pub timeout_max: Duration,
}

/// Contacts of one peer since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaderContact {
    /// Last message of a leader that it followed.
    leader: Option<Instant>,
    /// For a leader: the start of its leadership, and the last message of each follower in its
    /// term. A new follower counts as in contact when it becomes one.
    leads: Option<(Instant, BTreeMap<PeerId, Heard>)>,
    /// The configuration in force.
    members: Arc<Membership>,
}

/// The replies of a follower to its leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Heard {
    /// The time of the last one.
    at: Instant,
    /// The newest round in any of them.
    round: Option<Round>,
}

impl Heard {
    /// A new follower counts as in contact.
    const fn nothing_yet(at: Instant) -> Self {
        Self { at, round: None }
    }
}

/// Cause of a step-down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepDown {
    /// It was asked to.
    Requested,
    /// Without a request.
    Unrequested,
}

/// Parts of a message that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceivedMessage {
    /// The sender.
    pub from: PeerId,
    /// Its term.
    pub term: Term,
    /// Its kind.
    pub kind: MessageKind,
}

/// Kind of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// A request for a vote.
    RequestVote(Candidacy),
    /// A TimeoutNow of a leader.
    TimeoutNow,
    /// A pre-vote request.
    RequestPreVote,
    /// A message that only leaders send.
    OfLeader,
    /// A follower's reply to one, of this round.
    OfFollower(Option<Round>),
    /// A pre-vote, granted to a request of this term.
    PreVote(Term),
    /// Anything else.
    Other,
}

impl ReceivedMessage {
    /// Extracts the parts that matter.
    #[must_use]
    pub const fn of(envelope: &Envelope) -> Self {
        let kind = match &envelope.message {
            Message::RequestVote(request) => MessageKind::RequestVote(request.candidacy),
            Message::TimeoutNow => MessageKind::TimeoutNow,
            Message::RequestPreVote(_) => MessageKind::RequestPreVote,
            Message::RequestPreVoteReply(RequestPreVoteReply {
                request_term,
                vote: Vote::Granted,
            }) => MessageKind::PreVote(*request_term),
            Message::RequestPreVoteReply(_)
            | Message::RequestVoteReply(_)
            | Message::ReadIndex(_)
            | Message::ReadIndexReply(_)
            | Message::Register
            | Message::RegisterReply(_) => MessageKind::Other,
            Message::AppendEntries(_) | Message::InstallSnapshot(_) => MessageKind::OfLeader,
            Message::AppendEntriesReply(reply) => MessageKind::OfFollower(reply.round()),
            Message::InstallSnapshotReply(reply) => MessageKind::OfFollower(reply.round()),
        };
        Self { from: envelope.from, term: envelope.term, kind }
    }
}

impl LeaderContact {
    /// Starts with the peer. After a restart it may have been in contact with a leader just before.
    #[must_use]
    pub fn start(at: Instant, status: &Status, members: Arc<Membership>) -> Self {
        let leader = (status.current_term > Term::ZERO).then_some(at);
        Self { leader, leads: None, members }
    }

    /// Returns whether the members, and the number of peers in reach, are still these.
    #[must_use]
    pub fn has_members(&self, members: &Arc<Membership>, reach: usize) -> bool {
        let heard = self.leads.as_ref().map(|(_, heard)| heard.len());
        Arc::ptr_eq(&self.members, members) && heard.is_none_or(|heard| heard == reach)
    }

    /// Sets the configuration and the peers in reach.
    pub fn set_members<'a>(
        &mut self,
        at: Instant,
        members: &Arc<Membership>,
        reach: impl Iterator<Item = &'a PeerId>,
    ) {
        if let Some((_, heard)) = &mut self.leads {
            let before = std::mem::take(heard);
            let heard_of =
                |peer: &PeerId| before.get(peer).copied().unwrap_or(Heard::nothing_yet(at));
            *heard = reach.map(|peer| (*peer, heard_of(peer))).collect();
        }
        self.members = Arc::clone(members);
    }

    /// Records a message that the peer received, and which left it with this status.
    pub fn record(&mut self, at: Instant, message: ReceivedMessage, status: &Status) {
        if message.term != status.current_term {
            return;
        }
        match message.kind {
            MessageKind::OfLeader if status.leader == Some(message.from) => self.leader = Some(at),
            MessageKind::OfFollower(round) => {
                if let Some((_, heard)) = &mut self.leads {
                    let of = heard.entry(message.from).or_insert(Heard::nothing_yet(at));
                    *of = Heard { at, round: of.round.max(round) };
                }
            }
            MessageKind::OfLeader
            | MessageKind::RequestVote(_)
            | MessageKind::TimeoutNow
            | MessageKind::RequestPreVote
            | MessageKind::PreVote(_)
            | MessageKind::Other => {}
        }
    }

    /// Checks a change of a peer's status, and records it.
    ///
    /// # Errors
    /// It stepped down by itself without a reason.
    pub fn transition(
        &mut self,
        witness: Witness,
        before: &Status,
        now: &Status,
        timeouts: Timeouts,
        step_down: StepDown,
    ) -> Result<(), Box<Violation>> {
        let leads = now.role == RoleName::Leader;
        let same_term = before.current_term == now.current_term;
        if before.role == RoleName::Leader
            && !leads
            && same_term
            && step_down == StepDown::Unrequested
        {
            self.check_step_down(witness, timeouts)?;
        }
        if leads && !(before.role == RoleName::Leader && same_term) {
            let members = self.members.members();
            let new = Heard::nothing_yet(witness.at);
            self.leads = Some((witness.at, members.into_iter().map(|peer| (peer, new)).collect()));
        } else if !leads {
            self.leads = None;
        }
        if now.role == RoleName::Candidate {
            self.leader = None;
        }
        Ok(())
    }

    /// The newest round in the replies of a follower to this leader.
    #[must_use]
    pub fn answered_round(&self, follower: PeerId) -> Option<Round> {
        let (_, heard) = self.leads.as_ref()?;
        heard.get(&follower)?.round
    }

    /// Checks a leader that begins to make a learner a voter.
    ///
    /// # Errors
    /// It had no contact with the learner within the shortest election timeout.
    pub fn check_promoted(
        &self,
        witness: Witness,
        learner: PeerId,
        timeouts: Timeouts,
    ) -> Result<(), Box<Violation>> {
        let heard = self.leads.as_ref().and_then(|(_, heard)| heard.get(&learner));
        if heard.is_some_and(|heard| witness.at < heard.at.after(timeouts.timeout_min)) {
            return Ok(());
        }
        Err(Invariant::Configurations.broken(format_args!(
            "{witness} makes {learner} a voter, last contact with it at {:?}",
            heard.map(|heard| heard.at)
        )))
    }

    /// Returns whether the peer is in contact with a live leader, or is one.
    #[must_use]
    pub fn has_live_leader(&self, witness: Witness, timeouts: Timeouts) -> bool {
        let Witness { peer, at } = witness;
        let heard = match &self.leads {
            Some(_) => Some(self.quorum_contact(peer, at)),
            None => self.leader,
        };
        heard.is_some_and(|heard| at < heard.after(timeouts.timeout_min))
    }

    /// Checks what a request for a vote with a term of the peer's own or a later one did to a peer
    /// that knew a leader.
    ///
    /// # Errors
    /// It did something.
    pub fn check_unmoved(
        witness: Witness,
        candidate: PeerId,
        before: &Status,
        after: &Status,
    ) -> Result<(), Box<Violation>> {
        if before == after {
            return Ok(());
        }
        Err(Invariant::Stickiness.broken(format_args!(
            "{witness} is in contact with a leader and is changed by the vote request of {candidate}\n  \
             before {before:?}\n  after  {after:?}"
        )))
    }

    /// Checks a peer that leads after its timer has fired.
    ///
    /// # Errors
    /// It has been without contact to a quorum for too long.
    pub fn check_quorum(&self, witness: Witness, timeouts: Timeouts) -> Result<(), Box<Violation>> {
        if timeouts.check_quorum == CheckQuorum::Off || self.leads.is_none() {
            return Ok(());
        }
        let heard = self.quorum_contact(witness.peer, witness.at);
        if witness.at < heard.after(timeouts.timeout_max) {
            return Ok(());
        }
        Err(Invariant::CheckQuorum.broken(format_args!(
            "{witness} leads without contact to a quorum for {} ms",
            witness.at.since(heard).as_millis()
        )))
    }

    fn check_step_down(&self, witness: Witness, timeouts: Timeouts) -> Result<(), Box<Violation>> {
        let heard = self.quorum_contact(witness.peer, witness.at);
        if timeouts.check_quorum == CheckQuorum::On
            && witness.at >= heard.after(timeouts.timeout_min)
        {
            return Ok(());
        }
        Err(Invariant::CheckQuorum.broken(format_args!(
            "{witness} steps down, last contact to a quorum {} ms ago",
            witness.at.since(heard).as_millis()
        )))
    }

    /// The latest time since which a quorum was in contact; a leader counts itself.
    fn quorum_contact(&self, own: PeerId, at: Instant) -> Instant {
        let Some((since, heard)) = &self.leads else { return Instant::START };
        let heard_at = |peer: &PeerId| match heard.get(peer) {
            _ if *peer == own => at,
            Some(heard) => heard.at,
            None => *since,
        };
        // The latest time that a majority reached or passed.
        let most = |voters: &BTreeSet<PeerId>, lost: &BTreeSet<PeerId>| {
            let heard_at = |peer: &PeerId| match lost.contains(peer) {
                true => Instant::START,
                false => heard_at(peer),
            };
            let mut all: Vec<Instant> = voters.iter().map(heard_at).collect();
            all.sort_unstable();
            all.len()
                .checked_sub(voters.len() / 2 + 1)
                .map_or(Instant::START, |position| all[position])
        };
        let new = most(self.members.voters(), &BTreeSet::new());
        let lost = self.members.returning();
        self.members.outgoing().map_or(new, |old| new.min(most(old, lost)))
    }
}
