//! §6 and chapter 4 of the dissertation: membership changes.

use std::time::Duration;

use raft::{
    ChangeError, Config, EntryId, Index, Input, Membership, MembershipChange, Message, Payload,
    RoleName,
};

use crate::cluster::{Cluster, append, disk, done, entry, id, peer, request_vote};

pub(crate) fn voters<const N: usize>(numbers: [u64; N]) -> Membership {
    Membership::of_voters(numbers.map(peer))
}

pub(crate) fn learner(number: u64) -> MembershipChange {
    MembershipChange::AddLearner { peer: peer(number), address: None }
}

fn remove(number: u64) -> MembershipChange {
    MembershipChange::Remove { peer: peer(number) }
}

impl Cluster {
    /// Makes a change and delivers messages until it is complete.
    pub(crate) fn carry_out(&mut self, at: u64, change: MembershipChange) {
        self.change(at, change).unwrap();
        self.deliver_all();
        assert_eq!(self.node(peer(at)).change_under_way(), None);
    }

    /// A leader, peer 0, that has committed an entry of its term, and learners beside the voters.
    pub(crate) fn with_leader(voters: u64, learners: std::ops::Range<u64>) -> Self {
        let mut cluster = Self::new(voters);
        cluster.elect(peer(0));
        cluster.commit(peer(0), b"first");
        for number in learners {
            cluster.join(number);
            cluster.carry_out(0, learner(number));
        }
        cluster
    }

    fn deliver_until(&mut self, done: impl Fn(&Self) -> bool) {
        self.poll_all();
        while !done(self) {
            let envelope = self.wire.pop_front().unwrap();
            let to = envelope.to;
            self.handle(to, Input::Receive(envelope));
            self.poll(to);
        }
    }

    pub(crate) fn members(&self, at: u64) -> String {
        self.node(peer(at)).membership().to_string()
    }

    pub(crate) fn index(&self, at: u64) -> (u64, u64) {
        let node = self.node(peer(at));
        (node.log().last().index.number(), node.status().commit_index.number())
    }
}

#[test]
fn the_order_of_peers_in_the_settings_does_not_matter() {
    let config = Config::new(peer(1), [3, 1, 2].map(peer).to_vec()).validate().unwrap();
    assert_eq!(config.settings().peers, [1, 2, 3].map(peer));
}

#[test]
fn a_cluster_of_one_becomes_a_cluster_of_three() {
    let mut cluster = Cluster::with_leader(1, 1..3);
    assert_eq!(cluster.members(2), "voters 0, learners 1 2");
    cluster.carry_out(0, MembershipChange::Replace(voters([0, 1, 2])));
    for at in 0..3 {
        assert_eq!(cluster.members(at), "voters 0 1 2");
    }
    cluster.cut(peer(0));
    cluster.elect(peer(1));
    cluster.commit(peer(1), b"without the first one");
}

/// "C_old,new ... agreement requires separate majorities from both the old and new configurations."
#[test]
fn a_joint_configuration_commits_with_both_majorities() {
    for silent in [[1, 2], [3, 4]] {
        let mut cluster = Cluster::with_leader(3, 3..5);
        cluster.change(0, MembershipChange::Replace(voters([0, 3, 4]))).unwrap();
        silent.iter().for_each(|number| cluster.cut(peer(*number)));
        cluster.deliver_all();
        let joint = "voters 0 3 4, outgoing 0 1 2";
        assert_eq!(cluster.members(0), joint, "without {silent:?} it stays joint");
        let (last, commit) = cluster.index(0);
        assert!(commit < last, "without {silent:?} nothing commits");
        cluster.heal(peer(silent[0]));
        cluster.advance(Duration::from_millis(100));
        cluster.deliver_all();
        assert_eq!(cluster.members(0), "voters 0 3 4");
    }
}

#[test]
fn a_joint_configuration_elects_with_both_majorities() {
    let mut cluster = Cluster::with_leader(3, 3..5);
    cluster.change(0, MembershipChange::Replace(voters([0, 3, 4]))).unwrap();
    cluster.poll(peer(0));
    // The joint entry is everywhere and not acknowledged, and the leader is gone.
    let entries: Vec<_> = cluster.wire.drain(..).collect();
    entries.into_iter().for_each(|message| cluster.handle(message.to, Input::Receive(message)));
    cluster.poll_all();
    cluster.wire.clear();
    cluster.cut(peer(0));
    cluster.cut(peer(2));
    cluster.time_out(peer(3));
    cluster.deliver_all();
    assert_eq!(
        cluster.role(peer(3)),
        RoleName::Candidate,
        "3, 4 and 1 are not a majority of 0 1 2"
    );
    cluster.heal(peer(2));
    cluster.elect(peer(3));
    assert_eq!(cluster.members(3), "voters 0 3 4", "the new leader ends the change");
}

