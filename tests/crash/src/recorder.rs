//! The recorder of all calls and answers, and the check that they are linearizable.
//!
//! Each round has keys of its own, so that the search for an order stays short in a long run. Times
//! are nanoseconds since the beginning of the run: the check needs to know which call ended before
//! another began.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{fmt, fs, io};

use raft_tests::invariants::Picture;
use raft_tests::kv::{Operation, Seen};
use raft_tests::oracle::history::{Asked, History};
use serde_json::json;

use crate::Outcome;

/// The number of keys in a round.
pub(crate) const KEYS: u8 = 6;

/// All calls of a run, shared by the clients.
pub(crate) struct Recorder {
    start: Instant,
    calls: Mutex<Calls>,
}

struct Calls {
    rounds: Vec<History>,
    /// The time of each acknowledgement of a write.
    acknowledged: Vec<u64>,
    reads: usize,
    /// The first answer that is never correct.
    violation: Option<String>,
    /// The picture of the round that failed its check.
    picture: Option<Picture>,
}

/// A call of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallId {
    round: usize,
    call: usize,
}

/// The counts of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) writes: usize,
    pub(crate) reads: usize,
    /// Calls whose clients gave up waiting.
    pub(crate) unknown: usize,
    /// The longest time without an acknowledged write.
    pub(crate) longest_gap: Duration,
    /// Disks that were emptied.
    pub(crate) disks_lost: usize,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { writes, reads, unknown, longest_gap, disks_lost } = self;
        write!(
            f,
            "{writes} writes and {reads} reads answered, {unknown} outcomes unknown, longest time \
             without an acknowledged write {} ms, {disks_lost} disks lost",
            longest_gap.as_millis()
        )
    }
}

impl Recorder {
    pub(crate) fn new() -> Self {
        let (rounds, acknowledged) = (vec![History::default()], Vec::new());
        let calls = Calls { rounds, acknowledged, reads: 0, violation: None, picture: None };
        Self { start: Instant::now(), calls: Mutex::new(calls) }
    }

    /// The name of a key in the service.
    pub(crate) fn key(round: usize, key: u8) -> String {
        format!("{round}-{key}")
    }

    /// The current round, to which new calls belong.
    pub(crate) fn round(&self) -> usize {
        self.lock().rounds.len() - 1
    }

    /// Begins a round, with new keys.
    pub(crate) fn next_round(&self) {
        self.lock().rounds.push(History::default());
    }

    /// Records the begin of a call.
    pub(crate) fn begin(
        &self,
        round: usize,
        client: u16,
        serial: u32,
        operation: Operation,
    ) -> CallId {
        let mut calls = self.lock();
        let asked = Asked { client, serial, operation, asked_at: self.now(), answer: None };
        CallId { round, call: calls.rounds[round].begins(asked) }
    }

    /// Records the answer to a call.
    pub(crate) fn complete(&self, id: CallId, operation: Operation, seen: Seen) {
        let now = self.now();
        let mut calls = self.lock();
        calls.rounds[id.round].is_answered(id.call, (now, seen));
        match operation {
            Operation::Get { .. } | Operation::Read { .. } => calls.reads += 1,
            Operation::Put { .. } | Operation::Swap { .. } => calls.acknowledged.push(now),
        }
    }

    /// Records an answer that is never correct.
    pub(crate) fn violation(&self, text: String) {
        self.lock().violation.get_or_insert(text);
    }

    /// The number of acknowledged writes.
    pub(crate) fn acknowledged(&self) -> usize {
        self.lock().acknowledged.len()
    }

    /// The number of rounds.
    pub(crate) fn rounds(&self) -> usize {
        self.lock().rounds.len()
    }

    /// Checks one round. A call that has no answer yet may take effect at any later time.
    pub(crate) fn check(&self, round: usize) -> Outcome {
        let history = {
            let calls = self.lock();
            if let Some(violation) = &calls.violation {
                return Err(violation.clone().into());
            }
            calls.rounds[round].clone()
        };
        match history.check_linearizability() {
            Ok(0) => Ok(()),
            Ok(_) => Err(format!("round {round}: too many overlapping calls to check").into()),
            Err(violation) => {
                self.lock().picture = violation.picture;
                Err(format!("round {round}: {}", violation.text).into())
            }
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
            disks_lost: 0,
        }
    }

    /// Saves the history, and the picture of a round that failed its check, in these directories.
    pub(crate) fn save(&self, history: &Path, pictures: &Path) -> io::Result<()> {
        fs::write(history.join("history.jsonl"), self.json_lines())?;
        match &self.lock().picture {
            Some(picture) => picture.save(pictures),
            None => Ok(()),
        }
    }

    /// The history as JSON lines, as `linearizability --model register` reads it.
    fn json_lines(&self) -> String {
        let mut text = String::new();
        for (round, history) in self.lock().rounds.iter().enumerate() {
            for asked in history.requests() {
                text.push_str(&json_line(round, asked).to_string());
                text.push('\n');
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

fn json_line(round: usize, asked: &Asked) -> serde_json::Value {
    let Asked { client, serial, operation, asked_at, answer } = asked;
    // A key without a value has zero.
    let value = |value: Seen| if value == 0 { json!(null) } else { json!(value) };
    let mut line = json!({
        "client": client,
        "key": Recorder::key(round, operation.key()),
        "note": format!("request #{serial}"),
        "call": asked_at,
    });
    if let Some((at, _)) = answer {
        line["return"] = json!(at);
    }
    let told = answer.map(|(_, told)| value(told));
    let (op, told_as) = match operation {
        Operation::Get { .. } | Operation::Read { .. } => ("read", "result"),
        Operation::Put { value: new, .. } => {
            line["value"] = value(*new);
            ("write", "before")
        }
        Operation::Swap { expected, value: new, .. } => {
            line["from"] = value(*expected);
            line["value"] = value(*new);
            ("cas", "before")
        }
    };
    line["op"] = json!(op);
    if let Some(told) = told {
        line[told_as] = told;
    }
    line
}

/// The longest time between two of these times, which are almost in order.
fn longest_gap(times: &[u64]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
    Duration::from_nanos(gaps.max().unwrap_or(0))
}
