//! A sharded service under test: a controller and three groups, each in a world of its own.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use raft_tests::case::PeerSet;
use raft_tests::cluster::{Cluster, Testbed};
use raft_tests::failure::Failure;
use raft_tests::sim::network::Connection;
use raft_tests::sim::random::Stream;

use super::controller::ControllerLab;
use crate::client::Patience;
use crate::controller::{Change, Controller, ControllerClerk, GroupId};
use crate::history::History;
use crate::recorded_client::RecordedClient;
use crate::replica::Rejection;
use crate::session::ClientId;
use crate::sharded::{Groups, Reply, Request, ShardedStore, Work, do_work};
use crate::sharded_clerk::ShardedClerk;
use crate::world::{Calls, Group, Reach, SnapshotLimit, Target};

/// The sharded service of a run. Clones share it.
#[derive(Clone)]
pub(crate) struct ShardedLab {
    pub(crate) controllers: Vec<ControllerLab>,
    pub(crate) groups: Rc<[Group<ShardedStore>]>,
    pub(crate) limit: SnapshotLimit,
    /// Cut routes, each from a group to where its calls do not go through.
    pub(crate) routes: Rc<RefCell<BTreeSet<(usize, Callee)>>>,
    calls: Calls,
    history: Rc<RefCell<History>>,
    clients: Rc<Cell<ClientId>>,
    texts: Rc<RefCell<Stream>>,
}

/// Callee of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Callee {
    /// The groups' controller.
    Controller,
    /// A group, by its place.
    Group(usize),
}

/// A client whose operations are recorded.
pub(crate) type Client = RecordedClient<ShardedClerk<Reach<Controller>, GroupLinks>>;

/// Links of a client or a server to the servers of all groups.
pub(crate) struct GroupLinks {
    groups: Rc<[Group<ShardedStore>]>,
    calls: Calls,
    client: ClientId,
    rng: RefCell<Stream>,
    from: Option<Caller>,
}

/// The server whose links these are.
struct Caller {
    group: usize,
    server: usize,
    /// The life in which it has them.
    life: u32,
    routes: Rc<RefCell<BTreeSet<(usize, Callee)>>>,
}

impl ShardedLab {
    /// A service whose servers have just started.
    pub(crate) fn new(
        controllers: Vec<ControllerLab>,
        groups: Vec<Group<ShardedStore>>,
        limit: SnapshotLimit,
        calls: Calls,
        history: Rc<RefCell<History>>,
    ) -> Self {
        let groups = groups.into();
        let rng = controllers[0].group.cluster().client_rng(TEXTS);
        let (clients, texts) = (Rc::default(), Rc::new(RefCell::new(rng)));
        let routes = Rc::default();
        let lab = Self { controllers, groups, limit, routes, calls, history, clients, texts };
        for group in 0..lab.groups.len() {
            for server in 0..lab.groups[group].cluster().size() {
                let manager = Manager::new(&lab, group, server);
                lab.cluster().spawn(format!("manager of {group}-{server}"), manager.run());
            }
        }
        lab
    }

    /// All groups of peers, the controller's first.
    fn clusters(&self) -> impl Iterator<Item = &Cluster<dyn Testbed>> {
        let controllers = self.controllers.iter().map(|lab| lab.group.cluster());
        controllers.chain(self.groups.iter().map(Group::cluster))
    }

    /// The same in the simulated world.
    pub(crate) fn simulated(&self) -> impl Iterator<Item = &Cluster> {
        let controllers = self.controllers.iter().map(|lab| lab.group.simulated());
        controllers.chain(self.groups.iter().map(Group::simulated))
    }

    /// Number of clients so far.
    pub(crate) fn clients(&self) -> ClientId {
        self.clients.get()
    }

    /// The cluster whose tasks and streams are those of the tester.
    pub(crate) fn cluster(&self) -> &Cluster<dyn Testbed> {
        self.controllers[0].group.cluster()
    }

    pub(crate) fn client(&self) -> Client {
        self.client_of(0)
    }

