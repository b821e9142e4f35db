//! Processes and signals of the system: groups, survivors, the watchdog, the few unsafe calls.

pub(crate) mod group;
pub mod signals;
pub(crate) mod stacks;
pub(crate) mod survivors;
pub(crate) mod sys;
pub(crate) mod watchdog;
