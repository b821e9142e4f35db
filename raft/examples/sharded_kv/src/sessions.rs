//! Sessions of a server's own, for requests whose clients have none: a repetition by another server
//! is impossible, as the client has no name for its request.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use services::session::{ClientId, RequestId};

/// Sessions that are not in use. Each has one request at a time.
#[derive(Default)]
pub(crate) struct Sessions {
    unused: Mutex<Vec<RequestId>>,
}

/// A session in use; returned when it is dropped.
pub(crate) struct Session<'a> {
    sessions: &'a Sessions,
    pub(crate) id: RequestId,
}

impl Sessions {
    /// A session for one request.
    pub(crate) fn begin(&self) -> Session<'_> {
        // A random number: no other process, nor another start of this one, has the same.
        let new = || RequestId { client: random(), number: 0 };
        let last = self.unused().pop().unwrap_or_else(new);
        let id = RequestId { client: last.client, number: last.number + 1 };
        Session { sessions: self, id }
    }

    fn unused(&self) -> MutexGuard<'_, Vec<RequestId>> {
        self.unused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        self.sessions.unused().push(self.id);
    }
}

/// A random number, of those that clients do not choose.
fn random() -> ClientId {
    RandomState::new().hash_one(0) | 1 << 63
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_at_one_time_have_sessions_of_their_own_and_later_ones_use_them_again() {
        let sessions = Sessions::default();
        let (first, second) = (sessions.begin(), sessions.begin());
        assert_ne!(first.id.client, second.id.client);
        let before = first.id;
        drop(first);
        let again = sessions.begin();
        assert_eq!(again.id, RequestId { number: before.number + 1, ..before });
    }
}
