//! Where a peer's durable state lives: what a driver asks of a store, and a store in memory.
//!
//! A store carries out the core's writes, no more: what each record means is said once, by
//! [`PersistentState::record`](crate::PersistentState::record), and every store must mean the same.

pub mod conformance;
#[cfg(feature = "disk")]
mod directory;
#[cfg(feature = "disk")]
mod disk;
#[cfg(feature = "disk")]
mod health;
#[cfg(feature = "disk")]
mod identity;
#[cfg(feature = "disk")]
mod lock;
mod memory;
#[cfg(feature = "redb")]
mod redb;
#[cfg(all(test, feature = "disk"))]
mod simulated;

#[cfg(feature = "disk")]
pub use self::disk::{DiskOptions, DiskStorage};
pub use self::memory::MemoryStorage;
#[cfg(feature = "redb")]
pub use self::redb::RedbStorage;

use std::error::Error;

use crate::output::Write;
use crate::persistent_state::PersistentState;

/// A store of one peer. A driver calls it from a thread of its own, so it may block.
pub trait Storage: Send + 'static {
    /// Reads what survived. Called once, before the first write.
    ///
    /// # Errors
    /// The store cannot be read, or holds what its own durable writes cannot have left behind.
    fn load(&mut self) -> Result<PersistentState, StorageError>;

    /// Carries out these writes in order, and returns once all of them are durable. If one of them
    /// survives a crash, so do all before it.
    ///
    /// # Errors
    /// Some or all of the writes may not be durable. The driver writes nothing more after an
    /// error: what the store holds is known again only after [`Storage::load`] of a new start.
    fn write(&mut self, writes: &[Write]) -> Result<(), StorageError>;

    /// Whether writes take time. A driver asks once, at its start.
    fn write_speed(&self) -> WriteSpeed {
        WriteSpeed::TakesTime
    }
}

/// A store that is chosen while the program runs.
impl Storage for Box<dyn Storage> {
    fn load(&mut self) -> Result<PersistentState, StorageError> {
        (**self).load()
    }

    fn write(&mut self, writes: &[Write]) -> Result<(), StorageError> {
        (**self).write(writes)
    }

    fn write_speed(&self) -> WriteSpeed {
        (**self).write_speed()
    }
}

/// Whether a store's writes take time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteSpeed {
    /// They may: they wait for a disk. A driver writes from a thread of its own.
    TakesTime,
    /// They never wait, like writes to memory. A driver writes in place: waking a thread would take
    /// a hundred times as long as the write.
    Immediate,
}

/// A store that cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The system refused.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was tried, with the path.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Somebody else uses the store, which allows only one at a time.
    #[error("the data directory {directory} is in use by another process ({})", owner_text(owner))]
    InUse {
        /// The directory, as it was named.
        directory: String,
        /// The other's process id, as far as it is known; empty for a program that opened the
        /// database in the directory and is no store.
        owner: String,
    },
    /// The store holds what durable writes cannot have left behind; says what and where.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The store was written by something newer, or is no store.
    #[error("{0}")]
    Unreadable(String),
    /// What a store of somebody else's has to say.
    #[error(transparent)]
    Other(Box<dyn Error + Send + Sync>),
}

fn owner_text(owner: &str) -> String {
    if owner.is_empty() {
        return "it has not written its number into LOCK".to_owned();
    }
    format!("it wrote {owner:?} into LOCK")
}
