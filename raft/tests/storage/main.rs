//! Stores: what records mean to each of them, and what a crash, a full disk or a wrong folder makes
//! of those on disk.

mod child;
mod conformance;
mod crash;
mod full_disk;
mod refusals;
mod stores;
