//! Outputs: the sinks of lines, the terminal, the pager.

pub(crate) mod explain;
pub(crate) mod json;
pub(crate) mod pager;
pub(crate) mod sink;
pub(crate) mod terminal;
