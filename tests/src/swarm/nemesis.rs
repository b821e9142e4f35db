//! The nemesis: recurring faults, each kind on its own.
//!
//! Each kind is a task with streams of its own: its n-th fault depends on nothing but the seed, the
//! kind and n, and on the leader at that time.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use raft::{PeerId, codec};

use super::core::may_lose_disk;
use super::fault_kind::FaultKind;
use super::fault_plan::{FaultPlan, Phase};
use super::forger;
use crate::case::{Change, LinkDirection, Links, PeerSet};
use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::sim::disk::{Damage, Latency};
use crate::sim::network::Connection;
use crate::sim::random::{Chance, Domain, Stream};
use crate::world::server_of;

/// Starts the faults of a plan, and the operator that restarts stopped peers.
pub(crate) fn start(cluster: &Cluster, plan: &FaultPlan, phase: &Rc<Cell<Phase>>) {
    for (kind, gap) in &plan.kinds {
        let (nemesis, phase) =
            (Nemesis { cluster: cluster.clone(), kind: *kind }, Rc::clone(phase));
        let gap = *gap;
        cluster.spawn(kind.task_name(), async move { nemesis.run(gap, &phase).await });
    }
    let (cluster, phase) = (cluster.clone(), Rc::clone(phase));
    let operator = cluster.clone();
    cluster.spawn("operator", async move { restart_stopped_peers(&operator, &phase).await });
}

/// Faults of one kind.
struct Nemesis {
    cluster: Cluster,
    kind: FaultKind,
}

impl Nemesis {
    async fn run(self, gap: Duration, phase: &Cell<Phase>) {
        for number in 0.. {
            let names = [self.kind as u64, number];
            let mut rng = Stream::new(self.cluster.seed(), Domain::Nemesis, names);
            let pause = rng.between(gap / 4, gap * 2);
            self.cluster.sleep(pause).await;
            if phase.get() == Phase::Liveness {
                return;
            }
            if let Err(failure) = self.inject(&mut rng, phase).await {
                self.cluster.fail(failure);
            }
        }
    }

    async fn inject(&self, rng: &mut Stream, phase: &Cell<Phase>) -> Result<(), Failure> {
        let length = self.length(rng);
        match self.kind {
            FaultKind::Partition => {
                self.cut(self.partition(rng, LinkDirection::Both), length, phase).await;
            }
            FaultKind::OneWayPartition => {
                self.cut(self.partition(rng, LinkDirection::One), length, phase).await;
            }
            FaultKind::PartialPartition => {
                self.cut(self.partial_partition(rng), length, phase).await;
            }
            FaultKind::FlappingLink => {
                let links = self.partial_partition(rng);
                for _ in 0..=rng.below(6) {
                    let short = rng.between(Duration::ZERO, length / 4);
                    self.cut(links, short, phase).await;
                    self.cluster.sleep(short).await;
                }
            }
            FaultKind::Crash => self.crash(rng, length, phase).await?,
            FaultKind::RestartStorm => self.restart_storm(rng, phase).await?,
            FaultKind::Pause => self.cluster.pause(self.victim(rng), length.min(self.pause_max())),
            FaultKind::SlowDisk => self.slow_disk(rng, length, phase).await,
            FaultKind::Snapshot => self.cluster.snapshot(self.victim(rng))?,
            FaultKind::Members => self.change_members(rng),
            FaultKind::Transfer => self.transfer(rng),
            FaultKind::Resign => self.cluster.resign(self.victim(rng)),
            FaultKind::Wipe => self.wipe(rng, length, phase).await?,
            FaultKind::Forge => self.forge(rng)?,
            FaultKind::Flip => self.flip_bits(rng, length).await,
        }
        Ok(())
    }

    /// From a tenth of an election to several.
    fn length(&self, rng: &mut Stream) -> Duration {
        let timing = self.cluster.world().settings().timing;
        rng.log_uniform(timing.election_min / 10, timing.election_max * 8)
    }

    fn pause_max(&self) -> Duration {
        self.cluster.world().settings().timing.election_max * 4
    }

    /// Picks a peer: a leader as often as all others together.
    fn victim(&self, rng: &mut Stream) -> usize {
        let (any, leader) = (rng.index(self.cluster.size()), rng.happens(Chance::of(1, 2)));
        let leads = |server: &usize| self.cluster.is_leader(*server);
        (0..self.cluster.size()).filter(|_| leader).find(leads).unwrap_or(any)
    }

