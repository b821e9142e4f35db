//! Reads of the state machine: linearizable ones, and those of this peer's own state.

use std::time::Duration;

use super::admission::Rejected;
use super::apply::job::Job;
use super::apply::query::{Closure, Cost, Query};
use super::core_task::request::Request;
use super::error::{ReadError, WaitError};
use super::handle::Raft;
use super::machine::Machine;
use super::reply::reply;
use crate::types::{EntryId, Index};

/// The freshness of a read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consistency {
    /// Of a state that was the newest at some time during the call (dissertation §6.4). It needs a leader
    /// with a quorum.
    #[default]
    Linearizable,
    /// Of this peer's state, however old. It needs no other peer.
    Local,
}

/// A value read from this peer's own state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalRead<R> {
    /// The value.
    pub value: R,
    /// The last entry that the state contained.
    pub applied: EntryId,
}

impl<M: Machine> Raft<M> {
    /// Reads the state machine. The answer is linearizable: it is of a state that was the newest at
    /// some time between the call and its answer (dissertation §6.4).
    ///
    /// # Errors
    /// The reason; a retry is always safe.
    pub async fn read<R, F>(&self, query: F) -> Result<R, ReadError>
    where
        R: Send + 'static,
        F: FnOnce(&M) -> R + Send + 'static,
    {
        let query = move |machine: &M, _| query(machine);
        self.run_query(Consistency::Linearizable, Cost::Light, query).await
    }

    /// Reads this peer's own state, which may be old: what other peers have committed may be missing,
    /// however long ago. It asks no other peer, so that it works without a leader.
    ///
    /// ```no_run
    /// # async fn example<M: raft::StateMachine>(raft: raft::Raft<M>) -> Result<(), raft::driver::ReadError> {
    /// let size = raft.read_local(|machine| size_of_val(machine)).await?;
    /// println!("{} as of entry {}", size.value, size.applied);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The reason; a retry is always safe.
    pub async fn read_local<R, F>(&self, query: F) -> Result<LocalRead<R>, ReadError>
    where
        R: Send + 'static,
        F: FnOnce(&M) -> R + Send + 'static,
    {
        let query = move |machine: &M, applied| LocalRead { value: query(machine), applied };
        self.run_query(Consistency::Local, Cost::Light, query).await
    }

    /// Reads this peer's own state once it contains the entry at `index`, such as that of a write whose
    /// answer the caller has seen ([`Appended::id`](super::Appended::id), [`LocalRead::applied`]), within
    /// [`Settings::deadline`](super::Settings::deadline).
    ///
    /// # Errors
    /// The reason; a retry is always safe.
    pub async fn read_at<R, F>(&self, index: Index, query: F) -> Result<LocalRead<R>, ReadError>
    where
        R: Send + 'static,
        F: FnOnce(&M) -> R + Send + 'static,
    {
        let deadline: Duration = self.shared().settings.deadline;
        match self.wait(|status| status.last_applied >= index, deadline).await {
            Ok(_) => self.read_local(query).await,
            Err(WaitError::DeadlineExceeded(_)) => Err(ReadError::DeadlineExceeded),
            Err(WaitError::Stopped(reason)) => Err(ReadError::Stopped(reason)),
        }
    }

    /// Runs a closure on the state machine and the last entry that its state contains.
    pub(super) async fn run_query<R, F>(
        &self,
        consistency: Consistency,
        cost: Cost,
        query: F,
    ) -> Result<R, ReadError>
    where
        R: Send + 'static,
        F: FnOnce(&M, EntryId) -> R + Send + 'static,
    {
        let shared = self.shared();
        let overloaded = |Rejected { calls, .. }| ReadError::Overloaded { pending: calls };
        let (reply, answer) = reply(shared.admission.admit(0).map_err(overloaded)?);
        let query: Box<dyn Query<M>> = Box::new(Closure { query, cost, reply });
        let stopped = || ReadError::Stopped(shared.stop_reason());
        let is_put = match consistency {
            Consistency::Linearizable => shared.requests.put(Request::Read(query)).is_ok(),
            Consistency::Local => shared.jobs.put(Job::Read(query)).is_ok(),
        };
        if !is_put {
            return Err(stopped());
        }
        shared.answer_in_time(answer, ReadError::DeadlineExceeded, stopped).await
    }
}
