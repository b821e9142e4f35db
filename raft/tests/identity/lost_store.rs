//! Members that come back without their data.

use std::time::Duration;

use raft::message::{Candidacy, RequestVote};
use raft::progress::LossKind;
use raft::{
    ChangeError, CheckQuorum, Envelope, Input, Membership, MembershipChange, Message, MessageId,
    Role, Standing, StoreStamp, Term,
};

use crate::cluster::{Cluster, id, peer};
use crate::{committed, formed, identified, leaders, loss, reseeding, run, store, wipe};

/// A leader and a follower have an entry, the third has not; the follower is wiped.
fn wiped_follower(change: fn(&mut raft::Config), peers: &[u64]) -> Cluster {
    let mut cluster = formed(change);
    cluster.elect(peer(0));
    cluster.cut(peer(2));
    let id = cluster.propose(peer(0), b"x");
    cluster.deliver_all();
    assert_eq!(committed(&cluster, 0), id.index.number());
    wipe(&mut cluster, 1, peers);
    cluster
}

/// The former self of the wiped peer was half of the quorum.
#[test]
fn a_wiped_peer_does_not_elect_a_leader_that_lacks_an_entry() {
    for peers in [&[0, 1, 2][..], &[]] {
        let mut cluster = wiped_follower(identified, peers);
        cluster.cut(peer(0));
        cluster.heal(peer(2));
        run(&mut cluster);
        let new: Vec<_> = leaders(&cluster).into_iter().filter(|it| *it != peer(0)).collect();
        assert_eq!(new, [], "started with {peers:?}");
        cluster.heal(peer(0));
        run(&mut cluster);
        assert_eq!(leaders(&cluster), [peer(0)], "only it has the entry");
        assert_eq!(committed(&cluster, 2), committed(&cluster, 0));
    }
}

#[test]
fn a_wiped_peer_counts_for_no_commit_and_is_reported() {
    let mut cluster = wiped_follower(identified, &[0, 1, 2]);
    let before = committed(&cluster, 0);
    cluster.propose(peer(0), b"y");
    cluster.deliver_all();
    assert_eq!(committed(&cluster, 0), before, "the other member is away");
    assert_eq!(loss(&cluster, 0, 1), Some(LossKind::OtherStore { found: Some(store(1, 2)) }));
    assert_eq!(cluster.node(peer(0)).members_lost(), 1);
    let refusal = cluster.node(peer(1)).refusal().expect("the leader knows its former store");
    assert_eq!((refusal.by, refusal.known), (peer(0), Some(store(1, 1))));
    cluster.heal(peer(2));
    run(&mut cluster);
    assert!(committed(&cluster, 0) > before);
    assert_eq!(cluster.node(peer(1)).store().map(|it| it.standing), Some(Standing::New));
}

#[test]
fn a_wiped_peer_is_a_voter_again_after_removal_and_return() {
    let mut cluster = wiped_follower(identified, &[]);
    cluster.heal(peer(2));
    run(&mut cluster);
    let leader = leaders(&cluster)[0].number();
    let voter = peer(1);
    cluster.change(leader, MembershipChange::Remove { peer: voter }).unwrap();
    run(&mut cluster);
    let add = MembershipChange::AddLearner { peer: voter, address: None };
    cluster.change(leader, add).unwrap();
    assert!(matches!(
        cluster.change(leader, MembershipChange::Promote { peer: voter }),
        Err(ChangeError::InProgress { .. })
    ));
    run(&mut cluster);
    let membership = cluster.node(peer(leader)).membership();
    assert_eq!(membership.store_of(voter), Some(store(1, 2)), "the leader recorded it");
    cluster.change(leader, MembershipChange::Promote { peer: voter }).unwrap();
    run(&mut cluster);
    // The other two are not enough without it now.
    let away = if leader == 2 { 0 } else { 2 };
    cluster.cut(peer(away));
    cluster.commit(peer(leader), b"y");
    assert_eq!(cluster.node(voter).store().map(|it| it.standing), Some(Standing::Confirmed));
    assert_eq!(loss(&cluster, leader, 1), None);
}

#[test]
fn a_leader_reseeds_a_wiped_peer_if_it_may() {
    let mut cluster = wiped_follower(reseeding, &[0, 1, 2]);
    run(&mut cluster);
    assert!(cluster.node(peer(0)).membership().is_voter(peer(1)), "no quorum without it");
    cluster.heal(peer(2));
    run(&mut cluster);
    run(&mut cluster);
    let leader = leaders(&cluster)[0];
    let membership = cluster.node(leader).membership();
    assert_eq!(membership.to_string(), "voters 0 1 2");
    assert_eq!(membership.store_of(peer(1)), Some(store(1, 2)));
    let away = if leader == peer(2) { 0 } else { 2 };
    cluster.cut(peer(away));
    cluster.commit(leader, b"y");
}

