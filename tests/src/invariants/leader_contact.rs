//! Contact between leaders and followers, and its consequences under check-quorum:
//!
//! - a peer that heard from a leader within the shortest election timeout, or leads and heard from
//!   a quorum within it, leaves requests for votes alone, whatever their term (thesis §4.2.3);
//! - a leader that has heard from no quorum for the longest election timeout leads no more, and one
//!   that hears from a quorum does not give up by itself (thesis §6.2).
//!
//! Moments are on the peer's own clock. What counts as heard is told by the messages that reach
//! the peer, not by the peer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use raft::message::Candidacy;
use raft::{CheckQuorum, Envelope, Instant, Membership, Message, PeerId, RoleName, Status, Term};

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
    /// For one that leads: since when, and when it last heard from whom in its term. A new follower
    /// counts as heard when it becomes one.
    leads: Option<(Instant, BTreeMap<PeerId, Instant>)>,
    /// The members it goes by.
    members: Arc<Membership>,
}

/// Cause of a step-down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepDown {
    /// It was asked to.
    Requested,
    /// Nobody asked.
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
    /// A leader's wish that the receiver stands.
    TimeoutNow,
    /// A question who would vote.
    RequestPreVote,
    /// A message that only leaders send.
    OfLeader,
    /// A follower's reply to one.
    OfFollower,
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
            Message::RequestVoteReply(_)
            | Message::RequestPreVoteReply(_)
            | Message::ReadIndex(_)
            | Message::ReadIndexReply(_) => MessageKind::Other,
            Message::AppendEntries(_) | Message::InstallSnapshot(_) => MessageKind::OfLeader,
            Message::AppendEntriesReply(_) | Message::InstallSnapshotReply(_) => {
                MessageKind::OfFollower
            }
        };
        Self { from: envelope.from, term: envelope.term, kind }
    }
}

impl LeaderContact {
    /// A peer starts. If it has been anything before, it may have heard from a leader just then.
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

    /// A peer goes by these members, and talks with these peers.
    pub fn set_members<'a>(
        &mut self,
        at: Instant,
        members: &Arc<Membership>,
        reach: impl Iterator<Item = &'a PeerId>,
    ) {
        if let Some((_, heard)) = &mut self.leads {
            let before = std::mem::take(heard);
            let heard_at = |peer: &PeerId| before.get(peer).copied().unwrap_or(at);
            *heard = reach.map(|peer| (*peer, heard_at(peer))).collect();
        }
        self.members = Arc::clone(members);
    }

    /// A message was taken by the peer, which has this status now.
    pub fn record(&mut self, at: Instant, message: ReceivedMessage, status: &Status) {
        if message.term != status.current_term {
            return;
        }
        match message.kind {
            MessageKind::OfLeader if status.leader == Some(message.from) => self.leader = Some(at),
            MessageKind::OfFollower => {
                if let Some((_, heard)) = &mut self.leads {
                    heard.insert(message.from, at);
                }
            }
            MessageKind::OfLeader
            | MessageKind::RequestVote(_)
            | MessageKind::TimeoutNow
            | MessageKind::RequestPreVote
            | MessageKind::Other => {}
        }
    }

    /// Something happened to a peer.
    ///
    /// # Errors
    /// It gave up leadership by itself and should not have.
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
            self.leads =
                Some((witness.at, members.into_iter().map(|peer| (peer, witness.at)).collect()));
        } else if !leads {
            self.leads = None;
        }
        if now.role == RoleName::Candidate {
            self.leader = None;
        }
        Ok(())
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
            "{witness} hears from a leader and is moved by {candidate}, which wants to be one\n  \
             before {before:?}\n  after  {after:?}"
        )))
    }

    /// Checks a peer that leads after its timer has fired.
    ///
    /// # Errors
    /// It has heard from no quorum for too long.
    pub fn check_quorum(&self, witness: Witness, timeouts: Timeouts) -> Result<(), Box<Violation>> {
        if timeouts.check_quorum == CheckQuorum::Off || self.leads.is_none() {
            return Ok(());
        }
        let heard = self.quorum_contact(witness.peer, witness.at);
        if witness.at < heard.after(timeouts.timeout_max) {
            return Ok(());
        }
        Err(Invariant::CheckQuorum.broken(format_args!(
            "{witness} leads and has heard from no quorum for {} ms",
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
            "{witness} gives up leadership, and heard from a quorum {} ms ago",
            witness.at.since(heard).as_millis()
        )))
    }

    /// The latest moment since which a quorum was heard; a leader hears itself.
    fn quorum_contact(&self, own: PeerId, at: Instant) -> Instant {
        let Some((since, heard)) = &self.leads else { return Instant::START };
        let heard_at = |peer: &PeerId| match heard.get(peer) {
            _ if *peer == own => at,
            Some(heard_at) => *heard_at,
            None => *since,
        };
        // The latest moment that more than half are not older than.
        let most = |voters: &BTreeSet<PeerId>| {
            let mut all: Vec<Instant> = voters.iter().map(heard_at).collect();
            all.sort_unstable();
            all.len()
                .checked_sub(voters.len() / 2 + 1)
                .map_or(Instant::START, |position| all[position])
        };
        let new = most(self.members.voters());
        self.members.outgoing().map_or(new, |old| new.min(most(old)))
    }
}
