//! Durability of promised and applied state, and monotonic state.

use raft::message::{AppendEntriesReply, Candidacy, Carried, RequestVote, Vote};
use raft::{
    EntryId, HardState, Index, Log, Message, PeerId, PersistentState, RoleName, Round, Snapshot,
    Status, Term, TermRuns,
};
use raft_tests::invariants::monotonic::Past;
use raft_tests::invariants::{Invariant, durability};

use crate::assertions::{fires, holds};
use crate::fixtures::{disk, entry, envelope, id, log, peer, status};

#[test]
fn durability_fires_on_a_promise_that_could_be_lost() {
    let candidacy =
        || Message::RequestVote(RequestVote { last_log: id(1, 1), candidacy: Candidacy::Timeout });
    let vote = || Message::RequestVoteReply(Vote::Granted);
    let accept = |index| {
        let match_index = Index::new(index);
        Message::AppendEntriesReply(AppendEntriesReply::Accepted {
            match_index,
            carried: Carried::Entries,
            round: Round::ZERO,
        })
    };
    let rows = [
        ("candidacy in a term not durable", candidacy(), disk(2, Some(0), &[1])),
        ("candidacy without its own vote", candidacy(), disk(3, None, &[1])),
        ("vote not durable", vote(), disk(3, None, &[1])),
        ("vote for another", vote(), disk(3, Some(2), &[1])),
        ("entry not durable", accept(2), disk(3, None, &[1])),
        ("entry of another term", accept(2), disk(3, None, &[1, 1])),
        ("acknowledgement of a term not durable", accept(1), disk(2, None, &[1])),
    ];
    for (name, message, disk) in rows {
        let leader = log(&[1, 2]);
        let envelope = envelope(3, message);
        let check =
            durability::check_sent(peer(0), &envelope, &disk, |index| leader.term_at(index));
        assert_eq!(check.expect_err(name).invariant, Invariant::Durability, "{name}");
    }
    for (message, disk) in [
        (candidacy(), disk(3, Some(0), &[1])),
        (vote(), disk(3, Some(1), &[1])),
        (accept(2), disk(3, None, &[1, 2])),
        (Message::RequestVoteReply(Vote::Rejected), disk(2, None, &[])),
    ] {
        let leader = log(&[1, 2]);
        let envelope = envelope(3, message);
        holds(durability::check_sent(peer(0), &envelope, &disk, |index| leader.term_at(index)));
    }
}

#[test]
fn durability_fires_on_entries_that_are_neither_in_memory_nor_on_the_disk() {
    let mut runs = TermRuns::default();
    [id(1, 1), id(2, 2)].into_iter().for_each(|id| runs.push(id, 10));
    let log = Log::after_stored(EntryId::ZERO, runs, vec![entry(2, 3, b"x")]);
    let sound = disk(2, None, &[1, 2]);
    holds(durability::check_stored(peer(0), &log, &sound));
    let whole = durability::whole_log(peer(0), &log, &sound).expect("the disk has them");
    let indexes = whole.map(|log| log.range(Index::ZERO, log.last().index).count());
    assert_eq!(indexes, Some(3));
    for (terms, ends) in [(&[1][..], "ends with 1@1"), (&[1, 1], "ends with 2@1")] {
        let disk = disk(2, None, terms);
        let check = durability::check_stored(peer(0), &log, &disk);
        fires(check, Invariant::Durability, &["keeps 2@2 out of memory", ends]);
        let whole = durability::whole_log(peer(0), &log, &disk).map(|_| ());
        fires(whole, Invariant::Durability, &["keeps the entries after 0@0 through 2@2"]);
    }
}

#[test]
fn durability_fires_on_what_is_applied_or_believed_too_early() {
    let disk = PersistentState {
        snapshot: Some(Snapshot {
            last_included: id(1, 2),
            membership: Default::default(),
            data: [].into(),
        }),
        entries: vec![entry(2, 3, b"x")],
        ..PersistentState::default()
    };
    holds(durability::check_applied(peer(0), &[entry(1, 2, b"x"), entry(2, 3, b"x")], &disk));
    let missing = durability::check_applied(peer(0), &[entry(2, 4, b"x")], &disk);
    fires(missing, Invariant::Durability, &["entry 4@2", "ends with 3@2"]);
    let other = durability::check_applied(peer(0), &[entry(3, 3, b"x")], &disk);
    fires(other, Invariant::Durability, &["entry 3@3"]);
    holds(durability::check_restored(peer(0), id(1, 2), &disk));
    let early = durability::check_restored(peer(0), id(3, 4), &disk);
    fires(early, Invariant::Durability, &["snapshot through 4@3", "ends with 3@2"]);
}

#[test]
fn durability_fires_on_a_peer_that_believes_more_durable_than_is() {
    let disk = disk(3, None, &[1, 2, 2]);
    let believes = |index, terms: &[u64]| {
        durability::check_durable_index(peer(0), Index::new(index), &log(terms), &disk)
    };
    holds(believes(3, &[1, 2, 2, 3]));
    holds(believes(1, &[1, 3]));
    for (index, terms) in [(4, &[1, 2, 2, 3][..]), (2, &[1, 3]), (3, &[1, 2])] {
        let count = format!("through {index} as durable");
        fires(believes(index, terms), Invariant::Durability, &[&count]);
    }
}

#[test]
fn monotonic_fires_on_any_decrease() {
    let start = Status {
        voted_for: Some(PeerId::new(1)),
        last_applied: Index::new(2),
        ..status(RoleName::Follower, 5, 3)
    };
    let rows = [
        ("its term", Status { current_term: Term::new(4), ..start }, 9),
        ("its commit index", Status { commit_index: Index::new(2), ..start }, 9),
        ("its applied index", Status { last_applied: Index::new(1), ..start }, 9),
        ("its vote", Status { voted_for: Some(PeerId::new(2)), ..start }, 9),
        ("its vote", Status { voted_for: None, ..start }, 9),
        (
            "after the last one",
            Status { current_term: Term::MAX.next(), voted_for: None, ..start },
            9,
        ),
        ("not in its log", Status { commit_index: Index::new(10), ..start }, 9),
        ("not committed", Status { last_applied: Index::new(4), ..start }, 9),
    ];
    for (part, now, last) in rows {
        let mut past = Past::new(start, HardState::default());
        fires(past.update(peer(0), now, Index::new(last)), Invariant::Monotonic, &[part]);
    }
    let mut past = Past::new(start, HardState::default());
    let next_term = Status { current_term: Term::new(6), voted_for: None, ..start };
    holds(past.update(peer(0), next_term, Index::new(9)));
}

#[test]
fn monotonic_fires_on_a_disk_or_a_restart_that_goes_back() {
    let start = status(RoleName::Follower, 5, 0);
    let durable = disk(5, Some(1), &[]);
    for (worse, part) in [
        (disk(4, None, &[]), "Term(4)"),
        (disk(5, None, &[]), "None"),
        (disk(5, Some(2), &[]), "2"),
    ] {
        let mut past = Past::new(start, durable.hard_state);
        fires(past.update_durable(peer(0), &worse), Invariant::Monotonic, &[part]);
    }
    let mut past = Past::new(start, durable.hard_state);
    holds(past.update_durable(peer(0), &disk(6, None, &[])));

    let mut past = Past::new(start, durable.hard_state);
    let forgot = past.restart(peer(0), status(RoleName::Follower, 4, 0), &durable);
    fires(forgot, Invariant::Monotonic, &["restarts with", "its disk holds"]);
}
