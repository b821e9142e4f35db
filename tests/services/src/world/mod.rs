//! Servers and clients in the simulated world: a group of replicas, and the calls of clients.

mod calls;
mod group;
mod host;
#[cfg(feature = "real")]
mod real;

pub use self::calls::{Calls, Reach, Target};
pub use self::group::{CALL_TIMEOUT, FIRST_OF_TESTER, Group, GroupReplica, GroupSetup};
pub use self::host::{SnapshotLimit, Watch};
