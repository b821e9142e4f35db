//! Tests of the simulated world: its traces, faults, cases, checks of clients, and the model check.

mod case_format;
mod causality;
mod determinism;
mod disk_and_network;
mod extended_protocol;
mod kept_cases;
mod model;
mod oracle;
mod shrink;
mod suites;
mod swarm_tool;
