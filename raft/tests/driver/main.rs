//! The driver: its documented guarantees, on a paused clock wherever no thread is involved.

#[cfg(unix)]
mod admin;
mod backups;
mod builder;
mod disk_machines;
mod disks;
mod ends;
mod extensions;
mod identities;
mod large_commands;
mod observability;
mod outcomes;
mod paused_process;
mod recoveries;
mod requests;
mod snapshots;
mod state_machines;
mod stored_entries;
mod support;
mod terms;
