//! A group of servers, each with a replica of one state machine.

use std::cell::RefCell;
use std::rc::Rc;
#[cfg(feature = "real")]
use std::sync::{Arc, Mutex};
use std::time::Duration;

use raft::verbose::Logger;
use raft::{FirstEntry, Instant, Reads};
use raft_tests::case::{LinkDirection, Links, PeerSet, Protocol, Script, Settings};
use raft_tests::cluster::{Cluster, Testbed, expect};
use raft_tests::failure::Failure;
use raft_tests::hosted::SharedService;
#[cfg(feature = "real")]
use raft_tests::real::{RealGroup, RealRun, RealWorld};
use raft_tests::service::Snapshots;
use raft_tests::sim::disk::Latency;
use raft_tests::sim::network::{Connection, NetworkProfile};
#[cfg(feature = "real")]
use raft_tests::sim::random::mix;
use raft_tests::sim::random::{Domain, Stream};
use raft_tests::world::{LogSource, Setup};

use super::host::{Host, SnapshotLimit, Watch};
#[cfg(feature = "real")]
use super::real::{RealHost, RealServers, SharedStates, State, lock};
use crate::replica::{Rejection, Replica};
use crate::session::ClientId;
use crate::state_machine::{StateMachine, encode};

/// A group of servers, and the tester's operations on it. Clones share it.
pub struct Group<M: StateMachine> {
    cluster: Cluster<dyn Testbed>,
    servers: Servers<M>,
}

/// The servers of a group, in either world.
enum Servers<M: StateMachine> {
    Simulated(Cluster, Hosts<M>),
    #[cfg(feature = "real")]
    Real(RealServers<M>),
}

type Hosts<M> = Rc<[Rc<RefCell<Host<M>>>]>;

/// Not derived: a group is shared, whether its state can be copied or not.
impl<M: StateMachine> Clone for Group<M> {
    fn clone(&self) -> Self {
        let servers = match &self.servers {
            Servers::Simulated(cluster, hosts) => {
                Servers::Simulated(cluster.clone(), Rc::clone(hosts))
            }
            #[cfg(feature = "real")]
            Servers::Real(servers) => Servers::Real(servers.clone()),
        };
        Self { cluster: self.cluster.clone(), servers }
    }
}

/// Replicas that wait for the world of their group.
pub struct GroupSetup<M: StateMachine> {
    setup: Setup,
    hosts: Hosts<M>,
    #[cfg(feature = "real")]
    real: (M, u64, SnapshotLimit),
}

impl<M: StateMachine> GroupSetup<M> {
    /// A group of this many servers, each with a replica in this state at first.
    #[must_use]
    pub fn new(
        initial: &M,
        seed: u64,
        servers: usize,
        network: NetworkProfile,
        limit: SnapshotLimit,
        logger: Option<Logger>,
    ) -> Self {
        let host = || Rc::new(RefCell::new(Host::new(initial.clone(), limit)));
        let hosts: Rc<[_]> = (0..servers).map(|_| host()).collect();
        let services = hosts.iter().map(|host| Rc::clone(host) as SharedService).collect();
        let (settings, script) = (settings(seed, servers, network), Script::default());
        Self {
            setup: Setup { settings, script, logger, checkpoints: None, first_peer: 0, services },
            hosts,
            #[cfg(feature = "real")]
            real: (initial.clone(), seed, limit),
        }
    }

    /// Gives its peers numbers from this one on.
    #[must_use]
    pub fn numbered_from(mut self, first_peer: usize) -> Self {
        self.setup.first_peer = first_peer;
        self.hosts.iter().for_each(|host| host.borrow_mut().number_from(first_peer));
        self
    }

    /// Checks these rules after each entry that a replica applies.
    #[must_use]
    pub fn watched(self, watch: &Watch<M>) -> Self {
        self.hosts.iter().for_each(|host| host.borrow_mut().watch(Rc::clone(watch)));
        self
    }

    /// The setup of the group's world.
    #[must_use]
    pub fn world(&self) -> Setup {
        self.setup.clone()
    }

