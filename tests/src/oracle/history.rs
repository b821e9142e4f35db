//! Histories of clients: requests, answers, and their checks.

use std::collections::BTreeMap;

use raft::{Bytes, Index};

use super::linearizability::{self, Answer, Model, Timed};
use crate::coverage::{Coverage, Mark};
use crate::invariants::{Invariant, Violation};
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
        let mut undecided = 0;
        for (key, requests) in self.by_key() {
            let calls = calls(&requests);
            match linearizability::check(&Register, &calls, STEPS_MAX) {
                Answer::Linearizable => {}
                Answer::Unknown => undecided += 1,
                Answer::Illegal { longest } => {
                    return Err(illegal(key, &calls, longest.len()));
                }
            }
        }
        Ok(undecided)
    }

    /// Counts the situations of this history.
    pub fn cover(&self, coverage: &mut Coverage) {
        for requests in self.by_key().values() {
            let mut busy_until = 0;
            for asked in requests {
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

    fn by_key(&self) -> BTreeMap<u8, Vec<&Asked>> {
        let mut keys: BTreeMap<u8, Vec<&Asked>> = BTreeMap::new();
        for asked in &self.requests {
            keys.entry(asked.operation.key()).or_default().push(asked);
        }
        for requests in keys.values_mut() {
            requests.sort_by_key(|asked| asked.asked_at);
        }
        keys
    }
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

/// A register with reads, writes and swaps; each returns the value before it.
#[derive(Clone, Copy, Debug)]
pub struct Register;

impl Model for Register {
    type State = u64;
    type Call = (Operation, Option<Seen>);

    fn start(&self) -> u64 {
        0
    }

    fn after(&self, state: &u64, (operation, told): &Self::Call) -> Option<u64> {
        if told.is_some_and(|told| told != *state) {
            return None;
        }
        Some(match operation {
            Operation::Put { value, .. } => *value,
            Operation::Swap { expected, value, .. } if expected == state => *value,
            Operation::Get { .. } | Operation::Read { .. } | Operation::Swap { .. } => *state,
        })
    }
}

/// The calls of one key. A request without an answer whose value was never read may as well never
/// have been executed, and is left out: it would only make the search longer.
fn calls(requests: &[&Asked]) -> Vec<Timed<(Operation, Option<Seen>)>> {
    let seen = |value: u64| {
        requests.iter().any(|asked| asked.answer.is_some_and(|(_, told)| told == value))
    };
    let matters = |asked: &&&Asked| match asked.operation {
        _ if asked.answer.is_some() => true,
        Operation::Get { .. } | Operation::Read { .. } => false,
        Operation::Put { value, .. } | Operation::Swap { value, .. } => seen(value),
    };
    let timed = |asked: &&Asked| Timed {
        call: (asked.operation, asked.answer.map(|(_, told)| told)),
        called: asked.asked_at,
        returned: asked.answer.map(|(at, _)| at),
    };
    requests.iter().filter(matters).map(timed).collect()
}

fn illegal(key: u8, calls: &[Timed<(Operation, Option<Seen>)>], longest: usize) -> Box<Violation> {
    let mut text = format!("the {} requests for key {key} have no order", calls.len());
    text.push_str(&format!(" ({longest} of them can be put in one):"));
    for Timed { call: (operation, told), called, returned } in calls.iter().take(LISTED_MAX) {
        let told = told.map_or("no answer".to_owned(), |told| told.to_string());
        let returned = returned.map_or("end".to_owned(), |at| format!("#{at}"));
        text.push_str(&format!("\n             #{called}..{returned} {operation} -> {told}"));
    }
    Invariant::Linearizability.broken(format_args!("{text}"))
}

/// Reached in about a second; the histories of swarm runs need some thousands.
const STEPS_MAX: u64 = 2_000_000;

/// More would not fit on a screen.
const LISTED_MAX: usize = 40;
