//! The 28 scenarios of the labs as tests, named as the lab names them.
//!
//! `DSTEST_SEED` chooses the seed, `VERBOSE` a log of all events.

raft_tests::lab2_tests!();
