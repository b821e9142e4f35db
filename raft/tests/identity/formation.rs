//! The first start of a cluster, and later starts with other peers.

use std::collections::BTreeSet;
use std::time::Duration;

use raft::message::Vote;
use raft::progress::LossKind;
use raft::{
    Config, Envelope, Index, Input, Instant, Jitter, Message, MessageId, Node, PeerId,
    PersistentState, PreVote, RestoreError, RoleName, Standing, StoreStamp, Term,
};

use crate::cluster::{Cluster, peer, request_vote};
use crate::{committed, formed, identified, leaders, loss, reseeding, run, store, wipe};

#[test]
fn a_new_cluster_begins_once_all_of_its_peers_have_been_started() {
    let mut cluster = Cluster::with(3, identified);
    cluster.cut(peer(2));
    run(&mut cluster);
    assert_eq!(leaders(&cluster), []);
    assert_eq!(cluster.node(peer(0)).waits_for(), BTreeSet::from([peer(2)]));
    cluster.inject(1, peer(0), 5, request_vote(0, 0));
    assert_eq!(cluster.node(peer(0)).status().voted_for, None, "it has no vote yet");
    cluster.heal(peer(2));
    run(&mut cluster);
    assert_eq!(leaders(&cluster).len(), 1);
    for number in 0..3 {
        let node = cluster.node(peer(number));
        assert_eq!(node.waits_for(), BTreeSet::new());
        let own = node.store().expect("an identity");
        assert_eq!((own.incarnation, own.standing), (store(number, 1), Standing::Confirmed));
        assert_eq!(node.membership().store_of(peer(number)), Some(store(number, 1)));
        let cluster_id = cluster.node(peer(0)).membership().cluster();
        assert!(cluster_id.is_some() && node.membership().cluster() == cluster_id);
    }
}

/// Two of three could not tell this from the loss of a disk while the third was away.
#[test]
fn a_peer_wiped_during_formation_may_register_again() {
    let mut cluster = Cluster::with(3, identified);
    cluster.cut(peer(2));
    run(&mut cluster);
    wipe(&mut cluster, 1, &[0, 1, 2]);
    cluster.heal(peer(2));
    run(&mut cluster);
    assert_eq!(leaders(&cluster).len(), 1);
    assert_eq!(cluster.node(peer(2)).membership().store_of(peer(1)), Some(store(1, 2)));
    assert_eq!(cluster.node(peer(0)).membership().store_of(peer(1)), Some(store(1, 2)));
}

#[test]
fn a_peer_alone_needs_no_other() {
    let mut cluster = Cluster::with(1, identified);
    run(&mut cluster);
    assert_eq!(leaders(&cluster), [peer(0)]);
}

#[test]
fn the_identity_is_durable_before_anything_is_sent() {
    let mut cluster = Cluster::with(2, identified);
    cluster.stall_disk(peer(0));
    assert_eq!(cluster.take_sent(peer(0)), []);
    cluster.resume_disk(peer(0));
    assert_eq!(cluster.take_sent(peer(0)), [Message::Register]);
    let stored = cluster.peers[&peer(0)].stored.identity.clone().expect("the first write");
    assert_eq!((stored.incarnation, stored.peers.len()), (store(0, 1), 2));
}

#[test]
fn a_restarted_peer_keeps_its_identity_and_its_vote() {
    let mut cluster = formed(identified);
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    cluster.restart(peer(1));
    cluster.restart(peer(0));
    cluster.cut(peer(2));
    run(&mut cluster);
    assert_eq!(leaders(&cluster).len(), 1);
    assert_eq!(cluster.node(peer(1)).store().map(|it| it.incarnation), Some(store(1, 1)));
}

struct Fixed;

impl Jitter for Fixed {
    fn draw(&mut self, _: Term) -> u64 {
        0
    }
}

/// Without the stored list, the peer would lead alone in the real leader's term.
#[test]
fn a_start_with_other_peers_is_refused() {
    let mut cluster = formed(identified);
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    let stored = cluster.peers[&peer(2)].stored.clone();
    let start = |peers: &[u64], stored: PersistentState| {
        let peers = peers.iter().copied().map(peer).collect();
        let config = Config::new(peer(2), peers).validate().unwrap();
        Node::new(config, stored, Instant::START, Box::new(Fixed))
    };
    let error = start(&[2], stored.clone()).map(|_| ()).expect_err("alone");
    assert!(matches!(error, RestoreError::OtherPeers(_)));
    assert!(
        error.to_string().starts_with(
            "`peers` lists 2, but the store of peer 2 belongs to a cluster of 0 1 2: start it with"
        ),
        "{error}"
    );
    let again = start(&[2, 1, 0], stored.clone()).expect("the same");
    assert_eq!(again.status().role, RoleName::Follower);
    let unsaid = start(&[], stored).expect("the store says it");
    assert_eq!(unsaid.membership().voters().len(), 3);
}

