//! A Raft library whose core is a pure state machine.
#![forbid(unsafe_code)]
