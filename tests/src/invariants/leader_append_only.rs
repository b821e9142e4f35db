//! Leader Append-Only (paper §5.3, Figure 3): a leader never overwrites or deletes entries in its
//! log; it only appends new ones.

use raft::{EntryId, Term};

use super::table::Invariant;
use super::violation::{Violation, Witness};

/// Checks that a peer which leads the same term before and after an event lost no entry in it.
///
/// # Errors
/// It did.
pub fn check(leader: Witness, term: Term, deleted: Option<EntryId>) -> Result<(), Box<Violation>> {
    let Some(deleted) = deleted else { return Ok(()) };
    Err(Invariant::LeaderAppendOnly
        .broken(format_args!("{leader} leads term {term} and deleted its own entry {deleted}")))
}
