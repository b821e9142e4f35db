//! A key-value service with sessions, for the swarm's clients.
//!
//! A client numbers its requests and repeats one until it is answered; the service executes each
//! number once and answers repetitions from memory (Ongaro's dissertation, §6.3). Each repetition
//! carries its number, so that no two commands have the same bytes.

use std::collections::BTreeMap;
use std::fmt;

use raft::Bytes;

/// Operation of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// The value of a key, through the log.
    Get {
        /// The key.
        key: u8,
    },
    /// The value of a key, read from a peer's state without an entry in the log.
    Read {
        /// The key.
        key: u8,
    },
    /// Sets the value of a key.
    Put {
        /// The key.
        key: u8,
        /// The value.
        value: u64,
    },
    /// Sets the value of a key if it has the expected one.
    Swap {
        /// The key.
        key: u8,
        /// The value it must have; zero where there must be none.
        expected: u64,
        /// The value it gets.
        value: u64,
    },
}

impl Operation {
    /// The key it is about.
    #[must_use]
    pub const fn key(&self) -> u8 {
        match self {
            Self::Get { key }
            | Self::Read { key }
            | Self::Put { key, .. }
            | Self::Swap { key, .. } => *key,
        }
    }
}

/// As cases show it.
impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Get { key } => write!(f, "get {key}"),
            Self::Read { key } => write!(f, "read {key}"),
            Self::Put { key, value } => write!(f, "put {key} {value}"),
            Self::Swap { key, expected, value } => write!(f, "swap {key} {expected} {value}"),
        }
    }
}

/// Answer of the service: the value the key had before. A swap took place if that is the expected
/// one; a key without a value has zero, which no client writes.
pub type Seen = u64;

/// A client's request, as it travels through the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// The client.
    pub client: u16,
    /// The client's number for it.
    pub serial: u32,
    /// Number of earlier attempts.
    pub attempt: u16,
    /// The operation.
    pub operation: Operation,
}

impl Request {
    /// The request as a command, followed by this many bytes that mean nothing.
    #[must_use]
    pub fn encode(&self, padding: usize) -> Bytes {
        let (kind, key, expected, value) = match self.operation {
            Operation::Get { key } => (0, key, 0, 0),
            Operation::Put { key, value } => (1, key, 0, value),
            Operation::Swap { key, expected, value } => (2, key, expected, value),
            // No peer takes it from a log.
            Operation::Read { key } => (3, key, 0, 0),
        };
        let mut bytes = Vec::with_capacity(REQUEST_BYTES + padding);
        bytes.extend_from_slice(&self.client.to_le_bytes());
        bytes.extend_from_slice(&self.serial.to_le_bytes());
        bytes.extend_from_slice(&self.attempt.to_le_bytes());
        bytes.extend_from_slice(&[kind, key]);
        bytes.extend_from_slice(&expected.to_le_bytes());
        bytes.extend_from_slice(&value.to_le_bytes());
        bytes.resize(REQUEST_BYTES + padding, 0);
        bytes.into()
    }

    /// Decodes a request; `None` for other bytes.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (client, rest) = bytes.split_first_chunk()?;
        let (serial, rest) = rest.split_first_chunk()?;
        let (attempt, rest) = rest.split_first_chunk()?;
        let ([kind, key], rest) = rest.split_first_chunk()?;
        let (expected, rest) = rest.split_first_chunk()?;
        let (value, _) = rest.split_first_chunk()?;
        let (key, expected, value) =
            (*key, u64::from_le_bytes(*expected), u64::from_le_bytes(*value));
        let operation = match kind {
            0 => Operation::Get { key },
            1 => Operation::Put { key, value },
            2 => Operation::Swap { key, expected, value },
            _ => return None,
        };
        Some(Self {
            client: u16::from_le_bytes(*client),
            serial: u32::from_le_bytes(*serial),
            attempt: u16::from_le_bytes(*attempt),
            operation,
        })
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, serial, attempt, operation } = self;
        write!(f, "C{client} #{serial} {operation} (attempt {attempt})")
    }
}

/// The service's state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Store {
    values: BTreeMap<u8, u64>,
    sessions: BTreeMap<u16, Session>,
}

/// Newest request of a client, and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Session {
    serial: u32,
    answer: Seen,
}

/// Result of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    /// It was executed now.
    Executed(Seen),
    /// It had been executed before.
    Repeated(Seen),
    /// The client has sent a newer request since.
    Stale,
}

impl Store {
    /// Executes a request, unless it was before.
    pub fn execute(&mut self, request: &Request) -> Execution {
        let session = self.sessions.get(&request.client);
        if let Some(Session { serial, answer }) = session
            && *serial >= request.serial
        {
            let same = *serial == request.serial;
            return if same { Execution::Repeated(*answer) } else { Execution::Stale };
        }
        let answer = self.act(request.operation);
        self.sessions.insert(request.client, Session { serial: request.serial, answer });
        Execution::Executed(answer)
    }

    fn act(&mut self, operation: Operation) -> Seen {
        let before = self.value(operation.key());
        match operation {
            Operation::Put { key, value } => {
                self.values.insert(key, value);
            }
            Operation::Swap { key, expected, value } if before == expected => {
                self.values.insert(key, value);
            }
            Operation::Get { .. } | Operation::Read { .. } | Operation::Swap { .. } => {}
        }
        before
    }

    /// The value of a key; zero where there is none.
    #[must_use]
    pub fn value(&self, key: u8) -> Seen {
        self.values.get(&key).copied().unwrap_or_default()
    }
}

const REQUEST_BYTES: usize = 2 + 4 + 2 + 2 + 8 + 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn request(serial: u32, attempt: u16, operation: Operation) -> Request {
        Request { client: 3, serial, attempt, operation }
    }

    #[test]
    fn a_request_survives_its_way_through_the_log() {
        for operation in [
            Operation::Get { key: 7 },
            Operation::Put { key: 0, value: u64::MAX },
            Operation::Swap { key: 255, expected: 1, value: 2 },
        ] {
            for padding in [0, 100] {
                let request = request(70_000, 5, operation);
                let bytes = request.encode(padding);
                assert_eq!(bytes.len(), REQUEST_BYTES + padding);
                assert_eq!(Request::decode(&bytes), Some(request));
                assert_eq!(Request::decode(&bytes[..REQUEST_BYTES - 1]), None);
            }
        }
    }

    #[test]
    fn a_repetition_is_answered_and_not_executed() {
        let mut store = Store::default();
        let put = Operation::Put { key: 1, value: 10 };
        assert_eq!(store.execute(&request(1, 0, put)), Execution::Executed(0));
        let swap = Operation::Swap { key: 1, expected: 10, value: 11 };
        assert_eq!(store.execute(&request(2, 0, swap)), Execution::Executed(10));
        assert_eq!(store.execute(&request(2, 1, swap)), Execution::Repeated(10));
        assert_eq!(store.execute(&request(1, 1, put)), Execution::Stale);
        assert_eq!(
            store.execute(&request(3, 0, Operation::Get { key: 1 })),
            Execution::Executed(11)
        );
    }
}
