//! A Raft library whose core is a pure state machine.
#![forbid(unsafe_code)]

pub mod codec;
pub mod config;
pub mod entry;
pub mod log;
pub mod message;
pub mod node;
pub mod output;
pub mod progress;
pub mod quorum;
pub mod role;
pub mod stored;
pub mod trace;
pub mod types;
pub mod verbose;

pub use config::{Config, ConfigError, FirstEntry, ValidConfig};
pub use entry::{BrokenSlice, Bytes, Entry, LogSlice, Payload, Snapshot};
pub use log::Log;
pub use message::{Envelope, Message};
pub use node::{CompactError, Jitter, Node, NotLeader, Status, Violation};
pub use output::{HardState, Input, Output, Record, Suffix, Write};
pub use role::RoleName;
pub use stored::{CorruptStore, Stored};
pub use types::{EntryId, Index, Instant, MessageId, PeerId, Term, WriteId};
