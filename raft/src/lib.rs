//! A Raft library: replicate a state machine of your own types with a few lines, or drive the
//! protocol core, a pure state machine, by yourself.
//!
//! ```no_run
//! # use raft::Raft;
//! # use raft::driver::{MachineError, StateMachine, from_bytes, to_bytes};
//! # #[derive(Default)]
//! # struct Counter { value: u64 }
//! # #[derive(serde::Serialize, serde::Deserialize)]
//! # struct Add(u64);
//! # impl StateMachine for Counter {
//! #     type Command = Add;
//! #     type Answer = u64;
//! #     fn apply(&mut self, Add(count): Add) -> u64 { self.value += count; self.value }
//! #     fn snapshot(&self) -> Result<Vec<u8>, MachineError> { to_bytes(&self.value) }
//! #     fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError> {
//! #         self.value = from_bytes(snapshot)?;
//! #         Ok(())
//! #     }
//! # }
//! # async fn service() -> Result<(), Box<dyn std::error::Error>> {
//! let raft = Raft::builder(1)
//!     .peers([(1, "127.0.0.1:7001"), (2, "127.0.0.1:7002"), (3, "127.0.0.1:7003")])
//!     .listen("127.0.0.1:7001")
//!     .data_dir("data/1")
//!     .state_machine(Counter::default())
//!     .start().await?;
//! let total = raft.propose(Add(2)).await?;               // the answer, once it is committed
//! let now = raft.read(|counter| counter.value).await?;   // the newest state, on any peer
//! # Ok(())
//! # }
//! ```
//!
//! `Counter` is a [`StateMachine`](driver/trait.StateMachine.html): three methods that apply a
//! command, make a snapshot and restore one. `raft/examples/kv.rs` is a whole program.
//!
//! # Features
//! | feature | adds |
//! |---|---|
//! | none | the core, which depends on `std` and `thiserror` alone |
//! | `driver` | [`driver`](driver/index.html) on tokio: [`Raft`](driver/struct.Raft.html), metrics, `tracing` events; [`transport`](transport/index.html) in memory |
//! | `disk` | [`DiskStorage`](storage/struct.DiskStorage.html), a durable store |
//! | `tcp` | [`transport::tcp`](transport/tcp/index.html) with mutual TLS; includes `driver` |
//! | `full` | `driver`, `disk` and `tcp` |
//! | `admin` | [`admin`](admin/index.html), a Unix socket for the program `raftctl`: status, members, backups; includes `driver` and `disk` |
//! | `raftctl` | the program `raftctl`, which inspects, recovers and restores directories, and operates running peers |
//! | `redb` | [`RedbStorage`](storage/struct.RedbStorage.html), a durable store in a redb database |
//!
//! # Where to go next
//! - **A service**: [`driver`](driver/index.html), [`Raft`](driver/struct.Raft.html) and its
//!   [`Builder`](driver/struct.Builder.html); `raft/examples/kv_service/` adds conditional
//!   writes, retries that count once, and a leadership transfer on shutdown.
//! - **Operations**: [`driver::metrics`](driver/metrics/index.html), [`verbose`] logs,
//!   [`storage`] and its files, [`transport::tcp`](transport/tcp/index.html) and its certificates,
//!   [`MembershipChange`].
//! - **The core alone**: [`node`], the contract in [`output`], and the example below.
//! - **Tests of a system of your own** in a simulated world: the package `raft-tests`, which runs
//!   this core on a simulated network, disk and clock.
//!
//! # The paper
//! Names are those of Figure 2 of *In Search of an Understandable Consensus Algorithm (Extended
//! Version)*, cited as "paper"; "dissertation" is Ongaro's *Consensus: Bridging Theory and
//! Practice*.
//!
//! | paper | here |
//! |---|---|
//! | State, rules for servers (Figure 2) | [`node`], one rule group per file |
//! | RequestVote, AppendEntries, InstallSnapshot | [`message`], as bytes: [`codec`] |
//! | `log[]` | [`log`], [`entry`] |
//! | `nextIndex[]`, `matchIndex[]` | [`progress`] |
//! | identities of stores, and peers that lost theirs | [`identity`] |
//! | peers that are accepted in handshakes | [`cluster_view`] |
//! | membership configurations (§6) | [`membership`]: the members; [`membership_change`]: requests; `membership_history`: those in the log; `node/joint_consensus`: the rules |
//! | majorities | [`quorum`] |
//! | linearizable reads (dissertation §6.4) | [`Node::read`], [`read_index`], [`lease`] |
//! | "updated on stable storage before responding" | the contract in [`output`], [`persistent_state`] |
//!
//! # The core alone
//! A driver passes events to a [`Node`] and carries out its outputs. This whole program elects a
//! leader among three peers and commits a command; a simulation or a server does the same with a
//! real clock, disk and network.
//!
//! ```
//! use raft::{Config, Input, Instant, Jitter, Node, Output, PeerId, PersistentState, RoleName, Term};
//!
//! struct JitterByNumber(u64);
//! impl Jitter for JitterByNumber {
//!     fn draw(&mut self, _: Term) -> u64 { self.0 << 60 }
//! }
//!
//! let peers = [1, 2, 3].map(PeerId::new);
//! let start = |peer: PeerId| {
//!     let config = Config::new(peer, peers.to_vec()).validate()?;
//!     let jitter = Box::new(JitterByNumber(peer.number()));
//!     Ok(Node::new(config, PersistentState::default(), Instant::START, jitter)?)
//! };
//! let mut nodes = peers.into_iter().map(start).collect::<Result<Vec<_>, Box<dyn std::error::Error>>>()?;
//!
//! // The first timer fires, and messages are delivered until there are none.
//! let now = nodes[0].poll_timeout().expect("a follower waits for a leader");
//! nodes[0].handle(now, Input::Tick);
//! let mut applied = 0;
//! let mut run = |nodes: &mut Vec<Node>| loop {
//!     let Some((from, output)) =
//!         (0..3).find_map(|peer| nodes[peer].poll_output().map(|output| (peer, output)))
//!     else { break };
//!     match output {
//!         Output::Persist(write) => nodes[from].handle(now, Input::Persisted(write.id)),
//!         Output::Send(envelope) => {
//!             let to = envelope.to.number() as usize - 1;
//!             nodes[to].handle(now, Input::Receive(envelope));
//!         }
//!         Output::Apply(entries) => applied += entries.len(),
//!         Output::Restore(_) => unreachable!("no snapshots"),
//!         Output::Peers(_) => unreachable!("no membership changes"),
//!         Output::ReadEntries(_) => unreachable!("all entries are in memory"),
//!         Output::ReadReady { .. } | Output::ReadDropped { .. } => unreachable!("no reads"),
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
//! The core has no clock, thread, file, socket, async runtime, random source or hash-ordered
//! collection: one sequence of inputs gives one sequence of outputs, on every machine.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

