//! Reads (dissertation §6.4): a read is served after everything was applied that was committed
//! anywhere when it was asked for.

use std::fmt;

use raft::Index;

use super::table::Invariant;
use super::violation::{Violation, Witness};

/// The indexes that matter for a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServedRead {
    /// The highest index that was committed anywhere when the read was asked for.
    pub committed: Index,
    /// The index at which the peer serves it.
    pub index: Index,
    /// The last index that the peer's service has applied.
    pub applied: Index,
}

/// Checks a read that a peer serves; `name` describes it.
///
/// # Errors
/// It may miss a committed command.
pub fn check(
    witness: Witness,
    name: fmt::Arguments<'_>,
    read: ServedRead,
) -> Result<(), Box<Violation>> {
    let ServedRead { committed, index, applied } = read;
    if index >= committed && applied >= index {
        return Ok(());
    }
    Err(Invariant::ReadSeesCommitted.broken(format_args!(
        "{witness} serves {name} at index {index}, having applied {applied}; {committed} was \
         committed when it was asked for"
    )))
}
