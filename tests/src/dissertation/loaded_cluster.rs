//! A cluster whose members change while clients write and read all the time.
//!
//! Waits are for conditions, with a limit that only a stuck cluster reaches.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use raft::{ChangeError, EntryId, Index, Membership, RoleName, Term};

use super::DELAY_MAX;
use crate::case::{Change, LinkDirection, Links, PeerSet};
use crate::cluster::{Cluster, expect};
use crate::failure::Failure;
use crate::kv::{Operation, Request};
use crate::sim::executor::Join;
use crate::sim::network::Connection;
use crate::swarm::client::Client;
use crate::swarm::clients::{SharedClients, verify};
use crate::world::{ChangeNotStarted, members};

/// The cluster and its clients.
pub(super) struct LoadedCluster {
    pub(super) cluster: Cluster,
    clients: SharedClients,
    busy: Rc<Cell<bool>>,
    client_tasks: Vec<Join<()>>,
    tester: Client,
    /// The tester's next request.
    serial: Cell<u32>,
}

impl LoadedCluster {
    /// Starts clients that write and read.
    pub(super) fn start(cluster: Cluster) -> Self {
        let (clients, busy) = (SharedClients::default(), Rc::new(Cell::new(true)));
        let begin = |number| {
            let client = Client::new(&cluster, number, &clients);
            let busy = Rc::clone(&busy);
            cluster.spawn(format!("client {number}"), async move {
                client.run_workload(&busy, operation).await;
            })
        };
        let client_tasks = (0..CLIENTS).map(begin).collect();
        let tester = Client::new(&cluster, TESTER_CLIENT, &SharedClients::default());
        Self { cluster, clients, busy, client_tasks, tester, serial: Cell::new(1) }
    }

    /// Waits until `look` finds something.
    ///
    /// # Errors
    /// It never does; the text has a diagnosis of each peer.
    pub(super) async fn until<T>(
        &self,
        what: &str,
        mut look: impl FnMut(&Cluster) -> Option<T>,
    ) -> Result<T, Failure> {
        let end = self.cluster.now().after(WAIT_LIMIT);
        while self.cluster.now() < end {
            if let Some(found) = look(&self.cluster) {
                return Ok(found);
            }
            self.cluster.sleep(POLL_INTERVAL).await;
        }
        Err(Failure::expected(format_args!("{what}{}", self.diagnosis())))
    }

    /// Diagnosis of each peer, a line each.
    fn diagnosis(&self) -> String {
        let world = self.cluster.world();
        let line = |server| format!("\n           {}", world.diagnose(server));
        (0..world.size()).map(line).collect()
    }

    /// Waits for a leader, and returns it with its term.
    ///
    /// # Errors
    /// There is none.
    pub(super) async fn leader(&self) -> Result<(usize, Term), Failure> {
        self.until("a leader", current_leader).await
    }

    /// Waits until another peer leads.
    ///
    /// # Errors
    /// None does.
    pub(super) async fn other_leader(&self, leader: usize) -> Result<(), Failure> {
        let other = |cluster: &Cluster| cluster.leading().filter(|found| *found != leader);
        self.until("another leader", other).await.map(drop)
    }

    /// Expects that the current leader leads the same term after many election timeouts.
    ///
    /// # Errors
    /// There was an election.
    pub(super) async fn expect_no_election(&self, length: Duration) -> Result<(), Failure> {
        let before = self.leader().await?;
        self.cluster.sleep(length).await;
        let after = current_leader(&self.cluster);
        expect(
            after == Some(before),
            format_args!("no election: {before:?} led, now {after:?} does"),
        )
    }

    /// Makes a peer a candidate by a transfer of leadership, and cuts its links to all but one other before
    /// its requests arrive. Returns whether that came about.
    pub(super) async fn campaign(&self, leader: usize, candidate: usize, voter: usize) -> bool {
        let cluster = &self.cluster;
        let Some((_, term)) = current_leader(cluster) else { return false };
        let status = || cluster.world().status(candidate);
        cluster.transfer(leader, candidate);
        for _ in 0..600 {
            if status().is_some_and(|it| it.current_term == term.next()) {
                break;
            }
            cluster.sleep(Duration::from_micros(500)).await;
        }
        let from = PeerSet::only(candidate);
        let to = from.with(voter).others(cluster.size());
        cluster.set_links(Links { from, to, direction: LinkDirection::One }, Connection::Cut);
        cluster.sleep(DELAY_MAX * 3).await;
        current_leader(cluster) == Some((leader, term))
            && status().is_some_and(|it| it.role == RoleName::Candidate)
    }

