//! A client of one group of servers: it repeats a request, with the same number, until a server
//! answers it.
//!
//! It asks the server that answered last first, then the leader a server names, or the next server.

use std::cell::Cell;
use std::time::Duration;

use crate::replica::Rejection;
use crate::session::{ClientId, RequestId};

/// Links of one client to the servers of a group, and its clock.
pub trait Servers {
    /// A request.
    type Request: Clone;
    /// Its answer.
    type Reply;

    /// Number of servers.
    fn count(&self) -> usize;

    /// Calls a server; a call that is not answered in a while is given up.
    fn call(
        &self,
        server: usize,
        request: Self::Request,
    ) -> impl Future<Output = Result<Self::Reply, Rejection>>;

    /// Waits for a while.
    fn pause(&self, duration: Duration) -> impl Future<Output = ()>;

    /// Time since some fixed time.
    fn now(&self) -> Duration;
}

/// Time a client repeats a request for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Until it is answered.
    Unlimited,
    /// This long at least.
    Limited(Duration),
}

/// Failure of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No server answered in time. A write may have been done, or may be later.
    #[error("no server answered in {attempts} attempts; the last: {last}")]
    Unanswered {
        /// Number of calls.
        attempts: usize,
        /// Outcome of the last one.
        last: Rejection,
    },
}

/// A client of a group of servers.
#[derive(Debug)]
pub struct Client<S> {
    servers: S,
    id: ClientId,
    patience: Patience,
    last_number: Cell<u64>,
    /// The server to ask first.
    leader: Cell<usize>,
}

impl<S: Servers> Client<S> {
    /// A client whose number no other client has.
    pub const fn new(id: ClientId, servers: S, patience: Patience) -> Self {
        Self { servers, id, patience, last_number: Cell::new(0), leader: Cell::new(0) }
    }

    /// Its links.
    pub const fn servers(&self) -> &S {
        &self.servers
    }

    /// The name of its next request.
    pub fn next_request(&self) -> RequestId {
        let number = self.last_number.get() + 1;
        self.last_number.set(number);
        RequestId { client: self.id, number }
    }

    /// Sends a request until it is answered.
    ///
    /// # Errors
    /// No answer in time.
    pub async fn request(&self, request: &S::Request) -> Result<S::Reply, RequestError> {
        let begun = self.servers.now();
        let (count, mut attempts) = (self.servers.count(), 0);
        loop {
            let server = self.leader.get();
            let last = match self.servers.call(server, request.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(rejection) => rejection,
            };
            attempts += 1;
            let named = match last {
                Rejection::NotLeader { leader } => leader.filter(|named| *named != server),
                Rejection::LeadershipLost | Rejection::NoAnswer => None,
            };
            self.leader.set(named.unwrap_or((server + 1) % count));
            if let Patience::Limited(limit) = self.patience
                && self.servers.now().saturating_sub(begun) >= limit
            {
                return Err(RequestError::Unanswered { attempts, last });
            }
            if attempts.is_multiple_of(count) {
                self.servers.pause(ROUND_PAUSE).await;
            }
        }
    }
}

/// Pause after all servers were asked in vain: a fraction of an election.
const ROUND_PAUSE: Duration = Duration::from_millis(20);
