//! Sessions: each request of a client is executed once, however often it comes (Ongaro's
//! dissertation, §6.3).
//!
//! A client numbers its requests, and sends the next one when the last is answered: so the newest
//! number and its answer are enough. Sessions are part of the replicated state. A repetition is
//! recognised when it is applied: two copies of a request may be in the log.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Number of a client.
pub type ClientId = u64;

/// A client's number for its request, from 1.
pub type RequestNumber = u64;

/// Name of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestId {
    /// The client.
    pub client: ClientId,
    /// Its number for the request.
    pub number: RequestNumber,
}

/// The newest executed request of each client, and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions<A> {
    newest: BTreeMap<ClientId, (RequestNumber, A)>,
}

impl<A> Default for Sessions<A> {
    fn default() -> Self {
        Self { newest: BTreeMap::new() }
    }
}

impl<A> Sessions<A> {
    /// The newest executed request of each client.
    pub fn newest(&self) -> impl Iterator<Item = (ClientId, RequestNumber)> {
        self.newest.iter().map(|(client, (number, _))| (*client, *number))
    }
}

impl<A: Clone> Sessions<A> {
    /// Executes a request, unless it was before; its answer. `None` for a request whose client has
    /// sent a newer one since, and does not wait for it.
    pub fn once(&mut self, id: RequestId, execute: impl FnOnce() -> A) -> Option<A> {
        match self.newest.get(&id.client) {
            Some((newest, _)) if *newest > id.number => None,
            Some((newest, answer)) if *newest == id.number => Some(answer.clone()),
            Some(_) | None => {
                let answer = execute();
                self.newest.insert(id.client, (id.number, answer.clone()));
                Some(answer)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_executed_once_and_answered_again() {
        let mut sessions = Sessions::default();
        let mut executed = Vec::new();
        let mut ask = |client, number| {
            sessions.once(RequestId { client, number }, || {
                executed.push((client, number));
                executed.len()
            })
        };
        assert_eq!(ask(1, 1), Some(1));
        assert_eq!(ask(1, 1), Some(1), "a repetition");
        assert_eq!(ask(2, 1), Some(2), "another client");
        assert_eq!(ask(1, 2), Some(3));
        assert_eq!(ask(1, 1), None, "long answered");
        assert_eq!(executed, [(1, 1), (2, 1), (1, 2)]);
    }
}