/// "A server always uses the latest configuration in its log, regardless of whether the entry is
/// committed."
#[test]
fn a_configuration_is_in_force_once_it_is_in_the_log() {
    let mut cluster = Cluster::with_leader(3, 3..4);
    cluster.cut(peer(1));
    cluster.cut(peer(2));
    cluster.change(0, MembershipChange::Replace(voters([0, 3]))).unwrap();
    cluster.deliver_all();
    let (last, commit) = cluster.index(3);
    assert!(commit < last);
    assert_eq!(cluster.members(3), "voters 0 3, outgoing 0 1 2");
    assert_eq!(cluster.members(1), "voters 0 1 2, learners 3");
}

/// A deleted configuration is replaced by the one before it: rafter pull request 34, canonical/raft
/// 323.
#[test]
fn a_deleted_configuration_is_no_longer_in_force() {
    let mut cluster = Cluster::with_leader(3, 3..4);
    cluster.cut(peer(0));
    cluster.change(0, MembershipChange::Replace(voters([0, 3]))).unwrap();
    cluster.deliver_all();
    assert_eq!(cluster.members(0), "voters 0 3, outgoing 0 1 2");
    cluster.elect(peer(1));
    cluster.commit(peer(1), b"instead");
    cluster.heal(peer(0));
    cluster.advance(Duration::from_millis(100));
    cluster.deliver_all();
    assert_eq!(cluster.members(0), "voters 0 1 2, learners 3");
    cluster.restart(peer(0));
    assert_eq!(cluster.members(0), "voters 0 1 2, learners 3");
}

/// The configuration as of the snapshot, neither none nor the newest: openraft dba24036, 447dc11c.
#[test]
fn a_snapshot_has_the_configuration_of_its_index() {
    let mut cluster = Cluster::with_leader(3, 3..4);
    let before = cluster.commit(peer(0), b"before");
    cluster.carry_out(0, MembershipChange::Replace(voters([0, 1, 3])));
    let now = cluster.now;
    let leader = &mut cluster.peers.get_mut(&peer(0)).unwrap().node;
    leader.compact(now, before.index, b"state".as_slice().into()).unwrap();
    cluster.poll(peer(0));
    let stored = cluster.peers[&peer(0)].stored.clone();
    let snapshot = stored.snapshot.unwrap();
    assert_eq!(snapshot.membership.to_string(), "voters 0 1 2, learners 3");
    cluster.restart(peer(0));
    assert_eq!(cluster.members(0), "voters 0 1 3", "the log after the snapshot says more");
}

#[test]
fn a_new_peer_learns_the_members_from_a_snapshot() {
    let mut cluster = Cluster::with_leader(3, 3..4);
    cluster.carry_out(0, MembershipChange::Promote { peer: peer(3) });
    let (now, (last, _)) = (cluster.now, cluster.index(0));
    let leader = &mut cluster.peers.get_mut(&peer(0)).unwrap().node;
    leader.compact(now, Index::new(last), b"state".as_slice().into()).unwrap();
    cluster.join(4);
    cluster.carry_out(0, learner(4));
    assert_eq!(cluster.peers[&peer(4)].restored.len(), 1);
    assert_eq!(cluster.members(4), "voters 0 1 2 3, learners 4");
    cluster.restart(peer(4));
    assert_eq!(cluster.members(4), "voters 0 1 2 3, learners 4");
}

/// The log of a peer that joined does not contain the members before it.
#[test]
fn a_peer_that_joined_takes_snapshots_once_it_knows_the_members() {
    let cluster = &mut Cluster::with_leader(1, 1..2);
    let mut compact = |index| {
        let now = cluster.now;
        let node = &mut cluster.peers.get_mut(&peer(1)).unwrap().node;
        node.compact(now, Index::new(index), b"state".as_slice().into())
    };
    let through = Index::new(1);
    assert_eq!(compact(1), Err(raft::CompactError::MembersUnknown { through }));
    assert_eq!(compact(2), Ok(()));
}

