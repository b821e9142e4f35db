//! The oracles: every kind of wrong answer is reported, and no right one is.

use linearizability::Verdict;
use proptest::prelude::*;
use raft::Bytes;
use raft_tests::invariants::{Invariant, Violation};
use raft_tests::kv::{Execution, Operation, Request, Store};
use raft_tests::oracle::history::{Asked, History, REGISTER};

fn asked(client: u16, serial: u32, operation: Operation, told: Option<u64>) -> Asked {
    let at = u64::from(serial) * 10 + u64::from(client);
    Asked { client, serial, operation, asked_at: at, answer: told.map(|told| (at + 1, told)) }
}

fn history(requests: &[Asked]) -> History {
    let mut history = History::default();
    requests.iter().for_each(|asked| {
        history.begins(*asked);
    });
    history
}

/// The commands of these requests, as if agreed on in this order.
fn agreed(requests: &[Asked]) -> Vec<Bytes> {
    let command = |asked: &Asked| {
        let Asked { client, serial, operation, .. } = *asked;
        Request { client, serial, attempt: 0, operation }.encode(0)
    };
    requests.iter().map(command).collect()
}

#[track_caller]
fn fires<T>(check: Result<T, Box<Violation>>, invariant: Invariant, part: &str) {
    let Err(violation) = check else { panic!("nothing was found, expected {part:?}") };
    assert_eq!(violation.invariant, invariant, "{violation}");
    assert!(violation.text.contains(part), "{part:?} is missing in {violation}");
}

#[test]
fn lost_and_wrong_answers_are_reported() {
    let put = asked(0, 1, Operation::Put { key: 3, value: 9 }, Some(0));
    let get = asked(1, 2, Operation::Get { key: 3 }, Some(9));
    let good = history(&[put, get]);
    good.check_answers(&agreed(&[put, get])).expect("the answers are right");
    fires(good.check_answers(&agreed(&[get])), Invariant::AcknowledgedLost, "client 0 received 0");
    let other_order = agreed(&[get, put]);
    fires(good.check_answers(&other_order), Invariant::WrongAnswer, "client 1 received 9");
    let unanswered = history(&[Asked { answer: None, ..put }]);
    unanswered.check_answers(&[]).expect("what was not answered may be lost");
}

#[test]
fn requests_that_are_not_linearizable_are_listed() {
    let put = asked(0, 1, Operation::Put { key: 3, value: 9 }, Some(0));
    let stale = asked(1, 2, Operation::Get { key: 3 }, Some(0));
    let elsewhere = asked(1, 3, Operation::Get { key: 4 }, Some(0));
    assert_eq!(history(&[put, elsewhere]).check_linearizability().expect("fine"), 0);
    let check = history(&[put, stale, elsewhere]).check_linearizability();
    let part = "read -> 0 of C1 (#21..#22) cannot follow those that returned before it, which end in the state 9";
    fires(check, Invariant::Linearizability, part);
}

#[test]
fn every_key_without_an_order_is_told() {
    let requests: Vec<Asked> = (0..3)
        .flat_map(|key| {
            let serial = 10 * u32::from(key);
            let put = asked(0, serial + 1, Operation::Put { key, value: 9 }, Some(0));
            [put, asked(1, serial + 2, Operation::Get { key }, Some(u64::from(key == 1) * 9))]
        })
        .collect();
    let violation = history(&requests).check_linearizability().expect_err("two keys are wrong");
    let told = |key: u8| violation.text.contains(&format!("requests for key {key} have no order:"));
    assert_eq!([0, 1, 2].map(told), [true, false, true], "{violation}");
    let picture = violation.picture.as_ref().expect("it is drawn");
    assert!(picture.text.contains("3 keys: 1 yes, 2 no, 0 unknown"), "{}", picture.text);
    assert!(picture.html.contains("request #21") || picture.html.contains("C1: read"));
}

/// In a long history, what is wrong is shown, not the beginning.
#[test]
fn the_culprit_is_shown_wherever_it_is() {
    let mut requests = Vec::new();
    for serial in 0..400 {
        let (value, before) = (u64::from(serial) + 1, u64::from(serial));
        requests.push(asked(0, 2 * serial, Operation::Put { key: 3, value }, Some(before)));
        let read = if serial == 300 { 7 } else { value };
        requests.push(asked(1, 2 * serial + 1, Operation::Read { key: 3 }, Some(read)));
    }
    let violation = history(&requests).check_linearizability().expect_err("a stale read");
    let expected = "the 800 requests for key 3 have no order: read -> 7 of C1 (#6011..#6012)";
    assert!(violation.text.starts_with(expected), "{violation}");
    let picture = &violation.picture.as_ref().expect("it is drawn").text;
    let lines = picture.lines().count();
    assert!(lines <= 24, "{lines} lines:\n{picture}");
    for part in ["✗  C1  read -> 7", "write 301 -> 300", "have no order by themselves"] {
        assert!(picture.contains(part), "{part:?} is missing in {picture}");
    }
}

