//! The replicated state: values, and the sessions of clients.

use std::collections::BTreeMap;

use raft::driver::{MachineError, StateMachine, from_bytes, to_bytes};
use serde::{Deserialize, Serialize};

/// The replicated state.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Store {
    pub(crate) values: BTreeMap<String, String>,
    /// The newest serial of each client, and its answer.
    sessions: BTreeMap<u64, (u64, Answer)>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Write {
    pub(crate) key: String,
    pub(crate) value: Option<String>,
    pub(crate) only_if: Option<String>,
    /// The client's number, and its serial for this write.
    pub(crate) session: Option<(u64, u64)>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Answer {
    Done {
        before: Option<String>,
    },
    /// The condition was not met.
    ConditionFailed {
        before: Option<String>,
    },
    /// The client has sent a newer write since.
    StaleSerial,
    /// The client's session has ended; nothing was applied.
    SessionEnded,
}

/// Limit on sessions. All peers must have the same.
const SESSIONS_MAX: usize = 10_000;

impl StateMachine for Store {
    type Command = Write;
    type Answer = Answer;

    fn apply(&mut self, write: Write) -> Answer {
        let Some((client, serial)) = write.session else { return self.execute(write) };
        match self.sessions.get(&client) {
            Some((newest, answer)) if *newest == serial => return answer.clone(),
            Some((newest, _)) if *newest > serial => return Answer::StaleSerial,
            // It may be one that has ended, and this write a retry.
            None if self.sessions.len() >= SESSIONS_MAX && self.is_below_all(client) => {
                return Answer::SessionEnded;
            }
            Some(_) | None => {}
        }
        let answer = self.execute(write);
        self.sessions.insert(client, (serial, answer.clone()));
        if self.sessions.len() > SESSIONS_MAX {
            self.sessions.pop_first();
        }
        answer
    }

    fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
        to_bytes(self)
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError> {
        *self = from_bytes(snapshot)?;
        Ok(())
    }
}

impl Store {
    fn is_below_all(&self, client: u64) -> bool {
        self.sessions.first_key_value().is_some_and(|(lowest, _)| client < *lowest)
    }

    fn execute(&mut self, Write { key, value, only_if, .. }: Write) -> Answer {
        let before = self.values.get(&key).cloned();
        if only_if.is_some_and(|expected| expected != *before.as_deref().unwrap_or_default()) {
            return Answer::ConditionFailed { before };
        }
        match value {
            Some(value) => self.values.insert(key, value),
            None => self.values.remove(&key),
        };
        Answer::Done { before }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(client: u64, serial: u64) -> Write {
        let value = Some(serial.to_string());
        Write { key: "k".into(), value, only_if: None, session: Some((client, serial)) }
    }

    #[test]
    fn the_oldest_sessions_end_and_their_retries_are_not_applied() {
        let mut store = Store::default();
        let many = SESSIONS_MAX as u64;
        for client in 1..=many + 5 {
            assert!(matches!(store.apply(write(client, 1)), Answer::Done { .. }));
        }
        assert_eq!(store.sessions.len(), SESSIONS_MAX);
        assert!(matches!(store.apply(write(3, 1)), Answer::SessionEnded), "a retry");
        assert!(matches!(store.apply(write(6, 1)), Answer::Done { .. }), "its answer is kept");
        assert!(matches!(store.apply(write(6, 2)), Answer::Done { .. }));
        assert!(matches!(store.apply(write(6, 1)), Answer::StaleSerial));
        assert!(matches!(store.apply(write(many + 6, 1)), Answer::Done { .. }));
    }
}
