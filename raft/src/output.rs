//! Inputs and outputs of the core: the contract between [`Node`](crate::Node) and the driver around
//! it.
//!
//! ```text
//! timers ──────► Input::Tick      ┐            ┌ Output::Persist ──► storage, in order
//! network ─────► Input::Receive   ├─► Node ───►│ Output::Send ─────► network
//! storage ─────► Input::Persisted ┤            │ Output::Apply ────► state machine, in order
//! clients ─────► propose, read    ┘            ├ Output::Restore ──► state machine
//!                                              ├ Output::ReadReady ► state machine, in order
//! storage ─────► Input::EntriesRead            ├ Output::ReadEntries ► storage
//!                                              └ Output::Peers ────► address book
//! ```
//!
//! # The contract
//! A driver takes outputs by [`poll_output`](crate::Node::poll_output) until there is none, in
//! order, and carries them out:
//!
//! 1. **Writes become durable in their order.** If write *n* survives a crash, so do all before
//!    it. A driver may join any number of them in one flush, and reports the newest durable one by
//!    [`Input::Persisted`], as late as it likes.
//! 2. **A message that is polled may go at once.** Every message that promises something (a vote,
//!    an acknowledgement, a candidacy) is held back inside the core until the write it depends on
//!    is reported durable. A leader's entries promise nothing and may overtake its own disk.
//! 3. **Messages may be lost, doubled, delayed and reordered** without harm to safety.
//! 4. **`Apply` and `Restore` go to the state machine in their order**, each once per start of the
//!    node. What is applied is committed and durable on this peer.
//! 5. **A read is served at its place among them.** When [`Output::ReadReady`] comes, everything the
//!    reader must see was handed out by `Apply` and `Restore` before: a driver that serves the read
//!    after those, and need not wait for anything else, serves it right. Serving it later, after
//!    more entries, is right, too. What reads promise does not depend on the disk of this peer.
//! 6. **The time passed with a read, or with a message, is read from the clock after the read or the
//!    message came in.** A process can stop at any instruction; with a time from before the stop, a
//!    leader would trust a lease that has expired.
//! 7. **Time never goes back.** A driver calls [`handle`](crate::Node::handle) with
//!    [`Input::Tick`] when the time of [`poll_timeout`](crate::Node::poll_timeout) has come;
//!    being late costs an election, never safety.
//! 8. **`Peers` lists the peers the node sends to.** A driver's address book is
//!    [`address_book`](crate::Node::address_book) at the start, and the newest `Peers` later; it
//!    comes before the first message to a new peer. Replies and requests for a read index may also
//!    go to other peers: a node that joins answers and asks a leader that its log does not contain
//!    yet. A driver sends such a message to the address that the leader stated when it connected.
//! 9. **Handling many inputs before polling is batching**: entries proposed meanwhile leave in one
//!    message per peer and in one write, and reads taken meanwhile share one round of messages.
//! 10. **A stored chunk is read before it leaves.** An InstallSnapshot whose chunk is not in memory
//!     ([`SnapshotData::bytes`](crate::SnapshotData::bytes)) is a range of a snapshot that the driver's
//!     store handed out: the driver reads it, at its leisure, and sends the message with the bytes.
//!     Likewise it may put arriving chunks into its store, and pass in ranges of it.

//! 11. **Entries are read back when the node asks for them.** With
//!     [`Config::cache_bytes_max`](crate::Config::cache_bytes_max), older entries are in the store alone.
//!     A driver answers [`Output::ReadEntries`] by [`Input::EntriesRead`], at its leisure and in any order;
//!     the node does everything else meanwhile. Answers that came too late have no effect.

use std::collections::BTreeMap;

use crate::entry::{Entry, Snapshot};
use crate::identity::Identity;
use crate::membership::Address;
use crate::message::Envelope;
use crate::read_index::ReadDropReason;
use crate::types::{EntryReadId, Index, PeerId, ReadId, Term, WriteId};

