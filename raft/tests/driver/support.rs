//! A counter, and a cluster of it in one process.

use std::net::TcpListener;
use std::time::Duration;

use raft::driver::{Builder, Machine, MachineError, Settings, Status, from_bytes, to_bytes};
use raft::storage::{MemoryStorage, Storage};
use raft::transport::memory::Hub;
use raft::transport::{Faults, FaultyTransport};
use raft::{Jitter, PeerId, Raft, StateMachine, Term};

/// Limit on any wait; longer ones hang.
pub(crate) const TEST_TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(crate) struct Counter {
    pub(crate) value: u64,
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Add(pub(crate) u64);

impl StateMachine for Counter {
    type Command = Add;
    type Answer = u64;

    fn apply(&mut self, Add(count): Add) -> u64 {
        self.value += count;
        self.value
    }

    fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
        to_bytes(&self.value)
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError> {
        self.value = from_bytes(snapshot)?;
        Ok(())
    }
}

/// A counter that wants a snapshot of every value that can be divided by `EVERY`.
#[derive(Default)]
pub(crate) struct Saving<const EVERY: u64>(pub(crate) Counter);

impl<const EVERY: u64> StateMachine for Saving<EVERY> {
    type Command = Add;
    type Answer = u64;

    fn apply(&mut self, command: Add) -> u64 {
        self.0.apply(command)
    }

    fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
        self.0.snapshot()
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError> {
        self.0.restore(snapshot)
    }

    fn wants_snapshot(&self) -> bool {
        self.0.value.is_multiple_of(EVERY)
    }
}

/// Peers 1 to n of one process, with stores that outlive them and a network that can be cut.
pub(crate) struct Cluster<M: Machine> {
    pub(crate) faults: Faults,
    pub(crate) stores: Vec<MemoryStorage>,
    pub(crate) rafts: Vec<Raft<M>>,
    hub: Hub,
}

impl<M: Machine> Cluster<M> {
    /// Starts `count` peers, each built as `build` says.
    pub(crate) async fn start(count: u64, build: impl Fn(Builder<M>) -> Builder<M>) -> Self {
        let mut cluster = Self::empty(count);
        for id in 1..=count {
            let raft = build(cluster.builder(id)).start().await.expect("all parts are there");
            cluster.rafts.push(raft);
        }
        cluster
    }

    /// No peers yet, of `count` in all.
    pub(crate) fn empty(count: u64) -> Self {
        Self {
            faults: Faults::new(|| 42),
            stores: (0..count).map(|_| MemoryStorage::default()).collect(),
            rafts: Vec::new(),
            hub: Hub::default(),
        }
    }

    /// A peer with its store and network, without a state machine.
    pub(crate) fn builder(&self, id: u64) -> Builder<M> {
        let store = self.stores.get(index(id)).cloned();
        self.without_store(id).storage(store.unwrap_or_default())
    }

    pub(crate) fn without_store(&self, id: u64) -> Builder<M> {
        let peer = PeerId::new(id);
        let transport = FaultyTransport::new(self.hub.join(peer), self.faults.clone());
        let peers = (1..=self.stores.len() as u64).map(|id| (id, format!("host-{id}:7000")));
        Raft::builder(id).peers(peers).transport(transport)
    }

    pub(crate) fn raft(&self, id: PeerId) -> &Raft<M> {
        &self.rafts[index(id.number())]
    }

    /// The leader, once all peers agree on it.
    pub(crate) async fn leader(&self) -> &Raft<M> {
        self.leader_among(&(1..=self.rafts.len() as u64).collect::<Vec<_>>()).await
    }

    /// The leader of these peers, once they agree on it in its term.
    pub(crate) async fn leader_among(&self, ids: &[u64]) -> &Raft<M> {
        loop {
            let first = self.raft(PeerId::new(ids[0]));
            let known = first.wait(|status| leader_in(status, ids), TEST_TIMEOUT).await;
            let known = known.expect("an election succeeds");
            let leader = known.leader.expect("checked by the condition");
            let follows = |status: &Status| {
                status.current_term >= known.current_term && leader_in(status, ids)
            };
            let mut agreed = true;
            for id in ids {
                let status = self.raft(PeerId::new(*id)).wait(follows, TEST_TIMEOUT).await;
                let status = status.expect("it follows the leader");
                agreed &=
                    status.leader == Some(leader) && status.current_term == known.current_term;
            }
            if agreed {
                return self.raft(leader);
            }
        }
    }

    /// Waits until every follower is known to have the whole log of `leader`. Its next entries then
    /// go to all of them in one turn, so that the outcome of an election does not depend on the
    /// faster follower.
    pub(crate) async fn wait_until_level(&self, leader: &Raft<M>) {
        let level = |status: &Status| {
            status.peers.len() == self.rafts.len() - 1
                && status.peers.iter().all(|peer| peer.match_index == status.last_log)
        };
        leader.wait(level, TEST_TIMEOUT).await.expect("all followers answer");
    }

    /// The peers other than `raft`.
    pub(crate) fn others(&self, raft: &Raft<M>) -> Vec<PeerId> {
        self.rafts.iter().map(Raft::id).filter(|id| *id != raft.id()).collect()
    }

    /// Cuts a peer off from all others.
    pub(crate) fn isolate(&self, peer: PeerId) {
        for other in self.rafts.iter().map(Raft::id).filter(|id| *id != peer) {
            self.faults.cut(peer, other);
        }
    }
}

fn leader_in(status: &Status, ids: &[u64]) -> bool {
    status.leader.is_some_and(|leader| ids.contains(&leader.number()))
}

fn index(id: u64) -> usize {
    usize::try_from(id).expect("a small number") - 1
}

/// Election timeouts for tests on the real clock of a slow machine in which peer 1 leads all the time: only its
/// first one is short, and a leader tolerates missing answers for as long as a long one.
pub(crate) struct FirstLeads(pub(crate) u64);

impl FirstLeads {
    /// The longest election timeout in a cluster of so many peers: one that is alone needs none that is long, and
    /// would wait for all of it after a restart.
    pub(crate) const fn longest(peers: usize) -> Duration {
        if peers == 1 { ElectionOrder::SHORTEST.saturating_mul(2) } else { ElectionOrder::LONGEST }
    }
}

impl Jitter for FirstLeads {
    fn draw(&mut self, term: Term) -> u64 {
        if (self.0, term.number()) == (1, 0) { 0 } else { u64::MAX }
    }
}

/// Election timeouts for tests on the real clock in which another peer follows as leader: peer 1 starts the
/// first election, peer 2 a later one. All others are long.
pub(crate) struct ElectionOrder(pub(crate) u64);

impl ElectionOrder {
    pub(crate) const SHORTEST: Duration = Duration::from_millis(300);
    pub(crate) const LONGEST: Duration = Duration::from_secs(30);
}

impl Jitter for ElectionOrder {
    fn draw(&mut self, term: Term) -> u64 {
        match (self.0, term.number()) {
            (1, 0) => 0,
            (2, 0 | 1) => u64::MAX / 11,
            _ => u64::MAX,
        }
    }
}

impl Cluster<Counter> {
    /// Starts `count` counters on stores around those in memory, on the real clock. Peer 1 leads.
    pub(crate) async fn start_with<S: Storage>(
        count: u64,
        settings: Settings,
        store: impl Fn(u64, MemoryStorage) -> S,
    ) -> Self {
        let mut cluster = Self::empty(count);
        for id in 1..=count {
            let storage = store(id, cluster.stores[index(id)].clone());
            let builder = cluster.without_store(id).state_machine(Counter::default());
            let builder = builder
                .election_timeout(ElectionOrder::SHORTEST, ElectionOrder::LONGEST)
                .jitter(ElectionOrder(id))
                .settings(settings.clone());
            let raft = builder.storage(storage).start().await.expect("all parts are there");
            cluster.rafts.push(raft);
        }
        cluster
    }
}

/// Three counters.
pub(crate) async fn counters() -> Cluster<Counter> {
    Cluster::start(3, |builder| builder.state_machine(Counter::default())).await
}

/// Addresses that were free a moment ago.
pub(crate) fn free_addresses<const N: usize>() -> [String; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("it is bound").to_string())
}
