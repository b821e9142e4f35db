//! Identities over TCP: a peer that was removed while it was away, and two processes with one id.

use std::time::Duration;

use raft::driver::{Builder, MemberState, Settings, Status};
use raft::storage::{MemoryStorage, Storage as _};
use raft::transport::{LinkDirection, RefusalKind, RefusedLink};
use raft::{Membership, MembershipChange, PeerId, Raft, Record, RoleName, Suffix, Write, WriteId};

use crate::support::{Add, Counter, TEST_TIMEOUT, free_addresses};

/// Three peers over TCP, with stores that outlive them.
struct TcpCluster {
    addresses: [String; 3],
    stores: [MemoryStorage; 3],
    rafts: Vec<Raft<Counter>>,
}

impl TcpCluster {
    async fn start() -> Self {
        let (addresses, stores) = (free_addresses(), Default::default());
        let mut cluster = Self { addresses, stores, rafts: Vec::new() };
        for id in 1..=3 {
            let raft = cluster.builder(id).start().await.expect("the address is free");
            cluster.rafts.push(raft);
        }
        cluster
    }

    fn builder(&self, id: u64) -> Builder<Counter> {
        let at = id as usize - 1;
        self.builder_at(id, &self.addresses[at]).storage(self.stores[at].clone())
    }

    fn builder_at(&self, id: u64, address: &str) -> Builder<Counter> {
        let mut addresses = self.addresses.clone();
        address.clone_into(&mut addresses[id as usize - 1]);
        let peers = (1..).zip(addresses.clone());
        let builder = Raft::builder(id).peers(peers).listen(address).settings(settings());
        builder.state_machine(Counter::default())
    }

    /// The leader, once both others have answered it.
    async fn leader(&self) -> &Raft<Counter> {
        let led = self.rafts[0].wait(|status| status.leader.is_some(), TEST_TIMEOUT).await;
        let leader = led.expect("an election").leader.expect("checked by the condition");
        let leader = &self.rafts[leader.number() as usize - 1];
        let is_followed = |status: &Status| {
            let answers = |peer: &raft::driver::PeerStatus| peer.match_index == status.last_log;
            status.role == RoleName::Leader && status.peers.iter().all(answers)
        };
        leader.wait(is_followed, TEST_TIMEOUT).await.expect("it leads");
        leader
    }
}

fn settings() -> Settings {
    Settings { deadline: TEST_TIMEOUT, ..Settings::default() }
}

fn refused(status: &Status, peer: PeerId, direction: LinkDirection, kind: RefusalKind) -> bool {
    let is = |link: &RefusedLink| (link.peer, link.direction, link.kind) == (peer, direction, kind);
    status.refused_links.iter().any(is)
}

#[tokio::test]
async fn a_peer_that_was_removed_while_it_was_away_learns_it_and_may_be_added_again() {
    let cluster = TcpCluster::start().await;
    let leader = cluster.leader().await;
    let away = cluster.rafts.iter().find(|raft| raft.id() != leader.id()).expect("three peers");
    let id = away.id();
    away.shutdown().await;
    leader.change_membership(MembershipChange::Remove { peer: id }).await.expect("one may go");
    leader.propose(Add(7)).await.expect("it leads");

    let back = cluster.builder(id.number()).start().await.expect("its store is whole");
    let is_removed = |status: &Status| status.member == MemberState::Removed;
    let removed = back.wait(is_removed, TEST_TIMEOUT).await.expect("it is told");
    assert!(removed.membership.contains(id), "its own log says nothing of it");
    let is_told = |status: &Status| {
        refused(status, leader.id(), LinkDirection::Outgoing, RefusalKind::NotAMember)
    };
    let told = back.wait(is_told, TEST_TIMEOUT).await.expect("the reason is in its status");
    let says =
        |status: &Status| refused(status, id, LinkDirection::Incoming, RefusalKind::NotAMember);
    leader.wait(says, TEST_TIMEOUT).await.expect("the leader says so, too");
    // Several election timeouts.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let later = back.status();
    assert_eq!((later.current_term, later.role), (told.current_term, RoleName::Follower));

    let address = Some(cluster.addresses[id.number() as usize - 1].as_str().into());
    let add = MembershipChange::AddLearner { peer: id, address };
    leader.change_membership(add).await.expect("it leads");
    let is_learner =
        |status: &Status| status.member == MemberState::Learner && status.refused_links.is_empty();
    back.wait(is_learner, TEST_TIMEOUT).await.expect("it is let in again");
    // The leader may not be known to its log at first.
    back.read(|counter| assert_eq!(counter.value, 7)).await.expect("it follows the leader");
}

/// The same contents in another place, as of a copied directory.
fn copy_of(store: &MemoryStorage) -> MemoryStorage {
    let stored = store.clone().load().expect("it is in memory");
    let base = stored.base().index;
    let identity = stored.identity.expect("the first write");
    let mut records = vec![Record::Identity(identity), Record::HardState(stored.hard_state)];
    let mut entries = stored.entries;
    entries.retain(|entry| entry.id.index > base);
    let suffix = Suffix::Discarded;
    records.extend(stored.snapshot.map(|snapshot| Record::Snapshot { snapshot, suffix }));
    records.push(Record::Append(entries));
    let writes = (1..).map(WriteId::new).zip(records).map(|(id, record)| Write { id, record });
    let mut copy = MemoryStorage::default();
    copy.write(&writes.collect::<Vec<_>>()).expect("it is in memory");
    copy
}

