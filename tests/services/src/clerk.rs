//! The client of the key-value service: one call per operation, one at a time.
//!
//! It repeats a request, with the same number, until a server answers it: the server that answered
//! last first, then the leader a server names, or the next server.

use std::cell::Cell;
use std::time::Duration;

use crate::key_value::{Operation, Request, Write};
use crate::replica::Rejection;
use crate::session::{ClientId, RequestId};

/// Links of one client to the servers it knows, and its clock.
pub trait Servers {
    /// Number of servers.
    fn count(&self) -> usize;

    /// Calls a server; a call that is not answered in a while is given up.
    fn call(
        &self,
        server: usize,
        request: Request,
    ) -> impl Future<Output = Result<String, Rejection>>;

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

/// Failure of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClerkError {
    /// No server answered in time. A write may have been done, or may be later.
    #[error("no server answered in {attempts} attempts; the last: {last}")]
    Unanswered {
        /// Number of calls.
        attempts: usize,
        /// Outcome of the last one.
        last: Rejection,
    },
}

/// A client of the key-value service.
#[derive(Debug)]
pub struct Clerk<S> {
    servers: S,
    id: ClientId,
    patience: Patience,
    last_number: Cell<u64>,
    /// The server to ask first.
    leader: Cell<usize>,
}

impl<S: Servers> Clerk<S> {
    /// A client whose number no other client has.
    pub const fn new(id: ClientId, servers: S, patience: Patience) -> Self {
        Self { servers, id, patience, last_number: Cell::new(0), leader: Cell::new(0) }
    }

    /// The value of a key, empty for a missing one.
    ///
    /// # Errors
    /// No answer in time.
    pub async fn get(&self, key: &str) -> Result<String, ClerkError> {
        self.request(key, Operation::Get).await
    }

    /// Replaces the value of a key.
    ///
    /// # Errors
    /// No answer in time.
    pub async fn put(&self, key: &str, value: &str) -> Result<(), ClerkError> {
        self.request(key, Operation::Write(Write::Put(value.to_owned()))).await.map(drop)
    }

    /// Adds to the end of the value of a key.
    ///
    /// # Errors
    /// No answer in time.
    pub async fn append(&self, key: &str, more: &str) -> Result<(), ClerkError> {
        self.request(key, Operation::Write(Write::Append(more.to_owned()))).await.map(drop)
    }

    /// Sends a request until it is answered.
    ///
    /// # Errors
    /// No answer in time.
    pub async fn request(&self, key: &str, operation: Operation) -> Result<String, ClerkError> {
        let number = self.last_number.get() + 1;
        self.last_number.set(number);
        let id = RequestId { client: self.id, number };
        let request = Request { id, key: key.to_owned(), operation };
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
                return Err(ClerkError::Unanswered { attempts, last });
            }
            if attempts.is_multiple_of(count) {
                self.servers.pause(ROUND_PAUSE).await;
            }
        }
    }
}

/// Pause after all servers were asked in vain: a fraction of an election.
const ROUND_PAUSE: Duration = Duration::from_millis(20);
