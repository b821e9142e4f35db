//! The properties that hold in every run, checked after every event.
//!
//! Each observes peers from outside (status, log, outputs, disk) and keeps its own state; none
//! trusts the core's account of itself. The cost of a check follows what changed, not the length of
//! the logs; [`InvariantChecker::audit`] goes through whole logs when a peer becomes leader and
//! when a run ends.

pub mod acknowledged_entries;
pub mod address_book;
mod checker;
pub mod commit_rule;
pub mod configurations;
pub mod durability;
pub mod election_safety;
pub mod election_timer;
pub mod follows_leader;
pub mod leader_append_only;
pub mod leader_completeness;
pub mod leader_contact;
pub mod lease;
pub mod limits;
pub mod log_matching;
pub mod monotonic;
pub mod observed_log;
pub mod pre_vote;
pub mod read_deadline;
pub mod read_index;
pub mod state_machine_safety;
mod table;
pub mod terms;
pub mod transfer;
pub mod violation;

pub use self::checker::{InvariantChecker, ObservedPeer};
pub use self::table::Invariant;
pub use self::violation::{Picture, Violation};