#[test]
fn a_peer_that_joined_does_not_become_an_initial_member_later() {
    let mut cluster = formed(identified);
    let joined = cluster.join(3);
    cluster.deliver_all();
    let stored = cluster.peers[&joined].stored.clone();
    let config = Config::new(joined, [joined].to_vec()).validate().unwrap();
    let node = Node::new(config, stored, Instant::START, Box::new(Fixed)).expect("its log decides");
    assert!(node.membership().is_empty());
    assert_eq!(node.poll_timeout(), None, "it does not lead alone");
    assert_eq!(committed(&cluster, 3), 0);
}

/// A request of the lost store may be on its way for long.
#[test]
fn an_answer_to_the_lost_store_does_not_confirm_the_next_one() {
    let mut cluster = Cluster::with(2, identified);
    cluster.poll_all();
    let late: Vec<_> = cluster.wire.iter().filter(|sent| sent.from == peer(1)).cloned().collect();
    cluster.deliver_all();
    wipe(&mut cluster, 1, &[0, 1]);
    cluster.poll_all();
    late.into_iter().for_each(|request| cluster.handle(peer(0), Input::Receive(request)));
    run(&mut cluster);
    assert_eq!(cluster.node(peer(1)).store().map(|it| it.standing), Some(Standing::New));
    assert_eq!(leaders(&cluster), []);
}

/// Delivers messages as long as there are any; those that are not to pass are lost.
fn deliver_if(cluster: &mut Cluster, passes: impl Fn(&Envelope) -> bool) {
    cluster.poll_all();
    while let Some(sent) = cluster.wire.pop_front() {
        let to = sent.to;
        if passes(&sent) {
            cluster.handle(to, Input::Receive(sent));
            cluster.poll(to);
        }
    }
}

/// Replaces a peer's log by a snapshot.
fn compact(cluster: &mut Cluster, at: PeerId) {
    let (now, through) = (cluster.now, Index::new(committed(cluster, at.number())));
    let node = &mut cluster.peers.get_mut(&at).unwrap().node;
    node.compact(now, through, b"state".as_slice().into()).unwrap();
    cluster.poll(at);
}

/// Three peers. The answers to 0 are lost, so that it does not vote yet when the store of 2 is lost, which
/// 1 has recorded for good. 0 records the next one, and leads.
fn recorded_twice(change: fn(&mut Config)) -> Cluster {
    let mut cluster = Cluster::with(3, change);
    deliver_if(&mut cluster, |sent| {
        sent.to != peer(0) || !matches!(sent.message, Message::RegisterReply(_))
    });
    wipe(&mut cluster, 2, &[0, 1, 2]);
    for _ in 0..30 {
        cluster.advance(Duration::from_millis(2));
        cluster.deliver_all();
    }
    cluster.elect(peer(0));
    let of_2 = |at| cluster.node(peer(at)).membership().store_of(peer(2));
    assert_eq!((of_2(0), of_2(1)), (Some(store(2, 2)), Some(store(2, 1))));
    assert_eq!(cluster.node(peer(2)).store().map(|it| it.standing), Some(Standing::New));
    cluster.commit(peer(0), b"x");
    cluster
}

/// Returns whether an entry is committed by 0 and 2 alone.
fn commits_without_1(cluster: &mut Cluster) -> bool {
    cluster.cut(peer(1));
    let before = committed(cluster, 0);
    cluster.propose(peer(0), b"y");
    cluster.deliver_all();
    committed(cluster, 0) > before
}

/// Together with 1, the lost one may have elected another leader.
#[test]
fn a_store_that_one_member_refuses_counts_for_no_commit() {
    let mut cluster = recorded_twice(identified);
    run(&mut cluster);
    assert_eq!(loss(&cluster, 0, 2), Some(LossKind::OtherStore { found: Some(store(2, 2)) }));
    assert!(!commits_without_1(&mut cluster));
}

/// A snapshot would bring them to other members, as if the cluster had agreed on them.
#[test]
fn a_snapshot_does_not_name_the_stores_that_one_member_recorded() {
    let mut cluster = recorded_twice(identified);
    compact(&mut cluster, peer(0));
    let stored = cluster.peers[&peer(0)].stored.snapshot.as_ref();
    assert_eq!(stored.map(|it| it.membership.stores().len()), Some(0));
    cluster.restart(peer(0));
    cluster.elect(peer(0));
    assert!(!commits_without_1(&mut cluster));
}

