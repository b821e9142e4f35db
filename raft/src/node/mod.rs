//! The state machine of one peer: inputs in, outputs out, one rule group of the paper per file.
//!
//! ```text
//! handle(now, input) ─► [message rules] ─► pre_vote     (dissertation §9.6)
//!                                        ├► election     (§5.2, §5.4.1)
//!                                        ├► check_quorum (dissertation §4.2.3, §6.2)
//!                                        ├► following    (§5.3: what a follower does with entries)
//!                                        ├► leading      (§5.3, §5.4.2: what a leader does with answers)
//!                                        ├► membership   (§6)
//!                                        ├► reading      (dissertation §6.4: reads that need no entry)
//!                                        ├► transfer     (dissertation §3.10)
//!                                        └► snapshot     (§7)
//! poll_output() ◄─ writes ◄─ outbox ◄─ sending (what a leader owes each follower by now)
//! ```
//!
//! Invariants, asserted after every input in debug builds, are those of [`Node::check`]. Nothing
//! here reads a clock, draws a number or touches a file: moments and randomness are handed in.

mod check_quorum;
mod dispatch;
mod election;
mod follower;
mod fork;
mod invariant;
mod joint_consensus;
mod leader;
mod outbox;
mod pre_vote;
mod propose;
mod read_index;
mod replication;
mod snapshot;
mod step_down;
mod transfer;
mod writes;

use std::sync::Arc;
use std::time::Duration;

pub use self::invariant::Violation;
pub use self::propose::ProposeError;
pub use self::read_index::ReadError;
pub use self::snapshot::CompactError;
pub use self::transfer::TransferError;

use self::outbox::Outbox;
use self::writes::Writes;
use crate::config::ValidConfig;
use crate::entry::Snapshot;
use crate::log::Log;
use crate::membership::Membership;
use crate::membership_history::MembershipHistory;
use crate::output::{AddressBook, HardState, Input, Output};
use crate::persistent_state::{CorruptStore, PersistentState, RestoredState};
use crate::read_index::{Confirmed, FollowerReads};
use crate::role::{Follower, Role, RoleName};
use crate::trace::{Event, Sink, Source};
use crate::types::{Index, Instant, PeerId, RequestId, Term, WriteId};

/// Where a node's randomness comes from: one number for each election timeout.
pub trait Jitter {
    /// A number, uniform over all of `u64`.
    fn draw(&mut self, term: Term) -> u64;
}

/// One peer's state machine.
///
/// Methods are of four kinds:
/// - [`Node::handle`], [`Node::propose`], [`Node::read`], [`Node::transfer_leadership`],
///   [`Node::resign`] and [`Node::compact`] tell it what happened;
/// - [`Node::poll_output`] and [`Node::poll_timeout`] tell the driver what to do, and are asked
///   after each of the former (or after several: see [`crate::output`]);
/// - [`Node::status`] and [`Node::log`] show what it knows;
/// - [`Node::set_sink`] lets somebody listen.
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
    /// The newest moment handed in.
    now: Instant,
    hard_state: HardState,
    role: Role,
    /// When this peer last heard from a leader, whichever it was; it outlives roles and terms.
    last_leader_contact: Option<Instant>,
    /// The time without a leader that this peer bears, drawn for each election.
    election_timeout: Duration,
    log: Log,
    membership_history: MembershipHistory,
    snapshot: Option<Snapshot>,
    commit_index: Index,
    last_applied: Index,
    /// A leader's snapshot that goes to the state machine once this write is durable.
    restoring: Option<(WriteId, Snapshot)>,
    /// Reads that are safe once the state machine got that far, whoever leads by then.
    confirmed_reads: Confirmed,
    /// The number of the next question to a leader.
    next_request: RequestId,
    /// Whom this peer talks with by itself.
    address_book: AddressBook,
    due: Due,
    writes: Writes,
    outbox: Outbox,
}

/// Whether the node may have something to do that it has not looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// Something has happened since it last looked.
    Unknown,
    /// It has looked, and what it found is in the outbox.
    Nothing,
}

/// What a peer looks like from outside.
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
    /// Who leads the term, as far as the peer knows.
    pub leader: Option<PeerId>,
    /// Figure 2 `commitIndex`.
    pub commit_index: Index,
    /// Figure 2 `lastApplied`: the last index handed to the state machine.
    pub last_applied: Index,
    /// The last index known to be durable here.
    pub durable_index: Index,
}

