//! Colours: values and contrast, themes, topics.

pub(crate) mod color;
pub(crate) mod theme;
mod topic;