    /// The group, in its world.
    #[must_use]
    pub fn into_group(self, cluster: Cluster) -> Group<M> {
        let servers = Servers::Simulated(cluster.clone(), self.hosts);
        Group { cluster: cluster.of_any_world(), servers }
    }

    /// Its settings.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.setup.settings
    }

    /// Starts the group on real peers.
    ///
    /// # Errors
    /// One does not start.
    #[cfg(feature = "real")]
    pub fn start(self, run: &RealRun) -> Result<(Group<M>, RealGroup), Failure> {
        let Self {
            setup: Setup { settings, first_peer, .. }, real: (initial, seed, limit), ..
        } = self;
        let state = |_| Arc::new(Mutex::new(State::new(initial.clone())));
        let states: SharedStates<M> =
            Rc::new(RefCell::new((0..settings.peers).map(state).collect()));
        let newest = Rc::clone(&states);
        let host = move |server: usize| {
            let state = Arc::new(Mutex::new(State::new(initial.clone())));
            newest.borrow_mut()[server] = Arc::clone(&state);
            RealHost::new(state, limit)
        };
        let seed = mix(seed ^ first_peer as u64);
        let world = RealWorld::hosting(run, seed, settings, first_peer, host)?;
        let world = Rc::new(RefCell::new(world));
        let cluster = Cluster::new(Rc::clone(&world), run.tasks().clone()).of_any_world();
        let calls = run.calls().clone();
        let servers =
            Servers::Real(RealServers { world: Rc::clone(&world), states, calls, first_peer });
        Ok((Group { cluster, servers }, world))
    }
}

/// The labs' clusters, with what services need beyond the paper: a leader's first entry without a
/// client; in most runs leaders that step down without a majority, and in half of all reads by lease.
fn settings(seed: u64, servers: usize, network: NetworkProfile) -> Settings {
    let mut settings = Settings::lab(servers, network, Snapshots::Never);
    settings.first_entry = FirstEntry::NoOp;
    let lease = Reads::Lease { clock_drift_max: Duration::from_millis(10) };
    (settings.protocol, settings.reads) = Stream::new(seed, Domain::Settings, [0, 0]).pick(&[
        (Protocol::PAPER, Reads::ReadIndex),
        (Protocol::EXTENDED, Reads::ReadIndex),
        (Protocol::EXTENDED, lease),
        (Protocol::EXTENDED, lease),
    ]);
    settings.limits.chunk_bytes = 64 * 1024;
    settings.latency = DISK;
    settings
}

impl<M: StateMachine> Group<M> {
    /// The peers, and the tester's operations on them.
    #[must_use]
    pub const fn cluster(&self) -> &Cluster<dyn Testbed> {
        &self.cluster
    }

    /// The peers in the simulated world, for faults that it alone has.
    ///
    /// # Panics
    /// The group runs on real peers.
    #[must_use]
    pub fn simulated(&self) -> &Cluster {
        match &self.servers {
            Servers::Simulated(cluster, _) => cluster,
            #[cfg(feature = "real")]
            Servers::Real(_) => panic!("this scenario needs the simulated world"),
        }
    }

    /// Longest wait of a client for an answer.
    #[must_use]
    pub const fn call_timeout(&self) -> Duration {
        match &self.servers {
            Servers::Simulated(..) => CALL_TIMEOUT,
            #[cfg(feature = "real")]
            Servers::Real(_) => REAL_CALL_TIMEOUT,
        }
    }

