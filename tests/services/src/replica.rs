//! Replicas: a state machine on one server, as a request handler reaches it.

use serde::{Deserialize, Serialize};

use crate::state_machine::StateMachine;

/// A server's replica of a state machine.
pub trait Replica<M: StateMachine> {
    /// Proposes a command, and waits until it is applied here.
    ///
    /// # Errors
    /// The reason why there is no answer. The command may still be applied, unless this server
    /// does not lead.
    fn propose(&self, command: &M::Command) -> impl Future<Output = Result<M::Answer, Rejection>>;

    /// Reads the newest state, without an entry in the log.
    ///
    /// # Errors
    /// The reason why it is not served; a retry is always safe.
    fn read<R: Send + 'static>(
        &self,
        query: impl FnOnce(&M) -> R + Send + 'static,
    ) -> impl Future<Output = Result<R, Rejection>>;
}

/// A service: a state machine, and the requests of clients to its servers.
pub trait Service: StateMachine {
    /// A request of a client or of another server.
    type Request: Clone + 'static;
    /// Its answer.
    type Reply: 'static;

    /// Handles a request on a server.
    ///
    /// # Errors
    /// The reason why the server does not answer.
    fn handle(
        replica: &impl Replica<Self>,
        request: Self::Request,
    ) -> impl Future<Output = Result<Self::Reply, Rejection>>;
}

/// Reason of a server for giving no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Rejection {
    /// Another server leads, or none.
    #[error("not the leader; the leader is {leader:?}")]
    NotLeader {
        /// The known leader.
        leader: Option<usize>,
    },
    /// The server has lost its leadership since it was asked.
    #[error("leadership lost")]
    LeadershipLost,
    /// The server has stopped, or the time is over.
    #[error("no answer in time")]
    NoAnswer,
}
