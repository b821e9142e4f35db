//! Stores: what records mean to each of them, and what a crash, a full disk or a wrong byte makes
//! of the one on disk.

mod conformance;