    /// Executes a new request, and waits until each of these peers has applied it.
    ///
    /// # Errors
    /// It is not executed, or a peer does not apply it.
    pub(super) async fn agree(&self, peers: PeerSet) -> Result<Index, Failure> {
        let end = self.cluster.now().after(WAIT_LIMIT);
        loop {
            let serial = self.serial.replace(self.serial.get() + 1);
            let operation = Operation::Put { key: TESTER_KEY, value: u64::from(serial) };
            if self.tester.request(serial, operation).await {
                break;
            }
            let diagnosis = self.diagnosis();
            expect(self.cluster.now() < end, format_args!("a request carried out{diagnosis}"))?;
        }
        let index = self.cluster.world().applied_log().last();
        let lacks =
            |cluster: &Cluster, server: &usize| cluster.world().last_applied(*server) < index;
        self.until("a request applied by all members", |cluster| {
            let behind = peers.iter().find(|server| lacks(cluster, server));
            behind.is_none().then_some(index)
        })
        .await
    }

    /// Value written by the last request of [`agree`](Self::agree), unless there was a burst since.
    pub(super) fn written(&self) -> u64 {
        u64::from(self.serial.get() - 1)
    }

    /// Sends many requests to a leader in one instant.
    pub(super) fn burst(&self, leader: usize, count: u32) {
        for serial in 1..=count {
            let operation = Operation::Put { key: TESTER_KEY, value: u64::from(serial) };
            let request = Request { client: BURST_CLIENT, serial, attempt: 0, operation };
            // Lost leadership shows in the later checks.
            let _ = self.cluster.world_mut().request(leader, &request, 0);
        }
    }

    /// Requests a change from the current leader until it begins: a learner may have to catch up,
    /// or an earlier change may be under way. When this returns, nothing has happened since.
    ///
    /// # Errors
    /// It is never begun, or does not fit the members.
    pub(super) async fn start_change(&self, change: Change) -> Result<(usize, EntryId), Failure> {
        let begun = self.until("a change to begin", |cluster| {
            let leader = cluster.leading()?;
            match cluster.change_members(leader, change) {
                Ok(id) => Some(Ok((leader, id))),
                Err(ChangeNotStarted::Away) => None,
                Err(ChangeNotStarted::Refused(error)) if is_transient(error) => None,
                Err(ChangeNotStarted::Refused(error)) => Some(Err(error)),
            }
        });
        begun.await?.map_err(|error| Failure::expected(format_args!("{change} to begin: {error}")))
    }

    /// Changes the members, and waits until that is done.
    ///
    /// # Errors
    /// It is not, or others are the members afterwards.
    pub(super) async fn change(&self, change: Change) -> Result<(), Failure> {
        let (leader, _) = self.start_change(change).await?;
        let target = self.cluster.members(leader).map(|members| members.leave_joint());
        self.settled(&target.unwrap_or_default()).await
    }

    /// Waits until a leader has this configuration and knows that it is committed.
    ///
    /// # Errors
    /// None ever does.
    pub(super) async fn settled(&self, target: &Membership) -> Result<(), Failure> {
        self.until(&format!("{target} to be the members"), |cluster| {
            let leader = cluster.leading()?;
            let done = cluster.change_under_way(leader).is_none();
            let same = cluster.members(leader)?.without_records() == target.without_records();
            (done && same).then_some(())
        })
        .await
    }

    /// Expects this configuration at each of these peers.
    ///
    /// # Errors
    /// One does not.
    pub(super) fn expect_members(
        &self,
        peers: PeerSet,
        target: &Membership,
    ) -> Result<(), Failure> {
        peers.iter().try_for_each(|server| {
            let found = self.cluster.members(server);
            let found = found.map(|found| found.without_records());
            let same = found.as_ref() == Some(&target.without_records());
            expect(same, format_args!("{target} to be the members by {server}, found {found:?}"))
        })
    }

    /// Expects that a change is rejected right now.
    ///
    /// # Errors
    /// It is not, or for another reason.
    pub(super) fn expect_rejected(
        &self,
        server: usize,
        change: Change,
        right: impl Fn(ChangeError) -> bool,
        why: &str,
    ) -> Result<(), Failure> {
        let found = self.cluster.change_members(server, change);
        let refused = matches!(found, Err(ChangeNotStarted::Refused(error)) if right(error));
        expect(refused, format_args!("{change} refused since {why}, found {found:?}"))
    }

