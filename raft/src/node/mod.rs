//! The state machine of one peer, one rule group of the paper per file.
//!
//! ```text
//! handle(now, input) ─► dispatch ─► validation      (messages that must not move a term)
//!                                ├► election        (§5.1, §5.2, §5.4.1)
//!                                ├► pre_vote        (dissertation §9.6)
//!                                ├► check_quorum    (dissertation §4.2.3, §6.2)
//!                                ├► follower        (§5.3: entries received)
//!                                ├► leader          (§5.3, §5.4.2: replies received)
//!                                ├► formation       (registration of stores in a new cluster)
//!                                ├► lost_store      (members that come back without their data)
//!                                ├► joint_consensus (§6: membership changes)
//!                                ├► read_index      (dissertation §6.4: reads without an entry)
//!                                ├► entry_reads     (entries that only the store holds)
//!                                ├► transfer        (dissertation §3.10)
//!                                └► snapshot        (§7)
//! poll_output() ◄─ writes ◄─ outbox ◄─ replication  (messages due to each follower)
//! ```
//!
//! Invariants, asserted after every input in debug builds, are those of [`Node::check`]. Nothing
//! here reads a clock, draws a number or touches a file: times and randomness are arguments.

mod check_quorum;
mod dispatch;
mod election;
mod entry_reads;
mod follower;
mod fork;
mod formation;
mod invariant;
mod jitter;
mod joint_consensus;
mod leader;
mod lost_store;
mod outbox;
mod pre_vote;
mod propose;
mod read_index;
mod removal;
mod replication;
mod snapshot;
mod step_down;
mod transfer;
mod validation;
mod writes;

use std::sync::Arc;
use std::time::Duration;

pub use self::formation::Refusal;
pub use self::invariant::Violation;
pub use self::jitter::Jitter;
pub use self::propose::ProposeError;
pub use self::read_index::ReadError;
pub use self::snapshot::CompactError;
pub use self::transfer::TransferError;
pub use self::validation::RefusedTerm;

use self::entry_reads::EntryReads;
use self::formation::{Formation, initial_membership};
use self::jitter::draw_timeout;
use self::outbox::Outbox;
use self::writes::Writes;
use crate::config::ValidConfig;
use crate::early_appends::EarlyAppends;
use crate::entry::Snapshot;
use crate::identity::{Identity, Incarnation};
use crate::log::Log;
use crate::membership::Membership;
use crate::membership_history::MembershipHistory;
use crate::output::{AddressBook, HardState, Input, Output};
use crate::persistent_state::{PersistentState, RestoredState};
use crate::read_index::{Confirmed, FollowerReads};
use crate::restore_error::RestoreError;
use crate::role::{Follower, Role, RoleName};
use crate::trace::{Event, Sink, Source};
use crate::types::{EntryId, Index, Instant, PeerId, RequestId, Term, WriteId};