#[test]
fn a_snapshot_of_a_leader_replaces_the_configuration_of_the_log() {
    let mut cluster = Cluster::new(3);
    let foreign = Payload::Membership(voters([0, 7]).into());
    let tail = raft::Entry { id: id(1, 1), payload: foreign };
    cluster.restart_from(peer(0), disk(&[tail]));
    assert_eq!(cluster.members(0), "voters 0 7");
    let last_included = id(2, 3);
    let chunk = raft::message::InstallSnapshot {
        last_included,
        offset: 0,
        chunk: b"s".as_slice().into(),
        done: done(),
        round: raft::Round::ZERO,
    };
    cluster.inject(1, peer(0), 2, Message::InstallSnapshot(chunk));
    assert_eq!(cluster.members(0), "voters 0 1 2");
}

#[test]
fn only_one_change_at_a_time() {
    let mut cluster = Cluster::with_leader(3, 3..4);
    cluster.cut(peer(1));
    cluster.cut(peer(2));
    let first = cluster.change(0, remove(3)).unwrap();
    cluster.deliver_all();
    let rejected = cluster.change(0, remove(2));
    assert_eq!(rejected, Err(ChangeError::InProgress { since: first.index }));
    cluster.heal(peer(1));
    cluster.advance(Duration::from_millis(100));
    cluster.deliver_all();
    cluster.change(0, remove(2)).unwrap();
    let since = cluster.node(peer(0)).log().last().index;
    assert_eq!(cluster.change(0, remove(1)), Err(ChangeError::InProgress { since }));
}

/// Ongaro's message to raft-dev of 10 July 2015: a leader may not know yet what its predecessor
/// committed.
#[test]
fn a_leader_changes_members_only_after_an_entry_of_its_own_term() {
    let mut cluster = Cluster::new(3);
    cluster.elect(peer(0));
    assert_eq!(cluster.change(0, remove(2)), Err(ChangeError::TermNotCommitted));
    cluster.commit(peer(0), b"x");
    cluster.elect(peer(1));
    assert_eq!(cluster.change(1, remove(2)), Err(ChangeError::TermNotCommitted));
    let leader = Some(peer(1));
    assert_eq!(cluster.change(0, remove(2)), Err(ChangeError::NotLeader { leader }));
    cluster.commit(peer(1), b"y");
    cluster.carry_out(1, remove(2));
}

/// "The leader steps down once it has committed the C_new log entry ... it replicates log entries
/// but does not count itself in majorities."
#[test]
fn a_removed_leader_leads_until_the_commit_and_does_not_count_itself() {
    let mut cluster = Cluster::with_leader(3, 3..3);
    cluster.change(0, remove(0)).unwrap();
    cluster.deliver_until(|cluster| cluster.members(0) == "voters 1 2");
    cluster.cut(peer(2));
    cluster.deliver_all();
    let (last, commit) = cluster.index(0);
    assert_eq!((cluster.index(1).0, commit + 1), (last, last), "0 and 1 are not 1 and 2");
    assert_eq!(cluster.role(peer(0)), RoleName::Leader);
    cluster.heal(peer(2));
    cluster.advance(Duration::from_millis(100));
    cluster.deliver_all();
    assert_eq!(cluster.index(0).1, last);
    assert_eq!(cluster.role(peer(0)), RoleName::Follower);
    assert_eq!(cluster.node(peer(0)).poll_timeout(), None, "it starts no election");
    cluster.elect(peer(1));
    cluster.commit(peer(1), b"without it");
    assert_eq!(cluster.index(0).1, last, "it gets no commit");
}

/// Dissertation §4.2.2, figure 4.6: "a server that is not part of its own latest configuration
/// should still start new elections, as it might still be needed until the C_new entry is
/// committed ... it does not count its own vote".
#[test]
fn a_peer_being_removed_starts_elections_until_the_commit() {
    let mut cluster = Cluster::with_leader(2, 2..2);
    cluster.change(0, remove(0)).unwrap();
    cluster.deliver_until(|cluster| cluster.members(0) == "voters 1");
    cluster.poll(peer(0));
    cluster.wire.clear();
    cluster.restart(peer(0));
    assert_eq!(cluster.members(0), "voters 1", "only its own log says so");
    cluster.time_out(peer(1));
    cluster.deliver_all();
    assert_eq!(cluster.role(peer(1)), RoleName::Candidate, "its log is behind");

    cluster.time_out(peer(0));
    cluster.poll(peer(0));
    assert_eq!(cluster.role(peer(0)), RoleName::Candidate, "its own vote does not count");
    cluster.deliver_all();
    assert_eq!(cluster.members(1), "voters 1");
    assert_eq!(cluster.role(peer(0)), RoleName::Follower);
    assert_eq!(cluster.node(peer(0)).poll_timeout(), None, "now it is over");
    assert_eq!(cluster.node(peer(0)).change_under_way(), None);
}

