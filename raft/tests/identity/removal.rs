//! Handshakes by what the peers of a cluster know of each other: removed peers, and members that others
//! do not know yet.

use std::collections::BTreeMap;

use raft::cluster_view::{NotAccepted, OwnPlace, OwnRejection};
use raft::{EntryId, Index, Membership, MembershipChange, PeerId, RoleName};

use crate::cluster::{Cluster, peer};
use crate::{formed, identified, leaders, run};

/// The result of a handshake from one peer to another.
fn handshake(cluster: &Cluster, from: u64, to: u64) -> Result<(), NotAccepted> {
    let own = cluster.node(peer(from)).cluster_view().own;
    cluster.node(peer(to)).cluster_view().check(peer(from), &own)
}

/// Returns whether a peer refutes one that it does not know, whatever that one says, as these members
/// answer it.
fn refutes(cluster: &Cluster, to: u64, from: u64, answering: impl Fn(u64) -> bool) -> bool {
    let node = cluster.node(peer(to));
    let view = node.cluster_view();
    let asked = view.members.iter().copied().filter(|it| it.number() != to);
    let answers = asked.filter(|it| answering(it.number()));
    let stated = answers.map(|it| (it, cluster.node(it).cluster_view().own)).collect();
    !view.knows(peer(from)) && view.is_newest(peer(to), node.status().commit_index, &stated)
}

fn add(cluster: &mut Cluster, leader: u64, number: u64) {
    let change = MembershipChange::AddLearner { peer: peer(number), address: None };
    cluster.change(leader, change).unwrap();
    run(cluster);
    cluster.change(leader, MembershipChange::Promote { peer: peer(number) }).unwrap();
    run(cluster);
}

fn remove(cluster: &mut Cluster, leader: u64, number: u64) {
    cluster.change(leader, MembershipChange::Remove { peer: peer(number) }).unwrap();
    run(cluster);
}

/// Peer 0 leads; 2 is away while peer 3 is added and peer 1 removed, which is away then.
fn changed_while_away() -> Cluster {
    let mut cluster = formed(identified);
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    cluster.join(3);
    cluster.cut(peer(2));
    add(&mut cluster, 0, 3);
    cluster.cut(peer(1));
    cluster.heal(peer(2));
    run(&mut cluster);
    cluster.cut(peer(2));
    cluster.heal(peer(1));
    run(&mut cluster);
    cluster.cut(peer(1));
    cluster.heal(peer(2));
    cluster
}

#[test]
fn a_member_that_was_added_since_is_accepted_by_those_that_are_behind() {
    let mut cluster = formed(identified);
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    cluster.join(3);
    let not_added = handshake(&cluster, 3, 0).unwrap_err();
    assert!(matches!(not_added, NotAccepted::NotAMember { place: OwnPlace::Joining, .. }));
    assert_eq!(handshake(&cluster, 0, 3), Ok(()), "it knows nothing");
    cluster.cut(peer(2));
    add(&mut cluster, 0, 3);
    assert!(!cluster.node(peer(2)).membership().contains(peer(3)), "it is behind");
    for (from, to) in [(3, 2), (2, 3), (3, 0), (0, 3), (2, 0)] {
        assert_eq!(handshake(&cluster, from, to), Ok(()), "from {from} to {to}");
    }
}

#[test]
fn a_peer_removed_while_it_was_away_is_told_and_starts_no_elections() {
    let mut cluster = changed_while_away();
    remove(&mut cluster, 0, 1);
    let removed = peer(1);
    let rejected = handshake(&cluster, 1, 0).unwrap_err();
    let NotAccepted::NotAMember { committed, .. } = rejected else { panic!("{rejected:?}") };
    let by = cluster.node(peer(0)).cluster_view().own;
    let view = cluster.node(removed).cluster_view();
    assert_eq!(view.explain_rejection(&by), OwnRejection::Removed);
    assert!(!cluster.node(removed).is_removed());

    let term = cluster.node(removed).status().current_term;
    cluster.time_out(removed);
    assert_eq!(cluster.role(removed), RoleName::PreCandidate);
    note_removal(&mut cluster, removed, peer(0), committed);
    assert!(cluster.node(removed).is_removed());
    assert_eq!(cluster.node(removed).poll_timeout(), None, "no election");
    run(&mut cluster);
    let status = cluster.node(removed).status();
    assert_eq!((status.current_term, status.role), (term, RoleName::Follower));

    cluster.heal(removed);
    let again = MembershipChange::AddLearner { peer: removed, address: None };
    cluster.change(0, again).unwrap();
    run(&mut cluster);
    assert!(!cluster.node(removed).is_removed());
    assert_eq!(handshake(&cluster, 1, 0), Ok(()));
}

fn note_removal(cluster: &mut Cluster, of: PeerId, by: PeerId, committed: EntryId) {
    let now = cluster.now;
    cluster.peers.get_mut(&of).unwrap().node.note_removal(now, by, committed);
}

#[test]
fn old_or_strange_news_of_a_removal_has_no_effect() {
    let mut cluster = changed_while_away();
    remove(&mut cluster, 0, 1);
    let newest = cluster.node(peer(0)).cluster_view().own.committed;
    let own = cluster.node(peer(1)).cluster_view().own.configuration;
    assert!(own < newest);
    for (by, committed) in [(peer(0), own), (peer(0), EntryId::ZERO), (peer(9), newest)] {
        note_removal(&mut cluster, peer(1), by, committed);
        assert!(!cluster.node(peer(1)).is_removed(), "by {by} at {committed}");
    }
    note_removal(&mut cluster, peer(0), peer(2), own);
    assert_eq!(cluster.role(peer(0)), RoleName::Leader, "it has a newer configuration");
}