impl Node {
    /// Starts a node from what its store holds. It follows nobody until it hears from a leader.
    ///
    /// If there is a snapshot, the first output restores it.
    ///
    /// # Errors
    /// The store holds what no order of writes can leave behind.
    pub fn new(
        config: ValidConfig,
        stored: PersistentState,
        now: Instant,
        mut jitter: Box<dyn Jitter + Send>,
    ) -> Result<Self, CorruptStore> {
        let RestoredState { hard_state, snapshot, log } = stored.restore()?;
        let base_index = log.base().index;
        let first = match &snapshot {
            Some(snapshot) => Arc::clone(&snapshot.membership),
            None => Arc::new(config.bootstrap()),
        };
        let mut membership_history = MembershipHistory::new(base_index, first);
        let _at_the_start = membership_history.extend(log.range(base_index, log.last().index));
        let election_timeout = draw_timeout(&config, jitter.as_mut(), hard_state.current_term);
        let election_deadline = now.after(election_timeout);
        // In its life before, it may have heard from a leader just now.
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
                reads: FollowerReads::default(),
            }),
            last_leader_contact,
            election_timeout,
            due: Due::Unknown,
            writes: Writes::new(log.last().index),
            log,
            snapshot,
            commit_index: base_index,
            last_applied: base_index,
            restoring: None,
        };
        if let Some(snapshot) = node.snapshot.clone() {
            node.outbox.push(Output::Restore(snapshot));
        }
        Ok(node)
    }

    /// Sends protocol events to `sink` from now on, the first of them what the node started from.
    pub fn set_sink(&mut self, sink: Box<dyn Sink + Send>) {
        self.sink = Some(sink);
        self.trace(&Event::Started {
            snapshot: self.log.base(),
            last: self.log.last(),
            voted_for: self.hard_state.voted_for,
        });
        if self.membership_history.latest_index() > Index::ZERO {
            self.trace_membership();
        }
    }

    /// Takes what happened. Moments must not go back; one that does counts as the newest one seen.
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
        }
        self.assert_consistent();
    }

    /// The next thing to do, in the order of the contract of [`crate::output`].
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

    /// When the node wants [`Input::Tick`], as of the last output polled. A leader without
    /// followers waits for nothing, and neither does a peer without a vote: it never stands.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let own = match &self.role {
            Role::Follower(_) | Role::PreCandidate(_) | Role::Candidate(_) => {
                self.role.election_deadline().filter(|_| self.is_electable())
            }
            Role::Leader(leader) => leader.next_deadline(),
        };
        own.into_iter().chain(self.read_deadline()).min()
    }

    /// What the peer looks like from outside.
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

    /// Who is in the cluster as of the newest entry that says so, committed or not (paper §6):
    /// what this peer counts and sends by.
    #[must_use]
    pub fn membership(&self) -> &Arc<Membership> {
        self.membership_history.latest()
    }

    /// The peers this one talks with by itself, and where they are: everybody in a configuration
    /// that may still count. Changes are told by [`Output::Peers`].
    #[must_use]
    pub const fn address_book(&self) -> &AddressBook {
        &self.address_book
    }

    /// The log after the snapshot.
    #[must_use]
    pub const fn log(&self) -> &Log {
        &self.log
    }

    /// The role with its state.
    #[must_use]
    pub const fn role(&self) -> &Role {
        &self.role
    }

    fn id(&self) -> PeerId {
        self.config.settings().id
    }

    /// Whether this peer has a vote in the configuration in force or in one that it would give way
    /// to: a peer that an uncommitted entry removes may hold the only log that can win (dissertation
    /// §4.2.2, figure 4.6). It does not count its own vote then.
    fn is_electable(&self) -> bool {
        self.membership_history.has_voter(self.commit_index, self.id())
    }

    fn leader(&self) -> Option<PeerId> {
        match &self.role {
            Role::Follower(follower) => follower.leader,
            Role::PreCandidate(_) | Role::Candidate(_) => None,
            Role::Leader(_) => Some(self.id()),
        }
    }

    /// What a leader owes by now is found when its outputs are polled; the others may have to
    /// stand for election, if they have a vote.
    fn on_tick(&mut self) {
        self.expire_reads();
        let due = self.role.election_deadline().is_some_and(|deadline| self.now >= deadline);
        if due && self.is_electable() {
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

    /// Something happens at this moment.
    fn advance_clock(&mut self, now: Instant) {
        self.now = self.now.max(now);
        self.due = Due::Unknown;
    }

    /// Looking once is enough: nothing of it makes more of it due.
    fn produce_outputs(&mut self) {
        self.advance_reads();
        self.replicate();
        self.apply_committed();
        self.release_reads();
    }

    /// Looks once more.
    fn has_no_output(&mut self) -> bool {
        self.produce_outputs();
        self.outbox.is_empty()
    }

    /// Applies what is committed and durable here.
    fn apply_committed(&mut self) {
        let through = self.commit_index.min(self.writes.durable_index());
        if self.restoring.is_some() || through <= self.last_applied {
            return;
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

/// A timeout between the configured bounds.
fn draw_timeout(config: &ValidConfig, jitter: &mut dyn Jitter, term: Term) -> Duration {
    let settings = config.settings();
    let spread = (settings.election_timeout_max - settings.election_timeout_min).as_nanos();
    let part = (u128::from(jitter.draw(term)) * spread) >> 64;
    settings.election_timeout_min + Duration::from_nanos(u64::try_from(part).unwrap_or(u64::MAX))
}
