//! Results in the formats of other programs.

pub mod json;
pub mod junit;
pub mod tables;
