//! Known histories, and own models.

use std::cell::Cell;

use linearizability::check::states_along;
use linearizability::models::{Register, RegisterCall};
use linearizability::{
    Effect, Model, ReturnsBeforeCall, Timed, Verdict, check, check_all, explain,
};

/// A first-in-first-out queue, the example of Herlihy and Wing; it tells nothing but what it does.
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
const REGISTER: Register<u64> = Register { start: 0 };

fn timed<C>((called, returned, call): (u64, u64, C)) -> Timed<C> {
    Timed::new(call, called, returned).expect("in order")
}

fn is_linearizable<M: Model>(model: &M, history: &[Timed<M::Call>]) -> bool {
    match check(model, history, STEPS) {
        Verdict::Linearizable(order) => {
            assert!(states_along(model, history, &order).is_ok(), "{order:?}");
            true
        }
        Verdict::Illegal => false,
        Verdict::Unknown => panic!("too many steps"),
    }
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
        assert_eq!(is_linearizable(&Queue, &history), expected, "{name}");
        assert_eq!(explain(&Queue, &history, STEPS).is_some(), !expected, "{name}");
    }
}

const fn get(told: u64) -> RegisterCall<u64> {
    RegisterCall::Read(Some(told))
}

const fn put(value: u64) -> RegisterCall<u64> {
    RegisterCall::Write { value, before: None }
}

#[test]
fn the_registers_of_porcupines_introduction() {
    // One client writes 100 while two others read; the reads must not go back.
    let good = [(0, 100, put(100)), (25, 75, get(100)), (30, 60, get(0))].map(timed);
    assert!(is_linearizable(&REGISTER, &good));
    let bad = [(0, 100, put(200)), (10, 30, get(200)), (40, 90, get(0))].map(timed);
    assert!(!is_linearizable(&REGISTER, &bad));
    let reason = explain(&REGISTER, &bad, STEPS).expect("the second read goes back");
    assert_eq!((reason.culprit, reason.core), (2, vec![0, 1, 2]));
    let order: Vec<(usize, u64)> = vec![(0, 200), (1, 200)];
    assert_eq!(reason.partial_orders, [order], "the write and the first read have an order");
    assert!(reason.are_all_ends);
}

/// All states are told that were possible instead, also those that only a write leaves which no call
/// saw.
#[test]
fn all_states_that_were_possible_are_told() {
    let history = [
        (0, 10, put(1)),
        (0, 10, put(2)),
        (1, 9, put(3)),
        (11, 12, get(4)),
        (20, 30, put(4)),
        (40, 41, get(4)),
    ]
    .map(timed);
    let reason = explain(&REGISTER, &history, STEPS).expect("4 was written later");
    let mut ends: Vec<u64> =
        reason.partial_orders.iter().filter_map(|order| Some(order.last()?.1)).collect();
    ends.sort_unstable();
    assert_eq!((reason.culprit, ends, reason.are_all_ends), (3, vec![1, 2, 3], true));
    assert_eq!(reason.core, [3], "nothing writes 4 before it is read");
    let never = [timed((0, 1, get(4)))];
    let reason = explain(&REGISTER, &never, STEPS).expect("nothing was written");
    assert_eq!(reason.ends(&REGISTER), [0], "no call at all is an order, too");
}

#[test]
fn a_call_without_a_result_takes_effect_at_any_later_moment_or_never() {
    for reads in [vec![], vec![get(0)], vec![get(7)], vec![get(0), get(7)]] {
        let later = (10..).step_by(10).zip(reads).map(|(at, call)| timed((at, at + 1, call)));
        let history: Vec<_> = std::iter::once(Timed::pending(put(7), 0)).chain(later).collect();
        assert!(is_linearizable(&REGISTER, &history));
    }
    let back = [Timed::pending(put(7), 0), timed((10, 11, get(7))), timed((20, 21, get(0)))];
    assert!(!is_linearizable(&REGISTER, &back));
}

#[test]
fn equal_times_overlap() {
    let touching = [(0, 5, put(1)), (5, 9, get(0))].map(timed);
    assert!(is_linearizable(&REGISTER, &touching));
    let apart = [(0, 5, put(1)), (6, 9, get(0))].map(timed);
    assert!(!is_linearizable(&REGISTER, &apart));
    let swapped = [(0, 5, get(1)), (5, 9, put(1))].map(timed);
    assert!(is_linearizable(&REGISTER, &swapped));
}

#[test]
fn a_return_before_its_call_is_refused() {
    let error = Timed::new(get(0), 7, 5).expect_err("backwards");
    assert_eq!(error, ReturnsBeforeCall { called: 7, returned: 5 });
    assert_eq!(error.to_string(), "the call returned at 5, before it was called at 7");
}

/// A counter whose increments tell nothing: every order of them is possible.
struct Opaque;

impl Model for Opaque {
    type State = Vec<u64>;
    type Call = Option<u64>;

    fn start(&self) -> Vec<u64> {
        Vec::new()
    }

    fn after(&self, state: &Vec<u64>, call: &Option<u64>) -> Option<Vec<u64>> {
        call.map(|own| [state.as_slice(), &[own]].concat())
    }

    fn effect(&self, call: &Option<u64>) -> Effect<Vec<u64>> {
        if call.is_none() { Effect::Read(None) } else { Effect::Any }
    }
}

