//! Scenarios of the shard controller and of the sharded service: MIT 6.5840's labs 4A and 4B.

pub(crate) mod controller;
pub(crate) mod lab;
pub(crate) mod sharded;
