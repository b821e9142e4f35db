//! The replicated state: values, and the sessions of clients.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write as _};
use std::sync::Arc;

use raft::driver::{MachineError, SnapshotView, StateMachine, from_bytes, to_bytes};
use serde::{Deserialize, Serialize};

/// The replicated state. Clones share its parts until they change, so that one is a view.
#[derive(Clone, Default)]
pub(crate) struct Store {
    pub(crate) values: Values,
    /// The newest serial of each client, and its answer.
    sessions: Arc<Sessions>,
}

type Sessions = BTreeMap<u64, (u64, Answer)>;

/// Values by their keys, in parts.
#[derive(Clone)]
pub(crate) struct Values(Vec<Arc<BTreeMap<String, String>>>);

/// Number of parts: a write copies one of so many, once for each view.
const PARTS: usize = 1024;

impl Default for Values {
    fn default() -> Self {
        Self((0..PARTS).map(|_| Arc::default()).collect())
    }
}

impl Values {
    pub(crate) fn get(&self, key: &str) -> Option<&String> {
        self.0[part(key)].get(key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter().flat_map(|part| part.iter())
    }

    fn set(&mut self, key: String, value: Option<String>) {
        let part = Arc::make_mut(&mut self.0[part(&key)]);
        match value {
            Some(value) => part.insert(key, value),
            None => part.remove(&key),
        };
    }
}

/// The part of a key: the same on all peers, so that their snapshots are equal.
fn part(key: &str) -> usize {
    key.bytes().fold(0, |hash: usize, byte| (hash * 31 + usize::from(byte)) % PARTS)
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
        let sessions = Arc::make_mut(&mut self.sessions);
        sessions.insert(client, (serial, answer.clone()));
        if sessions.len() > SESSIONS_MAX {
            sessions.pop_first();
        }
        answer
    }

    fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
        let mut bytes = Vec::new();
        self.write_to(&mut bytes)?;
        Ok(bytes)
    }

    fn snapshot_view(&self) -> Result<SnapshotView, MachineError> {
        let view = self.clone();
        Ok(SnapshotView::writer(move |sink| view.write_to(sink)))
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError> {
        let (values, sessions): (Vec<(String, String)>, Sessions) = from_bytes(snapshot)?;
        *self = Self { values: Values::default(), sessions: sessions.into() };
        values.into_iter().for_each(|(key, value)| self.values.set(key, Some(value)));
        Ok(())
    }
}

impl Store {
    /// Writes a number, so many keys and values, and the sessions.
    fn write_to(&self, sink: &mut dyn std::io::Write) -> Result<(), MachineError> {
        let mut sink = BufWriter::new(sink);
        sink.write_all(&to_bytes(&(self.values.iter().count() as u64))?)?;
        for pair in self.values.iter() {
            sink.write_all(&to_bytes(&pair)?)?;
        }
        sink.write_all(&to_bytes(&*self.sessions)?)?;
        Ok(sink.flush()?)
    }

    fn is_below_all(&self, client: u64) -> bool {
        self.sessions.first_key_value().is_some_and(|(lowest, _)| client < *lowest)
    }

    fn execute(&mut self, Write { key, value, only_if, .. }: Write) -> Answer {
        let before = self.values.get(&key).cloned();
        if only_if.is_some_and(|expected| expected != *before.as_deref().unwrap_or_default()) {
            return Answer::ConditionFailed { before };
        }
        self.values.set(key, value);
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
    fn a_view_is_of_its_time_and_is_read_back_as_earlier_snapshots_are() {
        let mut store = Store::default();
        let set = |store: &mut Store, key: &str| {
            store.apply(Write { key: key.into(), ..write(1, 1) });
        };
        (0..100).for_each(|key| store.values.set(format!("key {key}"), Some("old".into())));
        set(&mut store, "before");
        let Ok(SnapshotView::Writer(view)) = store.snapshot_view() else { panic!("it has one") };
        store.values.set("key 7".into(), None);
        store.values.set("after".into(), Some("new".into()));
        let mut bytes = Vec::new();
        view(&mut bytes).expect("it fits");
        let mut restored = Store::default();
        restored.restore(&bytes).expect("it is a snapshot");
        assert_eq!(restored.values.iter().count(), 101);
        assert_eq!(restored.values.get("key 7").map(String::as_str), Some("old"));
        assert_eq!(restored.sessions.len(), 1);
        // The encoding of a structure of two maps, as earlier versions wrote it.
        let values: BTreeMap<_, _> = restored.values.iter().collect();
        let earlier = to_bytes(&(values, &*restored.sessions)).expect("it has an encoding");
        let mut again = Store::default();
        again.restore(&earlier).expect("it is a snapshot");
        assert_eq!(again.snapshot().expect("it fits"), bytes);
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