/// One peer's state machine.
///
/// Methods are of four kinds:
/// - [`Node::handle`], [`Node::propose`], [`Node::read`], [`Node::change_membership`],
///   [`Node::transfer_leadership`], [`Node::resign`] and [`Node::compact`] pass events to it;
/// - [`Node::poll_output`] and [`Node::poll_timeout`] return the driver's next tasks, after each of
///   the former (or after several: see [`crate::output`]);
/// - [`Node::status`] and [`Node::log`] show its state;
/// - [`Node::set_sink`] traces its events.
///
/// ```
/// use raft::{Config, Input, Instant, Jitter, Node, Output, PeerId, RoleName, PersistentState, Term};
///
/// struct Middle;
/// impl Jitter for Middle {
///     fn draw(&mut self, _: Term) -> u64 { u64::MAX / 2 }
/// }
///
/// let config = Config::new(PeerId::new(1), vec![PeerId::new(1)]).validate()?;
/// let mut node = Node::new(config, PersistentState::default(), Instant::START, Box::new(Middle))?;
/// let deadline = node.poll_timeout().expect("a follower waits for a leader");
/// node.handle(deadline, Input::Tick);
/// while let Some(output) = node.poll_output() {
///     if let Output::Persist(write) = output {
///         node.handle(deadline, Input::Persisted(write.id));
///     }
/// }
/// assert_eq!(node.status().role, RoleName::Leader);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Node {
    config: ValidConfig,
    jitter: Box<dyn Jitter + Send>,
    sink: Option<Box<dyn Sink + Send>>,
    /// The newest time passed in.
    now: Instant,
    hard_state: HardState,
    role: Role,
    /// The last contact with any leader; kept across roles and terms.
    last_leader_contact: Option<Instant>,
    /// This peer's election timeout, drawn for each election.
    election_timeout: Duration,
    log: Log,
    membership_history: MembershipHistory,
    snapshot: Option<Snapshot>,
    commit_index: Index,
    last_applied: Index,
    /// A leader's snapshot that goes to the state machine once this write is durable.
    restoring: Option<(WriteId, Snapshot)>,
    /// Reads that are safe once the state machine has applied their index, under any later leader.
    confirmed_reads: Confirmed,
    /// The number of the next request to a leader.
    next_request: RequestId,
    /// The peers this one sends requests to.
    address_book: AddressBook,
    due: Due,
    writes: Writes,
    entry_reads: EntryReads,
    outbox: Outbox,
    /// The identity of the store, unless it has none.
    identity: Option<Identity>,
    formation: Formation,
    /// The store of the candidate this peer voted for since its start.
    voted_store: Option<Incarnation>,
    /// The committed configuration without this peer that another one has told of.
    removed_at: Option<EntryId>,
    refused_term: Option<RefusedTerm>,
}

/// The state of the search for due outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// An input came in since the last search.
    Unknown,
    /// Everything due is in the outbox.
    Nothing,
}

/// A peer's state as seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The peer.
    pub id: PeerId,
    /// Its role.
    pub role: RoleName,
    /// Figure 2 `currentTerm`.
    pub current_term: Term,
    /// Figure 2 `votedFor`.
    pub voted_for: Option<PeerId>,
    /// The leader of the term, if known.
    pub leader: Option<PeerId>,
    /// Figure 2 `commitIndex`.
    pub commit_index: Index,
    /// Figure 2 `lastApplied`: the last index passed to the state machine.
    pub last_applied: Index,
    /// The last index known to be durable here.
    pub durable_index: Index,
}

impl Node {
    /// Starts a node from the contents of its store, as a follower without a leader.
    ///
    /// If there is a snapshot, the first output restores it.
    ///
    /// # Errors
    /// Contents that no order of writes can leave behind, or a store of a cluster of other peers.
    pub fn new(
        config: ValidConfig,
        stored: PersistentState,
        now: Instant,
        mut jitter: Box<dyn Jitter + Send>,
    ) -> Result<Self, RestoreError> {
        let (own, peers) = (config.settings().id, &config.settings().peers);
        stored.check_peers(own, peers)?;
        let stored_identity = stored.identity.clone();
        let is_first_start = stored_identity.is_none();
        let identity = stored_identity.or_else(|| {
            let incarnation = config.settings().incarnation?;
            Some(stored.first_identity(own, peers, incarnation))
        });
        let RestoredState { hard_state, snapshot, memberships, log } = stored.restore()?;
        let base_index = snapshot.as_ref().map_or(Index::ZERO, Snapshot::index);
        let first = match &snapshot {
            Some(snapshot) => Arc::clone(&snapshot.membership),
            None => Arc::new(initial_membership(identity.as_ref(), &config)),
        };
        let mut membership_history = MembershipHistory::new(base_index, first);
        membership_history.restore(memberships);
        let _at_the_start = membership_history.extend(log.range(base_index, log.last().index));
        let election_timeout = draw_timeout(&config, jitter.as_mut(), hard_state.current_term);
        let election_deadline = now.after(election_timeout);
        // It may have had contact with a leader just before the restart.
        let last_leader_contact = (hard_state.current_term > Term::ZERO).then_some(now);
        let mut node = Self {
            outbox: Outbox::new(config.settings().first_message_id),
            next_request: RequestId::new(config.settings().first_message_id.number()),
            confirmed_reads: Confirmed::default(),
            address_book: membership_history.address_book(base_index),
            membership_history,
            config,
            jitter,
            sink: None,
            now,
            hard_state,
            role: Role::Follower(Follower {
                leader: None,
                election_deadline,
                incoming: None,
                early: EarlyAppends::default(),
                reads: FollowerReads::default(),
            }),
            last_leader_contact,
            election_timeout,
            due: Due::Unknown,
            writes: Writes::new(log.last().index),
            entry_reads: EntryReads::NONE,
            log,
            snapshot,
            commit_index: base_index,
            last_applied: base_index,
            restoring: None,
            identity,
            formation: Formation::default(),
            voted_store: None,
            removed_at: None,
            refused_term: None,
        };
        if let Some(identity) = node.identity.as_ref().filter(|_| is_first_start) {
            node.writes.identity(identity);
        }
        if let Some(snapshot) = node.snapshot.clone() {
            node.outbox.push(Output::Restore(snapshot));
        }
        Ok(node)
    }

