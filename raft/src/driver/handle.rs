//! The handle of a running peer: writes, membership changes, leadership transfers, status.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::admission::Rejected;
use super::core_task::request::{MembershipRequest, Proposal, Request, TransferRequest};
use super::error::{
    LeadershipTransferError, MembershipError, StopReason, UnknownReason, WaitError, WriteError,
};
use super::machine::Machine;
use super::reply::{Appended, await_answer, reply};
use super::shared::Shared;
use super::state_machine::encode;
use super::status::{RunState, Status};
use crate::membership_change::MembershipChange;
use crate::types::{EntryId, PeerId};

/// A handle of a running peer of a replicated state machine. Clones are handles of the same peer;
/// when the last one is dropped, the peer stops as by [`Raft::shutdown`].
///
/// Every call ends: with an answer, at its deadline, soon after leadership is lost, or when the
/// node stops. A call whose future is dropped may still be applied.
///
/// ```
/// # use raft::driver::{MachineError, StateMachine, from_bytes, to_bytes};
/// # #[derive(Default)]
/// # struct Counter { value: u64 }
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct Add(u64);
/// # impl StateMachine for Counter {
/// #     type Command = Add;
/// #     type Answer = u64;
/// #     fn apply(&mut self, Add(count): Add) -> u64 { self.value += count; self.value }
/// #     fn snapshot(&self) -> Result<Vec<u8>, MachineError> { to_bytes(&self.value) }
/// #     fn restore(&mut self, bytes: &[u8]) -> Result<(), MachineError> {
/// #         self.value = from_bytes(bytes)?;
/// #         Ok(())
/// #     }
/// # }
/// use std::time::Duration;
/// use raft::storage::MemoryStorage;
/// use raft::transport::memory::Hub;
/// use raft::Raft;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?.block_on(async {
/// let hub = Hub::default();
/// let mut rafts = Vec::new();
/// for id in 1..=3 {
///     let raft = Raft::builder(id)
///         .peers([1, 2, 3])
///         .storage(MemoryStorage::default())
///         .transport(hub.join(raft::PeerId::new(id)))
///         .state_machine(Counter::default())
///         .start()
///         .await?;
///     rafts.push(raft);
/// }
/// let status = rafts[0].wait(|status| status.leader.is_some(), Duration::from_secs(10)).await?;
/// let leader = status.leader.expect("checked by the condition");
/// let raft = &rafts[leader.number() as usize - 1];
/// assert_eq!(raft.propose(Add(2)).await?, 2);
/// assert_eq!(raft.read(|counter| counter.value).await?, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Raft<M: Machine>(Arc<HandleGuard<M>>);

impl<M: Machine> Clone for Raft<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Stops the node with the last handle.
struct HandleGuard<M: Machine> {
    shared: Arc<Shared<M>>,
}

impl<M: Machine> Drop for HandleGuard<M> {
    fn drop(&mut self) {
        // The node may have stopped.
        let _ = self.shared.requests.put(Request::Stop(StopReason::ShutDown));
    }
}

impl<M: Machine> Raft<M> {
    pub(super) fn new(shared: Arc<Shared<M>>) -> Self {
        Self(Arc::new(HandleGuard { shared }))
    }

    pub(super) fn shared(&self) -> &Arc<Shared<M>> {
        &self.0.shared
    }

    /// The peer's id.
    #[must_use]
    pub fn id(&self) -> PeerId {
        self.0.shared.id
    }

    /// Replicates a command, and returns the state machine's answer once it is committed and
    /// applied here. The command is submitted when the method returns, before the future is polled;
    /// its deadline is [`Settings::deadline`](super::Settings::deadline).
    ///
    /// # Errors
    /// The reason, and by [`WriteError::outcome`] whether the command may still be applied.
    pub fn propose(
        &self,
        command: M::Command,
    ) -> impl Future<Output = Result<M::Answer, WriteError>> + Send + use<M> {
        self.propose_within(command, self.0.shared.settings.deadline)
    }

    /// [`Raft::propose`] with a deadline of its own, exact to ten milliseconds.
    ///
    /// # Errors
    /// As for [`Raft::propose`].
    #[expect(clippy::needless_pass_by_value, reason = "the command is consumed")]
    pub fn propose_within(
        &self,
        command: M::Command,
        deadline: Duration,
    ) -> impl Future<Output = Result<M::Answer, WriteError>> + Send + use<M> {
        let sent = self.send_command(&command, deadline, None);
        async move { await_answer(sent?, None).await }
    }

    /// As [`Raft::propose`], but returns as soon as the command is in this peer's log, with the
    /// pending answer: for callers that send many commands in order, or observe their outcome by
    /// other means.
    ///
    /// # Errors
    /// The reason it was not appended. Nothing was appended, unless the node has stopped.
    #[expect(clippy::needless_pass_by_value, reason = "the command is consumed")]
    pub fn append(
        &self,
        command: M::Command,
    ) -> impl Future<Output = Result<Appended<M::Answer>, WriteError>> + Send + use<M> {
        let (appended, entry_id) = oneshot::channel();
        let sent = self.send_command(&command, self.0.shared.settings.deadline, Some(appended));
        async move {
            let answer = sent?;
            match entry_id.await {
                Ok(id) => Ok(Appended { id, answer }),
                Err(_) => match await_answer(answer, None).await {
                    Err(error) => Err(error),
                    Ok(_) => unreachable!("a command was applied that was not appended"),
                },
            }
        }
    }