#[test]
fn a_store_that_one_member_refuses_is_reseeded_by_any_leader() {
    for leader in [0, 1] {
        let mut cluster = recorded_twice(reseeding);
        cluster.elect(peer(leader));
        run(&mut cluster);
        run(&mut cluster);
        let membership = cluster.node(peer(leader)).membership();
        assert_eq!(membership.to_string(), "voters 0 1 2");
        assert_eq!(membership.store_of(peer(2)), Some(store(2, 2)), "{leader} leads");
        let own = cluster.node(peer(2)).store().map(|it| it.standing);
        assert_eq!(own, Some(Standing::Confirmed), "{leader} leads");
    }
}

/// Lets time pass while no answer of 1 to the registration of 2 arrives.
fn run_unconfirmed(cluster: &mut Cluster) {
    for _ in 0..500 {
        deliver_if(cluster, |sent| {
            let answers = matches!(sent.message, Message::RegisterReply(_));
            !answers || (sent.from, sent.to) != (peer(1), peer(2))
        });
        cluster.advance(Duration::from_millis(2));
    }
}

/// Re-seeded, it would count as crashed, though it has lost nothing; the next loss would be one too many.
#[test]
fn a_member_that_waits_for_another_one_is_not_taken_for_lost() {
    for is_compacted in [false, true] {
        let mut cluster = Cluster::with(3, reseeding);
        run_unconfirmed(&mut cluster);
        assert_eq!(leaders(&cluster), [peer(0)]);
        cluster.propose(peer(0), b"x");
        run_unconfirmed(&mut cluster);
        if is_compacted {
            compact(&mut cluster, peer(0));
        }
        run_unconfirmed(&mut cluster);
        assert_eq!(cluster.node(peer(2)).waits_for(), BTreeSet::from([peer(1)]));
        assert_eq!(cluster.node(peer(0)).membership().to_string(), "voters 0 1 2");
        assert_eq!(loss(&cluster, 0, 2), None, "compacted: {is_compacted}");
        let before = committed(&cluster, 0);
        wipe(&mut cluster, 1, &[0, 1, 2]);
        run(&mut cluster);
        run(&mut cluster);
        let leader = leaders(&cluster)[0];
        assert_eq!(cluster.node(leader).membership().to_string(), "voters 0 1 2");
        assert_eq!(cluster.node(leader).membership().store_of(peer(1)), Some(store(1, 2)));
        assert!(committed(&cluster, leader.number()) > before);
    }
}

/// A store that an entry records may vote before other members have that entry. They may know an earlier
/// store of its peer, which has given the vote of this term to another candidate.
#[test]
fn a_vote_of_a_new_store_does_not_count_without_the_entry_that_records_it() {
    for (standing, role) in
        [(Standing::New, RoleName::Candidate), (Standing::Confirmed, RoleName::Leader)]
    {
        let mut cluster = recorded_twice(|config| {
            identified(config);
            config.pre_vote = PreVote::Off;
        });
        cluster.restart(peer(0));
        assert_eq!(cluster.node(peer(0)).membership_index(), Index::ZERO);
        cluster.time_out(peer(0));
        cluster.poll(peer(0));
        let vote = Envelope {
            id: MessageId::new(9000),
            from: peer(2),
            to: peer(0),
            term: cluster.node(peer(0)).status().current_term,
            store: Some(StoreStamp { incarnation: store(2, 2), standing }),
            message: Message::RequestVoteReply(Vote::Granted),
        };
        cluster.handle(peer(0), Input::Receive(vote));
        assert_eq!(cluster.role(peer(0)), role, "{standing:?}");
    }
}

/// Without it, two lost stores of five would leave a third one, which kept its data, without a vote.
#[test]
fn a_peer_that_lost_its_store_records_those_that_an_entry_names() {
    let mut cluster = Cluster::with(5, reseeding);
    // 4 does not answer 3.
    deliver_if(&mut cluster, |sent| (sent.from, sent.to) != (peer(4), peer(3)));
    cluster.cut(peer(3));
    cluster.elect(peer(0));
    wipe(&mut cluster, 4, &[0, 1, 2, 3, 4]);
    run(&mut cluster);
    run(&mut cluster);
    let membership = cluster.node(peer(0)).membership();
    assert_eq!(membership.store_of(peer(4)), Some(store(4, 2)));
    assert_eq!(cluster.node(peer(3)).waits_for(), BTreeSet::from([peer(4)]));
    [0, 1, 2].into_iter().for_each(|other| cluster.cut(peer(other)));
    cluster.heal(peer(3));
    run(&mut cluster);
    assert_eq!(cluster.node(peer(3)).store().map(|it| it.standing), Some(Standing::Confirmed));
}
