//! A Raft library whose core is a pure state machine: inputs go in, outputs come out, and time,
//! randomness, disks and networks stay outside.
//!
//! # Where the paper is
//! Names are those of Figure 2 of *In Search of an Understandable Consensus Algorithm (Extended
//! Version)*, cited as "paper".
//!
//! | paper | here |
//! |---|---|
//! | State, rules for servers (Figure 2) | [`node`], one rule group per file |
//! | RequestVote, AppendEntries, InstallSnapshot | [`message`], as bytes: [`codec`] |
//! | `log[]` | [`log`], [`entry`] |
//! | `nextIndex[]`, `matchIndex[]` | [`progress`] |
//! | configurations and their changes (§6) | [`membership`], [`membership_change`] |
//! | majorities | [`quorum`] |
//! | linearizable reads (Ongaro's dissertation §6.4) | [`Node::read`], [`read_index`], [`lease`] |
//! | "updated on stable storage before responding" | the contract in [`output`], [`persistent_state`] |
//!
//! # How it is driven
//! A driver hands a [`Node`] what happened and carries out what the node wants. This whole program
//! elects a leader among three peers and commits a command; a simulation or a server does the same
//! with a real clock, disk and network.
//!
//! ```
//! use raft::{Config, Input, Instant, Jitter, Node, Output, PeerId, RoleName, PersistentState, Term};
//!
//! struct ByName(u64);
//! impl Jitter for ByName {
//!     fn draw(&mut self, _: Term) -> u64 { self.0 << 60 }
//! }
//!
//! let names = [1, 2, 3].map(PeerId::new);
//! let start = |name: PeerId| {
//!     let config = Config::new(name, names.to_vec()).validate()?;
//!     Ok(Node::new(config, PersistentState::default(), Instant::START, Box::new(ByName(name.number())))?)
//! };
//! let mut nodes = names.iter().map(|name| start(*name)).collect::<Result<Vec<_>, Box<dyn std::error::Error>>>()?;
//!
//! // The first timer fires, and messages go back and forth until nobody has more to say.
//! let now = nodes[0].poll_timeout().expect("a follower waits for a leader");
//! nodes[0].handle(now, Input::Tick);
//! let mut applied = 0;
//! let mut run = |nodes: &mut Vec<Node>| loop {
//!     let Some((from, output)) =
//!         (0..3).find_map(|place| nodes[place].poll_output().map(|output| (place, output)))
//!     else { break };
//!     match output {
//!         Output::Persist(write) => nodes[from].handle(now, Input::Persisted(write.id)),
//!         Output::Send(envelope) => {
//!             let to = envelope.to.number() as usize - 1;
//!             nodes[to].handle(now, Input::Receive(envelope));
//!         }
//!         Output::Apply(entries) => applied += entries.len(),
//!         Output::Restore(_) => unreachable!("nobody made a snapshot"),
//!         Output::Peers(_) => unreachable!("nobody joined or left"),
//!         Output::ReadReady { .. } | Output::ReadDropped { .. } => unreachable!("nobody reads"),
//!     }
//! };
//! run(&mut nodes);
//! assert_eq!(nodes[0].status().role, RoleName::Leader);
//! nodes[0].propose(now, b"x = 1".as_slice().into())?;
//! run(&mut nodes);
//! assert_eq!(applied, 6, "the leader's no-op and the command, on three peers");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it must not depend on
//! No clock, thread, file, socket, async runtime, random source or hash-ordered collection: one
//! sequence of inputs gives one sequence of outputs, on every machine.
#![forbid(unsafe_code)]

pub mod codec;
pub mod config;
#[cfg(feature = "driver")]
pub mod driver;
pub mod entry;
pub mod lease;
pub mod log;
pub mod membership;
pub mod membership_change;
mod membership_history;
pub mod message;
pub mod node;
pub mod output;
pub mod persistent_state;
pub mod progress;
pub mod quorum;
pub mod read_index;
pub mod role;
pub mod storage;
pub mod trace;
#[cfg(feature = "driver")]
pub mod transport;
pub mod types;
pub mod verbose;

pub use config::{CheckQuorum, Config, ConfigError, FirstEntry, PreVote, Reads, ValidConfig};
#[cfg(feature = "driver")]
pub use driver::{Raft, StateMachine};
pub use entry::{BrokenSlice, Bytes, Entry, LogSlice, Payload, Snapshot};
pub use log::Log;
pub use membership::{Address, BrokenMembership, Membership};
pub use membership_change::{ChangeError, MembershipChange};
pub use message::{Envelope, Message};
pub use node::{
    CompactError, Jitter, Node, ProposeError, ReadError, Status, TransferError, Violation,
};
pub use output::{AddressBook, HardState, Input, Output, Record, Suffix, Write};
pub use persistent_state::{CorruptStore, PersistentState};
pub use read_index::ReadDropReason;
pub use role::{Role, RoleName};
pub use types::{
    EntryId, Index, Instant, MessageId, PeerId, ReadId, RequestId, Round, Term, WriteId,
};
