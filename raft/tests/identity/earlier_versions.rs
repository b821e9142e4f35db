//! Stores of versions without identities, which are taken over once.

use raft::{MembershipChange, PersistentState, RestoreError, Standing};

use crate::cluster::{Cluster, peer};
use crate::{committed, identified, leaders, run, store, wipe};

/// Three stores with a history and no identity, in a new version.
fn taken_over() -> Cluster {
    let mut before = Cluster::with(3, |config| {
        identified(config);
        config.incarnation = None;
    });
    before.elect(peer(0));
    before.commit(peer(0), b"x");
    before.commit(peer(0), b"y");
    let disks: Vec<PersistentState> =
        before.peers.values().map(|peer| peer.stored.clone()).collect();
    assert!(disks.iter().all(|disk| disk.identity.is_none()));
    let mut cluster = Cluster::with(3, identified);
    for (number, disk) in (0..).zip(disks) {
        cluster.restart_from(peer(number), disk);
    }
    cluster
}

#[test]
fn a_cluster_goes_on_and_its_leader_records_the_stores() {
    let mut cluster = taken_over();
    run(&mut cluster);
    let leader = leaders(&cluster)[0];
    cluster.commit(leader, b"z");
    run(&mut cluster);
    for number in 0..3 {
        let node = cluster.node(peer(number));
        assert_eq!(node.store().map(|it| it.standing), Some(Standing::Confirmed));
        assert_eq!(node.identity().map(|it| it.peers.len()), Some(3));
        for member in 0..3 {
            let recorded = node.membership().store_of(peer(member));
            assert_eq!(recorded, Some(store(member, 1)), "{member} at {number}");
        }
        assert!(node.membership().cluster().is_some());
    }
}

/// Recorded or not: a fresh store is known by its standing.
#[test]
fn a_peer_wiped_before_its_store_was_recorded_is_recognised() {
    let mut cluster = taken_over();
    cluster.cut(peer(2));
    wipe(&mut cluster, 1, &[0, 1, 2]);
    run(&mut cluster);
    assert_eq!(leaders(&cluster), []);
    assert!(cluster.node(peer(1)).refusal().is_some_and(|refusal| refusal.known.is_none()));
    cluster.heal(peer(2));
    run(&mut cluster);
    assert_eq!(leaders(&cluster).len(), 1);
    let leader = leaders(&cluster)[0];
    assert_eq!(cluster.node(leader).membership().store_of(peer(1)), None);
    assert_eq!(cluster.node(leader).members_lost(), 1);
}

/// Its entry would be unreadable to a version before.
#[test]
fn stores_are_recorded_only_once_all_voters_show_one() {
    let mut cluster = taken_over();
    let mut old = cluster.peers[&peer(2)].stored.clone();
    old.identity = None;
    let mut mixed = Cluster::with(3, |config| {
        identified(config);
        config.incarnation = config.incarnation.filter(|_| config.id != peer(2));
    });
    for number in 0..2 {
        let disk = cluster.peers[&peer(number)].stored.clone();
        mixed.restart_from(peer(number), disk);
    }
    mixed.restart_from(peer(2), old);
    run(&mut mixed);
    let leader = leaders(&mixed)[0];
    mixed.commit(leader, b"z");
    run(&mut mixed);
    assert_eq!(committed(&mixed, 2), committed(&mixed, leader.number()));
    assert!(mixed.node(leader).membership().stores().is_empty());
    let add = MembershipChange::AddLearner { peer: peer(3), address: None };
    mixed.change(leader.number(), add).unwrap();
    cluster.deliver_all();
}

#[test]
fn a_store_that_voted_for_another_is_not_taken_over_alone() {
    let cluster = taken_over();
    let mut disk = cluster.peers[&peer(2)].stored.clone();
    disk.identity = None;
    assert_eq!(disk.hard_state.voted_for, Some(peer(0)));
    let error = disk.check_peers(peer(2), &[peer(2)]).map_err(RestoreError::from);
    let text = error.expect_err("alone").to_string();
    assert!(text.contains("the store of peer 2 belongs to a cluster of 0"), "{text}");
}
