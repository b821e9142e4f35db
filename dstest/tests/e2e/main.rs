//! End-to-end tests: the real `dstest` on a small cargo project and on shell commands.
//!
//! None of them can fail by time: where a run must hang, it hangs for minutes, and what ends it
//! is a timeout far below that.

#![expect(clippy::unwrap_used, reason = "what cannot be had here ends the test, as it should")]

mod archived;
mod bisect;
mod browse;
mod cargo_project;
mod ci;
mod commands;
mod crashes;
mod edited;
mod environment;
mod exit_codes;
mod exports;
mod go_package;
mod history;
mod hostile_store;
mod manual;
mod merged;
mod names;
mod page;
mod predecessor;
mod retries;
mod robustness;
mod shrink;
mod signals;
mod sinks;
mod skipped;
mod stored;
mod submitted;
mod support;
mod targets;
mod terminal;
mod trust;
mod watch;
