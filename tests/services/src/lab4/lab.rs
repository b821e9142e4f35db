//! A sharded service under test: a controller and three groups, each in a world of its own.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use raft_tests::cluster::Cluster;
use raft_tests::failure::Failure;
use raft_tests::sim::disk::log_bytes;
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
    calls: Calls,
    history: Rc<RefCell<History>>,
    clients: Rc<Cell<ClientId>>,
    texts: Rc<RefCell<Stream>>,
}

/// A client whose operations are recorded.
pub(crate) type Client = RecordedClient<ShardedClerk<Reach<Controller>, GroupLinks>>;

/// Links of a client or a server to the servers of all groups.
pub(crate) struct GroupLinks {
    groups: Rc<[Group<ShardedStore>]>,
    calls: Calls,
    client: ClientId,
    rng: RefCell<Stream>,
    /// The server whose links these are, and the life in which it has them.
    from: Option<(usize, usize, u32)>,
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
        let lab = Self { controllers, groups, limit, calls, history, clients, texts };
        for group in 0..lab.groups.len() {
            for server in 0..lab.groups[group].cluster().size() {
                let manager = manage(lab.clone(), group, server);
                lab.cluster().spawn(format!("manager of {group}-{server}"), manager);
            }
        }
        lab
    }

    /// The cluster whose tasks and streams are those of the tester.
    pub(crate) fn cluster(&self) -> &Cluster {
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

    fn links(&self, client: ClientId, from: Option<(usize, usize, u32)>) -> GroupLinks {
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
        let groups: Vec<GroupId> = groups.iter().map(|group| group_id(*group)).collect();
        self.controllers[0].admin().leave(&groups).await
    }

    pub(crate) fn crash(&self, group: usize) {
        self.groups[group].crash_all();
    }

    pub(crate) fn start(&self, group: usize) -> Result<(), Failure> {
        self.groups[group].start_all()
    }

    /// Makes all links reliable.
    pub(crate) fn make_reliable(&self) {
        self.groups.iter().for_each(|group| group.cluster().make_reliable());
        self.controllers.iter().for_each(|lab| lab.group.cluster().make_reliable());
    }

    /// Checks the log of each server, or that none has a snapshot.
    pub(crate) fn check_size(&self) -> Result<(), Failure> {
        self.groups.iter().try_for_each(|group| group.check_log_size(self.limit))
    }

    /// Bytes of the logs and snapshots of all servers of all groups.
    pub(crate) fn stored_bytes(&self) -> usize {
        let of_group = |group: &Group<ShardedStore>| -> usize {
            let world = group.cluster().world();
            let of_server = |server| {
                let disk = world.disk(server);
                log_bytes(disk) + disk.snapshot.as_ref().map_or(0, |snapshot| snapshot.data.len())
            };
            (0..world.size()).map(of_server).sum()
        };
        self.groups.iter().map(of_group).sum()
    }

    /// Checks the operations of all clients together, and the number of configurations.
    pub(crate) async fn check_history(&self) -> Result<(), Failure> {
        self.controllers[0].check_count().await?;
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
        let is_alive = self.from.is_none_or(|(group, server, life)| {
            let group = &self.groups[group];
            group.is_reachable(server) && group.life(server) == life
        });
        let link = if is_alive { Connection::Up } else { Connection::Cut };
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
async fn manage(lab: ShardedLab, group: usize, server: usize) {
    let servers = lab.groups[group].clone();
    let under_way: Rc<RefCell<BTreeSet<(u32, Work)>>> = Rc::default();
    let mut number = 0;
    loop {
        lab.sleep_ms(WORK_PAUSE_MS).await;
        if !servers.is_reachable(server) || !servers.cluster().is_leader(server) {
            continue;
        }
        let life = servers.life(server);
        let work: Vec<Work> = servers.look(server, |store| store.work().collect());
        for work in work {
            if !under_way.borrow_mut().insert((life, work.clone())) {
                continue;
            }
            number += 1;
            let client = MANAGERS | (group * SERVERS + server) as u64 | number << 8;
            let (lab, under_way) = (lab.clone(), Rc::clone(&under_way));
            lab.cluster().clone().spawn("work", async move {
                let links = lab.links(client, Some((group, server, life)));
                let deadline = lab.cluster().now().after(WORK_LIMIT);
                let replica = lab.groups[group].replica(server, client, deadline);
                let next = async {
                    let Work::Configure(number) = work else { return None };
                    let found = lab.controller(0, client).query(Some(number)).await;
                    found.ok()
                };
                let done = do_work(work.clone(), &replica, &links, next).await;
                if done == Ok(()) && matches!(work, Work::Configure(_)) {
                    lab.sleep_ms(POLL_PAUSE_MS).await;
                }
                under_way.borrow_mut().remove(&(life, work));
            });
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
