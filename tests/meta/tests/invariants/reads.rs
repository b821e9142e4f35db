//! Reads that miss committed commands, rounds that no quorum answered, deadlines that pass.

use raft::{Index, Instant, Membership, PeerId, ReadId, Round};
use raft_tests::invariants::Invariant;
use raft_tests::invariants::read_deadline::{self, AcceptedRead};
use raft_tests::invariants::read_index::{self, ServedRead};

use crate::assertions::{fires, holds};
use crate::fixtures::{peer, voters};

#[test]
fn read_sees_committed_fires_on_a_read_that_is_served_too_early() {
    let check = |committed, index, applied| {
        let [committed, index, applied] = [committed, index, applied].map(Index::new);
        let read = ServedRead { committed, index, applied };
        read_index::check(peer(1), format_args!("read 7 of a client"), read)
    };
    holds(check(3, 3, 3));
    holds(check(3, 4, 5));
    let parts = ["peer 1", "read 7 of a client at index 2", "3 was committed"];
    fires(check(3, 2, 5), Invariant::ReadSeesCommitted, &parts);
    fires(check(3, 4, 3), Invariant::ReadSeesCommitted, &["having applied 3"]);
}

#[test]
fn read_sees_committed_fires_on_a_round_that_one_majority_of_two_answered() {
    let check = |members: &Membership, answered: &[u64]| {
        let round = |peer: PeerId| answered.contains(&peer.number()).then_some(Round::new(4));
        read_index::check_round(peer(1), Round::new(4), members, round)
    };
    let joint = voters(&[1, 2, 3]).enter_joint(voters(&[4, 5, 6]));
    holds(check(&joint, &[2, 4, 6]));
    fires(check(&joint, &[4, 5, 6]), Invariant::ReadSeesCommitted, &["peer 1", "round 4"]);
    fires(check(&joint, &[2, 3]), Invariant::ReadSeesCommitted, &["outgoing 1 2 3"]);
    holds(check(&voters(&[1]), &[]));
    let old = |_| Some(Round::new(3));
    let late = read_index::check_round(peer(1), Round::new(4), &voters(&[1, 2, 3]), old);
    fires(late, Invariant::ReadSeesCommitted, &["answered by [] alone"]);
}

#[test]
fn read_deadline_fires_on_a_read_that_is_kept_or_dropped_too_early() {
    let at = Instant::from_nanos;
    let read = AcceptedRead { read: ReadId::new(7), deadline: at(300) };
    let open = |timer: Option<u64>, ticked: Option<u64>| {
        read_deadline::check_open(peer(1), read, timer.map(at), ticked.map(at))
    };
    holds(open(Some(300), None));
    holds(open(Some(200), Some(299)));
    fires(open(Some(301), None), Invariant::ReadDeadline, &["peer 1", "read 7", "next timer"]);
    fires(open(None, None), Invariant::ReadDeadline, &["next timer is None"]);
    fires(open(Some(200), Some(300)), Invariant::ReadDeadline, &["keeps read 7"]);
    holds(read_deadline::check_dropped(peer(1), read, at(300)));
    let early = read_deadline::check_dropped(peer(1), read, at(299));
    fires(early, Invariant::ReadDeadline, &["drops read 7 as timed out"]);
}
