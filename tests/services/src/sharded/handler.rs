//! Requests of clients, and of groups that shards go to.

use serde::{Deserialize, Serialize};

use super::{Answer, Command, Shard, ShardedStore, Transfer};
use crate::key_value::Operation;
use crate::replica::{Rejection, Replica, Service};
use crate::session::RequestId;

/// A request to a server of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// An operation of a client.
    Client {
        /// Its name.
        id: RequestId,
        /// The key.
        key: String,
        /// The operation.
        operation: Operation,
    },
    /// A new owner asks for its shard.
    Fetch(Transfer),
    /// A new owner has its shard.
    Delete(Transfer),
}

/// Answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// The value of a Get; writes are answered with nothing.
    Value(String),
    /// The group does not serve the shard of the key, or not yet.
    WrongGroup,
    /// The shard that was asked for.
    Shard(Shard),
    /// The shard may still be served here, or is not kept any more.
    NotKept,
    /// The shard is not kept any more.
    Deleted,
}

impl Service for ShardedStore {
    type Request = Request;
    type Reply = Reply;

    async fn handle(replica: &impl Replica<Self>, request: Request) -> Result<Reply, Rejection> {
        match request {
            Request::Client { key, operation: Operation::Get, .. } => {
                let value = move |store: &Self| match store.served(&key) {
                    Some(shard) => {
                        Reply::Value(shard.values.get(&key).cloned().unwrap_or_default())
                    }
                    None => Reply::WrongGroup,
                };
                replica.read(value).await
            }
            Request::Client { id, key, operation: Operation::Write(write) } => {
                let answer = replica.propose(&Command::Write { id, key, write }).await?;
                Ok(match answer {
                    Answer::Done => Reply::Value(String::new()),
                    Answer::WrongGroup => Reply::WrongGroup,
                })
            }
            Request::Fetch(transfer) => {
                let kept = move |store: &Self| {
                    store.kept.get(&transfer).cloned().map_or(Reply::NotKept, Reply::Shard)
                };
                replica.read(kept).await
            }
            Request::Delete(transfer) => {
                let is_kept = move |store: &Self| store.kept.contains_key(&transfer);
                if replica.read(is_kept).await? {
                    replica.propose(&Command::Delete(transfer)).await?;
                }
                Ok(Reply::Deleted)
            }
        }
    }
}
