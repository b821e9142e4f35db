//! A driver on tokio: runs a [`Node`](crate::Node) with a clock, a store, a network and the user's
//! state machine.
//!
//! ```no_run
//! # use raft::driver::{MachineError, StateMachine, from_bytes, to_bytes};
//! # #[derive(Default)]
//! # struct Counter(u64);
//! # impl StateMachine for Counter {
//! #     type Command = u64;
//! #     type Answer = u64;
//! #     fn apply(&mut self, count: u64) -> u64 { self.0 += count; self.0 }
//! #     fn snapshot(&self) -> Result<Vec<u8>, MachineError> { to_bytes(&self.0) }
//! #     fn restore(&mut self, bytes: &[u8]) -> Result<(), MachineError> {
//! #         self.0 = from_bytes(bytes)?;
//! #         Ok(())
//! #     }
//! # }
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let raft = raft::Raft::builder(1)
//!     .peers([(1, "127.0.0.1:7001"), (2, "127.0.0.1:7002"), (3, "127.0.0.1:7003")])
//!     .listen("127.0.0.1:7001")
//!     .data_dir("data/1")
//!     .state_machine(Counter::default())
//!     .start()
//!     .await?;
//! let answer = raft.propose(2).await?; // on the leader, once committed and applied
//! let value = raft.read(|counter| counter.0).await?; // linearizable, on any peer
//! # Ok(())
//! # }
//! ```
//!
//! | to | see |
//! |---|---|
//! | write a state machine in memory, or on disk | [`StateMachine`], [`DiskStateMachine`]; [`Command`] |
//! | configure and start a peer | [`Builder`], [`Settings`], [`crate::storage`], [`crate::transport`] |
//! | write, read, back up, change members, transfer leadership, stop | [`Raft`] |
//! | handle errors, and retry safely | [`WriteError::outcome`], [`ReadError`] |
//! | operate a peer | [`Status`], [`metrics`], `tracing` events with the target `raft::protocol` |
//! | test a service | [`MemoryStorage`](crate::storage::MemoryStorage), [`Hub`](crate::transport::memory::Hub), [`Faults`](crate::transport::Faults) |
//!
//! # Structure
//! ```text
//!  Raft (handle) ──requests──► mailbox ─► core task ──writes──► disk thread ──► Storage
//!      ▲                          ▲        │     │                   │
//!      │                          ├────────┼─────┼──durable writes───┘
//!      │                          └─ Inbox ◄─────┼──received messages─ Transport
//!      │                                   │     └──sent messages────► Transport
//!      └──answers── apply task ◄──entries──┘
//!                     └──► StateMachine
//! ```
//!
//! - The **core task** owns the node and never blocks: it takes all requests, then executes all
//!   outputs of the node (contract rule 6 of [`crate::output`]).
//! - The **disk thread** makes one [`Storage::write`](crate::storage::Storage::write) of all writes
//!   that arrive during the last one. A leader's messages do not wait for it.
//! - The **apply task** owns the state machine and answers callers. It moves to a thread while the
//!   state machine is slow, see [`ApplyOn`].
//! - **Blocking threads** write views of the state as snapshots beside the log, read the chunks that
//!   leave, and write those that arrive ([`SnapshotSpace`](crate::storage::SnapshotSpace)).
//!
//! # Guarantees
//! Every call ends: with its answer, at its deadline, soon after this peer has lost leadership, or
//! with the node. A command that was appended when leadership was lost waits a little longer, since
//! the next leader's log usually decides its outcome: its answer, or [`WriteError::Replaced`].
//! Another entry at its index in this peer's log proves nothing (paper, Figure 8); only a committed
//! one does. Any other outcome is [`WriteError::OutcomeUnknown`].
//!
//! A panic inside a read is that read's error. A command that panics, or cannot be decoded, ends its
//! node, as it would every later start: the reason names its entry and the ways out.
//!
//! With a stuck disk, a leader steps down and the peer neither receives nor sends until the disk
//! answers; a failed disk stops the node, with a reason and without a panic. Its durable state is
//! known again after a restart.
//!
//! A command is copied once: it is encoded into a reused buffer of its thread, and copied from there
//! into the [`Bytes`](crate::Bytes) that log, messages, store and apply task share. Transports and
//! stores that encode make their own copies.
//!
//! # Invariants
//! The driver makes no decisions of the protocol. Only [`Clock`] reads the time.

mod admission;
mod apply;
#[cfg(feature = "disk")]
mod backup;
mod builder;
mod clock;
mod core_task;
mod disk;
mod error;
mod handle;
mod machine;
mod mailbox;
mod members;
pub mod metrics;
mod reads;
mod reply;
mod settings;
mod shared;
mod snapshots;
mod state_machine;
mod status;
mod stored_entries;
mod tracing_sink;
mod waiters;

pub use self::apply::mode::ApplyOn;
#[cfg(feature = "disk")]
pub use self::backup::{Backup, MakeBackupError};
pub use self::builder::{Builder, Peer};
pub use self::clock::{Clock, Sleep, TokioClock};
pub use self::error::{
    LeadershipTransferError, MachineFailure, MembershipError, Outcome, ReadError, StartError,
    StopReason, UnknownReason, WaitError, WriteError,
};
pub use self::handle::Raft;
pub use self::machine::{DiskStateMachine, Machine, OnDisk};
pub use self::reads::{Consistency, LocalRead};
pub use self::reply::Appended;
pub use self::settings::{Settings, SnapshotPolicy};
pub use self::state_machine::{
    Command, MachineError, SnapshotView, StateMachine, WriteSnapshot, from_bytes, to_bytes,
};
pub use self::status::{DiskState, MemberState, PeerStatus, RunState, Status};
