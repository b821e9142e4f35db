//! Which configuration is in force, and which was where in the log.
//!
//! Invariants: the latest configuration in the log is the one in force, committed or not (paper
//! §6); one that is deleted from the log gives way to the one before it.

use std::sync::Arc;

use crate::membership::Membership;

/// The configurations of one peer's log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Configurations {
    /// What the log starts from.
    base: Arc<Membership>,
}

impl Configurations {
    /// Those of a log that starts from `base`.
    pub(crate) const fn new(base: Arc<Membership>) -> Self {
        Self { base }
    }

    /// The one in force.
    pub(crate) const fn latest(&self) -> &Arc<Membership> {
        &self.base
    }
}
