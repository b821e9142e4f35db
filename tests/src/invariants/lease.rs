//! Leases (dissertation §6.4.1): while one holds, no other peer is elected. This invariant fires
//! even where reads by a lease that outlives an election happen to be right.

use raft::{Instant, PeerId, Term};

use super::table::Invariant;
use super::violation::{Violation, Witness};

/// A leader's lease, on its own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldLease {
    /// The leader.
    pub by: PeerId,
    /// Time on its clock.
    pub now: Instant,
    /// End of the lease.
    pub until: Instant,
}

/// Checks a peer that has won the election of this term against another one's lease.
///
/// # Errors
/// The lease still holds.
pub fn check_expired(witness: Witness, term: Term, lease: HeldLease) -> Result<(), Box<Violation>> {
    let HeldLease { by, now, until } = lease;
    if now >= until {
        return Ok(());
    }
    Err(Invariant::Lease.broken(format_args!(
        "{witness} is elected in term {term}, and the lease of {by} lasts for another {:?}",
        until.since(now)
    )))
}