    /// Passes protocol events to `sink` from now on, first the state the node started from.
    pub fn set_sink(&mut self, sink: Box<dyn Sink + Send>) {
        self.sink = Some(sink);
        self.trace(&Event::Started {
            snapshot: self.snapshot.as_ref().map_or(EntryId::ZERO, |it| it.last_included),
            last: self.log.last(),
            voted_for: self.hard_state.voted_for,
        });
        if self.membership_history.latest_index() > Index::ZERO {
            self.trace_membership();
        }
        if self.terms_exhausted() {
            self.trace(&Event::TermsExhausted);
        }
    }

    /// Handles an event. Time must not go back; an earlier time counts as the newest one seen.
    ///
    /// # Panics
    /// Storage reports a write that was never issued; or, in debug builds, an invariant of
    /// [`Node::check`] is broken.
    pub fn handle(&mut self, now: Instant, input: Input) {
        self.advance_clock(now);
        match input {
            Input::Tick => self.on_tick(),
            Input::Receive(envelope) => self.on_receive(&envelope),
            Input::Persisted(write) => self.on_persisted(write),
            Input::EntriesRead { read, entries } => self.on_entries_read(read, entries),
        }
        self.assert_consistent();
    }

    /// The next output, in the order of the contract of [`crate::output`].
    #[must_use]
    pub fn poll_output(&mut self) -> Option<Output> {
        if let Some(write) = self.writes.poll() {
            self.trace(&Event::Persisting { write: write.id, what: (&write.record).into() });
            return Some(Output::Persist(write));
        }
        if self.outbox.is_empty() {
            match std::mem::replace(&mut self.due, Due::Nothing) {
                Due::Unknown => self.produce_outputs(),
                Due::Nothing => debug_assert!(self.has_no_output(), "{:?}", self.outbox),
            }
        }
        let output = self.outbox.poll();
        if let Some(Output::Send(envelope)) = &output {
            self.trace(&Event::Sent(envelope));
        }
        output
    }

