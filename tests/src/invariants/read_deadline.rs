//! Deadlines of reads: a read that is accepted ends at the latest
//! [`Config::read_timeout`](raft::Config::read_timeout) later, and is dropped for its age no earlier.

use raft::{Instant, ReadId};

use super::table::Invariant;
use super::violation::{Violation, Witness};

/// A read that a peer has accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptedRead {
    /// Its id.
    pub read: ReadId,
    /// Its end at the latest, on the peer's clock.
    pub deadline: Instant,
}

/// Checks a peer whose outputs were taken and that still has a read. `timer` is the time at which it
/// wants to be woken, `ticked_at` that of its last tick.
///
/// # Errors
/// It sleeps beyond the read's deadline, or was awake at it.
pub fn check_open(
    witness: Witness,
    open: AcceptedRead,
    timer: Option<Instant>,
    ticked_at: Option<Instant>,
) -> Result<(), Box<Violation>> {
    let AcceptedRead { read, deadline } = open;
    if ticked_at.is_some_and(|ticked_at| ticked_at >= deadline) {
        return Err(Invariant::ReadDeadline.broken(format_args!(
            "{witness} keeps read {read}, whose time ended at {deadline:?}; it ticked at {ticked_at:?}"
        )));
    }
    if timer.is_some_and(|timer| timer <= deadline) {
        return Ok(());
    }
    Err(Invariant::ReadDeadline.broken(format_args!(
        "{witness} has read {read} until {deadline:?}, and its next timer is {timer:?}"
    )))
}

/// Checks a read that a peer drops for its age at this time.
///
/// # Errors
/// Its time is not over.
pub fn check_dropped(
    witness: Witness,
    dropped: AcceptedRead,
    at: Instant,
) -> Result<(), Box<Violation>> {
    let AcceptedRead { read, deadline } = dropped;
    if at >= deadline {
        return Ok(());
    }
    Err(Invariant::ReadDeadline.broken(format_args!(
        "{witness} drops read {read} as timed out at {at:?}; its time ends at {deadline:?}"
    )))
}