    /// A server's replica, for the handler of a client's request that must be answered by a
    /// deadline.
    #[must_use]
    pub fn replica(
        &self,
        server: usize,
        client: ClientId,
        deadline: Instant,
    ) -> GroupReplica<'_, M> {
        GroupReplica { group: self, server, client, deadline }
    }

    /// Returns whether clients reach a server.
    #[must_use]
    pub fn is_reachable(&self, server: usize) -> bool {
        self.cluster.connection(server) == Connection::Up && self.cluster.status(server).is_some()
    }

    /// Connects all servers.
    pub fn connect_all(&self) {
        (0..self.cluster.size()).for_each(|server| self.cluster.connect(server));
    }

    /// Cuts the links between these servers and the others, and connects those within each side.
    /// Clients reach both sides.
    pub fn partition(&self, side: PeerSet) {
        let other = side.others(self.cluster.size());
        self.connect_all();
        let links = Links { from: side, to: other, direction: LinkDirection::Both };
        self.cluster.set_links(links, Connection::Cut);
    }

    /// Crashes all servers.
    pub fn crash_all(&self) {
        (0..self.cluster.size()).for_each(|server| self.cluster.crash(server));
    }

    /// Starts all servers from what they have persisted, and connects them.
    ///
    /// # Errors
    /// One does not start.
    pub fn start_all(&self) -> Result<(), Failure> {
        (0..self.cluster.size()).try_for_each(|server| self.cluster.start(server))?;
        self.connect_all();
        Ok(())
    }

    /// Size of the largest snapshot that a server has, in bytes.
    #[must_use]
    pub fn snapshot_bytes_max(&self) -> usize {
        let bytes_max = match &self.servers {
            Servers::Simulated(_, hosts) => {
                hosts.iter().map(|host| host.borrow().snapshot_bytes()).max()
            }
            #[cfg(feature = "real")]
            Servers::Real(servers) => {
                servers.states.borrow().iter().map(|state| lock(state).snapshot_bytes).max()
            }
        };
        bytes_max.unwrap_or_default()
    }

    /// Number of a server's life: a restart begins another one.
    #[must_use]
    pub fn life(&self, server: usize) -> u32 {
        match &self.servers {
            Servers::Simulated(_, hosts) => hosts[server].borrow().stops(),
            #[cfg(feature = "real")]
            Servers::Real(servers) => servers.world.borrow().life(server),
        }
    }

    /// Looks at a server's replica as it is, without asking the others.
    pub fn look<R>(&self, server: usize, query: impl FnOnce(&M) -> R) -> R {
        match &self.servers {
            Servers::Simulated(_, hosts) => query(hosts[server].borrow().machine()),
            #[cfg(feature = "real")]
            Servers::Real(servers) => query(&lock(&servers.states.borrow()[server]).machine),
        }
    }

    /// Checks the bounds on what servers store; only what was written meanwhile may be above them.
    ///
    /// # Errors
    /// A log is too long, or there is a snapshot where none is taken.
    pub fn check_log_size(&self, limit: SnapshotLimit) -> Result<(), Failure> {
        match limit {
            SnapshotLimit::Never => {
                let bytes = self.snapshot_bytes_max();
                expect(bytes == 0, format_args!("no snapshot, one has {bytes} bytes"))
            }
            SnapshotLimit::LogBytes(limit) => {
                let (bytes, most) = (self.cluster.log_bytes_max(), 8 * limit);
                let text = format_args!("logs of at most {most} bytes, one has {bytes}");
                // Real snapshots are written while the log grows.
                self.cluster.expect_exact_timing(bytes <= most, text)
            }
        }
    }

    /// Checks that no request handler waits for what cannot come; of real peers, the driver knows.
    ///
    /// # Errors
    /// One does.
    pub fn check_waiters(&self) -> Result<(), Failure> {
        let (cluster, hosts) = match &self.servers {
            Servers::Simulated(cluster, hosts) => (cluster, hosts),
            #[cfg(feature = "real")]
            Servers::Real(_) => return Ok(()),
        };
        for (server, host) in hosts.iter().enumerate() {
            let leads = cluster.is_leader(server);
            let is_open = |read| cluster.world().is_read_open(read);
            let lost = host.borrow().lost_waiters(leads, is_open);
            let text = format_args!("no handler of server {server} to wait in vain, {lost} do");
            expect(lost == 0, text)?;
        }
        Ok(())
    }

    /// The server that believes it leads, in the newest term.
    #[must_use]
    pub fn leader(&self) -> Option<usize> {
        self.cluster.leading()
    }
}

