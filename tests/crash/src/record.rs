//! What clients asked and were told, round by round, and what follows from it.
//!
//! Each round has keys of its own, so that the search for an order stays short however long the
//! run is. Moments are nanoseconds since the beginning of the run: they say which call was over
//! before another one began, which is all that the check needs.

use std::fmt::{self, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use raft_tests::kv::{Operation, Seen};
use raft_tests::oracle::history::{Asked, History};

use crate::Outcome;

/// How many keys a round has.
pub(crate) const KEYS: u8 = 6;

/// All calls of a run. Clients share it.
pub(crate) struct Record {
    start: Instant,
    calls: Mutex<Calls>,
}

struct Calls {
    rounds: Vec<History>,
    /// When each write was acknowledged.
    acknowledged: Vec<u64>,
    reads: usize,
    /// What no client should ever see.
    wrong: Option<String>,
}

/// Where a call is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    round: usize,
    call: usize,
}

/// What a run amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) writes: usize,
    pub(crate) reads: usize,
    /// Calls whose clients gave up waiting.
    pub(crate) unknown: usize,
    /// The longest time without an acknowledged write.
    pub(crate) longest_gap: Duration,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { writes, reads, unknown, longest_gap } = self;
        write!(
            f,
            "{writes} writes and {reads} reads answered, {unknown} outcomes unknown, longest time \
             without an acknowledged write {} ms",
            longest_gap.as_millis()
        )
    }
}

impl Record {
    pub(crate) fn new() -> Self {
        let (rounds, acknowledged) = (vec![History::default()], Vec::new());
        let calls = Calls { rounds, acknowledged, reads: 0, wrong: None };
        Self { start: Instant::now(), calls: Mutex::new(calls) }
    }

    /// The name of a key in the service.
    pub(crate) fn key(round: usize, key: u8) -> String {
        format!("{round}-{key}")
    }

    /// The round that new calls belong to.
    pub(crate) fn round(&self) -> usize {
        self.lock().rounds.len() - 1
    }

    /// Calls that begin from now on have new keys.
    pub(crate) fn next_round(&self) {
        self.lock().rounds.push(History::default());
    }

    /// A call begins.
    pub(crate) fn begins(
        &self,
        round: usize,
        client: u16,
        serial: u32,
        operation: Operation,
    ) -> Place {
        let mut calls = self.lock();
        let asked = Asked { client, serial, operation, asked_at: self.now(), answer: None };
        Place { round, call: calls.rounds[round].begins(asked) }
    }

    /// A call was answered.
    pub(crate) fn is_answered(&self, place: Place, operation: Operation, seen: Seen) {
        let now = self.now();
        let mut calls = self.lock();
        calls.rounds[place.round].is_answered(place.call, (now, seen));
        match operation {
            Operation::Get { .. } | Operation::Read { .. } => calls.reads += 1,
            Operation::Put { .. } | Operation::Swap { .. } => calls.acknowledged.push(now),
        }
    }

    /// The service said what it must never say.
    pub(crate) fn is_wrong(&self, what: String) {
        self.lock().wrong.get_or_insert(what);
    }

    /// How many writes were acknowledged so far.
    pub(crate) fn acknowledged(&self) -> usize {
        self.lock().acknowledged.len()
    }

    /// How many rounds there are.
    pub(crate) fn rounds(&self) -> usize {
        self.lock().rounds.len()
    }

    /// Checks one round. A call that is still under way may take effect at any later moment.
    pub(crate) fn check(&self, round: usize) -> Outcome {
        let history = {
            let calls = self.lock();
            if let Some(wrong) = &calls.wrong {
                return Err(wrong.clone().into());
            }
            calls.rounds[round].clone()
        };
        match history.check_linearizability() {
            Ok(0) => Ok(()),
            Ok(_) => Err(format!("round {round}: too many calls overlap to be checked").into()),
            Err(violation) => Err(format!("round {round}: {}", violation.text).into()),
        }
    }

    pub(crate) fn totals(&self) -> Totals {
        let calls = self.lock();
        let asked = calls.rounds.iter().flat_map(History::requests);
        Totals {
            writes: calls.acknowledged.len(),
            reads: calls.reads,
            unknown: asked.filter(|asked| asked.answer.is_none()).count(),
            longest_gap: longest_gap(&calls.acknowledged),
        }
    }

    /// The whole history, a call a line.
    pub(crate) fn text(&self) -> String {
        let mut text = String::from("round client serial asked_ns answered_ns operation -> told\n");
        for (round, history) in self.lock().rounds.iter().enumerate() {
            for asked in history.requests() {
                let Asked { client, serial, operation, asked_at, answer } = asked;
                let (at, told) = answer.map_or(("-".to_owned(), "-".to_owned()), |(at, told)| {
                    (at.to_string(), told.to_string())
                });
                let line = format_args!(
                    "{round} C{client} #{serial} {asked_at} {at} {operation} -> {told}\n"
                );
                // Writing into a string does not fail.
                let _ = text.write_fmt(line);
            }
        }
        text
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The longest time between two of these moments, which clients noted almost in order.
fn longest_gap(moments: &[u64]) -> Duration {
    let mut moments = moments.to_vec();
    moments.sort_unstable();
    let gaps = moments.windows(2).map(|pair| pair[1] - pair[0]);
    Duration::from_nanos(gaps.max().unwrap_or(0))
}
