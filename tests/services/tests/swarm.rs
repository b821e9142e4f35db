//! The swarm of services as a test.
//!
//! `DSTEST_SEED` chooses the seed, `VERBOSE` a log of all events.

services::swarm_tests!();
