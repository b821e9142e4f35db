//! The fault storms as tests; the seed chooses the faults.

raft_tests::storm_tests!();
