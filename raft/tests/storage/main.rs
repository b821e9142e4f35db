//! Stores: conformance, crashes, full disks and foreign directories.

mod child_process;
mod conformance;
mod crash;
mod earlier_versions;
mod full_disk;
#[cfg(unix)]
mod private_files;
mod progress;
#[cfg(unix)]
mod raftctl;
mod rejected_directories;
mod snapshots;
mod stores;