/// An event outside the core.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// The time of `poll_timeout` has come.
    Tick,
    /// A message has arrived.
    Receive(Envelope),
    /// All writes up to and including this one are durable.
    Persisted(WriteId),
    /// Entries were read from the store.
    EntriesRead {
        /// The read.
        read: EntryReadId,
        /// The entries, as an [`EntryReader`](crate::storage::EntryReader) returns them.
        entries: Vec<Entry>,
    },
}

/// A task for the driver; see the module's contract.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// Write this record after all earlier ones and report it by [`Input::Persisted`].
    Persist(Write),
    /// Send this message.
    Send(Envelope),
    /// Apply these committed entries, in order; no-ops and memberships are among them, so that
    /// indexes have no gaps.
    Apply(Vec<Entry>),
    /// Replace the state machine's state by the snapshot's.
    Restore(Snapshot),
    /// This read may be served from the state machine, once it has been given what earlier outputs
    /// hold for it.
    ReadReady {
        /// The read's id as passed to [`Node::read`](crate::Node::read).
        read: ReadId,
        /// The index through which the reader must see the log; it has been handed out.
        index: Index,
    },
    /// This read will not be served; it did nothing and may be asked again, here or elsewhere.
    ReadDropped {
        /// The read's id as passed to [`Node::read`](crate::Node::read).
        read: ReadId,
        /// The reason.
        reason: ReadDropReason,
    },
    /// Read these entries from the store, and pass them in by [`Input::EntriesRead`].
    ReadEntries(EntryRead),
    /// The peers the node sends requests to from now on.
    Peers(AddressBook),
}

/// Entries that the node needs from the store. They are durable there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EntryRead {
    /// The read's number.
    pub id: EntryReadId,
    /// The first entry.
    pub first: Index,
    /// The last one.
    pub through: Index,
    /// The most encoded bytes, but for the first entry.
    pub bytes_max: u64,
    /// The reason.
    pub purpose: ReadPurpose,
}

/// The reason for reading entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadPurpose {
    /// The state machine is to apply them. A driver may wait with the answer until the state machine has
    /// applied those before, so that they do not pile up.
    Apply,
    /// This follower lacks them.
    Send(PeerId),
}

/// The peers a node sends requests to, itself among them if it is a member, and their addresses, as
/// far as known.
pub type AddressBook = BTreeMap<PeerId, Option<Address>>;

/// One write to stable storage.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Write {
    /// The write's number; numbers rise by one.
    pub id: WriteId,
    /// The change.
    pub record: Record,
}

/// One change of the stable state. Each record is atomic, but an [`Record::Append`] may survive a
/// crash with any number of its first entries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// The identity of the store: the first write of all, and each change of it.
    Identity(Identity),
    /// The term and the vote in it (Figure 2 `currentTerm`, `votedFor`), together.
    HardState(HardState),
    /// Delete all entries from this index on.
    Truncate {
        /// The first index to go.
        from: Index,
    },
    /// Append these entries; the first one follows the last one stored. Never empty.
    Append(Vec<Entry>),
    /// Replace the snapshot, and delete entries that it covers.
    Snapshot {
        /// The new snapshot.
        snapshot: Snapshot,
        /// The fate of the entries.
        suffix: Suffix,
    },
}

/// The fate of log entries with a new snapshot (Figure 13, steps 6 and 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Suffix {
    /// The log held the snapshot's last entry: the entries after this index are kept, the last ones
    /// that the snapshot covers among them. Later such indexes are never lower.
    Kept {
        /// The last index to go, at or before the snapshot's.
        after: Index,
    },
    /// The log did not: all entries are deleted.
    Discarded,
}

/// The part of the state that is small and rewritten whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct HardState {
    /// The newest term the peer has seen.
    pub current_term: Term,
    /// The candidate the peer voted for in that term.
    pub voted_for: Option<PeerId>,
}