/// Five peers that have committed an entry; 2 leads.
fn five(change: fn(&mut raft::Config)) -> Cluster {
    let mut cluster = Cluster::with(5, change);
    cluster.deliver_all();
    cluster.elect(peer(2));
    cluster.commit(peer(2), b"x");
    cluster
}

/// Delivers the messages that may arrive until `done`, by the members that the leader, 2, has and those that
/// it had meanwhile, but for joint configurations. Returns the latter.
fn steps_until(
    cluster: &mut Cluster,
    done: impl Fn(&Membership, &[String]) -> bool,
    may_arrive: impl Fn(&Cluster, &mut Envelope) -> bool,
) -> Vec<String> {
    let (mut steps, end): (Vec<String>, _) = (Vec::new(), cluster.now.after(MINUTE));
    while !done(cluster.node(peer(2)).membership(), &steps) {
        assert!(cluster.now < end, "a minute: {steps:?}");
        cluster.poll_all();
        let mut wire = std::mem::take(&mut cluster.wire);
        let next = wire.iter_mut().position(|envelope| may_arrive(cluster, envelope));
        let next = next.and_then(|at| wire.remove(at));
        cluster.wire = wire;
        match next {
            Some(envelope) => cluster.handle(envelope.to, Input::Receive(envelope)),
            None => cluster.advance(Duration::from_millis(2)),
        }
        let members = cluster.node(peer(2)).membership();
        let step = members.to_string();
        if !members.is_joint() && steps.last() != Some(&step) {
            steps.push(step);
        }
    }
    steps
}

/// Returns whether all are voters again.
fn all_returned(members: &Membership, steps: &[String]) -> bool {
    steps.len() > 1 && members.to_string() == "voters 0 1 2 3 4"
}

const MINUTE: Duration = Duration::from_secs(60);

/// The first lost peer has caught up when the change that made it a learner is committed.
fn may_arrive_after_0_caught_up(cluster: &Cluster, envelope: &Envelope) -> bool {
    let node = cluster.node(peer(2));
    let Role::Leader(leader) = node.role() else { return true };
    let caught_up = leader.followers[&peer(0)].match_index == node.log().last().index;
    let is_learner = node.membership().to_string().starts_with("voters 1 2 3 4, learners 0");
    envelope.to != peer(2) || envelope.from == peer(0) || caught_up || !is_learner
}

/// With one voter more, more of the others would be needed.
#[test]
fn a_lost_voter_becomes_a_learner_before_a_returning_one_becomes_a_voter() {
    let both = "voters 1 2 3, learners 0 4, returning 0 4".to_owned();
    let mut cluster = five(reseeding);
    [0, 4].into_iter().for_each(|lost| wipe(&mut cluster, lost, &[0, 1, 2, 3, 4]));
    let steps =
        steps_until(&mut cluster, all_returned, |all, it| may_arrive_after_0_caught_up(all, it));
    assert!(steps.contains(&both), "wiped: {steps:?}");

    // The loss of the second one is old when the change of the first one ends.
    let mut cluster = five(|config| {
        reseeding(config);
        config.check_quorum = CheckQuorum::Off;
    });
    let copy = cluster.peers[&peer(4)].stored.clone();
    cluster.commit(peer(2), b"y");
    wipe(&mut cluster, 0, &[0, 1, 2, 3, 4]);
    steps_until(&mut cluster, |members, _| members.is_joint(), |_, _| true);
    cluster.restart_from(peer(4), copy);
    let end = cluster.now.after(Duration::from_secs(2));
    let steps = steps_until(&mut cluster, all_returned, |all, it| {
        let is_held = it.to == peer(2) && [1, 3].map(peer).contains(&it.from) && all.now < end;
        !is_held && may_arrive_after_0_caught_up(all, it)
    });
    assert!(steps.contains(&both), "rolled back: {steps:?}");
}

#[test]
fn a_voter_that_cannot_be_reseeded_holds_up_no_promotion() {
    let foreign = StoreStamp { incarnation: store(4, 9), standing: Standing::Confirmed };
    for found in [None, Some(foreign)] {
        let mut cluster = five(reseeding);
        wipe(&mut cluster, 0, &[0, 1, 2, 3, 4]);
        let steps = steps_until(&mut cluster, all_returned, |_, envelope| {
            if envelope.from == peer(4) {
                envelope.store = found;
            }
            true
        });
        assert_eq!(steps.len(), 3, "{found:?}: {steps:?}");
    }
}

