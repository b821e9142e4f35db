//! A linearizable key-value service: strings under strings.
//!
//! Writes go through the log, once each; reads ask the leader's state, after it has confirmed that
//! it leads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::replica::{Rejection, Replica, Service};
use crate::session::{RequestId, Sessions};
use crate::state_machine::StateMachine;

/// A request of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Its name.
    pub id: RequestId,
    /// The key.
    pub key: String,
    /// The operation.
    pub operation: Operation,
}

/// Operation on a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// The value, empty for a missing key.
    Get,
    /// A change of the value.
    Write(Write),
}

/// Change of a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Write {
    /// Replaces the value.
    Put(String),
    /// Adds to the end of the value.
    Append(String),
}

impl Write {
    /// Changes the value of a key.
    pub fn apply(self, values: &mut BTreeMap<String, String>, key: String) {
        match self {
            Self::Put(value) => {
                values.insert(key, value);
            }
            Self::Append(more) => values.entry(key).or_default().push_str(&more),
        }
    }
}

/// A write, as it travels through the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    id: RequestId,
    key: String,
    write: Write,
}

/// The store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyValueStore {
    values: BTreeMap<String, String>,
    sessions: Sessions<()>,
}

impl KeyValueStore {
    /// The value of a key, empty for a missing one.
    #[must_use]
    pub fn get(&self, key: &str) -> &str {
        self.values.get(key).map_or("", String::as_str)
    }
}

impl StateMachine for KeyValueStore {
    type Command = Command;
    type Answer = ();

    fn apply(&mut self, Command { id, key, write }: Command) {
        let values = &mut self.values;
        self.sessions.once(id, || write.apply(values, key));
    }
}

impl Service for KeyValueStore {
    type Request = Request;
    type Reply = String;

    /// The value of a Get; writes are answered with nothing.
    async fn handle(
        replica: &impl Replica<Self>,
        Request { id, key, operation }: Request,
    ) -> Result<String, Rejection> {
        match operation {
            Operation::Get => replica.read(move |store| store.get(&key).to_owned()).await,
            Operation::Write(write) => {
                replica.propose(&Command { id, key, write }).await.map(|()| String::new())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state_machine::{decode, encode};

    #[test]
    fn a_repetition_across_a_snapshot_is_recognised() {
        let write = |number, write| Command {
            id: RequestId { client: 7, number },
            key: "k".to_owned(),
            write,
        };
        let mut store = KeyValueStore::default();
        assert_eq!(store.get("k"), "");
        store.apply(write(1, Write::Append("a".to_owned())));
        store.apply(write(2, Write::Append("b".to_owned())));
        let mut restored: KeyValueStore = decode(&encode(&store)).expect("its own snapshot");
        assert_eq!(restored, store);
        for number in [1, 2] {
            restored.apply(write(number, Write::Append("again".to_owned())));
        }
        assert_eq!(restored.get("k"), "ab");
        restored.apply(write(3, Write::Put("c".to_owned())));
        assert_eq!(restored.get("k"), "c");
    }
}
