//! Results of a campaign: counted from records, as a table, in words, and in the formats of other
//! programs. Pure: records in, text out.

pub mod annotations;
pub mod chrome_trace;
pub mod compare;
pub mod completion;
pub mod coverage;
pub(crate) mod histogram;
pub mod history;
pub mod json;
pub mod junit;
pub mod metrics;
pub(crate) mod page;
pub mod stats;
pub mod summary;
pub mod tables;
pub mod tally;
