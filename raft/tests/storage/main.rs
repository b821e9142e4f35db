//! Stores: what records mean to each of them, and what a crash, a full disk or a wrong directory makes
//! of those on disk.

mod child_process;
mod conformance;
mod crash;
mod full_disk;
mod rejected_directories;
mod stores;
