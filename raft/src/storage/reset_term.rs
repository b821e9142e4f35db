//! Reset of a term that is unusable, or implausible for the other peers, while all peers are stopped.
//!
//! Safe if all peers of the cluster get the same term and it is after every entry of every log: no
//! vote and no entry of a reset term, or of one after it, is left anywhere, so that none is given or
//! made twice, and logs compare as before.

use super::{Storage, StorageError};
use crate::output::{HardState, Record, Write};
use crate::types::{EntryId, Term, WriteId};

/// The term in a store, and the last entry, which no term may be behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredTerm {
    /// Figure 2 `currentTerm`.
    pub current_term: Term,
    /// The last entry of the log or the snapshot.
    pub last: EntryId,
}

/// A term that was not reset; the store is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResetTermError {
    /// A leader of this term, or of one after it, may have made the last entry.
    #[error(
        "the last entry is {last}, of term {}: the new term, {to}, must be a later one, on all peers",
        last.term
    )]
    NotAfterLog {
        /// The new term.
        to: Term,
        /// The last entry.
        last: EntryId,
    },
    /// No elections would be left.
    #[error("the new term, {to}, must be at most {limit}", limit = RESET_MAX)]
    TooHigh {
        /// The new term.
        to: Term,
    },
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// The highest term to reset to: half of all terms are left.
const RESET_MAX: Term = Term::new(Term::MAX.number() / 2);

/// Reads the term in a store.
///
/// # Errors
/// The store cannot be read.
pub fn stored_term(store: &mut impl Storage) -> Result<StoredTerm, StorageError> {
    let stored = store.load_recent(0)?;
    Ok(StoredTerm { current_term: stored.hard_state.current_term, last: stored.last() })
}

/// Replaces the term in a store, and drops the vote, durably. The way out for a cluster in which no
/// usable term is left ([`Node::terms_exhausted`](crate::Node::terms_exhausted)), and for a peer whose
/// term all others refuse.
///
/// **Stop all peers first, and do it on every one of them, with the same term.** It must be after the
/// last entry of each: if one of the stores refuses it, take a later one, again on all peers.
///
/// # Errors
/// The term is not after the last entry, or too high; or the store fails.
pub fn reset_term(store: &mut impl Storage, to: Term) -> Result<StoredTerm, ResetTermError> {
    let before = stored_term(store)?;
    if to <= before.last.term {
        return Err(ResetTermError::NotAfterLog { to, last: before.last });
    }
    if to > RESET_MAX {
        return Err(ResetTermError::TooHigh { to });
    }
    let hard_state = HardState { current_term: to, voted_for: None };
    store.write(&[Write { id: WriteId::new(1), record: Record::HardState(hard_state) }])?;
    Ok(before)
}
