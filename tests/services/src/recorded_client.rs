//! A client whose operations are recorded, for any service with the operations of the key-value service.

use std::cell::RefCell;
use std::rc::Rc;

use raft_tests::cluster::expect;
use raft_tests::failure::Failure;

use crate::clerk::Clerk;
use crate::client::{RequestError, Servers};
use crate::controller::{self, Configuration};
use crate::history::{Call, History};
use crate::key_value::{Operation, Request, Write};
use crate::session::ClientId;
use crate::sharded::Groups;
use crate::sharded_clerk::ShardedClerk;

/// The client of a service, before it is recorded.
pub(crate) trait Requests {
    /// Does an operation: the value of a Get.
    async fn request(&self, key: &str, operation: Operation) -> Result<String, RequestError>;
}

impl<S: Servers<Request = Request, Reply = String>> Requests for Clerk<S> {
    async fn request(&self, key: &str, operation: Operation) -> Result<String, RequestError> {
        self.request(key, operation).await
    }
}

impl<S, G> Requests for ShardedClerk<S, G>
where
    S: Servers<Request = controller::Request, Reply = Configuration>,
    G: Groups,
{
    async fn request(&self, key: &str, operation: Operation) -> Result<String, RequestError> {
        self.request(key, operation).await
    }
}

/// A client whose operations are recorded.
pub(crate) struct RecordedClient<C> {
    pub(crate) clerk: C,
    /// Its number in the history.
    pub(crate) client: ClientId,
    /// The operations of all clients.
    pub(crate) history: Rc<RefCell<History>>,
}

impl<C: Requests> RecordedClient<C> {
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
        let open = self.history.borrow_mut().call(self.client, key, call);
        let answer = self.clerk.request(key, operation).await;
        let value = answer
            .map_err(|error| Failure::expected(format_args!("an answer under {key:?}: {error}")))?;
        self.history.borrow_mut().returned(&open, &value);
        Ok(value)
    }
}
