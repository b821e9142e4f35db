//! A driver on tokio: a [`Node`](crate::Node) with a clock, a disk, a network and a state machine
//! of the user's own types.
//!
//! ```text
//!  Raft (handle) ──commands──► mailbox ─► core task ──writes──► disk thread ──► Storage
//!      ▲                          ▲        │     │                   │
//!      │                          ├────────┼─────┼───durable─────────┘
//!      │                          └─ Inbox ◄─────┼──messages of others── Transport
//!      │                                   │     └──messages──► Transport
//!      └──answers── apply task ◄──entries──┘
//!                     └──► StateMachine
//! ```
//!
//! - The **core task** owns the node and nothing blocks it: it takes everything that has come in,
//!   then carries out everything the node wants (contract rule 6 of [`crate::output`]).
//! - The **disk thread** makes one [`Storage::write`](crate::storage::Storage::write) of all writes
//!   that came while it was busy with the last one. A leader's messages do not wait for it.
//! - The **apply task** owns the state machine and answers callers. It moves to a thread while the
//!   state machine is slow, see [`ApplyOn`].
//!
//! # What a caller may rely on
//! Every call ends: with its answer, with its deadline, soon after this peer has lost leadership,
//! or with the node. A command that was appended when leadership was lost is waited for a little
//! longer, since the next leader's log usually tells what became of it: its answer, or
//! [`WriteError::Replaced`]. That another entry stands at its place in this peer's log proves
//! nothing (paper, Figure 8); only a committed one does. Whatever stays open is
//! [`WriteError::OutcomeUnknown`].
//!
//! Where a disk stands still, a leader steps down and the peer neither hears nor says anything
//! until the disk answers; a disk that fails ends the node, with a reason and without a panic. What
//! it holds is known again after a new start.
//!
//! # Where a command is copied
//! Once: it is encoded into a buffer that its thread uses again, and copied from there into the
//! [`Bytes`](crate::Bytes) that log, messages, store and apply task share. A transport that encodes
//! and a store that writes to a disk make their own copies, beside this way and not on it.
//!
//! # What it must not do
//! Nothing here decides anything about the protocol. No clock is read outside [`Clock`].

mod admission;
mod apply;
mod apply_mode;
mod builder;
mod clock;
mod core_task;
mod disk;
mod error;
mod handle;
mod job;
mod leadership_transfer;
mod mailbox;
mod membership_request;
pub mod metrics;
mod network;
mod outputs;
mod query;
mod reply;
mod request;
mod request_handlers;
mod settings;
mod shared;
mod snapshot_schedule;
mod start;
mod state_machine;
mod status;
mod tracing_sink;
mod waiters;

pub use self::apply_mode::ApplyOn;
pub use self::builder::{Builder, Peer};
pub use self::clock::{Clock, Sleep, TokioClock};
pub use self::error::{
    LeadershipTransferError, MachineFailure, MembershipError, Outcome, ReadError, StartError,
    StopReason, UnknownReason, WaitError, WriteError,
};
pub use self::handle::Raft;
pub use self::reply::Appended;
pub use self::settings::{Settings, SnapshotPolicy};
pub use self::state_machine::{Command, MachineError, StateMachine, from_bytes, to_bytes};
pub use self::status::{DiskState, PeerStatus, RunState, Status};