/// It may be lost, and the log of the removed peer may be the only one that can win.
#[test]
fn a_removal_that_is_not_committed_rejects_no_peer() {
    let mut cluster = formed(identified);
    cluster.elect(peer(0));
    let last = cluster.commit(peer(0), b"x");
    cluster.cut(peer(1));
    cluster.cut(peer(2));
    cluster.change(0, MembershipChange::Remove { peer: peer(1) }).unwrap();
    cluster.deliver_all();
    let own = cluster.node(peer(0)).cluster_view().own;
    assert!(own.configuration > last && own.committed < last, "{own:?}");
    assert_eq!(handshake(&cluster, 1, 0), Ok(()));
}

/// Without check-quorum, nothing else would end its leadership: the others do not answer it any more.
#[test]
fn a_leader_that_is_told_of_its_removal_steps_down() {
    let mut cluster = formed(|config| {
        identified(config);
        config.check_quorum = raft::CheckQuorum::Off;
        config.pre_vote = raft::PreVote::Off;
    });
    let (old, new) = (peer(0), peer(1));
    cluster.elect(old);
    cluster.commit(old, b"x");
    cluster.cut(old);
    cluster.elect(new);
    cluster.commit(new, b"y");
    remove(&mut cluster, 1, 0);
    assert_eq!(cluster.role(old), RoleName::Leader);
    let committed = cluster.node(new).cluster_view().own.committed;
    note_removal(&mut cluster, old, new, committed);
    assert_eq!(cluster.role(old), RoleName::Follower);
    assert_eq!(cluster.node(old).poll_timeout(), None);
}

/// Pseudo-random numbers.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// The committed configurations of a cluster, as far as one of its peers had them.
type History = BTreeMap<Index, Membership>;

fn note_configurations(cluster: &Cluster, history: &mut History) {
    for state in cluster.peers.values() {
        let (node, index) = (&state.node, state.node.membership_index());
        if node.committed_membership_index() == index && !node.membership().is_empty() {
            history.insert(index, Membership::clone(node.membership()));
        }
    }
}

/// A peer is a member if it is one of all committed configurations since the newest in its log.
fn is_member(cluster: &Cluster, history: &History, number: u64) -> bool {
    let node = cluster.node(peer(number));
    let mut since = history.range(node.membership_index()..).map(|(_, it)| it).peekable();
    node.membership().contains(peer(number))
        && since.peek().is_some()
        && since.all(|it| it.contains(peer(number)))
}

fn step(cluster: &mut Cluster, dice: &mut Dice) {
    let (chosen, other) = (peer(dice.below(5)), peer(dice.below(5)));
    let leader = leaders(cluster).last().copied();
    match (dice.below(8), leader) {
        (0, Some(leader)) => {
            cluster.propose(leader, b"x");
        }
        (1, Some(leader)) => {
            let change = MembershipChange::AddLearner { peer: chosen, address: None };
            _ = cluster.change(leader.number(), change);
        }
        (2, Some(leader)) => {
            _ = cluster.change(leader.number(), MembershipChange::Promote { peer: chosen });
        }
        (3, Some(leader)) => {
            _ = cluster.change(leader.number(), MembershipChange::Remove { peer: chosen });
        }
        (4, _) => {
            cluster.cut(chosen);
            cluster.heal(other);
        }
        (5, _) => {
            let (now, state) = (cluster.now, cluster.peers.get_mut(&chosen).unwrap());
            let through = state.node.status().last_applied;
            _ = state.node.compact(now, through, b"state".as_slice().into());
        }
        (6, _) => cluster.restart(chosen),
        _ => {
            cluster.heal(other);
            run(cluster);
        }
    }
    cluster.deliver_all();
}

#[test]
fn no_member_is_rejected_by_a_member_in_any_history() {
    let (mut accepted, mut rejected, mut refuted) = (0, 0, 0);
    for seed in 1..=20 {
        let (mut dice, mut history) = (Dice(seed), History::new());
        let mut cluster = formed(identified);
        for number in [3, 4] {
            cluster.join(number);
        }
        for _ in 0..40 {
            step(&mut cluster, &mut dice);
            note_configurations(&cluster, &mut history);
            for (from, to) in (0..5).flat_map(|from| (0..5).map(move |to| (from, to))) {
                if from == to {
                    continue;
                }
                let result = handshake(&cluster, from, to);
                if is_member(&cluster, &history, from) && is_member(&cluster, &history, to) {
                    assert_eq!(result, Ok(()), "seed {seed}: {from} to {to}, {history:?}");
                    accepted += 1;
                }
                rejected += u64::from(result.is_err());
                // All answer, or those of one of the other 31 sets.
                let some = dice.below(32);
                for answering in [31, some] {
                    let is_refuted =
                        refutes(&cluster, to, from, |number| answering >> number & 1 == 1);
                    assert!(
                        !is_refuted || !is_member(&cluster, &history, from),
                        "seed {seed}: {from} by {to}, {answering:05b} answer, {history:?}"
                    );
                    refuted += u64::from(is_refuted);
                }
            }
        }
    }
    assert!(accepted > 1000 && rejected > 1000, "{accepted} accepted, {rejected} rejected");
    assert!(refuted > 1000, "{refuted} refuted");
}