/// A write whose only witness is a swap without an answer, too.
#[test]
fn what_an_unanswered_request_needs_may_have_happened() {
    let put = asked(0, 1, Operation::Put { key: 1, value: 5 }, None);
    let swap = asked(1, 1, Operation::Swap { key: 1, expected: 5, value: 6 }, None);
    let again = asked(2, 1, Operation::Swap { key: 1, expected: 6, value: 7 }, None);
    for (requests, read) in [(&[put, swap][..], 6), (&[again, swap, put], 7)] {
        let get = asked(3, 2, Operation::Get { key: 1 }, Some(read));
        let requests = [requests, &[get]].concat();
        assert_eq!(history(&requests).check_linearizability(), Ok(0), "{requests:?}");
    }
}

fn any_operation() -> impl Strategy<Value = Operation> {
    let key = 0;
    prop_oneof![
        Just(Operation::Get { key }),
        Just(Operation::Read { key }),
        (1..4_u64).prop_map(move |value| Operation::Put { key, value }),
        (0..4_u64, 1..4_u64).prop_map(move |(expected, value)| Operation::Swap {
            key,
            expected,
            value
        }),
    ]
}

proptest! {
    /// A store that executes requests one at a time, each at some moment while it is open, or never
    /// if it is not answered, is linearizable. One answer that differs is judged as by the definition.
    #[test]
    fn what_a_store_answers_is_linearizable(
        requests in prop::collection::vec((any_operation(), 0..20_u64, 0..6_u64, 0..6_u64, 0..5_u8), 1..7),
        wrong in prop::option::of((any::<prop::sample::Index>(), 0..4_u64)),
    ) {
        let mut open: Vec<_> = (1..).zip(&requests).map(|(serial, (operation, at, before, after, fate))| {
            (at + before, serial, *operation, (*at, at + before + after), *fate)
        }).collect();
        open.sort_unstable_by_key(|(executed, serial, ..)| (*executed, *serial));
        let (mut store, mut asked) = (Store::default(), Vec::new());
        for (_, serial, operation, (asked_at, answered_at), fate) in open {
            let client = u16::try_from(serial).expect("few requests");
            // A read is not a command, but it sees what a Get would.
            let command = match operation {
                Operation::Read { key } => Operation::Get { key },
                Operation::Get { .. } | Operation::Put { .. } | Operation::Swap { .. } => operation,
            };
            let request = Request { client, serial, attempt: 0, operation: command };
            let told = match (fate, store.clone().execute(&request)) {
                (0, _) => None,
                (_, Execution::Executed(told)) => { store.execute(&request); Some(told) }
                (_, other) => panic!("it is the first: {other:?}"),
            };
            let answer = told.filter(|_| fate > 1).map(|told| (answered_at, told));
            asked.push(Asked { client, serial, operation, asked_at, answer });
        }
        prop_assert_eq!(history(&asked).check_linearizability(), Ok(0));
        let Some((which, value)) = wrong else { return Ok(()) };
        let which = which.index(asked.len());
        let Some((at, _)) = asked[which].answer else { return Ok(()) };
        asked[which].answer = Some((at, value));
        let history = history(&asked);
        let all: Vec<usize> = (0..asked.len()).collect();
        let expected = has_an_order(&asked, 0, &all);
        prop_assert_eq!(history.check_linearizability().is_ok(), expected, "{:?}", asked);
        let verdict = &history.by_key().check(&REGISTER, 100_000)[0];
        prop_assert_eq!(matches!(verdict, Verdict::Linearizable(_)), expected);
    }
}

/// Searches all orders of requests: the definition itself.
fn has_an_order(requests: &[Asked], state: u64, left: &[usize]) -> bool {
    let end = |place: usize| requests[place].answer.map_or(u64::MAX, |(at, _)| at);
    let may_be_next = |one: usize| left.iter().all(|other| end(*other) >= requests[one].asked_at);
    left.iter().all(|place| requests[*place].answer.is_none())
        || left.iter().filter(|one| may_be_next(**one)).any(|one| {
            let rest: Vec<usize> = left.iter().copied().filter(|other| other != one).collect();
            let fits = requests[*one].answer.is_none_or(|(_, told)| told == state);
            let after = match requests[*one].operation {
                Operation::Put { value, .. } => value,
                Operation::Swap { expected, value, .. } if expected == state => value,
                Operation::Get { .. } | Operation::Read { .. } | Operation::Swap { .. } => state,
            };
            fits && has_an_order(requests, after, &rest)
        })
}
