//! The simulated world: peers, their disks and services, the network between them, one clock.
//!
//! ```text
//! queue ─► event ─► Node::handle ─► outputs ─► disk, network, service ─► queue
//!                                      └──► invariants (after every event)
//! ```
//!
//! Invariant: all events follow from the seed and the tester's calls alone. Nothing here sees real
//! time, and every run builds all of its state anew.

mod coverage_probe;
mod diagnosis;
mod drive;
mod entry_reads;
mod event;
mod faults;
pub(crate) mod logging;
mod membership;
mod message_checks;
mod open_reads;
mod open_requests;
mod outputs;
mod peer;
mod reads;
mod requests;
pub(crate) mod servers;
mod state;
mod step;

pub use self::drive::{TIME_LIMIT, drive};
pub use self::logging::LogSource;
pub use self::membership::ChangeNotStarted;
pub use self::peer::PeerView;
pub use self::servers::members;
pub use self::state::{Setup, Traffic, World};

pub(crate) use self::message_checks::TERM_JUMP_MAX;
#[cfg(feature = "real")]
pub(crate) use self::peer::{PeerJitter, config};
pub(crate) use self::servers::{FIRST_STRANGER, peer_id, server_of};
