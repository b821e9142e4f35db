//! The nemesis: recurring events, each kind a task with streams of its own.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use raft_tests::case::{LinkDirection, Links, PeerSet};
use raft_tests::cluster::Cluster;
use raft_tests::failure::Failure;
use raft_tests::sim::disk::{Damage, Latency};
use raft_tests::sim::network::Connection;
use raft_tests::sim::random::{Chance, Domain, Stream};
use raft_tests::swarm::Phase;

use super::plan::{Fault, FaultKind, Plan};
use crate::controller::{Change, SHARDS};
use crate::lab4::lab::{Callee, ShardedLab, group_id};

/// Starts the recurring events of a plan.
pub(super) fn start(lab: &ShardedLab, plan: &Plan, phase: &Rc<Cell<Phase>>, happened: &Happened) {
    for fault in plan.faults.iter().cloned() {
        let (lab, phase, happened) = (lab.clone(), Rc::clone(phase), Rc::clone(happened));
        let nemesis = Nemesis { lab, kind: fault.kind, phase, happened };
        let cluster = nemesis.lab.cluster().clone();
        cluster.spawn(fault.kind.task_name(), async move { nemesis.run(fault).await });
    }
}

/// The faults that have happened, by their numbers.
pub(crate) type Happened = Rc<RefCell<BTreeSet<(FaultKind, u64)>>>;

/// Events of one kind.
struct Nemesis {
    lab: ShardedLab,
    kind: FaultKind,
    phase: Rc<Cell<Phase>>,
    happened: Happened,
}

impl Nemesis {
    async fn run(self, Fault { gap, events, .. }: Fault) {
        for number in 0.. {
            let names = [SERVICES + self.kind as u64, number];
            let mut rng = Stream::new(self.lab.cluster().seed(), Domain::Nemesis, names);
            let first = self.kind == FaultKind::Join && number == 0;
            let pause = if first { Duration::ZERO } else { rng.between(gap / 4, gap * 2) };
            self.lab.cluster().sleep(pause).await;
            if self.phase.get() == Phase::Liveness {
                return;
            }
            if events.as_ref().is_some_and(|events| !events.contains(&number)) {
                continue;
            }
            self.happened.borrow_mut().insert((self.kind, number));
            if let Err(failure) = self.inject(&mut rng).await {
                self.lab.controllers[0].group.simulated().fail(failure);
            }
        }
    }

    async fn inject(&self, rng: &mut Stream) -> Result<(), Failure> {
        match self.kind {
            FaultKind::Join => self.lab.join(&self.groups(rng)).await,
            FaultKind::Leave => self.lab.leave(&self.groups(rng)).await,
            FaultKind::Move => {
                let (shard, group) =
                    (rng.index(SHARDS), group_id(rng.index(self.lab.groups.len())));
                self.lab.change(Change::Move { shard, group }).await
            }
            FaultKind::CrashServer => {
                let (cluster, server) = self.server(rng);
                cluster.stop(server, Damage::Drawn);
                self.start_after(rng, cluster, &[server]).await
            }
            FaultKind::CrashGroup => {
                let cluster = self.cluster(rng);
                let all: Vec<usize> = (0..cluster.size()).collect();
                all.iter().for_each(|server| cluster.stop(*server, Damage::Drawn));
                self.start_after(rng, cluster, &all).await
            }
            FaultKind::Snapshot => self.snapshot(rng).await,
            FaultKind::Partition => {
                let cluster = self.cluster(rng);
                let one = (0..cluster.size()).filter(|_| rng.happens(Chance::of(1, 2)));
                let from: PeerSet = one.collect();
                let direction = rng.pick(&[LinkDirection::Both, LinkDirection::One]);
                let links = Links { from, to: from.others(cluster.size()), direction };
                cluster.set_links(links, Connection::Cut);
                self.last(rng).await;
                cluster.set_links(links, Connection::Up);
                Ok(())
            }
            FaultKind::CutRoute => {
                let groups = self.lab.groups.len();
                let (from, to) = (rng.index(groups), rng.index(groups + 1));
                let to = if to == groups { Callee::Controller } else { Callee::Group(to) };
                self.lab.routes.borrow_mut().insert((from, to));
                self.last(rng).await;
                self.lab.routes.borrow_mut().remove(&(from, to));
                Ok(())
            }
            FaultKind::Pause => {
                let (cluster, server) = self.server(rng);
                cluster.pause(server, rng.log_uniform(LENGTH_MIN, LENGTH_MAX));
                Ok(())
            }
            FaultKind::Depose => {
                let cluster = self.cluster(rng);
                let to = rng.index(cluster.size());
                match cluster.leading() {
                    Some(leader) if leader == to => cluster.resign(leader),
                    Some(leader) => cluster.transfer(leader, to),
                    None => {}
                }
                Ok(())
            }
            FaultKind::SlowDisk => {
                let (cluster, server) = self.server(rng);
                let usual = cluster.world().settings().latency;
                let slow = Latency { min: usual.max, max: usual.max * 20 };
                cluster.set_disk_latency(server, slow);
                self.last(rng).await;
                cluster.set_disk_latency(server, usual);
                Ok(())
            }
        }
    }

    /// A random choice of groups; the first one if it is empty.
    fn groups(&self, rng: &mut Stream) -> Vec<usize> {
        let all = 0..self.lab.groups.len();
        let groups: Vec<usize> = all.filter(|_| rng.happens(Chance::of(1, 2))).collect();
        if groups.is_empty() { vec![0] } else { groups }
    }

    async fn snapshot(&self, rng: &mut Stream) -> Result<(), Failure> {
        let (cluster, server) = self.server(rng);
        if cluster.status(server).is_none() {
            return Ok(());
        }
        cluster.snapshot(server)?;
        if rng.happens(Chance::of(1, 2)) {
            return Ok(());
        }
        let flush = cluster.world().settings().latency.max;
        let pause = rng.between(Duration::ZERO, flush * 2);
        cluster.sleep(pause).await;
        cluster.stop(server, Damage::Drawn);
        self.start_after(rng, cluster, &[server]).await
    }

    /// The peers of the controller or of a group.
    fn cluster(&self, rng: &mut Stream) -> &Cluster {
        self.lab.simulated().nth(rng.index(self.lab.groups.len() + 1)).expect("there are so many")
    }

    fn server(&self, rng: &mut Stream) -> (&Cluster, usize) {
        let cluster = self.cluster(rng);
        (cluster, rng.index(cluster.size()))
    }

    async fn start_after(
        &self,
        rng: &mut Stream,
        cluster: &Cluster,
        servers: &[usize],
    ) -> Result<(), Failure> {
        self.last(rng).await;
        servers.iter().try_for_each(|server| cluster.start_if_down(*server))
    }

    /// A fault lasts, but not beyond the fault phase.
    async fn last(&self, rng: &mut Stream) {
        let end = self.lab.cluster().now().after(rng.log_uniform(LENGTH_MIN, LENGTH_MAX));
        while self.phase.get() == Phase::Faults && self.lab.cluster().now() < end {
            let left = end.since(self.lab.cluster().now());
            self.lab.cluster().sleep(left.min(LENGTH_MIN * 10)).await;
        }
    }
}

/// Streams of events of services, beyond those of other nemeses.
const SERVICES: u64 = 2000;

const LENGTH_MIN: Duration = Duration::from_millis(5);
const LENGTH_MAX: Duration = Duration::from_secs(3);
