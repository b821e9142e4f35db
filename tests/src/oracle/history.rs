//! Histories of clients: requests, answers, and their checks.

use std::collections::BTreeMap;

use linearizability::history::{Counts, Record};
use linearizability::models::{CasResult, Register, RegisterCall};
use linearizability::{Explanation, Model, STEPS_MAX, Timed, Verdict, picture};
use raft::{Bytes, Index};

use crate::coverage::{Coverage, Mark};
use crate::invariants::{Invariant, Picture, Violation};
use crate::kv::{Execution, Operation, Request, Seen, Store};

/// A client's request from its own point of view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The client.
    pub client: u16,
    /// The client's number for it.
    pub serial: u32,
    /// The operation.
    pub operation: Operation,
    /// The event at which it began.
    pub asked_at: u64,
    /// The event at which it was answered, and with what.
    pub answer: Option<(u64, Seen)>,
}

/// All requests of a run.
#[derive(Clone, Debug, Default)]
pub struct History {
    requests: Vec<Asked>,
}

impl History {
    /// A request begins; its place in the history.
    pub fn begins(&mut self, asked: Asked) -> usize {
        self.requests.push(asked);
        self.requests.len() - 1
    }

    /// The request at a place is answered.
    pub fn is_answered(&mut self, position: usize, answer: (u64, Seen)) {
        self.requests[position].answer = Some(answer);
    }

    /// All requests, in the order in which they began.
    #[must_use]
    pub fn requests(&self) -> &[Asked] {
        &self.requests
    }

    /// Compares every answer with that of one store that executes the applied commands in order.
    ///
    /// # Errors
    /// An answer differs, or its command is not among the agreed ones.
    pub fn check_answers(&self, agreed: &[Bytes]) -> Result<(), Box<Violation>> {
        let said = replay(agreed);
        for asked in &self.requests {
            let Some((_, told)) = asked.answer else { continue };
            let Asked { client, serial, operation, .. } = asked;
            if matches!(operation, Operation::Read { .. }) {
                // No command has its answer; linearizability covers it.
                continue;
            }
            match said.get(&(*client, *serial)) {
                Some((_, right)) if *right == told => {}
                Some((index, right)) => {
                    return Err(Invariant::WrongAnswer.broken(format_args!(
                        "client {client} received {told} for #{serial} {operation}; the command at \
                         index {index} gives {right}"
                    )));
                }
                None => {
                    return Err(Invariant::AcknowledgedLost.broken(format_args!(
                        "client {client} received {told} for #{serial} {operation}, which is not \
                         among the {} applied commands",
                        agreed.len()
                    )));
                }
            }
        }
        Ok(())
    }

    /// Checks the requests of each key for linearizability, and returns the number of keys whose
    /// search was abandoned.
    ///
    /// # Errors
    /// The requests of a key cannot be put in an order.
    pub fn check_linearizability(&self) -> Result<u64, Box<Violation>> {
        check_keys(&REGISTER, &self.by_key(), "request")
    }

    /// Counts the situations of this history.
    pub fn cover(&self, coverage: &mut Coverage) {
        let mut keys: BTreeMap<u8, Vec<&Asked>> = BTreeMap::new();
        for asked in &self.requests {
            keys.entry(asked.operation.key()).or_default().push(asked);
        }
        for requests in keys.values_mut() {
            requests.sort_by_key(|asked| asked.asked_at);
            let mut busy_until = 0;
            for asked in requests.iter() {
                if asked.answer.is_none() {
                    coverage.hit(Mark::Unanswered);
                }
                if asked.asked_at < busy_until {
                    coverage.hit(Mark::ConcurrentRequests);
                }
                busy_until = busy_until.max(asked.answer.map_or(u64::MAX, |(at, _)| at));
            }
        }
    }

    /// The requests as calls on registers.
    #[must_use]
    pub fn by_key(&self) -> linearizability::history::History<RegisterCall<Seen>> {
        let mut history = linearizability::history::History::default();
        for asked in &self.requests {
            let told = asked.answer.map(|(_, told)| told);
            let call = match asked.operation {
                Operation::Get { .. } | Operation::Read { .. } => RegisterCall::Read(told),
                Operation::Put { value, .. } => RegisterCall::Write { value, before: told },
                Operation::Swap { expected, value, .. } => {
                    RegisterCall::Cas { expected, value, result: told.map(CasResult::Before) }
                }
            };
            let mut timed = Timed::pending(call, asked.asked_at);
            if let Some((at, _)) = asked.answer {
                timed.returns(at).unwrap_or_else(|error| panic!("{asked:?}: {error}"));
            }
            let mut record = Record::new(format!("C{}", asked.client), timed);
            record.note = Some(format!("request #{}", asked.serial));
            history.add(asked.operation.key().to_string(), record);
        }
        history
    }
}

/// Checks the calls of each key, and returns the number of keys whose search was abandoned.
///
/// # Errors
/// The calls of a key cannot be put in an order; with pictures of all such keys.
pub fn check_keys<M: Model>(
    model: &M,
    history: &linearizability::history::History<M::Call>,
    word: &str,
) -> Result<u64, Box<Violation>> {
    let verdicts = history.check(model, STEPS_MAX);
    let counts = Counts::of(&verdicts);
    if counts.illegal == 0 {
        return Ok(counts.unknown as u64);
    }
    let verdicts = history.explain(model, verdicts, STEPS_MAX);
    let illegal = history.keys.iter().zip(&verdicts);
    let illegal = illegal.filter(|(_, own)| own.verdict == Verdict::Illegal);
    let reasons = illegal.map(|((key, records), verdict)| {
        let count = records.len();
        let (s, have) = if count == 1 { ("", "has") } else { ("s", "have") };
        let reason = verdict.explanation.as_ref().map(|own| reason(model, records, own));
        let reason = reason.unwrap_or_default();
        format!("the {count} {word}{s} for key {key} {have} no order{reason}")
    });
    let text = reasons.collect::<Vec<_>>().join("\n           ");
    let mut violation = Invariant::Linearizability.broken(format_args!("{text}"));
    violation.picture = Some(Picture {
        text: picture::text(model, history, &verdicts, PICTURE_COLUMNS),
        html: picture::html(model, "linearizability", history, &verdicts),
    });
    Err(violation)
}

/// The call that cannot follow, and what it would have to follow.
fn reason<M: Model>(
    model: &M,
    records: &[Record<M::Call>],
    explanation: &Explanation<M::State>,
) -> String {
    let culprit = &records[explanation.culprit];
    let (called, returned) = culprit.times();
    let (client, call) = (&culprit.client, model.describe_call(&culprit.timed.call));
    let states = explanation.ends(model).into_iter();
    let states: Vec<String> = states.map(|state| model.describe_state(&state)).collect();
    format!(
        ": {call} of {client} (#{called}..#{}) cannot follow those that returned before it, which \
         end in the state {}",
        returned.unwrap_or_default(),
        states.join(" or "),
    )
}

/// Index at which each request was executed, and the store's answer.
fn replay(agreed: &[Bytes]) -> BTreeMap<(u16, u32), (Index, Seen)> {
    let (mut store, mut said) = (Store::default(), BTreeMap::new());
    for (index, command) in (1..).zip(agreed) {
        let Some(request) = Request::decode(command) else { continue };
        if let Execution::Executed(answer) = store.execute(&request) {
            said.insert((request.client, request.serial), (Index::new(index), answer));
        }
    }
    said
}

/// The model of a key: zero before all writes.
pub const REGISTER: Register<Seen> = Register { start: 0 };

/// The width of a picture, for a narrow terminal.
const PICTURE_COLUMNS: usize = 79;
