//! Filters: the lines that are shown, and folded repeats.

pub(crate) mod apply;
pub(crate) mod causal;
pub(crate) mod folding;
pub(crate) mod state;
pub(crate) mod visible_lines;
