//! The oracles: known histories, and every kind of wrong answer is reported.

use proptest::prelude::*;
use raft::Bytes;
use raft_tests::invariants::{Invariant, Violation};
use raft_tests::kv::{Operation, Request, Seen};
use raft_tests::oracle::history::{Asked, History, Register};
use raft_tests::oracle::linearizability::{Answer, Model, Timed, check};

/// A first-in-first-out queue, the example of Herlihy and Wing.
struct Queue;

#[derive(Clone, Copy, Debug)]
enum QueueCall {
    Enqueue(char),
    Dequeue(char),
}

impl Model for Queue {
    type State = Vec<char>;
    type Call = QueueCall;

    fn start(&self) -> Vec<char> {
        Vec::new()
    }

    fn after(&self, state: &Vec<char>, call: &QueueCall) -> Option<Vec<char>> {
        match call {
            QueueCall::Enqueue(item) => Some([state.as_slice(), &[*item]].concat()),
            QueueCall::Dequeue(item) if state.first() == Some(item) => Some(state[1..].to_vec()),
            QueueCall::Dequeue(_) => None,
        }
    }
}

const STEPS: u64 = 100_000;

fn timed<C>((called, returned, call): (u64, u64, C)) -> Timed<C> {
    Timed { call, called, returned: Some(returned) }
}

#[test]
fn the_queues_of_herlihy_and_wing_figure_1() {
    use QueueCall::{Dequeue, Enqueue};
    let rows = [
        (
            "(a) the enqueues overlap, so that either may be first",
            vec![
                (0, 3, Enqueue('x')),
                (1, 4, Enqueue('y')),
                (5, 7, Dequeue('y')),
                (6, 9, Dequeue('x')),
                (8, 10, Enqueue('z')),
            ],
            true,
        ),
        (
            "(b) x was enqueued before y",
            vec![(0, 1, Enqueue('x')), (2, 3, Enqueue('y')), (4, 6, Dequeue('y'))],
            false,
        ),
        (
            "(c) the dequeue overlaps the enqueue",
            vec![(0, 3, Enqueue('x')), (1, 2, Dequeue('x'))],
            true,
        ),
        (
            "(d) y is dequeued twice",
            vec![
                (0, 2, Enqueue('x')),
                (1, 3, Enqueue('y')),
                (4, 6, Dequeue('y')),
                (5, 7, Dequeue('y')),
            ],
            false,
        ),
    ];
    for (name, calls, expected) in rows {
        let history: Vec<_> = calls.into_iter().map(timed).collect();
        let answer = check(&Queue, &history, STEPS);
        assert_eq!(answer == Answer::Linearizable, expected, "{name}: {answer:?}");
    }
}

type Call = (Operation, Option<Seen>);

const fn get(told: u64) -> Call {
    (Operation::Get { key: 0 }, Some(told))
}

/// A write without information on the value before it, as in the published histories.
fn write(value: u64, before: u64) -> Call {
    (Operation::Put { key: 0, value }, Some(before))
}

#[test]
fn the_registers_of_porcupines_introduction() {
    // One client writes 100 while two others read; the reads must not go back.
    let good = [(0, 100, write(100, 0)), (25, 75, get(100)), (30, 60, get(0))].map(timed);
    assert_eq!(check(&Register, &good, STEPS), Answer::Linearizable);
    let bad = [(0, 100, write(100, 0)), (10, 30, get(100)), (40, 90, get(0))].map(timed);
    let Answer::Illegal { longest } = check(&Register, &bad, STEPS) else {
        panic!("the second read goes back");
    };
    assert_eq!(longest, [0, 1], "the write and the first read have an order");
}

#[test]
fn a_call_without_a_result_takes_effect_at_any_later_moment_or_never() {
    let lost =
        || Timed { call: (Operation::Put { key: 0, value: 7 }, None), called: 0, returned: None };
    for reads in [vec![], vec![get(0)], vec![get(7)], vec![get(0), get(7)]] {
        let later = (10..).step_by(10).zip(reads).map(|(at, call)| timed((at, at + 1, call)));
        let history: Vec<_> = std::iter::once(lost()).chain(later).collect();
        assert_eq!(check(&Register, &history, STEPS), Answer::Linearizable);
    }
    let back: Vec<_> =
        [lost(), timed((10, 11, get(7))), timed((20, 21, get(0)))].into_iter().collect();
    assert!(matches!(check(&Register, &back, STEPS), Answer::Illegal { .. }));
}

#[test]
fn equal_times_overlap() {
    let touching = [(0, 5, write(1, 0)), (5, 9, get(0))].map(timed);
    assert_eq!(check(&Register, &touching, STEPS), Answer::Linearizable);
    let apart = [(0, 5, write(1, 0)), (6, 9, get(0))].map(timed);
    assert!(matches!(check(&Register, &apart, STEPS), Answer::Illegal { .. }));
    let swapped = [(0, 5, get(1)), (5, 9, write(1, 0))].map(timed);
    assert_eq!(check(&Register, &swapped, STEPS), Answer::Linearizable);
}

#[test]
fn a_long_search_is_abandoned() {
    let many: Vec<_> = (0..40).map(|value| timed((0, 100, write(value, 1000)))).collect();
    assert_eq!(check(&Register, &many, 10), Answer::Unknown);
}

/// Searches all orders of calls: the definition itself.
fn has_an_order(calls: &[Timed<Call>], state: u64, left: &[usize]) -> bool {
    let may_be_next = |one: usize| {
        left.iter().all(|other| calls[*other].returned.is_none_or(|at| at >= calls[one].called))
    };
    let finished = left.iter().all(|call| calls[*call].returned.is_none());
    finished
        || left.iter().any(|one| {
            let rest: Vec<usize> = left.iter().copied().filter(|other| other != one).collect();
            let after = Register.after(&state, &calls[*one].call);
            may_be_next(*one) && after.is_some_and(|after| has_an_order(calls, after, &rest))
        })
}

fn any_call() -> impl Strategy<Value = Timed<Call>> {
    let operation = prop_oneof![
        Just(Operation::Get { key: 0 }),
        Just(Operation::Read { key: 0 }),
        (1..4_u64).prop_map(|value| Operation::Put { key: 0, value }),
        (0..4_u64, 1..4_u64).prop_map(|(expected, value)| Operation::Swap {
            key: 0,
            expected,
            value
        }),
    ];
    (operation, 0..12_u64, 0..5_u64, 0..4_u64, 0..6_u8).prop_map(
        |(operation, called, length, told, answered)| {
            let answered = answered > 0;
            Timed {
                call: (operation, answered.then_some(told)),
                called,
                returned: answered.then_some(called + length),
            }
        },
    )
}

proptest! {
    #[test]
    fn the_search_finds_an_order_where_there_is_one(
        calls in prop::collection::vec(any_call(), 0..6)
    ) {
        let all: Vec<usize> = (0..calls.len()).collect();
        let expected = has_an_order(&calls, 0, &all);
        let answer = check(&Register, &calls, STEPS);
        prop_assert_eq!(answer == Answer::Linearizable, expected, "{:?}", answer);
    }
}

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
    fires(check, Invariant::Linearizability, "#21..#22 get 3 -> 0");
}
