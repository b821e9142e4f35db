//! The search against the definition: all orders of small histories.

use std::sync::Arc;

use linearizability::check::states_along;
use linearizability::models::{
    CasResult, PutResult, Register, RegisterCall, Text, TextCall, Versioned, VersionedCall,
    VersionedValue,
};
use linearizability::{Model, Timed, Verdict, check};
use proptest::prelude::*;

const STEPS: u64 = 1_000_000;

/// Searches all orders of calls: the definition itself.
fn has_an_order<M: Model>(
    model: &M,
    calls: &[Timed<M::Call>],
    state: &M::State,
    left: &[usize],
) -> bool {
    let may_be_next =
        |one: usize| left.iter().all(|other| calls[*other].end() >= calls[one].called());
    left.iter().all(|call| calls[*call].returned().is_none())
        || left.iter().filter(|one| may_be_next(**one)).any(|one| {
            let rest: Vec<usize> = left.iter().copied().filter(|other| other != one).collect();
            let after = model.after(state, &calls[*one].call);
            after.is_some_and(|after| has_an_order(model, calls, &after, &rest))
        })
}

/// A call that is answered or not, at random times.
fn timed<C: Clone + std::fmt::Debug>(
    call: impl Strategy<Value = (C, C)>,
) -> impl Strategy<Value = Timed<C>> {
    (call, 0..14_u64, 0..6_u64, 0..6_u8).prop_map(|((answered, pending), called, length, kind)| {
        match kind {
            0 => Timed::pending(pending, called),
            _ => Timed::new(answered, called, called + length).expect("in order"),
        }
    })
}

fn agrees<M: Model>(model: &M, calls: &[Timed<M::Call>]) -> Result<(), TestCaseError> {
    let all: Vec<usize> = (0..calls.len()).collect();
    let expected = has_an_order(model, calls, &model.start(), &all);
    match check(model, calls, STEPS) {
        Verdict::Linearizable(order) => {
            prop_assert!(expected, "there is no order");
            let states = states_along(model, calls, &order);
            prop_assert!(states.is_ok(), "{:?} is wrong at {:?}", order, states);
        }
        Verdict::Illegal => prop_assert!(!expected, "there is an order"),
        Verdict::Unknown => prop_assert!(false, "too many steps"),
    }
    Ok(())
}

fn register_call() -> impl Strategy<Value = (RegisterCall<u8>, RegisterCall<u8>)> {
    (0..9_u8, 0..4_u8, 0..4_u8, 0..4_u8).prop_map(|(kind, value, expected, before)| {
        let cas = |result| RegisterCall::Cas { expected, value, result };
        let write = |before| RegisterCall::Write { value, before };
        let answered = match kind {
            0..3 => RegisterCall::Read(Some(before)),
            3..5 => write(None),
            5 => write(Some(before)),
            6 => cas(Some(CasResult::Swapped)),
            7 => cas(Some(CasResult::Failed)),
            _ => cas(Some(CasResult::Before(before))),
        };
        let pending = match kind {
            0 => RegisterCall::Read(None),
            1..5 => write(None),
            _ => cas(None),
        };
        (answered, pending)
    })
}

fn text_call() -> impl Strategy<Value = (TextCall, TextCall)> {
    let text = || "[ab]{0,2}".prop_map(|text| Arc::<str>::from(text.as_str()));
    (0..8_u8, text(), text(), text()).prop_map(|(kind, text, expected, before)| {
        let register = TextCall::Register;
        let append = |before| TextCall::Append { text: Arc::clone(&text), before };
        let put = |before| register(RegisterCall::Write { value: Arc::clone(&text), before });
        let cas = |result| {
            let (expected, value) = (Arc::clone(&expected), Arc::clone(&text));
            register(RegisterCall::Cas { expected, value, result })
        };
        let answered = match kind {
            0..3 => register(RegisterCall::Read(Some(Arc::clone(&before)))),
            3 => put(None),
            4..6 => append(None),
            6 => append(Some(Arc::clone(&before))),
            _ => cas(Some(CasResult::Before(Arc::clone(&before)))),
        };
        let pending = match kind {
            0..3 => append(None),
            3..6 => put(None),
            _ => cas(None),
        };
        (answered, pending)
    })
}

fn versioned_call() -> impl Strategy<Value = (VersionedCall, VersionedCall)> {
    let value = || "[ab]".prop_map(|value| Arc::<str>::from(value.as_str()));
    (0..9_u8, value(), 0..4_u64).prop_map(|(kind, value, version)| {
        let put = |result| VersionedCall::Put { value: Arc::clone(&value), version, result };
        let read = match version {
            0 => VersionedValue::default(),
            _ => VersionedValue { version, value: Arc::clone(&value) },
        };
        let answered = match kind {
            0..3 => VersionedCall::Get(Some(read)),
            3..6 => put(Some(PutResult::Ok)),
            6 => put(Some(PutResult::WrongVersion)),
            7 => put(Some(PutResult::NoKey)),
            _ => put(Some(PutResult::Maybe)),
        };
        (answered, put(None))
    })
}

/// Calls of clients one after the other, with the right answers: what a store without any faults says.
fn sequential<M: Model>(
    model: &M,
    calls: &[M::Call],
    answer: impl Fn(&M::Call, &M::State) -> M::Call,
) -> Vec<Timed<M::Call>> {
    let mut state = model.start();
    let mut history = Vec::new();
    for (at, call) in (0..).zip(calls) {
        let call = answer(call, &state);
        state = model.after(&state, &call).expect("it has the right answer");
        history.push(Timed::new(call, 2 * at, 2 * at + 1).expect("in order"));
    }
    history
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn registers_agree_with_the_definition(calls in prop::collection::vec(timed(register_call()), 0..7)) {
        agrees(&Register { start: 0 }, &calls)?;
    }

    #[test]
    fn strings_agree_with_the_definition(calls in prop::collection::vec(timed(text_call()), 0..7)) {
        agrees(&Text, &calls)?;
    }

    #[test]
    fn versions_agree_with_the_definition(calls in prop::collection::vec(timed(versioned_call()), 0..7)) {
        agrees(&Versioned, &calls)?;
    }

    #[test]
    fn sequential_runs_are_linearizable(calls in prop::collection::vec(text_call(), 0..40)) {
        let calls: Vec<TextCall> = calls.into_iter().map(|(call, _)| call).collect();
        let answer = |call: &TextCall, state: &Arc<str>| {
            let before = Some(Arc::clone(state));
            match call.clone() {
                TextCall::Register(RegisterCall::Read(_)) => TextCall::Register(RegisterCall::Read(before)),
                TextCall::Register(RegisterCall::Write { value, .. }) => {
                    TextCall::Register(RegisterCall::Write { value, before: None })
                }
                TextCall::Register(RegisterCall::Cas { expected, value, .. }) => {
                    let result = Some(CasResult::Before(Arc::clone(state)));
                    TextCall::Register(RegisterCall::Cas { expected, value, result })
                }
                TextCall::Append { text, .. } => TextCall::Append { text, before: None },
            }
        };
        let history = sequential(&Text, &calls, answer);
        prop_assert!(matches!(check(&Text, &history, STEPS), Verdict::Linearizable(_)));
    }
}
