//! Three nodes of openraft, with the simplest store in memory and calls instead of a network.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::Cursor;
use std::ops::RangeBounds;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use openraft::error::{InstallSnapshotError, RPCError, RaftError, Unreachable};
use openraft::network::{RPCOption, RaftNetwork, RaftNetworkFactory};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest, InstallSnapshotResponse,
    VoteRequest, VoteResponse,
};
use openraft::storage::{LogFlushed, RaftLogStorage, RaftStateMachine};
use openraft::{
    Config, Entry, EntryPayload, LogId, LogState, OptionalSend, Raft, RaftLogReader,
    RaftSnapshotBuilder, Snapshot, SnapshotMeta, SnapshotPolicy, StorageError, StoredMembership,
    Vote,
};

use crate::{Command, Contender, Fallible};

openraft::declare_raft_types!(
    pub(crate) Types: D = Put, R = u64, Node = ()
);

#[derive(Clone, Debug)]
pub(crate) struct Put(Command);

type Node = Raft<Types>;
type Rpc<T, E> = Result<T, RPCError<u64, (), RaftError<u64, E>>>;
type StoreResult<T> = Result<T, StorageError<u64>>;

#[derive(Clone)]
pub(crate) struct Cluster {
    nodes: Arc<OnceLock<Vec<Node>>>,
}

impl Contender for Cluster {
    async fn start() -> Fallible<Self> {
        let nodes = Arc::new(OnceLock::new());
        let config = Config {
            snapshot_policy: SnapshotPolicy::LogsSinceLast(100_000),
            max_in_snapshot_log_to_keep: 0,
            ..Config::default()
        };
        let config = Arc::new(config.validate()?);
        let mut all = Vec::new();
        for id in 0..3_u64 {
            let network = Network { nodes: Arc::clone(&nodes), target: id };
            let (log, machine) = (Log::default(), Machine::default());
            all.push(Node::new(id, Arc::clone(&config), network, log, machine).await?);
        }
        let first = all[0].clone();
        let _ = nodes.set(all);
        first.initialize(BTreeMap::from([(0, ()), (1, ()), (2, ())])).await?;
        first.wait(Some(Duration::from_secs(10))).current_leader(0, "the first one leads").await?;
        Ok(Self { nodes })
    }

    async fn write(&self, command: Command) {
        self.node().client_write(Put(command)).await.expect("it leads");
    }

    async fn end(self) {
        for node in self.nodes.get().into_iter().flatten() {
            node.shutdown().await.expect("it runs");
        }
    }
}

impl Cluster {
    fn node(&self) -> &Node {
        &self.nodes.get().expect("it has started")[0]
    }
}

#[derive(Clone)]
pub(crate) struct Network {
    nodes: Arc<OnceLock<Vec<Node>>>,
    target: u64,
}

impl Network {
    fn node<E: std::error::Error>(&self) -> Rpc<&Node, E> {
        let missing = || Unreachable::new(&std::io::Error::other("it has not started"));
        let nodes = self.nodes.get().ok_or_else(missing)?;
        Ok(&nodes[self.target as usize])
    }
}

impl RaftNetworkFactory<Types> for Network {
    type Network = Self;

    async fn new_client(&mut self, target: u64, _: &()) -> Self {
        Self { nodes: Arc::clone(&self.nodes), target }
    }
}

impl RaftNetwork<Types> for Network {
    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<Types>,
        _: RPCOption,
    ) -> Rpc<AppendEntriesResponse<u64>, openraft::error::Infallible> {
        let unreachable = |error| RPCError::Unreachable(Unreachable::new(&error));
        self.node()?.append_entries(rpc).await.map_err(unreachable)
    }

    async fn install_snapshot(
        &mut self,
        rpc: InstallSnapshotRequest<Types>,
        _: RPCOption,
    ) -> Rpc<InstallSnapshotResponse<u64>, InstallSnapshotError> {
        let unreachable = |error| RPCError::Unreachable(Unreachable::new(&error));
        self.node()?.install_snapshot(rpc).await.map_err(unreachable)
    }

    async fn vote(
        &mut self,
        rpc: VoteRequest<u64>,
        _: RPCOption,
    ) -> Rpc<VoteResponse<u64>, openraft::error::Infallible> {
        let unreachable = |error| RPCError::Unreachable(Unreachable::new(&error));
        self.node()?.vote(rpc).await.map_err(unreachable)
    }
}

/// A log in memory.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<LogInner>>);

#[derive(Default)]
struct LogInner {
    vote: Option<Vote<u64>>,
    purged: Option<LogId<u64>>,
    entries: BTreeMap<u64, Entry<Types>>,
}