/// A hard key does not hide an easy one that is wrong.
#[test]
fn a_long_search_is_abandoned_and_others_are_not() {
    let mut hard: Vec<_> = (0..40).map(|own| timed((0, 100, Some(own)))).collect();
    hard.push(timed((101, 102, None)));
    assert_eq!(check(&Opaque, &hard, 1000), Verdict::Unknown);
    let easy = [timed((0, 1, None))];
    let verdicts = check_all(&Opaque, &[&hard, &easy, &[]], 10_000);
    assert_eq!(verdicts, [Verdict::Unknown, Verdict::Illegal, Verdict::Linearizable(vec![])]);
}

/// Calls one after the other take time in proportion: 50 000 calls need no more than
/// 50 000 steps.
#[test]
fn a_long_history_without_a_choice_takes_few_steps() {
    let calls = (0..25_000_u64).flat_map(|n| [put(n % 7 + 1), get(n % 7 + 1)]);
    let history: Vec<_> =
        (0..).zip(calls).map(|(at, call)| timed((2 * at, 2 * at + 1, call))).collect();
    assert!(matches!(check(&REGISTER, &history, 50_000), Verdict::Linearizable(_)));
}

/// A model that counts how often it is asked.
struct Counting<'a> {
    asked: &'a Cell<u64>,
}

impl Model for Counting<'_> {
    type State = u64;
    type Call = RegisterCall<u64>;

    fn start(&self) -> u64 {
        REGISTER.start()
    }

    fn after(&self, state: &u64, call: &RegisterCall<u64>) -> Option<u64> {
        self.asked.update(|asked| asked + 1);
        REGISTER.after(state, call)
    }

    fn effect(&self, call: &RegisterCall<u64>) -> Effect<u64> {
        self.asked.update(|asked| asked + 1);
        REGISTER.effect(call)
    }
}

/// The reason for a stale read at the end of a long history is found in time in proportion to its length,
/// but for a logarithm.
#[test]
fn a_long_history_is_explained_by_little_work() {
    let asked = |writes: u64| {
        let calls = (1..=writes).flat_map(|n| [put(n), get(n)]).chain([get(1)]);
        let history: Vec<_> =
            (0..).zip(calls).map(|(at, call)| timed((2 * at, 2 * at + 1, call))).collect();
        let asked = Cell::new(0);
        let reason = explain(&Counting { asked: &asked }, &history, STEPS).expect("a stale read");
        assert_eq!((reason.culprit, reason.core.len()), (history.len() - 1, 3));
        asked.get()
    };
    let (short, long) = (asked(250), asked(4_000));
    assert!(long < 2 * 16 * short, "{short} questions for 500 calls, {long} for 8000");
}

/// In the shape of porcupine's histories of a store under load: clients in closed loops append to keys
/// and read them; one read misses an acknowledged append.
#[test]
fn a_missed_append_is_found_among_many_clients() {
    use linearizability::models::{Text, TextCall};
    use std::sync::Arc;
    let read = |value: &str| TextCall::Register(RegisterCall::Read(Some(Arc::from(value))));
    let mut history = Vec::new();
    let (mut value, mut before) = (String::new(), String::new());
    for round in 0..40_u64 {
        let at = 100 * round;
        before.clone_from(&value);
        for client in 0..20_u64 {
            let text = format!("x {client} {round} y");
            value.push_str(&text);
            history.push(timed((
                at + client,
                at + 60 - client,
                TextCall::Append { text: text.into(), before: None },
            )));
        }
        history.push(timed((at + 70, at + 80, read(&value))));
    }
    assert!(is_linearizable(&Text, &history));
    let missed = history.len() - 1;
    history[missed].call = read(&before);
    assert!(!is_linearizable(&Text, &history));
    let reason = explain(&Text, &history, STEPS).expect("a stale read");
    assert_eq!(reason.culprit, missed);
}

/// Orders in which a write is delayed behind others that it overwrites, with what it was read by.
#[test]
fn a_write_and_its_readers_can_be_late() {
    use linearizability::models::{CasResult, Text, TextCall};
    use std::sync::Arc;
    let failed = || RegisterCall::Cas { expected: 0, value: 0, result: Some(CasResult::Failed) };
    for overwritten in [0, 2] {
        let history = [
            Timed::pending(put(2), 0),
            timed((8, 8, get(2))),
            timed((9, 9, failed())),
            timed((6, 6, put(0))),
            timed((0, 0, put(overwritten))),
        ];
        assert!(is_linearizable(&REGISTER, &history), "{overwritten}");
    }
    let text = |value: &str| Arc::<str>::from(value);
    let append = |value| TextCall::Append { text: text(value), before: None };
    let read = |value| TextCall::Register(RegisterCall::Read(Some(text(value))));
    let write =
        |value| TextCall::Register(RegisterCall::Write { value: text(value), before: None });
    let history = [
        timed((9, 10, append("b"))),
        timed((4, 11, read("a"))),
        timed((4, 7, append(""))),
        timed((11, 11, append("a"))),
        Timed::pending(write("a"), 2),
        timed((8, 12, read("aa"))),
    ];
    assert!(is_linearizable(&Text, &history));
    let history = [timed((3, 5, append(""))), timed((0, 2, append(""))), timed((0, 2, write("")))];
    assert!(is_linearizable(&Text, &history));
}