#[tokio::test]
async fn a_copy_of_a_peer_is_rejected_until_the_first_process_ends() {
    let cluster = TcpCluster::start().await;
    let leader = cluster.leader().await;
    let first = cluster.rafts.iter().find(|raft| raft.id() != leader.id()).expect("three peers");
    let id = first.id();
    let [address]: [String; 1] = free_addresses();
    let copy = copy_of(&cluster.stores[id.number() as usize - 1]);
    let second = cluster.builder_at(id.number(), &address).storage(copy);
    let second = second.start().await.expect("the address is free");
    let duplicate = RefusalKind::DuplicateProcess;
    let is_told = |status: &Status| {
        let mut others = (1..=3).map(PeerId::new).filter(|other| *other != id);
        others.all(|other| refused(status, other, LinkDirection::Outgoing, duplicate))
    };
    let told = second.wait(is_told, TEST_TIMEOUT).await.expect("both others reject it");
    let reason = told.refused_links[0].to_string();
    assert!(reason.contains("with a copy of its store: stop one of the two"), "{reason}");
    let says = |status: &Status| refused(status, id, LinkDirection::Incoming, duplicate);
    leader.wait(says, TEST_TIMEOUT).await.expect("the leader says so, too");
    assert!(first.status().refused_links.is_empty(), "it is left alone");
    leader.propose(Add(7)).await.expect("it leads");

    first.shutdown().await;
    let is_free = |status: &Status| status.refused_links.is_empty();
    second.wait(is_free, TEST_TIMEOUT).await.expect("it takes the place of the first");
}

/// Its leader, which it asks for read indexes, is in no list that it was started with.
#[tokio::test]
async fn a_joining_peer_that_knows_a_follower_alone_reads_through_its_leader() {
    let cluster = TcpCluster::start().await;
    let leader = cluster.leader().await;
    leader.propose(Add(7)).await.expect("it leads");
    let follower = cluster.rafts.iter().find(|raft| raft.id() != leader.id()).expect("three");
    let [address]: [String; 1] = free_addresses();
    let of_follower = &cluster.addresses[follower.id().number() as usize - 1];
    let joining = Raft::builder(4)
        .peers([(follower.id(), of_follower.as_str()), (PeerId::new(4), &address)])
        .listen(&address)
        .settings(settings())
        .storage(MemoryStorage::default())
        .state_machine(Counter::default())
        .join();
    let joining = joining.start().await.expect("the address is free");
    let is_rejected = |status: &Status| {
        refused(status, follower.id(), LinkDirection::Outgoing, RefusalKind::NotAMember)
    };
    joining.wait(is_rejected, TEST_TIMEOUT).await.expect("it is not added yet");
    let new = joining.id();
    let add = MembershipChange::AddLearner { peer: new, address: Some(address.as_str().into()) };
    leader.change_membership(add).await.expect("it leads");
    joining.wait(|status| status.leader.is_some(), TEST_TIMEOUT).await.expect("it is reached");
    joining.read(|counter| assert_eq!(counter.value, 7)).await.expect("its leader answers");
}

/// No peer that it knows is left to say whether the new ones are members.
#[tokio::test]
async fn a_member_that_was_away_while_all_others_were_replaced_is_reached_by_the_new_ones() {
    let cluster = TcpCluster::start().await;
    let leader = cluster.leader().await;
    let away = cluster.rafts.iter().find(|raft| raft.id() != leader.id()).expect("three peers");
    let id = away.id();
    away.shutdown().await;
    let addresses: [String; 2] = free_addresses();
    let all = || (1..).zip(cluster.addresses.iter().chain(&addresses).cloned());
    let mut joined = Vec::new();
    for (id, address) in (4..).zip(&addresses) {
        let joining = Raft::builder(id)
            .peers(all())
            .listen(address)
            .storage(MemoryStorage::default())
            .state_machine(Counter::default())
            .join();
        joined.push(joining.start().await.expect("the address is free"));
        let peer = PeerId::new(id);
        let add = MembershipChange::AddLearner { peer, address: Some(address.as_str().into()) };
        leader.change_membership(add).await.expect("it leads");
    }
    let voters = [id, joined[0].id(), joined[1].id()];
    let target = all().fold(Membership::of_voters(voters), |target, (id, address)| {
        let id = PeerId::new(id);
        if target.contains(id) { target.with_address(id, address) } else { target }
    });
    // Learners first have to show their stores, and to catch up.
    let replaced = tokio::time::timeout(TEST_TIMEOUT, async {
        let replace = || leader.change_membership(MembershipChange::Replace(target.clone()));
        while replace().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    replaced.await.expect("they catch up");
    for old in cluster.rafts.iter().filter(|raft| raft.id() != id) {
        old.shutdown().await;
    }
    let led = joined[0].wait(|status| status.leader.is_some(), TEST_TIMEOUT).await;
    led.expect("two of three are there");

    let back = cluster.builder(id.number()).start().await.expect("its store is whole");
    let is_reached = |status: &Status| {
        status.leader.is_some_and(|leader| leader.number() >= 4)
            && status.membership.voters().len() == 3
            && status.membership.contains(PeerId::new(5))
    };
    back.wait(is_reached, TEST_TIMEOUT).await.expect("a new member leads it");
}
