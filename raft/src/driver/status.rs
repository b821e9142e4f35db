//! The status of a node, for its user.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::error::StopReason;
use crate::identity::StoreStamp;
use crate::membership::Membership;
use crate::node::{Node, Refusal, RefusedTerm};
use crate::progress::LossKind;
use crate::role::{Role, RoleName};
use crate::transport::{LinkDirection, LinkReport, RefusedLink};
use crate::types::{Index, PeerId, Term};

/// The status of a node.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Status {
    /// The peer.
    pub id: PeerId,
    /// Its role; follower once the node has stopped.
    pub role: RoleName,
    /// Figure 2 `currentTerm`.
    pub current_term: Term,
    /// The known leader of the term.
    pub leader: Option<PeerId>,
    /// Figure 2 `commitIndex`.
    pub commit_index: Index,
    /// Figure 2 `lastApplied`: the last entry applied to the state machine.
    pub last_applied: Index,
    /// The last entry of the log.
    pub last_log: Index,
    /// The last entry that a snapshot replaces.
    pub snapshot: Index,
    /// The membership configuration of the newest membership entry, committed or not.
    pub membership: Arc<Membership>,
    /// The peer's own place among the members.
    pub member: MemberState,
    /// The leader's replication state of each follower; empty in other roles.
    pub peers: Vec<PeerStatus>,
    /// The peer's store; one that is new has no vote yet.
    pub store: Option<StoreStamp>,
    /// The initial members that have not recorded the store yet: a new cluster begins once all have.
    pub waits_for: BTreeSet<PeerId>,
    /// A member that knows this peer by another store, while it has no vote: its data was lost.
    pub refused: Option<Refusal>,
    /// Links whose handshakes fail, on this side or the other one.
    pub refused_links: Vec<RefusedLink>,
    /// The last message with a term that no elections can have reached; it was refused.
    pub refused_term: Option<RefusedTerm>,
    /// No usable term is left after `current_term`: the peer starts no election any more.
    pub terms_exhausted: bool,
    /// State of the disk.
    pub disk: DiskState,
    /// State of the node.
    pub run: RunState,
}

/// The leader's replication state of one follower (Figure 2 `nextIndex[]`, `matchIndex[]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// The follower.
    pub id: PeerId,
    /// The last index at which the follower's log is known to equal the leader's, durably.
    pub match_index: Index,
    /// The next index to send.
    pub next_index: Index,
    /// A sign that it lost its data: it counts for nothing until it is removed and added again.
    pub loss: Option<LossKind>,
}

/// A peer's own place among the members of its cluster, as far as its log tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberState {
    /// It has a vote.
    Voter,
    /// It receives all entries, without a vote.
    Learner,
    /// It has joined and waits until a leader adds it.
    Joining,
    /// It was a member, and its removal is committed, as its log says or another member at a
    /// connection: it takes part in nothing and starts no elections. Shut it down, or add it again.
    Removed,
}

/// State of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskState {
    /// It answers in time.
    Healthy,
    /// It has not answered for longer than `Settings::disk_timeout`: the peer takes no part until
    /// it does.
    Stuck {
        /// Time without an answer when it was declared stuck.
        waited: Duration,
    },
}

/// State of a node.
#[derive(Clone, Debug)]
pub enum RunState {
    /// It runs.
    Running,
    /// It has stopped; all calls fail with this reason. It neither leads nor follows.
    Stopped(StopReason),
}

impl std::fmt::Display for RunState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Running => f.write_str("running"),
            Self::Stopped(reason) => write!(f, "stopped: {reason}"),
        }
    }
}

impl MemberState {
    fn of(node: &Node) -> Self {
        let (id, membership) = (node.status().id, node.membership());
        if node.is_removed() {
            Self::Removed
        } else if membership.is_voter(id) {
            Self::Voter
        } else if membership.contains(id) {
            Self::Learner
        } else if membership.is_empty() {
            Self::Joining
        } else {
            // Its removal is not committed yet, and it may still be needed as a voter.
            Self::Voter
        }
    }
}

impl Status {
    pub(super) fn of(node: &Node) -> Self {
        let core = node.status();
        let mut status = Self {
            id: core.id,
            role: core.role,
            current_term: core.current_term,
            leader: core.leader,
            commit_index: core.commit_index,
            last_applied: Index::ZERO,
            last_log: Index::ZERO,
            snapshot: Index::ZERO,
            membership: Arc::clone(node.membership()),
            member: MemberState::of(node),
            peers: Vec::new(),
            store: None,
            waits_for: BTreeSet::new(),
            refused: None,
            refused_links: Vec::new(),
            refused_term: None,
            terms_exhausted: false,
            disk: DiskState::Healthy,
            run: RunState::Running,
        };
        status.update(node, DiskState::Healthy);
        status
    }