impl RaftLogReader<Types> for Log {
    async fn try_get_log_entries<R: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: R,
    ) -> StoreResult<Vec<Entry<Types>>> {
        let inner = self.0.lock().expect("not poisoned");
        Ok(inner.entries.range(range).map(|(_, entry)| entry.clone()).collect())
    }
}

impl RaftLogStorage<Types> for Log {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> StoreResult<LogState<Types>> {
        let inner = self.0.lock().expect("not poisoned");
        let last_purged_log_id = inner.purged;
        let last = inner.entries.values().next_back().map(|entry| entry.log_id);
        Ok(LogState { last_purged_log_id, last_log_id: last.or(last_purged_log_id) })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote<u64>) -> StoreResult<()> {
        self.0.lock().expect("not poisoned").vote = Some(*vote);
        Ok(())
    }

    async fn read_vote(&mut self) -> StoreResult<Option<Vote<u64>>> {
        Ok(self.0.lock().expect("not poisoned").vote)
    }

    async fn append<I>(&mut self, entries: I, callback: LogFlushed<Types>) -> StoreResult<()>
    where
        I: IntoIterator<Item = Entry<Types>> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries = entries.into_iter().map(|entry| (entry.log_id.index, entry));
        self.0.lock().expect("not poisoned").entries.extend(entries);
        callback.log_io_completed(Ok(()));
        Ok(())
    }

    async fn truncate(&mut self, log_id: LogId<u64>) -> StoreResult<()> {
        self.0.lock().expect("not poisoned").entries.split_off(&log_id.index);
        Ok(())
    }

    async fn purge(&mut self, log_id: LogId<u64>) -> StoreResult<()> {
        let mut inner = self.0.lock().expect("not poisoned");
        inner.purged = Some(log_id);
        inner.entries = inner.entries.split_off(&(log_id.index + 1));
        Ok(())
    }
}

/// Counts commands.
#[derive(Clone, Default)]
pub(crate) struct Machine {
    count: u64,
    applied: Option<LogId<u64>>,
    membership: StoredMembership<u64, ()>,
    /// Shared with snapshot builders.
    snapshot: Arc<Mutex<Option<Made>>>,
}

#[derive(Clone)]
struct Made {
    meta: SnapshotMeta<u64, ()>,
    count: u64,
}

impl Machine {
    fn keep(&self, meta: SnapshotMeta<u64, ()>) {
        let made = Made { meta, count: self.count };
        *self.snapshot.lock().expect("not poisoned") = Some(made);
    }
}

impl RaftStateMachine<Types> for Machine {
    type SnapshotBuilder = Self;

    async fn applied_state(
        &mut self,
    ) -> StoreResult<(Option<LogId<u64>>, StoredMembership<u64, ()>)> {
        Ok((self.applied, self.membership.clone()))
    }

    async fn apply<I>(&mut self, entries: I) -> StoreResult<Vec<u64>>
    where
        I: IntoIterator<Item = Entry<Types>> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut answers = Vec::new();
        for entry in entries {
            self.applied = Some(entry.log_id);
            match entry.payload {
                EntryPayload::Blank => {}
                EntryPayload::Normal(Put(command)) => self.count += u64::from(command[8] & 1) + 1,
                EntryPayload::Membership(membership) => {
                    self.membership = StoredMembership::new(Some(entry.log_id), membership);
                }
            }
            answers.push(self.count);
        }
        Ok(answers)
    }

    async fn get_snapshot_builder(&mut self) -> Self {
        self.clone()
    }

    async fn begin_receiving_snapshot(&mut self) -> StoreResult<Box<Cursor<Vec<u8>>>> {
        Ok(Box::default())
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta<u64, ()>,
        snapshot: Box<Cursor<Vec<u8>>>,
    ) -> StoreResult<()> {
        let bytes = snapshot.into_inner();
        self.count = bytes.try_into().map_or(0, u64::from_le_bytes);
        self.applied = meta.last_log_id;
        self.membership = meta.last_membership.clone();
        self.keep(meta.clone());
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> StoreResult<Option<Snapshot<Types>>> {
        let made = self.snapshot.lock().expect("not poisoned");
        Ok(made.as_ref().map(|made| Snapshot {
            meta: made.meta.clone(),
            snapshot: Box::new(Cursor::new(made.count.to_le_bytes().to_vec())),
        }))
    }
}

impl RaftSnapshotBuilder<Types> for Machine {
    async fn build_snapshot(&mut self) -> StoreResult<Snapshot<Types>> {
        let meta = SnapshotMeta {
            last_log_id: self.applied,
            last_membership: self.membership.clone(),
            snapshot_id: self.applied.map_or(0, |id| id.index).to_string(),
        };
        self.keep(meta.clone());
        let snapshot = Box::new(Cursor::new(self.count.to_le_bytes().to_vec()));
        Ok(Snapshot { meta, snapshot })
    }
}
