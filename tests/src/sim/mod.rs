//! The parts of a simulated world. None of them knows Raft's rules or the scenarios.
//!
//! ```text
//! random ──► network, disk ──► verdicts and delays
//! queue  ──► what happens next        executor ──► test bodies
//! trace_hash ──► one number for everything that happened
//! ```

pub mod clock;
pub mod disk;
pub mod executor;
pub mod frames;
pub mod late_polls;
pub mod network;
pub mod queue;
pub mod random;
pub mod trace_hash;