    /// Draws a partition: the victim and some others on one side.
    fn partition(&self, rng: &mut Stream, direction: LinkDirection) -> Links {
        let (size, victim) = (self.cluster.size(), self.victim(rng));
        let beside = (0..size).filter(|_| rng.happens(Chance::of(1, 3)));
        let mut from: PeerSet = beside.collect::<PeerSet>().with(victim);
        if from.others(size).is_empty() {
            from = PeerSet::only(victim);
        }
        let to = from.others(size);
        if rng.happens(Chance::of(1, 2)) {
            Links { from, to, direction }
        } else {
            Links { from: to, to: from, direction }
        }
    }

    fn partial_partition(&self, rng: &mut Stream) -> Links {
        let (size, victim) = (self.cluster.size(), self.victim(rng));
        let other = (victim + 1 + rng.index(size - 1)) % size;
        let to: PeerSet = (0..size).filter(|_| rng.happens(Chance::of(1, 3))).collect();
        let to = to.without(victim).with(other);
        let direction = rng.pick(&[LinkDirection::One, LinkDirection::Both]);
        Links { from: PeerSet::only(victim), to, direction }
    }

    /// Sends some forged messages to a peer.
    fn forge(&self, rng: &mut Stream) -> Result<(), Failure> {
        let victim = self.victim(rng);
        for _ in 0..=rng.below(6) {
            let forged = forger::draw(&self.cluster.world(), victim, rng);
            if let Some(envelope) = forged {
                self.cluster.forge(victim, &codec::encode(&envelope))?;
            }
        }
        Ok(())
    }

    /// Flips bits on links for a while.
    async fn flip_bits(&self, rng: &mut Stream, length: Duration) {
        let links = self.partial_partition(rng);
        self.cluster.set_flips(links, rng.pick(&[Chance::of(1, 16), Chance::of(1, 4)]));
        self.cluster.sleep(length).await;
        self.cluster.set_flips(links, Chance::NEVER);
    }

    /// Transfers leadership to any other peer, reachable or not.
    fn transfer(&self, rng: &mut Stream) {
        let (size, leader) = (self.cluster.size(), self.victim(rng));
        self.cluster.transfer(leader, (leader + 1 + rng.index(size - 1)) % size);
    }

    /// Cuts links for a while, unless the fault phase ends first.
    async fn cut(&self, links: Links, length: Duration, phase: &Cell<Phase>) {
        if phase.get() == Phase::Liveness {
            return;
        }
        self.cluster.set_links(links, Connection::Cut);
        self.cluster.sleep(length).await;
        if phase.get() == Phase::Faults {
            self.cluster.set_links(links, Connection::Up);
        }
    }

    async fn crash(
        &self,
        rng: &mut Stream,
        length: Duration,
        phase: &Cell<Phase>,
    ) -> Result<(), Failure> {
        let victim = self.victim(rng);
        self.cluster.stop(victim, Damage::Drawn);
        self.start_after(length, victim, phase).await
    }

    /// Replaces a peer's disk by an empty one, if those that are lost are fewer than a majority then.
    async fn wipe(
        &self,
        rng: &mut Stream,
        length: Duration,
        phase: &Cell<Phase>,
    ) -> Result<(), Failure> {
        let victim = self.victim(rng);
        if !may_lose_disk(&self.cluster, victim) {
            return Ok(());
        }
        self.cluster.wipe(victim);
        self.start_after(length, victim, phase).await
    }

    /// Starts a peer after a while, unless the fault phase ends first.
    async fn start_after(
        &self,
        length: Duration,
        victim: usize,
        phase: &Cell<Phase>,
    ) -> Result<(), Failure> {
        self.cluster.sleep(length).await;
        match phase.get() {
            Phase::Faults => self.cluster.start_if_down(victim),
            Phase::Liveness => Ok(()),
        }
    }

