//! Inputs: files and pipes as lines, one after the other, merged by time, or followed.

pub(crate) mod decode;
pub(crate) mod feed;
pub(crate) mod follow;
pub(crate) mod line_reader;
pub(crate) mod live;
pub(crate) mod merge;
pub(crate) mod open;
pub(crate) mod pause;
pub(crate) mod signal;
