//! The recorder of all calls and answers, and the check that they are linearizable.
//!
//! Each round has keys of its own, so that the search for an order stays short in a long run.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use raft_tests::invariants::Picture;
use services::controller::SHARDS;
use services::history::{Call, History, Open};
use services::key_value::{Operation, Write};
use services::sharded::shard_of;

use crate::Outcome;

/// All calls of a run, shared by the clients.
#[derive(Default)]
pub(super) struct Recorder(Mutex<Calls>);

#[derive(Default)]
struct Calls {
    rounds: Vec<History>,
    answers: usize,
    /// Attempts that were answered by a reason to try again.
    retries: usize,
    /// The first answer that is never correct.
    violation: Option<String>,
    picture: Option<Picture>,
    latencies: Vec<Latency>,
}

/// The time of an answered call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Latency {
    pub(super) begun: Instant,
    pub(super) shard: usize,
    pub(super) taken: Duration,
}

/// A call of a run.
pub(super) struct OpenCall {
    round: usize,
    open: Open,
    begun: Instant,
    shard: usize,
}

/// A key of a shard, for a round.
fn key(round: usize, shard: usize) -> String {
    let in_shard = |key: &String| shard_of(key) == shard;
    let mut keys = ALL_SHARDS.map(|first| format!("{first}-{round}"));
    keys.find(in_shard).unwrap_or_else(|| panic!("no key of shard {shard} begins with a digit"))
}

impl Recorder {
    /// Begins a round, with new keys.
    pub(super) fn next_round(&self) {
        self.lock().rounds.push(History::default());
    }

    /// Number of rounds.
    pub(super) fn rounds(&self) -> usize {
        self.lock().rounds.len()
    }

    /// Records the begin of a call in the current round: the call, and its key.
    pub(super) fn begin(
        &self,
        client: u64,
        shard: usize,
        operation: &Operation,
    ) -> (OpenCall, String) {
        let mut calls = self.lock();
        let round = calls.rounds.len() - 1;
        let open = begin(&mut calls.rounds[round], client, &key(round, shard), operation);
        (OpenCall { round, open, begun: Instant::now(), shard }, key(round, shard))
    }

    /// Records the answer to a call.
    pub(super) fn complete(&self, call: &OpenCall, value: &str, retries: usize) {
        let mut calls = self.lock();
        calls.rounds[call.round].returned(&call.open, value);
        calls.answers += 1;
        calls.retries += retries;
        let OpenCall { begun, shard, .. } = *call;
        calls.latencies.push(Latency { begun, shard, taken: begun.elapsed() });
    }

    /// Reads a key of an earlier round.
    pub(super) fn check_key(
        &self,
        round: usize,
        shard: usize,
        client: u64,
        read: impl FnOnce(&str) -> Outcome<String>,
    ) -> Outcome {
        let key = key(round, shard);
        let open = begin(&mut self.lock().rounds[round], client, &key, &Operation::Get);
        let value = read(&key)?;
        self.lock().rounds[round].returned(&open, &value);
        Ok(())
    }

    /// Records an answer that is never correct.
    pub(super) fn violation(&self, text: String) {
        self.lock().violation.get_or_insert(text);
    }

    /// Number of answered calls.
    pub(super) fn answers(&self) -> usize {
        self.lock().answers
    }

    /// Number of attempts that were answered by a reason to try again.
    pub(super) fn retries(&self) -> usize {
        self.lock().retries
    }

    pub(super) fn latencies(&self) -> Vec<Latency> {
        self.lock().latencies.clone()
    }

    /// Fails after an answer that is never correct.
    pub(super) fn check_answers(&self) -> Outcome {
        self.lock().violation.clone().map_or(Ok(()), |violation| Err(violation.into()))
    }

    /// Checks one round. A call that has no answer yet may take effect at any later time.
    pub(super) fn check(&self, round: usize) -> Outcome {
        self.check_answers()?;
        let history = self.lock().rounds[round].clone();
        match history.check() {
            Ok(0) => Ok(()),
            Ok(_) => Err(format!("round {round}: too many overlapping calls to check").into()),
            Err(failure) => {
                self.lock().picture = failure.picture().cloned();
                Err(format!("round {round}: {failure}").into())
            }
        }
    }

    /// Saves the picture of a round that failed its check.
    pub(super) fn save(&self, directory: &Path) -> std::io::Result<()> {
        self.lock().picture.as_ref().map_or(Ok(()), |picture| picture.save(directory))
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn begin(history: &mut History, client: u64, key: &str, operation: &Operation) -> Open {
    let call = match operation {
        Operation::Get => Call::Get(None),
        Operation::Write(Write::Put(value)) => Call::Put(value.clone()),
        Operation::Write(Write::Append(more)) => Call::Append(more.clone()),
    };
    history.call(client, key, call)
}

/// The shards.
pub(super) const ALL_SHARDS: std::ops::Range<usize> = 0..SHARDS;