    async fn restart_storm(&self, rng: &mut Stream, phase: &Cell<Phase>) -> Result<(), Failure> {
        let size = self.cluster.size();
        let short = self.cluster.world().settings().timing.election_min / 4;
        if rng.happens(Chance::of(1, 2)) {
            (0..size).for_each(|server| self.cluster.stop(server, Damage::Drawn));
        }
        for _ in 0..=rng.index(2 * size) {
            let victim = self.victim(rng);
            self.cluster.stop(victim, Damage::Drawn);
            self.cluster.sleep(rng.between(Duration::ZERO, short)).await;
            if phase.get() == Phase::Liveness {
                return Ok(());
            }
            self.cluster.start_if_down(victim)?;
            self.cluster.sleep(rng.between(Duration::ZERO, short)).await;
            if phase.get() == Phase::Liveness {
                return Ok(());
            }
        }
        (0..size).try_for_each(|server| self.cluster.start_if_down(server))
    }

    async fn slow_disk(&self, rng: &mut Stream, length: Duration, phase: &Cell<Phase>) {
        let victim = self.victim(rng);
        let settings = self.cluster.world().settings().clone();
        let max = settings.timing.election_max / rng.pick(&[1, 3, 10]);
        let slow = Latency { min: max / 4, max };
        self.cluster.set_disk_latency(victim, slow);
        self.cluster.sleep(length).await;
        if phase.get() == Phase::Faults {
            self.cluster.set_disk_latency(victim, settings.latency);
        }
    }
}

/// Changes of members.
impl Nemesis {
    /// Asks the leader for a change; at times it is not the leader, or the change does not fit.
    fn change_members(&self, rng: &mut Stream) {
        let (victim, any) = (self.victim(rng), rng.index(self.cluster.size()));
        let size = self.cluster.size();
        let leads = |server: &usize| self.cluster.is_leader(*server);
        let server = (0..size).find(leads).filter(|_| any > 0 || size == 1).unwrap_or(victim);
        let Some((voters, learners)) = self.members(server) else { return };
        let change = drawn_change(rng, size, voters, learners);
        // The peer may reject it.
        let _ = self.cluster.change_members(server, change);
    }

    /// The voters and learners of a peer's configuration.
    fn members(&self, server: usize) -> Option<(PeerSet, PeerSet)> {
        let world = self.cluster.world();
        let members = world.node(server)?.membership();
        let servers = |peers: &BTreeSet<PeerId>| -> PeerSet {
            peers.iter().filter_map(|peer| server_of(*peer, world.size())).collect()
        };
        Some((servers(members.voters()), servers(members.learners())))
    }
}

fn drawn_change(rng: &mut Stream, size: usize, voters: PeerSet, learners: PeerSet) -> Change {
    let members: PeerSet = voters.iter().chain(learners.iter()).collect();
    let mut one_of = |peers: PeerSet| {
        let turn = rng.index(peers.len().max(1));
        peers.iter().nth(turn)
    };
    let (outside, learner) = (one_of(members.others(size)), one_of(learners));
    let (member, voter) = (one_of(members).unwrap_or(0), one_of(voters).unwrap_or(0));
    match (rng.below(8), outside, learner) {
        (0..=2, Some(outside), _) => Change::Add(outside),
        (0..=4, _, Some(learner)) => Change::Promote(learner),
        (5, _, _) => Change::Remove(member),
        (6, _, _) => Change::Demote(voter),
        _ => {
            let voters: PeerSet =
                members.iter().filter(|_| rng.happens(Chance::of(2, 3))).collect();
            let voters = voters.with(voter);
            let rest = members.iter().filter(|peer| !voters.contains(*peer));
            let learners = rest.filter(|_| rng.happens(Chance::of(1, 2))).collect();
            Change::Replace { voters, learners }
        }
    }
}

/// Restarts peers that stopped without a nemesis: those whose disk failed.
async fn restart_stopped_peers(cluster: &Cluster, phase: &Cell<Phase>) {
    let timing = cluster.world().settings().timing;
    for round in 0.. {
        let mut rng = Stream::new(cluster.seed(), Domain::Nemesis, [OPERATOR, round]);
        cluster.sleep(rng.between(timing.election_min, timing.election_max * 4)).await;
        if phase.get() == Phase::Liveness {
            return;
        }
        for server in 0..cluster.size() {
            if rng.happens(Chance::of(1, 2))
                && let Err(failure) = cluster.start_if_down(server)
            {
                cluster.fail(failure);
            }
        }
    }
}

/// Beyond all kinds of faults.
const OPERATOR: u64 = 1000;
