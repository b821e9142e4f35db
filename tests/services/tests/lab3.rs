//! The scenarios of lab 3 as tests, named as the lab names them.
//!
//! `DSTEST_SEED` chooses the seed, `VERBOSE` a log of all events.

services::lab3_tests!();
