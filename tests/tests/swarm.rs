//! The swarm's families as tests; the seed decides everything.

raft_tests::swarm_tests!();
