//! Changes of members that wait: they retry what passes by itself, up to a deadline, and a change that is
//! done already is a success, so that a call can be repeated after any error.

use std::time::Duration;

use super::error::{MembershipError, UnknownReason};
use super::handle::Raft;
use super::machine::Machine;
use crate::membership::Address;
use crate::membership_change::{ChangeError, MembershipChange};
use crate::types::PeerId;

/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

impl<M: Machine> Raft<M> {
    /// Adds a learner, on the leader: it is sent all entries and has no vote. The peer is started with
    /// [`join`](super::Builder::join), before or after this.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn example<M: raft::StateMachine>(raft: raft::Raft<M>) -> Result<(), raft::driver::MembershipError> {
    /// let minute = Duration::from_secs(60);
    /// raft.add_learner(4, Some("10.0.0.4:7000".into()), minute).await?;
    /// raft.promote(4, minute).await?; // once it has caught up
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As of [`Raft::change_membership`], and [`MembershipError::GaveUp`] at the deadline.
    pub async fn add_learner(
        &self,
        peer: impl Into<PeerId>,
        address: Option<Address>,
        deadline: Duration,
    ) -> Result<(), MembershipError> {
        let peer = peer.into();
        let added = self.retry(MembershipChange::AddLearner { peer, address }, deadline).await;
        done_if(added, |error| matches!(error, ChangeError::AlreadyMember { .. }))
    }

    /// Makes a learner a voter once it has caught up, on the leader.
    ///
    /// # Errors
    /// As of [`Raft::add_learner`].
    pub async fn promote(
        &self,
        peer: impl Into<PeerId>,
        deadline: Duration,
    ) -> Result<(), MembershipError> {
        let promoted = self.retry(MembershipChange::Promote { peer: peer.into() }, deadline).await;
        // Neither a learner nor unknown: a voter.
        done_if(promoted, |error| matches!(error, ChangeError::NotALearner { .. }))
    }

    /// Removes a member, on the leader, which may be that member: it then steps down.
    ///
    /// # Errors
    /// As of [`Raft::add_learner`].
    pub async fn remove(
        &self,
        peer: impl Into<PeerId>,
        deadline: Duration,
    ) -> Result<(), MembershipError> {
        let removed = self.retry(MembershipChange::Remove { peer: peer.into() }, deadline).await;
        done_if(removed, |error| matches!(error, ChangeError::NotAMember { .. }))
    }

    /// Puts a new peer in the place of a voter, on the leader: it becomes a learner, catches up, and
    /// takes the voter's place in one step, so that never fewer voters are needed.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn example<M: raft::StateMachine>(raft: raft::Raft<M>) -> Result<(), raft::driver::MembershipError> {
    /// raft.replace(3, 4, Some("10.0.0.4:7000".into()), Duration::from_secs(600)).await
    /// # }
    /// ```
    ///
    /// # Errors
    /// As of [`Raft::add_learner`].
    pub async fn replace(
        &self,
        old: impl Into<PeerId>,
        new: impl Into<PeerId>,
        address: Option<Address>,
        deadline: Duration,
    ) -> Result<(), MembershipError> {
        let (old, new) = (old.into(), new.into());
        let until = self.shared().clock.now().after(deadline);
        self.add_learner(new, address, deadline).await?;
        let left = until.since(self.shared().clock.now());
        let replaced = self.retry(MembershipChange::ReplaceVoter { old, new }, left).await;
        done_if(replaced, |error| *error == ChangeError::NoChange)
    }

    /// Changes a member's address, on the leader. The peer is started with the new one.
    ///
    /// # Errors
    /// As of [`Raft::add_learner`].
    pub async fn update_address(
        &self,
        peer: impl Into<PeerId>,
        address: impl Into<Address>,
        deadline: Duration,
    ) -> Result<(), MembershipError> {
        let (peer, address) = (peer.into(), address.into());
        let updated = self.retry(MembershipChange::UpdateAddress { peer, address }, deadline).await;
        done_if(updated, |error| *error == ChangeError::NoChange)
    }

    /// Requests a change until it is done, or fails in a way that does not pass by itself.
    async fn retry(
        &self,
        change: MembershipChange,
        deadline: Duration,
    ) -> Result<(), MembershipError> {
        let clock = &self.shared().clock;
        let until = clock.now().after(deadline);
        loop {
            let last = match self.change_membership(change.clone()).await {
                Err(error) if passes(&error) => error,
                done => return done,
            };
            if clock.now() >= until {
                return Err(MembershipError::GaveUp { waited: deadline, last: Box::new(last) });
            }
            clock.sleep_until(clock.now().after(PAUSE).min(until)).await;
        }
    }
}

/// Returns whether an error passes by itself. A change whose outcome is unknown may be made once more: it
/// is done already then.
fn passes(error: &MembershipError) -> bool {
    match error {
        MembershipError::Rejected(error) => match error {
            // An election is under way.
            ChangeError::NotLeader { leader: None }
            | ChangeError::TransferInProgress { .. }
            | ChangeError::InProgress { .. }
            | ChangeError::TermNotCommitted
            | ChangeError::NotCaughtUp { .. }
            | ChangeError::NotAdmitted { .. }
            | ChangeError::Unresponsive { .. } => true,
            ChangeError::NotLeader { leader: Some(_) }
            | ChangeError::AlreadyMember { .. }
            | ChangeError::NotAMember { .. }
            | ChangeError::NotALearner { .. }
            | ChangeError::NotAVoter { .. }
            | ChangeError::Broken(_)
            | ChangeError::Joint
            | ChangeError::NoChange => false,
        },
        MembershipError::Overloaded { .. }
        | MembershipError::DiskStuck(_)
        | MembershipError::OutcomeUnknown(
            UnknownReason::LeadershipLost | UnknownReason::DeadlineExceeded,
        ) => true,
        MembershipError::OutcomeUnknown(UnknownReason::Stopped(_))
        | MembershipError::Stopped(_)
        | MembershipError::GaveUp { .. } => false,
    }
}

/// Takes a rejection that says that the change has been made for a success. A leader rejects for it only
/// while no change is under way.
fn done_if(
    result: Result<(), MembershipError>,
    is_done: impl FnOnce(&ChangeError) -> bool,
) -> Result<(), MembershipError> {
    match result {
        Err(MembershipError::Rejected(error)) if is_done(&error) => Ok(()),
        other => other,
    }
}
