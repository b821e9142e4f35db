//! One test per sentence of the paper ("In Search of an Understandable Consensus Algorithm",
//! extended version), and one per sentence that implementations have got wrong.

#![expect(clippy::unwrap_used, reason = "a test stops where its own set-up is wrong")]

#[expect(dead_code, reason = "the tests of the dissertation read, too")]
mod cluster;
mod elections;
mod flow;
mod learners;
mod log_lines;
mod membership;
mod messages;
mod reordering;
mod replication;
mod snapshots;
mod storage;
mod stored_entries;
mod terms;
