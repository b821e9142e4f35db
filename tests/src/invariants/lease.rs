//! Leases (thesis §6.4.1): while one holds, nobody else is elected. Reads by a lease that outlives an
//! election may be right by luck; this rule needs none.

use raft::{Instant, PeerId, Term};

use super::violation::{Property, Violation, Witness};

/// A leader's lease, on its own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The leader.
    pub by: PeerId,
    /// What its clock shows.
    pub now: Instant,
    /// When the lease ends.
    pub until: Instant,
}

/// Checks a peer that has won the election of this term against another one's lease.
///
/// # Errors
/// The lease still holds.
pub fn is_over(seen: Witness, term: Term, held: Held) -> Result<(), Box<Violation>> {
    let Held { by, now, until } = held;
    if now >= until {
        return Ok(());
    }
    Err(Property::Lease.broken(format_args!(
        "{seen} is elected in term {term}, and the lease of {by} lasts for another {:?}",
        until.since(now)
    )))
}