    /// Peers that wait to be added become learners.
    ///
    /// # Errors
    /// One does not.
    pub(super) async fn add(&self, learners: PeerSet) -> Result<(), Failure> {
        for server in learners.iter() {
            self.change(Change::Add(server)).await?;
        }
        Ok(())
    }

    /// Begins a change that needs a joint step, and holds it there: all disks have the joint
    /// configuration, and no reply reaches the leader. Returns the leader and the index of that
    /// configuration.
    ///
    /// # Errors
    /// The change does not begin, or a peer does not receive the configuration.
    pub(super) async fn hold_joint(&self, change: Change) -> Result<(usize, Index), Failure> {
        // A follower's rejection of a reordered message could not reach the leader.
        self.cluster.make_reliable();
        self.cluster.sleep(2 * DELAY_MAX).await;
        let (leader, id) = self.start_change(change).await?;
        let only = PeerSet::only(leader);
        let others = only.others(self.cluster.size());
        let answers = Links { from: others, to: only, direction: LinkDirection::One };
        self.cluster.set_links(answers, Connection::Cut);
        self.until("all peers in the joint configuration", |cluster| {
            let world = cluster.world();
            let stored = |server| world.disk(server).last().index >= id.index;
            (0..world.size()).all(stored).then_some(())
        })
        .await?;
        let all = (0..self.cluster.size()).all(|server| self.cluster.is_joint(server));
        expect(all, format_args!("all in the joint configuration of {id}"))?;
        let usual = self.cluster.world().settings().network;
        self.cluster.set_network(usual);
        Ok((leader, id.index))
    }

    /// Expects that nothing from this index on was applied anywhere.
    ///
    /// # Errors
    /// Something was.
    pub(super) fn nothing_committed(&self, from: Index) -> Result<(), Failure> {
        let last = self.cluster.world().applied_log().last();
        expect(last < from, format_args!("nothing committed from {from} on, found {last}"))
    }

    /// Stops the clients, and expects that these are the members, that all of them know it, and
    /// that the clients' history is right.
    ///
    /// # Errors
    /// An expectation is not met.
    pub(super) async fn end(mut self, voters: PeerSet) -> Result<(), Failure> {
        let answered = |clients: &SharedClients| {
            let history = clients.history.borrow();
            history.requests().iter().filter(|asked| asked.answer.is_some()).count()
        };
        self.until("clients to get answers", |_| {
            (answered(&self.clients) >= ANSWERS_MIN).then_some(())
        })
        .await?;
        self.busy.set(false);
        for client in std::mem::take(&mut self.client_tasks) {
            client.join().await;
        }
        self.agree(voters).await?;
        let target = members(voters, PeerSet::NONE);
        self.settled(&target).await?;
        self.expect_members(voters, &target)?;
        let led = voters.iter().any(|server| self.cluster.is_leader(server));
        expect(led, format_args!("a leader among the members"))?;
        verify(&self.cluster, &self.clients, voters)
    }
}

/// The leader and its term.
fn current_leader(cluster: &Cluster) -> Option<(usize, Term)> {
    let leader = cluster.leading()?;
    Some((leader, cluster.term(leader)?))
}

/// Returns whether a leader may accept the same change a little later.
const fn is_transient(error: ChangeError) -> bool {
    matches!(
        error,
        ChangeError::NotLeader { .. }
            | ChangeError::TransferInProgress { .. }
            | ChangeError::InProgress { .. }
            | ChangeError::TermNotCommitted
            | ChangeError::NotCaughtUp { .. }
            | ChangeError::NotAdmitted { .. }
            | ChangeError::Unresponsive { .. }
    )
}

/// Two clients write and two read, one of them through the log.
fn operation(number: u16, serial: u32) -> Operation {
    match number {
        0 | 1 => {
            Operation::Put { key: KEY, value: u64::from(serial) * 100 + u64::from(number) + 1 }
        }
        2 => Operation::Get { key: KEY },
        _ => Operation::Read { key: KEY },
    }
}

const CLIENTS: u16 = 4;
const KEY: u8 = 0;
const BURST_CLIENT: u16 = 998;
const TESTER_CLIENT: u16 = 999;
pub(super) const TESTER_KEY: u8 = 255;
const ANSWERS_MIN: usize = 20;
const WAIT_LIMIT: Duration = Duration::from_secs(15);
const POLL_INTERVAL: Duration = Duration::from_millis(1);
