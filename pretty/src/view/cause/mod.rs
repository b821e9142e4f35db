//! Cause and effect among the lines of a log.

pub(crate) mod graph;
pub(crate) mod index;