/// A server's replica, for one request.
pub struct GroupReplica<'a, M: StateMachine> {
    group: &'a Group<M>,
    server: usize,
    client: ClientId,
    deadline: Instant,
}

/// A server of the simulated world, for one request.
struct SimulatedServer<'a, M: StateMachine> {
    cluster: &'a Cluster,
    host: &'a Rc<RefCell<Host<M>>>,
    server: usize,
    deadline: Instant,
}

impl<M: StateMachine> SimulatedServer<'_, M> {
    fn not_leader(&self) -> Rejection {
        let leader = self.host.borrow().leader();
        Rejection::NotLeader { leader: leader.filter(|leader| *leader != self.server) }
    }

    async fn propose(self, client: ClientId, command: &M::Command) -> Result<M::Answer, Rejection> {
        let command = raft_tests::cluster::Command::from(raft::Bytes::from(encode(command)));
        let of_client = LogSource::Client(client);
        let source = if client < FIRST_OF_TESTER { of_client } else { LogSource::Tester };
        let id = self.cluster.propose_as(self.server, &command, source);
        let id = id.ok_or_else(|| self.not_leader())?;
        let (resolver, answer) = self.cluster.tasks().promise(self.deadline);
        self.host.borrow_mut().await_entry(id, resolver);
        answer.await.unwrap_or(Err(Rejection::NoAnswer))
    }

    async fn read<R>(self, query: impl FnOnce(&M) -> R) -> Result<R, Rejection> {
        // A follower could ask its leader for a read index: one hop more than its client needs.
        if !self.cluster.is_leader(self.server) {
            return Err(self.not_leader());
        }
        let read = self.cluster.begin_service_read(self.server);
        let read = read.ok_or_else(|| self.not_leader())?;
        let (resolver, ready) = self.cluster.tasks().promise(self.deadline);
        self.host.borrow_mut().await_read(read, resolver);
        ready.await.unwrap_or(Err(Rejection::NoAnswer))?;
        Ok(query(self.host.borrow().machine()))
    }
}

impl<M: StateMachine> GroupReplica<'_, M> {
    const fn simulated<'b>(
        &self,
        cluster: &'b Cluster,
        host: &'b Rc<RefCell<Host<M>>>,
    ) -> SimulatedServer<'b, M> {
        SimulatedServer { cluster, host, server: self.server, deadline: self.deadline }
    }
}

impl<M: StateMachine> Replica<M> for GroupReplica<'_, M> {
    async fn propose(&self, command: &M::Command) -> Result<M::Answer, Rejection> {
        match &self.group.servers {
            Servers::Simulated(cluster, hosts) => {
                self.simulated(cluster, &hosts[self.server]).propose(self.client, command).await
            }
            #[cfg(feature = "real")]
            Servers::Real(servers) => servers.propose(self.server, command, self.deadline).await,
        }
    }

    async fn read<R: Send + 'static>(
        &self,
        query: impl FnOnce(&M) -> R + Send + 'static,
    ) -> Result<R, Rejection> {
        match &self.group.servers {
            Servers::Simulated(cluster, hosts) => {
                self.simulated(cluster, &hosts[self.server]).read(query).await
            }
            #[cfg(feature = "real")]
            Servers::Real(servers) => servers.read(self.server, query, self.deadline).await,
        }
    }
}

/// Longest wait of a client for an answer.
pub const CALL_TIMEOUT: Duration = Duration::from_millis(100);

/// Longest wait of a client for an answer of real peers, whose threads and disks may stall.
#[cfg(feature = "real")]
const REAL_CALL_TIMEOUT: Duration = Duration::from_millis(300);

/// Clients with a number from this one on are the tester's, or servers: they have no column in a log.
pub const FIRST_OF_TESTER: ClientId = 1 << 32;

/// Disks of servers that are as fast as those of other scenarios would let one client alone make
/// hundreds of operations a second: a scenario would take ten times as long as its faults need. With
/// these it makes as many as on the machines of published runs.
const DISK: Latency = Latency { min: Duration::from_micros(200), max: Duration::from_millis(15) };