    /// A client of one of the controllers.
    pub(crate) fn client_of(&self, controller: usize) -> Client {
        let id = self.clients.get();
        self.clients.set(id + 1);
        let clerk = ShardedClerk::new(id, self.controller(controller, id), self.links(id, None));
        RecordedClient { clerk, client: id, history: Rc::clone(&self.history) }
    }

    fn controller(&self, controller: usize, id: ClientId) -> ControllerClerk<Reach<Controller>> {
        let reach = self.controllers[controller].reach(id);
        ControllerClerk::new(id, reach, Patience::Unlimited)
    }

    fn links(&self, client: ClientId, from: Option<Caller>) -> GroupLinks {
        let (groups, calls) = (Rc::clone(&self.groups), self.calls.clone());
        let rng = RefCell::new(self.cluster().client_rng(LINKS | client));
        GroupLinks { groups, calls, client, rng, from }
    }

    pub(crate) async fn sleep_ms(&self, ms: u64) {
        self.cluster().sleep(Duration::from_millis(ms)).await;
    }

    /// Groups join the controller, by their places.
    pub(crate) async fn join(&self, groups: &[usize]) -> Result<(), Failure> {
        self.join_at(0, groups).await
    }

    pub(crate) async fn join_at(&self, at: usize, groups: &[usize]) -> Result<(), Failure> {
        let names = |group: usize| {
            (0..SERVERS).map(|server| format!("{}-{server}", group_id(group))).collect()
        };
        let groups = groups.iter().map(|group| (group_id(*group), names(*group)));
        self.controllers[at].admin().change(Change::Join(groups.collect())).await
    }

    /// Groups leave the controller.
    pub(crate) async fn leave(&self, groups: &[usize]) -> Result<(), Failure> {
        self.change(Change::Leave(groups.iter().map(|group| group_id(*group)).collect())).await
    }

    /// Asks the controller for a change.
    pub(crate) async fn change(&self, change: Change) -> Result<(), Failure> {
        self.controllers[0].admin().change(change).await
    }

    pub(crate) fn crash(&self, group: usize) {
        self.groups[group].crash_all();
    }

    pub(crate) fn start(&self, group: usize) -> Result<(), Failure> {
        self.groups[group].start_all()
    }

    /// Makes all links reliable.
    pub(crate) fn make_reliable(&self) {
        self.clusters().for_each(Cluster::make_reliable);
    }

    /// Checks the log of each server, or that none has a snapshot.
    pub(crate) fn check_size(&self) -> Result<(), Failure> {
        self.groups.iter().try_for_each(|group| group.check_log_size(self.limit))
    }

    /// Bytes of the logs and snapshots of all servers of all groups.
    pub(crate) fn stored_bytes(&self) -> usize {
        let of_group = |group: &Group<ShardedStore>| -> usize {
            let world = group.cluster().world();
            (0..world.size()).map(|server| world.stored_bytes(server)).sum()
        };
        self.groups.iter().map(of_group).sum()
    }

    /// Checks the operations of all clients together, and the number of configurations.
    pub(crate) async fn check_history(&self) -> Result<(), Failure> {
        self.controllers[0].check_count().await?;
        self.groups.iter().try_for_each(Group::check_waiters)?;
        let undecided = self.history.borrow().check()?;
        self.cluster().add_undecided(undecided);
        Ok(())
    }

    /// A random text.
    pub(crate) fn text(&self, length: usize) -> String {
        let mut rng = self.texts.borrow_mut();
        (0..length).map(|_| char::from(b'a' + rng.below(26) as u8)).collect()
    }
}

impl Groups for GroupLinks {
    async fn call(&self, server: &str, request: Request) -> Result<Reply, Rejection> {
        let Some((group, server)) = address(server, self.groups.len()) else {
            return Err(Rejection::NoAnswer);
        };
        let reaches = |from: &Caller| {
            let own = &self.groups[from.group];
            let is_cut = from.routes.borrow().contains(&(from.group, Callee::Group(group)));
            own.is_reachable(from.server) && own.life(from.server) == from.life && !is_cut
        };
        let is_up = self.from.as_ref().is_none_or(reaches);
        let link = if is_up { Connection::Up } else { Connection::Cut };
        let target = Target { group: &self.groups[group], server, link };
        self.calls.call(target, self.client, &self.rng, request).await
    }
}

