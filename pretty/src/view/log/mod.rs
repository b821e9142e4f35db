//! A log as indexed lines: chunks on disk or in memory, sets of lines, scans over them.

pub(crate) mod bitmap;
pub(crate) mod blocks;
pub(crate) mod chunk;
pub(crate) mod ids;
pub(crate) mod scan;
pub(crate) mod source;
pub(crate) mod store;
