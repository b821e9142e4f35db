//! Scenarios of the key-value service: MIT 6.5840's labs 3A and 3B.
//!
//! All calls of a run together must be linearizable, key by key.

pub(crate) mod directed;
pub(crate) mod generic;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use raft_tests::case::PeerSet;
use raft_tests::cluster::expect;
use raft_tests::failure::Failure;

use crate::clerk::Clerk;
use crate::client::Patience;
use crate::history::{Call, History};
use crate::key_value::{KeyValueStore, Operation, Write};
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
#[derive(Clone)]
pub(crate) struct Client {
    clerk: Rc<Clerk<Reach<KeyValueStore>>>,
    history: Rc<RefCell<History>>,
    enabled: Rc<Cell<PeerSet>>,
}

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
        let enabled = Rc::clone(&reach.enabled);
        let clerk = Rc::new(Clerk::new(client, reach, Patience::Unlimited));
        Client { clerk, history: Rc::clone(&self.history), enabled }
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
        let undecided = self.history.borrow().check()?;
        self.group.cluster().add_undecided(undecided);
        Ok(())
    }
}

impl Client {
    /// Lets its links reach these servers.
    pub(crate) fn connect_to(&self, servers: PeerSet) {
        self.enabled.set(servers);
    }

    /// The value of a key.
    pub(crate) async fn get(&self, key: &str) -> Result<String, Failure> {
        self.operation(key, Call::Get(None), Operation::Get).await
    }

    /// Replaces a value.
    pub(crate) async fn put(&self, key: &str, value: &str) -> Result<(), Failure> {
        let write = Operation::Write(Write::Put(value.to_owned()));
        self.operation(key, Call::Put(value.to_owned()), write).await.map(drop)
    }

    /// Adds to a value.
    pub(crate) async fn append(&self, key: &str, more: &str) -> Result<(), Failure> {
        let write = Operation::Write(Write::Append(more.to_owned()));
        self.operation(key, Call::Append(more.to_owned()), write).await.map(drop)
    }

    /// Reads a value, and expects it.
    pub(crate) async fn check(&self, key: &str, value: &str) -> Result<(), Failure> {
        let found = self.get(key).await?;
        expect(found == value, format_args!("{value:?} under key {key:?}, found {found:?}"))
    }

    async fn operation(
        &self,
        key: &str,
        call: Call,
        operation: Operation,
    ) -> Result<String, Failure> {
        let open = self.history.borrow_mut().call(key, call);
        let answer = self.clerk.request(key, operation).await;
        let value = answer
            .map_err(|error| Failure::expected(format_args!("an answer under {key:?}: {error}")))?;
        self.history.borrow_mut().returned(&open, &value);
        Ok(value)
    }
}

/// The longest time an election may take.
pub(crate) const ELECTION: Duration = Duration::from_secs(1);
