//! A group of servers, each with a replica of one state machine.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use raft::verbose::Logger;
use raft::{FirstEntry, Instant, Reads};
use raft_tests::case::{LinkDirection, Links, PeerSet, Protocol, Script, Settings};
use raft_tests::cluster::{Cluster, expect};
use raft_tests::failure::Failure;
use raft_tests::hosted::SharedService;
use raft_tests::service::Snapshots;
use raft_tests::sim::disk::Latency;
use raft_tests::sim::network::{Connection, NetworkProfile};
use raft_tests::sim::random::{Domain, Stream};
use raft_tests::world::{LogSource, Setup};

use super::host::{Host, SnapshotLimit, Watch};
use crate::replica::{Rejection, Replica};
use crate::session::ClientId;
use crate::state_machine::{StateMachine, encode};

/// A group of servers, and the tester's operations on it. Clones share it.
pub struct Group<M: StateMachine> {
    cluster: Cluster,
    hosts: Rc<[Rc<RefCell<Host<M>>>]>,
}

/// Not derived: a group is shared, whether its state can be copied or not.
impl<M: StateMachine> Clone for Group<M> {
    fn clone(&self) -> Self {
        Self { cluster: self.cluster.clone(), hosts: Rc::clone(&self.hosts) }
    }
}

/// Replicas that wait for the world of their group.
pub struct GroupSetup<M: StateMachine> {
    setup: Setup,
    hosts: Rc<[Rc<RefCell<Host<M>>>]>,
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
        Group { cluster, hosts: self.hosts }
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
    pub const fn cluster(&self) -> &Cluster {
        &self.cluster
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
        self.hosts.iter().map(|host| host.borrow().snapshot_bytes()).max().unwrap_or_default()
    }

    /// Number of a server's life: a restart begins another one.
    #[must_use]
    pub fn life(&self, server: usize) -> u32 {
        self.hosts[server].borrow().stops()
    }

    /// Looks at a server's replica as it is, without asking the others.
    pub fn look<R>(&self, server: usize, query: impl FnOnce(&M) -> R) -> R {
        query(self.hosts[server].borrow().machine())
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
                expect(bytes <= most, format_args!("logs of at most {most} bytes, one has {bytes}"))
            }
        }
    }

    /// Checks that no request handler waits for what cannot come.
    ///
    /// # Errors
    /// One does.
    pub fn check_waiters(&self) -> Result<(), Failure> {
        for (server, host) in self.hosts.iter().enumerate() {
            let leads = self.cluster.is_leader(server);
            let is_open = |read| self.cluster.world().is_read_open(read);
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

impl<M: StateMachine> GroupReplica<'_, M> {
    fn host(&self) -> &Rc<RefCell<Host<M>>> {
        &self.group.hosts[self.server]
    }

    fn not_leader(&self) -> Rejection {
        let leader = self.host().borrow().leader();
        Rejection::NotLeader { leader: leader.filter(|leader| *leader != self.server) }
    }
}

impl<M: StateMachine> Replica<M> for GroupReplica<'_, M> {
    async fn propose(&self, command: &M::Command) -> Result<M::Answer, Rejection> {
        let cluster = &self.group.cluster;
        let command = raft_tests::cluster::Command::from(raft::Bytes::from(encode(command)));
        let client = LogSource::Client(self.client);
        let source = if self.client < FIRST_OF_TESTER { client } else { LogSource::Tester };
        let id = cluster.propose_as(self.server, &command, source);
        let id = id.ok_or_else(|| self.not_leader())?;
        let (resolver, answer) = cluster.tasks().promise(self.deadline);
        self.host().borrow_mut().await_entry(id, resolver);
        answer.await.unwrap_or(Err(Rejection::NoAnswer))
    }

    async fn read<R: Send + 'static>(
        &self,
        query: impl FnOnce(&M) -> R + Send + 'static,
    ) -> Result<R, Rejection> {
        let cluster = &self.group.cluster;
        // A follower could ask its leader for a read index: one hop more than its client needs.
        if !cluster.is_leader(self.server) {
            return Err(self.not_leader());
        }
        let read = cluster.begin_service_read(self.server).ok_or_else(|| self.not_leader())?;
        let (resolver, ready) = cluster.tasks().promise(self.deadline);
        self.host().borrow_mut().await_read(read, resolver);
        ready.await.unwrap_or(Err(Rejection::NoAnswer))?;
        Ok(query(self.host().borrow().machine()))
    }
}

/// Clients with a number from this one on are the tester's, or servers: they have no column in a log.
pub const FIRST_OF_TESTER: ClientId = 1 << 32;

/// Disks of servers that are as fast as those of other scenarios would let one client alone make
/// hundreds of operations a second: a scenario would take ten times as long as its faults need. With
/// these it makes as many as on the machines of published runs.
const DISK: Latency = Latency { min: Duration::from_micros(200), max: Duration::from_millis(15) };