#[test]
fn a_wiped_leader_returns_as_a_follower_without_a_vote() {
    let mut cluster = formed(reseeding);
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    wipe(&mut cluster, 0, &[0, 1, 2]);
    run(&mut cluster);
    run(&mut cluster);
    let leader = leaders(&cluster)[0];
    assert_ne!(leader, peer(0));
    let membership = cluster.node(leader).membership();
    assert_eq!(
        (membership.to_string().as_str(), membership.store_of(peer(0))),
        ("voters 0 1 2", Some(store(0, 2)))
    );
    assert_eq!(committed(&cluster, 0), committed(&cluster, leader.number()));
}

/// Its former self was a voter of both halves, and counts in neither.
#[test]
fn a_peer_wiped_during_a_joint_configuration_counts_in_neither_half() {
    let mut cluster = formed(identified);
    let joined = cluster.join(3);
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    let add = MembershipChange::AddLearner { peer: joined, address: None };
    cluster.change(0, add).unwrap();
    run(&mut cluster);
    cluster.cut(peer(2));
    // Old voters 0 1 2, new voters 0 1 3.
    let target = Membership::of_voters([0, 1, 3].map(peer));
    cluster.change(0, MembershipChange::Replace(target)).unwrap();
    wipe(&mut cluster, 1, &[0, 1, 2]);
    let joint = cluster.node(peer(0)).membership_index();
    cluster.deliver_all();
    assert!(cluster.node(peer(0)).membership().is_joint());
    assert!(committed(&cluster, 0) < joint.number(), "1 of 3 old voters is left with the leader");
    cluster.heal(peer(2));
    run(&mut cluster);
    let leader = leaders(&cluster)[0].number();
    assert!(!cluster.node(peer(leader)).membership().is_joint());
}

/// A learner of a re-seeding step is in force as such at once, and its former vote is gone.
#[test]
fn a_returning_peer_counts_as_crashed_among_the_outgoing_voters() {
    use raft::quorum::is_quorum;
    let old = Membership::of_voters([0, 1, 2].map(peer));
    let mut cluster = wiped_follower(reseeding, &[0, 1, 2]);
    cluster.heal(peer(2));
    for _ in 0..2000 {
        if !cluster.node(peer(0)).membership().returning().is_empty() {
            break;
        }
        cluster.poll_all();
        match cluster.wire.pop_front() {
            Some(envelope) => cluster.handle(envelope.to, Input::Receive(envelope)),
            None => cluster.advance(Duration::from_millis(25)),
        }
    }
    let joint = cluster.node(peer(0)).membership();
    assert_eq!(joint.to_string(), "voters 0 2, outgoing 0 1 2, learners 1, returning 1");
    assert_eq!(joint.outgoing(), Some(old.voters()));
    assert!(is_quorum(joint, |peer| peer.number() != 1));
    assert!(!is_quorum(joint, |peer| peer.number() != 2));
    assert!(!joint.is_voter(peer(1)));
}

#[test]
fn a_vote_is_not_given_again_to_another_store_of_the_same_peer() {
    let mut cluster = formed(identified);
    cluster.cut(peer(1));
    let ask = |life| Envelope {
        id: MessageId::new(1),
        from: peer(1),
        to: peer(0),
        term: Term::new(7),
        store: Some(StoreStamp { incarnation: store(1, life), standing: Standing::Confirmed }),
        message: Message::RequestVote(RequestVote {
            last_log: id(0, 0),
            candidacy: Candidacy::Transfer,
        }),
    };
    let answer = |cluster: &mut Cluster, life| {
        cluster.handle(peer(0), Input::Receive(ask(life)));
        cluster.take_sent(peer(0)).pop()
    };
    use raft::message::Vote::{Granted, Rejected};
    assert_eq!(answer(&mut cluster, 1), Some(Message::RequestVoteReply(Granted)));
    assert_eq!(
        answer(&mut cluster, 1),
        Some(Message::RequestVoteReply(Granted)),
        "lost on the way"
    );
    assert_eq!(answer(&mut cluster, 2), Some(Message::RequestVoteReply(Rejected)));
    cluster.restart(peer(0));
    assert_eq!(answer(&mut cluster, 2), Some(Message::RequestVoteReply(Rejected)));
}