/// The group and the server of a name.
fn address(name: &str, groups: usize) -> Option<(usize, usize)> {
    let (group, server) = name.split_once('-')?;
    let group = usize::try_from(group.parse::<GroupId>().ok()?.checked_sub(group_id(0))?).ok()?;
    Some((group, server.parse().ok()?))
        .filter(|(group, server)| *group < groups && *server < SERVERS)
}

/// Lets one server do its group's work, while it leads, life after life.
struct Manager {
    lab: ShardedLab,
    group: usize,
    server: usize,
    client: ClientId,
    controller: Rc<ControllerClerk<Reach<Controller>>>,
    /// Work that was begun and has not ended, with the life in which it was begun.
    under_way: Rc<RefCell<BTreeSet<(u32, Work)>>>,
}

impl Manager {
    fn new(lab: &ShardedLab, group: usize, server: usize) -> Self {
        let client = MANAGERS | (group * SERVERS + server) as u64;
        let controller = Rc::new(lab.controller(0, client));
        Self { lab: lab.clone(), group, server, client, controller, under_way: Rc::default() }
    }

    async fn run(self) {
        let servers = self.lab.groups[self.group].clone();
        let controllers = PeerSet::first(self.lab.cluster().size());
        for turn in 0.. {
            self.lab.sleep_ms(WORK_PAUSE_MS).await;
            let is_cut = self.lab.routes.borrow().contains(&(self.group, Callee::Controller));
            let reached = if is_cut { PeerSet::NONE } else { controllers };
            self.controller.servers().enabled.set(reached);
            if !servers.is_reachable(self.server) || !servers.cluster().is_leader(self.server) {
                continue;
            }
            let life = servers.life(self.server);
            let work: Vec<Work> = servers.look(self.server, |store| store.work().collect());
            for (work, number) in work.into_iter().zip(0..) {
                if self.under_way.borrow_mut().insert((life, work.clone())) {
                    let client = self.client | (turn << 8 | number) << 8;
                    self.lab.cluster().spawn("work", self.begin(work, life, client));
                }
            }
        }
    }

    /// Does a piece of work as far as possible now; `client` names the stream of its calls.
    fn begin(&self, work: Work, life: u32, client: ClientId) -> impl Future<Output = ()> + 'static {
        let (lab, group, server) = (self.lab.clone(), self.group, self.server);
        let (controller, under_way) = (Rc::clone(&self.controller), Rc::clone(&self.under_way));
        async move {
            let routes = Rc::clone(&lab.routes);
            let links = lab.links(client, Some(Caller { group, server, life, routes }));
            let deadline = lab.cluster().now().after(WORK_LIMIT);
            let replica = lab.groups[group].replica(server, client, deadline);
            let next = async {
                let Work::Configure(number) = work else { return None };
                controller.query(Some(number)).await.ok()
            };
            let done = do_work(work.clone(), &replica, &links, next).await;
            if done == Ok(()) && matches!(work, Work::Configure(_)) {
                lab.sleep_ms(POLL_PAUSE_MS).await;
            }
            under_way.borrow_mut().remove(&(life, work));
        }
    }
}

/// The name of a group.
pub(crate) const fn group_id(group: usize) -> GroupId {
    100 + group as GroupId
}

/// Servers of a group.
pub(crate) const SERVERS: usize = 3;

/// A leader looks for work this often.
const WORK_PAUSE_MS: u64 = 25;

/// Pause between two queries for the next configuration.
const POLL_PAUSE_MS: u64 = 75;

/// Time for a piece of work, after which it begins again.
const WORK_LIMIT: Duration = Duration::from_secs(1);

/// Numbers of managers' calls, beyond those of clients.
const MANAGERS: ClientId = 1 << 40;

/// Streams of links to groups, beyond those to the controller.
const LINKS: ClientId = 1 << 50;

/// The stream of random texts.
const TEXTS: u64 = 1 << 61;
