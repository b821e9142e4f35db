//! The bodies of the 28 scenarios of MIT 6.5840 Lab 2, for simulated and for real peers.

pub(crate) mod agreement;
pub(crate) mod elections;
pub(crate) mod persistence;
pub(crate) mod snapshots;

use std::time::Duration;

/// The longest an election may take when a majority is connected.
pub(crate) const ELECTION_TIMEOUT: Duration = Duration::from_millis(1000);
