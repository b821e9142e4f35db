//! The real world: drivers with their threads, stores on a disk, TCP over loopback, a real clock.
//!
//! ```text
//! lab2 ─► cluster ─► RealWorld ─┬► peer: raft::driver::Raft, started and killed
//!          (drive: the tasks)   ├► links: the labs' networks, around TcpTransport
//!                               ├► disk: what was durable, around DiskStorage
//!                               └► service: what is applied, checked
//! ```
//!
//! The scenarios, the tester's operations, the executor, the services and the network model are
//! those of the simulation. The clock, the threads, the sockets, the files and the order of events
//! are the machine's: a seed gives the same commands, faults and message losses, but not the same
//! run. Here alone may this crate use threads, clocks and sockets; the simulated world must not
//! depend on this module.
//!
//! Checked in every run, beside what the scenario expects: services are given the same commands in
//! the same order, one leader a term, a store keeps its confirmed state, and no peer ends by
//! itself.

mod audited_storage;
mod calls;
mod clock;
mod context;
mod drive;
mod group;
mod hosted;
mod links;
mod peer;
mod peer_view;
mod report;
mod resources;
mod run;
mod service;
mod signals;
mod sink;
mod world;

pub use self::calls::RealCalls;
pub use self::group::{RealGroup, RealPeers};
pub use self::hosted::{Compared, RealHosted};
pub use self::peer_view::RealPeerView;
pub use self::report::RealFailure;
pub use self::resources::RealRun;
pub use self::run::{RealOutcome, RealRunSummary, run, run_groups};
pub use self::service::Opaque;
pub use self::world::{RealBody, RealWorld};