#[test]
fn a_removed_peer_gets_the_final_commit_and_nothing_more() {
    let mut cluster = Cluster::with_leader(3, 3..3);
    cluster.carry_out(0, remove(2));
    assert_eq!(cluster.members(2), "voters 0 1", "it holds the entry that removes it");
    assert_eq!(cluster.node(peer(2)).poll_timeout(), None);
    cluster.commit(peer(0), b"x");
    let applied = |cluster: &Cluster, at| cluster.peers[&peer(at)].applied.len();
    assert_eq!(applied(&cluster, 2) + 1, applied(&cluster, 0), "it knows that it is committed");
    // And it may come back.
    cluster.carry_out(0, learner(2));
    cluster.carry_out(0, MembershipChange::Promote { peer: peer(2) });
    assert_eq!(cluster.members(2), "voters 0 1 2");
    assert_eq!(cluster.index(2), cluster.index(0));
}

/// A leader in between completes the change, though it has no command to append.
#[test]
fn a_new_leader_completes_its_predecessors_change() {
    let mut cluster = Cluster::with_leader(3, 3..5);
    cluster.change(0, MembershipChange::Replace(voters([2, 3, 4]))).unwrap();
    cluster.poll(peer(0));
    let entries: Vec<_> = cluster.wire.drain(..).collect();
    entries.into_iter().for_each(|message| cluster.handle(message.to, Input::Receive(message)));
    cluster.cut(peer(0));
    cluster.deliver_all();
    assert_eq!(cluster.members(4), "voters 2 3 4, outgoing 0 1 2");
    cluster.elect(peer(4));
    assert_eq!(cluster.members(4), "voters 2 3 4");
    assert_eq!(cluster.node(peer(4)).change_under_way(), None);
}

#[test]
fn all_members_may_be_replaced() {
    let mut cluster = Cluster::with_leader(3, 3..6);
    cluster.carry_out(0, MembershipChange::Replace(voters([3, 4, 5])));
    (0..3).for_each(|number| cluster.cut(peer(number)));
    cluster.elect(peer(3));
    cluster.commit(peer(3), b"x");
    assert_eq!(cluster.peers[&peer(5)].applied.len(), cluster.peers[&peer(3)].applied.len());
}

/// Addresses are part of the members; a driver gets the members of all uncommitted configurations.
#[test]
fn a_driver_is_given_the_address_book() {
    let mut cluster = Cluster::with_leader(2, 2..2);
    cluster.join(2);
    let address = Some("host:2".into());
    let change = MembershipChange::AddLearner { peer: peer(2), address: address.clone() };
    cluster.carry_out(0, change);
    let address_book = |cluster: &Cluster, at| cluster.peers[&peer(at)].address_book.clone();
    let three: raft::AddressBook = [(peer(0), None), (peer(1), None), (peer(2), address)].into();
    assert_eq!(
        (address_book(&cluster, 0), address_book(&cluster, 2)),
        (three.clone(), three.clone())
    );

    cluster.cut(peer(1));
    cluster.change(0, remove(2)).unwrap();
    cluster.deliver_all();
    assert_eq!(address_book(&cluster, 0), three, "the entry that removes it still has to reach it");
    cluster.heal(peer(1));
    cluster.advance(Duration::from_millis(100));
    cluster.deliver_all();
    assert_eq!(address_book(&cluster, 0), [(peer(0), None), (peer(1), None)].into());
    assert_eq!(&address_book(&cluster, 0), cluster.node(peer(0)).address_book());
}

/// "A server accepts AppendEntries requests from a leader that is not part of the server's latest
/// configuration ... A server also grants its vote to a candidate that is not part of the server's
/// latest configuration" (dissertation §4.2.3, "the server's latest configuration").
#[test]
fn requests_are_answered_from_non_members_too() {
    let mut cluster = Cluster::new(1);
    let newcomer = cluster.join(5);
    cluster.inject(9, newcomer, 3, request_vote(2, 1));
    cluster.deliver_all();
    assert_eq!(cluster.node(newcomer).status().voted_for, Some(peer(9)));
    cluster.inject(9, newcomer, 3, append(EntryId::ZERO, &[entry(3, 1)], 1));
    cluster.deliver_all();
    assert_eq!(cluster.node(newcomer).status().leader, Some(peer(9)));
    assert_eq!(cluster.index(5), (1, 1));
}
