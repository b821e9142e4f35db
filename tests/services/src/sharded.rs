//! A sharded key-value service: groups of servers, each of which serves the shards that the
//! controller gives it, and hands them over while it serves the others.
//!
//! A group takes the controller's configurations one by one, each by an entry of its log, and the
//! next one when all shards of the last have come. A shard that goes is not served from that entry
//! on, and is kept until its new owner has it; one that comes is served from the entry on that
//! installs it. With a shard go its sessions. What is left to do follows from the replicated state
//! alone, so that any leader goes on with it ([`ShardedStore::work`]).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::controller::{Configuration, GroupId, SHARDS};
use crate::key_value::{Operation, Write};
use crate::replica::{Rejection, Replica, Service};
use crate::session::{RequestId, Sessions};
use crate::state_machine::StateMachine;

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

/// Work that the leader of a group has to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// Take this configuration, once there is one.
    Configure(u64),
    /// Fetch a shard from these servers.
    Fetch(Transfer, ServerNames),
    /// Let these servers delete a shard that is here.
    Confirm(Transfer, ServerNames),
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

    /// Work that is left.
    pub fn work(&self) -> impl Iterator<Item = Work> {
        let configuration = self.configuration.number;
        let fetch = |(shard, owned): (&usize, &Owned)| match owned {
            Owned::Awaited(Source { configuration, servers }) => {
                let transfer = Transfer { configuration: *configuration, shard: *shard };
                Some(Work::Fetch(transfer, servers.clone()))
            }
            Owned::Serving(_) => None,
        };
        let confirm = |(transfer, servers): (&Transfer, &ServerNames)| {
            Work::Confirm(*transfer, servers.clone())
        };
        let next = self.has_all().then_some(Work::Configure(configuration + 1));
        let fetches = self.owned.iter().filter_map(fetch);
        next.into_iter().chain(fetches).chain(self.unconfirmed.iter().map(confirm))
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

impl Service for ShardedStore {
    type Request = Request;
    type Reply = Reply;

    async fn handle(replica: &impl Replica<Self>, request: Request) -> Result<Reply, Rejection> {
        match request {
            Request::Client { key, operation: Operation::Get, .. } => {
                let value = |store: &Self| match store.served(&key) {
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
                let kept = |store: &Self| {
                    store.kept.get(&transfer).cloned().map_or(Reply::NotKept, Reply::Shard)
                };
                replica.read(kept).await
            }
            Request::Delete(transfer) => {
                let is_kept = |store: &Self| store.kept.contains_key(&transfer);
                if replica.read(is_kept).await? {
                    replica.propose(&Command::Delete(transfer)).await?;
                }
                Ok(Reply::Deleted)
            }
        }
    }
}

/// Servers of all groups, as a client or another server reaches them.
pub trait Groups {
    /// Calls a server by its name.
    ///
    /// # Errors
    /// The server's rejection, or no answer.
    fn call(
        &self,
        server: &str,
        request: Request,
    ) -> impl Future<Output = Result<Reply, Rejection>>;
}

/// Does a piece of work, as far as possible now; `next` is the configuration after the group's, if
/// there is one.
///
/// # Errors
/// The group's own server no longer leads.
pub async fn do_work(
    work: Work,
    replica: &impl Replica<ShardedStore>,
    groups: &impl Groups,
    next: impl Future<Output = Option<Configuration>>,
) -> Result<(), Rejection> {
    match work {
        Work::Configure(number) => {
            if let Some(next) = next.await.filter(|next| next.number == number) {
                replica.propose(&Command::Configure(next)).await?;
            }
        }
        Work::Fetch(transfer, servers) => {
            if let Some(Reply::Shard(shard)) =
                ask(groups, &servers, &Request::Fetch(transfer)).await
            {
                replica.propose(&Command::Install(transfer, shard)).await?;
            }
        }
        Work::Confirm(transfer, servers) => {
            if let Some(Reply::Deleted) = ask(groups, &servers, &Request::Delete(transfer)).await {
                replica.propose(&Command::Confirm(transfer)).await?;
            }
        }
    }
    Ok(())
}

/// Asks the servers of a group, each once, or the one that another names as its leader; the first
/// answer.
async fn ask(groups: &impl Groups, servers: &[String], request: &Request) -> Option<Reply> {
    let mut server = 0;
    for _ in 0..servers.len() {
        match groups.call(servers.get(server)?, request.clone()).await {
            Ok(reply) => return Some(reply),
            Err(Rejection::NotLeader { leader: Some(leader) }) => server = leader,
            Err(Rejection::NotLeader { .. } | Rejection::LeadershipLost | Rejection::NoAnswer) => {
                server = (server + 1) % servers.len();
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(number: u64, owner: GroupId) -> Configuration {
        let groups = [1, 2].map(|group| (group, vec![format!("{group}-0")])).into();
        Configuration { number, shards: [Some(owner); SHARDS], groups }
    }

    fn append(number: u64) -> Command {
        let (id, key) = (RequestId { client: 1, number }, "a".to_owned());
        Command::Write { id, key, write: Write::Append(format!("{number} ")) }
    }

    fn transfer(configuration: u64) -> Transfer {
        Transfer { configuration, shard: shard_of("a") }
    }

    fn value(store: &ShardedStore) -> Option<&str> {
        store.served("a").map(|shard| shard.values.get("a").map_or("", String::as_str))
    }

    #[test]
    fn a_shard_moves_with_its_sessions_and_is_served_by_one_group() {
        let (mut one, mut two) = (ShardedStore::new(1), ShardedStore::new(2));
        assert_eq!(one.apply(append(1)), Answer::WrongGroup, "nothing is owned");
        for store in [&mut one, &mut two] {
            store.apply(Command::Configure(configuration(1, 1)));
        }
        assert_eq!(one.apply(append(1)), Answer::Done);
        one.apply(Command::Configure(configuration(3, 2)));
        assert_eq!(value(&one), Some("1 "), "a configuration that is not the next is ignored");
        for store in [&mut one, &mut two] {
            store.apply(Command::Configure(configuration(2, 2)));
            assert_eq!(store.apply(append(2)), Answer::WrongGroup);
        }
        two.apply(Command::Configure(configuration(3, 1)));
        assert!(two.work().any(|work| work == Work::Fetch(transfer(2), vec!["1-0".to_owned()])));
        let copy = one.kept[&transfer(2)].clone();
        for _ in 0..2 {
            two.apply(Command::Install(transfer(2), copy.clone()));
            two.apply(append(1));
            two.apply(append(2));
            assert_eq!(value(&two), Some("1 2 "), "installed once, with its sessions");
        }
        let confirm = Work::Confirm(transfer(2), vec!["1-0".to_owned()]);
        assert!(two.work().any(|work| work == confirm));
        one.apply(Command::Delete(transfer(2)));
        two.apply(Command::Confirm(transfer(2)));
        assert!(!one.kept.contains_key(&transfer(2)) && two.work().all(|work| work != confirm));
    }

    #[test]
    fn a_shard_without_an_owner_waits_at_its_last_one() {
        let (mut one, mut two) = (ShardedStore::new(1), ShardedStore::new(2));
        let empty = Configuration { number: 2, ..Configuration::default() };
        for store in [&mut one, &mut two] {
            store.apply(Command::Configure(configuration(1, 1)));
        }
        one.apply(append(1));
        for next in [empty, configuration(3, 2)] {
            two.apply(Command::Configure(next));
        }
        assert_eq!(value(&two), None, "the last owner may still serve it");
        let fetch = Work::Fetch(transfer(2), vec!["1-0".to_owned()]);
        assert!(two.work().any(|work| work == fetch));
        one.apply(Command::Configure(Configuration { number: 2, ..Configuration::default() }));
        assert_eq!(value(&one), None);
        let copy = one.kept[&transfer(2)].clone();
        two.apply(Command::Install(transfer(2), copy));
        assert_eq!(value(&two), Some("1 "));
    }

    #[test]
    fn a_late_deletion_spares_a_shard_that_came_back_and_went_again() {
        let mut one = ShardedStore::new(1);
        one.apply(Command::Configure(configuration(1, 1)));
        one.apply(append(1));
        one.apply(Command::Configure(configuration(2, 2)));
        let copy = one.kept[&transfer(2)].clone();
        one.apply(Command::Configure(configuration(3, 1)));
        for shard in 0..SHARDS {
            let transfer = Transfer { configuration: 3, shard };
            one.apply(Command::Install(transfer, copy.clone()));
        }
        one.apply(Command::Configure(configuration(4, 2)));
        one.apply(Command::Delete(transfer(2)));
        assert!(one.kept.contains_key(&transfer(4)));
    }

    #[test]
    fn keys_are_in_the_shards_of_the_lab() {
        let keys = ["0", "1", "2", "9", "10", "19", "20", ""];
        assert_eq!(keys.map(shard_of), [8, 9, 0, 7, 9, 9, 0, 0]);
    }
}
