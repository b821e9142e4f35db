//! The scenarios of lab 4 as tests, named as the lab names them.
//!
//! `DSTEST_SEED` chooses the seed, `VERBOSE` a log of all events.

services::lab4_tests!();
