//! Changes of members, by server numbers and without addresses.

use std::sync::Arc;

use raft::{ChangeError, EntryId, Membership, MembershipChange, PeerId, RoleName};

use super::peer::MemberState;
use super::servers::{members, peer_id};
use super::state::World;
use crate::case::{Change, Step};
use crate::coverage::Mark;
use crate::failure::Failure;
use crate::invariants::transfer;
use crate::invariants::violation::Witness;

/// A peer did not begin a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeNotStarted {
    /// It is down or paused.
    Away,
    /// It refuses.
    Refused(ChangeError),
}

impl World {
    /// Asks a peer for a change of members.
    ///
    /// # Errors
    /// The peer does not begin it, or cannot be asked.
    pub fn change_members(
        &mut self,
        server: usize,
        change: Change,
    ) -> Result<EntryId, ChangeNotStarted> {
        assert_eq!(self.first_peer, 0, "a group beside others keeps its members");
        self.record(Step::Change { peer: server, change });
        if self.is_paused(server) {
            return Err(ChangeNotStarted::Away);
        }
        let peer = &mut self.peers[server];
        let Some(node) = &mut peer.node else { return Err(ChangeNotStarted::Away) };
        let now = peer.clock.local_time(self.now);
        let before = (node.transfer_target(), Arc::clone(node.membership()));
        let begun = node.change_membership(now, asked(change)).map_err(ChangeNotStarted::Refused);
        if let Ok(id) = begun
            && let Err(failure) = self.check_change(server, id, &before)
        {
            self.fail(failure);
        }
        self.trace.number(server as u64 | 8 << 32 | u64::from(begun.is_ok()) << 40);
        self.mark_touched(server);
        match begun {
            Ok(id) => self.log_test(
                "membership_change_started",
                format_args!("asks {server} for a change: {change}, at {id}"),
            ),
            Err(ChangeNotStarted::Refused(error)) => {
                self.cover_rejection(error);
                self.log_test(
                    "membership_change_rejected",
                    format_args!("asks {server} for a change: {change}; {error}"),
                );
            }
            Err(ChangeNotStarted::Away) => {}
        }
        begun
    }

    /// Checks a peer that has begun a change; `before` is the target of its transfer of leadership,
    /// and its configuration.
    fn check_change(
        &self,
        server: usize,
        id: EntryId,
        (successor, members): &(Option<PeerId>, Arc<Membership>),
    ) -> Result<(), Failure> {
        let peer = &self.peers[server];
        let Some(node) = &peer.node else { return Ok(()) };
        let witness = self.witness(server);
        if successor.is_some() {
            return Err(transfer::entry_violation(witness, "change", id).into());
        }
        let local = Witness { at: peer.clock.local_time(self.now), ..witness };
        for learner in node.membership().voters().difference(members.voters()) {
            peer.contact.check_promoted(local, *learner, self.timeouts())?;
        }
        Ok(())
    }

    fn cover_rejection(&mut self, error: ChangeError) {
        if matches!(error, ChangeError::InProgress { .. }) {
            self.coverage.hit(Mark::ChangeUnderWay);
        } else if error == ChangeError::TermNotCommitted {
            self.coverage.hit(Mark::ChangeTooSoon);
        } else if matches!(
            error,
            ChangeError::NotCaughtUp { .. } | ChangeError::Unresponsive { .. }
        ) {
            self.coverage.hit(Mark::LearnerBehind);
        }
    }
}

impl World {
    /// Probes a peer's membership.
    pub(super) fn probe_membership(&mut self, server: usize) {
        let peer = &mut self.peers[server];
        let Some(node) = &peer.node else { return };
        let (index, now) = (node.membership_index(), node.membership());
        let (since, before) = &peer.members.last;
        if Arc::ptr_eq(before, now) {
            return;
        }
        let own = node.status().id;
        let leads = node.status().role == RoleName::Leader;
        let term_before = node.log().term_at(*since);
        let inherited = leads
            && before.is_joint()
            && term_before.is_some_and(|term| term < node.status().current_term);
        let marks = [
            (index < *since, Mark::ConfigurationDeleted),
            (before.is_empty() && now.contains(own), Mark::Joined),
            (before.learners().contains(&own) && now.voters().contains(&own), Mark::Promoted),
            (now.is_joint(), Mark::Joint),
            (inherited, Mark::ChangeInherited),
            (leads && !now.is_voter(own), Mark::LeaderRemoved),
            (peer.members.state == MemberState::Left && now.contains(own), Mark::Rejoined),
        ];
        for (_, mark) in marks.into_iter().filter(|(witness, _)| *witness) {
            self.coverage.hit(mark);
        }
        peer.members.state = match (peer.members.state, now.contains(own)) {
            (_, true) => MemberState::Member,
            (MemberState::Member | MemberState::Left, false) => MemberState::Left,
            (MemberState::Never, false) => MemberState::Never,
        };
        peer.members.last = (index, Arc::clone(now));
    }
}

fn asked(change: Change) -> MembershipChange {
    match change {
        Change::Add(peer) => MembershipChange::AddLearner { peer: peer_id(peer), address: None },
        Change::Promote(peer) => MembershipChange::Promote { peer: peer_id(peer) },
        Change::Demote(peer) => MembershipChange::Demote { peer: peer_id(peer) },
        Change::Remove(peer) => MembershipChange::Remove { peer: peer_id(peer) },
        Change::Replace { voters, learners } => {
            MembershipChange::Replace(members(voters, learners))
        }
    }
}
