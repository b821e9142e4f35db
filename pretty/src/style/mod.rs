//! Colours: values and contrast, themes, topics.

pub(crate) mod color;
pub(crate) mod theme;
pub(crate) mod topic;