    /// Takes changes from the node; returns whether there were any. `last_applied` is set by the
    /// apply task.
    pub(super) fn update(&mut self, node: &Node, disk: DiskState) -> bool {
        let core = node.status();
        let mut changed = false;
        changed |= set(&mut self.role, core.role);
        changed |= set(&mut self.current_term, core.current_term);
        changed |= set(&mut self.leader, core.leader);
        changed |= set(&mut self.commit_index, core.commit_index);
        changed |= set(&mut self.last_log, node.log().last().index);
        changed |= set(&mut self.snapshot, node.snapshot().map_or(Index::ZERO, |it| it.index()));
        changed |= set(&mut self.disk, disk);
        changed |= set(&mut self.member, MemberState::of(node));
        changed |= set(&mut self.refused, node.refusal());
        changed |= set(&mut self.refused_term, node.refused_term());
        changed |= set(&mut self.terms_exhausted, node.terms_exhausted());
        changed |= set(&mut self.store, node.store());
        changed |= set(&mut self.waits_for, node.waits_for());
        if !Arc::ptr_eq(&self.membership, node.membership()) {
            self.membership = Arc::clone(node.membership());
            changed = true;
        }
        changed | self.update_peers(node.role())
    }

    /// Notes a report about a link; returns whether it changes anything.
    pub(super) fn note_link(&mut self, report: LinkReport) -> bool {
        let place = |status: &Self, peer: PeerId, direction: LinkDirection| {
            let is = |link: &RefusedLink| link.peer == peer && link.direction == direction;
            status.refused_links.iter().position(is)
        };
        match report {
            LinkReport::Refused(link) => {
                match place(self, link.peer, link.direction) {
                    Some(at) if self.refused_links[at] == link => return false,
                    Some(at) => self.refused_links[at] = link,
                    None => self.refused_links.push(link),
                }
                true
            }
            LinkReport::Cleared { peer, direction } => {
                place(self, peer, direction).map(|at| self.refused_links.remove(at)).is_some()
            }
            LinkReport::Removed { .. } => false,
        }
    }

    /// Notes the end of the node.
    pub(super) fn stop(&mut self, reason: StopReason) {
        self.role = RoleName::Follower;
        self.leader = None;
        self.peers.clear();
        self.refused_links.clear();
        self.run = RunState::Stopped(reason);
    }

    fn update_peers(&mut self, role: &Role) -> bool {
        let Role::Leader(leader) = role else {
            let had = !self.peers.is_empty();
            self.peers.clear();
            return had;
        };
        let fresh = leader.followers.iter().map(|(id, progress)| PeerStatus {
            id: *id,
            match_index: progress.match_index,
            next_index: progress.next_index,
            loss: progress.loss.map(|loss| loss.kind),
        });
        if fresh.clone().eq(self.peers.iter().copied()) {
            return false;
        }
        self.peers.clear();
        self.peers.extend(fresh);
        true
    }
}

/// Sets a value; returns whether it changed.
fn set<T: PartialEq>(current: &mut T, value: T) -> bool {
    let changed = *current != value;
    *current = value;
    changed
}

/// The shared status.
///
/// Notifying watchers costs more than a small turn of the core task, so it is skipped while there
/// are none: the newest status is in `current`.
pub(super) struct StatusCell {
    current: Mutex<Status>,
    watched: watch::Sender<Status>,
}

impl StatusCell {
    pub(super) fn new(status: Status) -> Self {
        Self { current: Mutex::new(status.clone()), watched: watch::Sender::new(status) }
    }

    /// Changes the status by `change`, which returns whether it did.
    pub(super) fn update(&self, change: impl FnOnce(&mut Status) -> bool) {
        let mut current = self.lock();
        if change(&mut current) && self.watched.receiver_count() > 0 {
            self.watched.send_replace(current.clone());
        }
    }

    pub(super) fn status(&self) -> Status {
        self.lock().clone()
    }

    pub(super) fn watch(&self) -> watch::Receiver<Status> {
        // Under the lock, so that no update falls between the first value and the next ones.
        let current = self.lock();
        self.watched.send_replace(current.clone());
        self.watched.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Status> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
