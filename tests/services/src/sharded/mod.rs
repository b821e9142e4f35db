//! A sharded key-value service: groups of servers, each of which serves the shards that the
//! controller gives it, and hands them over while it serves the others.
//!
//! A group takes the controller's configurations one by one, each by an entry of its log, and the
//! next one when all shards of the last have come. A shard that goes is not served from that entry
//! on, and is kept until its new owner has it; one that comes is served from the entry on that
//! installs it. With a shard go its sessions. What is left to do follows from the replicated state
//! alone, so that any leader goes on with it ([`ShardedStore::work`]).

mod handler;
#[cfg(test)]
mod tests;
mod work;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::controller::{Configuration, GroupId, SHARDS};
use crate::key_value::Write;
use crate::session::{RequestId, Sessions};
use crate::state_machine::StateMachine;

pub use self::handler::{Reply, Request};
pub(crate) use self::work::ask;
pub use self::work::{Groups, Work, do_work};

/// The shard of a key.
#[must_use]
pub fn shard_of(key: &str) -> usize {
    key.bytes().next().map_or(0, |first| usize::from(first) % SHARDS)
}

/// Names of the servers of a group.
pub type ServerNames = Vec<String>;

/// A shard that goes from one group to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Transfer {
    /// The configuration that takes it from its former owner.
    pub configuration: u64,
    /// The shard.
    pub shard: usize,
}

/// Contents of a shard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    values: BTreeMap<String, String>,
    sessions: Sessions<()>,
}

impl Shard {
    /// Its keys and values.
    #[must_use]
    pub const fn values(&self) -> &BTreeMap<String, String> {
        &self.values
    }

    /// The sessions of the clients that wrote to it.
    #[must_use]
    pub const fn sessions(&self) -> &Sessions<()> {
        &self.sessions
    }
}

/// A shard that the configuration gives to the group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Owned {
    /// It is here.
    Serving(Shard),
    /// Its former owner has it.
    Awaited(Source),
}

/// The place of a shard that is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Source {
    /// The configuration that took it from its former owner.
    configuration: u64,
    /// The former owner's servers.
    servers: ServerNames,
}

/// The state of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardedStore {
    group: GroupId,
    configuration: Configuration,
    owned: BTreeMap<usize, Owned>,
    /// Shards that had an owner before and have none now.
    ownerless: BTreeMap<usize, Source>,
    /// Shards that other groups have not confirmed to have.
    kept: BTreeMap<Transfer, Shard>,
    /// Shards that are here and that their former owners may still keep.
    unconfirmed: BTreeMap<Transfer, ServerNames>,
}

/// A change of a group's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// A client's write.
    Write {
        /// Its name.
        id: RequestId,
        /// The key.
        key: String,
        /// The write.
        write: Write,
    },
    /// The next configuration.
    Configure(Configuration),
    /// A shard has come.
    Install(Transfer, Shard),
    /// The new owner has this shard: it is no longer kept.
    Delete(Transfer),
    /// The former owner no longer keeps this shard.
    Confirm(Transfer),
}

/// Result of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was applied.
    Done,
    /// The group does not serve the shard of the key.
    WrongGroup,
}

impl ShardedStore {
    /// A group that owns nothing.
    #[must_use]
    pub fn new(group: GroupId) -> Self {
        Self {
            group,
            configuration: Configuration::default(),
            owned: BTreeMap::new(),
            ownerless: BTreeMap::new(),
            kept: BTreeMap::new(),
            unconfirmed: BTreeMap::new(),
        }
    }

    /// The configuration in force.
    #[must_use]
    pub const fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// The contents of a shard that the group serves.
    #[must_use]
    pub fn serving(&self, shard: usize) -> Option<&Shard> {
        match self.owned.get(&shard)? {
            Owned::Serving(shard) => Some(shard),
            Owned::Awaited(_) => None,
        }
    }

    /// Shards that the configuration gives to the group and that have not come.
    pub fn awaited(&self) -> impl Iterator<Item = usize> {
        let awaited = self.owned.iter().filter(|(_, owned)| matches!(owned, Owned::Awaited(_)));
        awaited.map(|(shard, _)| *shard)
    }

    /// Shards that other groups have not confirmed to have.
    pub fn kept(&self) -> impl Iterator<Item = Transfer> {
        self.kept.keys().copied()
    }

    /// Returns whether nothing is left to do but to take the next configuration.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.has_all() && self.kept.is_empty() && self.unconfirmed.is_empty()
    }

    /// Returns whether all shards of the configuration have come.
    fn has_all(&self) -> bool {
        self.owned.values().all(|owned| matches!(owned, Owned::Serving(_)))
    }

    fn served(&self, key: &str) -> Option<&Shard> {
        self.serving(shard_of(key))
    }

    fn write(&mut self, id: RequestId, key: String, write: Write) -> Answer {
        let Some(Owned::Serving(shard)) = self.owned.get_mut(&shard_of(&key)) else {
            return Answer::WrongGroup;
        };
        let values = &mut shard.values;
        shard.sessions.once(id, || write.apply(values, key));
        Answer::Done
    }

    fn configure(&mut self, next: Configuration) {
        if next.number != self.configuration.number + 1 || !self.has_all() {
            return;
        }
        for shard in 0..SHARDS {
            let (before, after) = (self.configuration.shards[shard], next.shards[shard]);
            if before != after {
                self.change_owner(shard, before, after, next.number);
            }
        }
        self.configuration = next;
    }

    /// A shard is taken from its owner, if it has one, and given to another group, or to none: it waits
    /// at its former owner then.
    fn change_owner(
        &mut self,
        shard: usize,
        from: Option<GroupId>,
        to: Option<GroupId>,
        configuration: u64,
    ) {
        if from == Some(self.group)
            && let Some(Owned::Serving(contents)) = self.owned.remove(&shard)
        {
            self.kept.insert(Transfer { configuration, shard }, contents);
        }
        let source = match from {
            None => self.ownerless.remove(&shard),
            Some(from) => {
                let servers = self.configuration.groups.get(&from).cloned().unwrap_or_default();
                Some(Source { configuration, servers })
            }
        };
        match (to, source) {
            (Some(to), source) if to == self.group => {
                // One that never had an owner is empty.
                let empty = Owned::Serving(Shard::default());
                self.owned.insert(shard, source.map_or(empty, Owned::Awaited));
            }
            (None, Some(source)) => drop(self.ownerless.insert(shard, source)),
            (Some(_) | None, _) => {}
        }
    }

    /// A copy is installed once: that which is awaited, while it is.
    fn install(&mut self, transfer: Transfer, contents: Shard) {
        let Some(owned) = self.owned.get_mut(&transfer.shard) else { return };
        if let Owned::Awaited(Source { configuration, servers }) = owned
            && *configuration == transfer.configuration
        {
            self.unconfirmed.insert(transfer, std::mem::take(servers));
            *owned = Owned::Serving(contents);
        }
    }
}

impl StateMachine for ShardedStore {
    type Command = Command;
    type Answer = Answer;

    fn apply(&mut self, command: Command) -> Answer {
        match command {
            Command::Write { id, key, write } => return self.write(id, key, write),
            Command::Configure(next) => self.configure(next),
            Command::Install(transfer, contents) => self.install(transfer, contents),
            Command::Delete(transfer) => drop(self.kept.remove(&transfer)),
            Command::Confirm(transfer) => drop(self.unconfirmed.remove(&transfer)),
        }
        Answer::Done
    }
}