    /// The time of the next [`Input::Tick`], as of the last output polled. A leader without
    /// followers needs none, and neither does a peer without a vote, which never starts an
    /// election.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let own = match &self.role {
            Role::Follower(_) | Role::PreCandidate(_) | Role::Candidate(_) => {
                self.role.election_deadline().filter(|_| self.may_start_election())
            }
            Role::Leader(leader) => leader.next_deadline(),
        };
        own.into_iter().chain(self.read_deadline()).chain(self.formation_due()).min()
    }

    /// The peer's state as seen from outside.
    #[inline]
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            id: self.id(),
            role: self.role.name(),
            current_term: self.hard_state.current_term,
            voted_for: self.hard_state.voted_for,
            leader: self.leader(),
            commit_index: self.commit_index,
            last_applied: self.last_applied,
            durable_index: self.writes.durable_index(),
        }
    }

    /// The membership configuration in force: the newest one in the log, committed or not (paper
    /// §6).
    #[inline]
    #[must_use]
    pub fn membership(&self) -> &Arc<Membership> {
        self.membership_history.latest()
    }

    /// The peers this one sends requests to, with their addresses: the members of every
    /// configuration that may be in force. Changes are reported by [`Output::Peers`].
    #[inline]
    #[must_use]
    pub const fn address_book(&self) -> &AddressBook {
        &self.address_book
    }

    /// The log: the entries after the snapshot, and some before its end.
    #[inline]
    #[must_use]
    pub const fn log(&self) -> &Log {
        &self.log
    }

    /// The role with its state.
    #[inline]
    #[must_use]
    pub const fn role(&self) -> &Role {
        &self.role
    }

    #[inline]
    fn id(&self) -> PeerId {
        self.config.settings().id
    }

    /// Returns whether this peer may start elections: it is a voter of the configuration in force
    /// or of an earlier uncommitted one. A peer that an uncommitted entry removes may have the only
    /// log that can win (dissertation §4.2.2, figure 4.6). It does not count its own vote then.
    fn is_electable(&self) -> bool {
        let store = self.identity.as_ref().map(|identity| identity.incarnation);
        self.may_vote()
            && !self.is_removed()
            && self.membership_history.has_voter(self.commit_index, self.id(), store)
    }

    /// Returns whether this peer may start another election: a term is left for it.
    fn may_start_election(&self) -> bool {
        !self.terms_exhausted() && self.is_electable()
    }

    #[inline]
    fn leader(&self) -> Option<PeerId> {
        match &self.role {
            Role::Follower(follower) => follower.leader,
            Role::PreCandidate(_) | Role::Candidate(_) => None,
            Role::Leader(_) => Some(self.id()),
        }
    }

    /// Starts an election if one is due; a leader's messages are made when outputs are polled.
    fn on_tick(&mut self) {
        self.expire_reads();
        let due = self.role.election_deadline().is_some_and(|deadline| self.now >= deadline);
        if due && self.may_start_election() {
            self.start_election();
        }
        self.check_quorum();
        self.check_transfer_timeout();
    }

    fn on_persisted(&mut self, write: WriteId) {
        self.writes.persisted(write);
        self.trace(&Event::Persisted { write });
        self.outbox.release(self.writes.durable());
        self.count_own_vote();
        self.advance_commit();
        self.restore_if_durable();
    }

    /// Advances the clock.
    fn advance_clock(&mut self, now: Instant) {
        self.now = self.now.max(now);
        self.due = Due::Unknown;
    }

    /// One pass is enough: none of the steps makes another one due.
    fn produce_outputs(&mut self) {
        self.register();
        self.advance_reads();
        self.replicate();
        self.apply_committed();
        self.release_reads();
        self.leave_to_store();
    }

    /// Repeats the search.
    fn has_no_output(&mut self) -> bool {
        self.produce_outputs();
        self.outbox.is_empty()
    }

    /// Applies entries that are committed and durable here.
    fn apply_committed(&mut self) {
        let through = self.commit_index.min(self.writes.durable_index());
        if self.restoring.is_some() || through <= self.last_applied {
            return;
        }
        if self.last_applied < self.log.start().index {
            return self.read_to_apply(through);
        }
        let entries = self.log.range(self.last_applied, through).cloned().collect();
        self.trace(&Event::Applied { first: self.last_applied.next(), last: through });
        self.last_applied = through;
        self.outbox.push(Output::Apply(entries));
    }

    fn draw_election_timeout(&mut self) {
        let term = self.hard_state.current_term;
        self.election_timeout = draw_timeout(&self.config, self.jitter.as_mut(), term);
    }

    fn trace(&mut self, event: &Event<'_>) {
        if let Some(sink) = &mut self.sink {
            let term = self.hard_state.current_term;
            let source = Source { peer: self.config.settings().id, term, role: self.role.name() };
            sink.record(self.now, source, event);
        }
    }
}
