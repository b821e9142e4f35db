//! Scenarios of the key-value service: MIT 6.5840's labs 3A and 3B.
//!
//! All calls of a run together must be linearizable, key by key.

pub(crate) mod directed;
pub(crate) mod generic;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use raft_tests::case::PeerSet;
use raft_tests::failure::Failure;

use crate::clerk::Clerk;
use crate::client::Patience;
use crate::history::History;
use crate::key_value::KeyValueStore;
use crate::recorded_client::RecordedClient;
use crate::session::ClientId;
use crate::world::{Calls, Group, Reach, SnapshotLimit};

/// A key-value service under test. Clones share it.
#[derive(Clone)]
pub struct Lab {
    /// The servers.
    pub(crate) group: Group<KeyValueStore>,
    /// The calls of all clients.
    pub(crate) calls: Calls,
    /// The operations of all clients.
    pub(crate) history: Rc<RefCell<History>>,
    pub(crate) limit: SnapshotLimit,
    clients: Rc<Cell<ClientId>>,
}

/// A client whose operations are recorded. Clones share its session: they call one after the other.
pub(crate) type Client = Rc<RecordedClient<Clerk<Reach<KeyValueStore>>>>;

impl Lab {
    /// A service whose servers have just started.
    #[must_use]
    pub fn new(
        group: Group<KeyValueStore>,
        limit: SnapshotLimit,
        calls: Calls,
        history: Rc<RefCell<History>>,
    ) -> Self {
        Self { group, calls, history, limit, clients: Rc::default() }
    }

    /// A client of all servers.
    pub(crate) fn client(&self) -> Client {
        self.client_of(PeerSet::first(self.group.cluster().size()))
    }

    /// A client whose links reach these servers alone.
    pub(crate) fn client_of(&self, enabled: PeerSet) -> Client {
        let client = self.clients.get();
        self.clients.set(client + 1);
        let reach = Reach::new(&self.group, client, &self.calls, enabled);
        let clerk = Clerk::new(client, reach, Patience::Unlimited);
        Rc::new(RecordedClient { clerk, client, history: Rc::clone(&self.history) })
    }

    pub(crate) async fn sleep(&self, duration: Duration) {
        self.group.cluster().sleep(duration).await;
    }

    /// Checks the bounds on what servers store; only what was written meanwhile may be above them.
    pub(crate) fn check_log_size(&self) -> Result<(), Failure> {
        self.group.check_log_size(self.limit)
    }

    /// Checks the operations of all clients together.
    pub(crate) fn check_history(&self) -> Result<(), Failure> {
        self.group.check_waiters()?;
        let undecided = self.history.borrow().check()?;
        self.group.cluster().add_undecided(undecided);
        Ok(())
    }
}

impl RecordedClient<Clerk<Reach<KeyValueStore>>> {
    /// Lets its links reach these servers.
    pub(crate) fn connect_to(&self, servers: PeerSet) {
        self.clerk.servers().enabled.set(servers);
    }
}

/// The longest time an election may take.
pub(crate) const ELECTION: Duration = Duration::from_secs(1);
