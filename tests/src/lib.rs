//! The deterministic world in which the Raft core is tested.
#![forbid(unsafe_code)]
