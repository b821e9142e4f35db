//! The client of the key-value service: one call per operation, one at a time.

use crate::client::{Client, Patience, RequestError, Servers};
use crate::key_value::{Operation, Request, Write};
use crate::session::ClientId;

/// A client of the key-value service.
#[derive(Debug)]
pub struct Clerk<S>(Client<S>);

impl<S: Servers<Request = Request, Reply = String>> Clerk<S> {
    /// A client whose number no other client has.
    pub const fn new(id: ClientId, servers: S, patience: Patience) -> Self {
        Self(Client::new(id, servers, patience))
    }

    /// Its links.
    pub const fn servers(&self) -> &S {
        self.0.servers()
    }

    /// The value of a key, empty for a missing one.
    ///
    /// # Errors
    /// No answer in time.
    pub async fn get(&self, key: &str) -> Result<String, RequestError> {
        self.request(key, Operation::Get).await
    }

    /// Replaces the value of a key.
    ///
    /// # Errors
    /// No answer in time.
    pub async fn put(&self, key: &str, value: &str) -> Result<(), RequestError> {
        self.request(key, Operation::Write(Write::Put(value.to_owned()))).await.map(drop)
    }

    /// Adds to the end of the value of a key.
    ///
    /// # Errors
    /// No answer in time.
    pub async fn append(&self, key: &str, more: &str) -> Result<(), RequestError> {
        self.request(key, Operation::Write(Write::Append(more.to_owned()))).await.map(drop)
    }

    /// Does an operation.
    ///
    /// # Errors
    /// No answer in time.
    pub async fn request(&self, key: &str, operation: Operation) -> Result<String, RequestError> {
        let request = Request { id: self.0.next_request(), key: key.to_owned(), operation };
        self.0.request(&request).await
    }
}