#[cfg(all(feature = "admin", unix))]
pub mod admin;
#[cfg(feature = "disk")]
pub mod backup;
pub mod cluster_view;
pub mod codec;
pub mod config;
#[cfg(feature = "driver")]
pub mod driver;
pub mod early_appends;
pub mod entry;
pub mod identity;
pub mod lease;
pub mod log;
#[cfg(feature = "driver")]
mod log_limit;
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
mod restore_error;
pub mod role;
pub mod snapshot_data;
mod snapshot_transfer;
pub mod storage;
mod term_runs;
pub mod trace;
#[cfg(feature = "driver")]
pub mod transport;
pub mod types;
pub mod verbose;

pub use cluster_view::{ClusterView, StatedIdentity};
pub use config::{
    CheckQuorum, Config, ConfigError, FirstEntry, LostStore, PreVote, Reads, ValidConfig,
};
#[cfg(feature = "driver")]
pub use driver::{Raft, StateMachine};
pub use entry::{BrokenSlice, Bytes, Entry, LogSlice, Payload, Snapshot};
pub use identity::{ClusterId, Identity, Incarnation, Standing, StoreStamp};
pub use log::Log;
pub use membership::{Address, BrokenMembership, Membership};
pub use membership_change::{ChangeError, MembershipChange};
pub use message::{Envelope, Message};
pub use node::{
    CompactError, Jitter, Node, ProposeError, ReadError, Refusal, RefusedTerm, Status,
    TransferError, Violation,
};
pub use output::{
    AddressBook, EntryRead, HardState, Input, Output, ReadPurpose, Record, Suffix, Write,
};
pub use persistent_state::{EarlierEntries, PersistentState};
pub use read_index::ReadDropReason;
pub use restore_error::{CorruptStore, OtherPeers, RestoreError};
pub use role::{Role, RoleName};
pub use snapshot_data::SnapshotData;
pub use term_runs::TermRuns;
pub use types::{
    EntryId, EntryReadId, Index, Instant, MessageId, PeerId, ReadId, RequestId, Round, Term,
    WriteId,
};