    fn send_command(
        &self,
        command: &M::Command,
        deadline: Duration,
        appended: Option<oneshot::Sender<EntryId>>,
    ) -> Result<oneshot::Receiver<Result<M::Answer, WriteError>>, WriteError> {
        let shared = &self.0.shared;
        let command = encode(command, shared.settings.command_bytes_max)?;
        let permit =
            shared.admission.admit(command.len()).map_err(|Rejected { calls, bytes }| {
                WriteError::Overloaded { pending: calls, bytes }
            })?;
        let (reply, answer) = reply(permit);
        let deadline = shared.clock.now().after(deadline);
        let proposal = Proposal { command, deadline, appended, reply };
        shared
            .requests
            .put(Request::Propose(proposal))
            .map_err(|_| WriteError::Stopped(shared.stop_reason()))?;
        Ok(answer)
    }

    /// Changes the membership configuration, and returns once the change is complete. Only the
    /// leader accepts it, one change at a time; a peer is a learner before it is a voter.
    ///
    /// # Errors
    /// The reason it was rejected, or an unknown outcome.
    pub async fn change_membership(&self, change: MembershipChange) -> Result<(), MembershipError> {
        let shared = &self.0.shared;
        let overloaded = |Rejected { calls, .. }| MembershipError::Overloaded { pending: calls };
        let (reply, answer) = reply(shared.admission.admit(0).map_err(overloaded)?);
        let request = Request::ChangeMembership(MembershipRequest { change, reply });
        shared.requests.put(request).map_err(|_| MembershipError::Stopped(shared.stop_reason()))?;
        let deadline_exceeded = MembershipError::OutcomeUnknown(UnknownReason::DeadlineExceeded);
        let stopped =
            || MembershipError::OutcomeUnknown(UnknownReason::Stopped(shared.stop_reason()));
        shared.answer_in_time(answer, deadline_exceeded, stopped).await
    }

    /// Transfers leadership to another voter (dissertation §3.10), and returns once this peer
    /// follows it. For taking a leader out of service without a time without a leader.
    ///
    /// # Errors
    /// The reason it was rejected or failed, as soon as this peer knows it.
    pub async fn transfer_leadership(
        &self,
        to: impl Into<PeerId>,
    ) -> Result<(), LeadershipTransferError> {
        let (shared, to) = (&self.0.shared, to.into());
        let overloaded =
            |Rejected { calls, .. }| LeadershipTransferError::Overloaded { pending: calls };
        let (reply, answer) = reply(shared.admission.admit(0).map_err(overloaded)?);
        let stopped = || LeadershipTransferError::Stopped(shared.stop_reason());
        let request = Request::TransferLeadership(TransferRequest { to, reply });
        shared.requests.put(request).map_err(|_| stopped())?;
        let deadline_exceeded = LeadershipTransferError::DeadlineExceeded(shared.settings.deadline);
        shared.answer_in_time(answer, deadline_exceeded, stopped).await
    }

    /// The peer's current status.
    #[must_use]
    pub fn status(&self) -> Status {
        self.0.shared.status.status()
    }

    /// A receiver of the peer's status and its changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Status> {
        self.0.shared.status.watch()
    }

    /// Waits until the status meets a condition, and returns it.
    ///
    /// # Errors
    /// The deadline was exceeded, or the node has stopped without meeting the condition.
    pub async fn wait(
        &self,
        mut condition: impl FnMut(&Status) -> bool + Send,
        deadline: Duration,
    ) -> Result<Status, WaitError> {
        let shared = &self.0.shared;
        let mut status = shared.status.watch();
        let seen = status.wait_for(|status| condition(status) || is_stopped(status));
        tokio::select! {
            biased;
            seen = seen => match seen {
                Ok(seen) if condition(&seen) => Ok(seen.clone()),
                Ok(_) | Err(_) => Err(WaitError::Stopped(shared.stop_reason())),
            },
            () = shared.clock.sleep_until(shared.clock.now().after(deadline)) => {
                Err(WaitError::DeadlineExceeded(deadline))
            }
        }
    }

    /// Stops the node and waits until it has released its store, so that it can be opened again.
    /// Pending calls end with an error. A stuck disk is waited for no longer than
    /// [`Settings::shutdown_timeout`](super::Settings::shutdown_timeout).
    pub async fn shutdown(&self) {
        self.stop(StopReason::ShutDown).await;
    }

    /// Stops the node as a crash would: nothing is sent, and queued writes are discarded. For
    /// tests.
    pub async fn kill(&self) {
        self.stop(StopReason::Killed).await;
    }

    async fn stop(&self, reason: StopReason) {
        let shared = &self.0.shared;
        let mut status = shared.status.watch();
        // The node may have stopped.
        let _ = shared.requests.put(Request::Stop(reason));
        // The sender lives as long as this handle.
        let _ = status.wait_for(is_stopped).await;
    }
}

impl<M: Machine> std::fmt::Debug for Raft<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Raft").field("id", &self.id()).finish_non_exhaustive()
    }
}

fn is_stopped(status: &Status) -> bool {
    match status.run {
        RunState::Running => false,
        RunState::Stopped(_) => true,
    }
}
