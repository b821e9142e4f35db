//! A state of the model, and its successors.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use raft::{Envelope, Index, Input, Instant, MessageId, Output, ReadId, RoleName};

use super::action::Action;
use super::bounds::Bounds;
use super::history::{History, ModelInvariant, logs_match};
use super::peer::{Peer, PeerStep};
use super::reads::Reads;

/// All peers, the messages in flight, and the history.
#[derive(Clone)]
pub struct State {
    pub(super) peers: Vec<Arc<Peer>>,
    /// Messages by their hashes: one that is sent again while in flight counts once.
    pub(super) network: BTreeMap<u64, Arc<Envelope>>,
    /// Bounds that are left.
    pub(super) left: Bounds,
    pub(super) history: History,
    pub(super) reads: Reads,
    broken: BTreeSet<ModelInvariant>,
}

impl State {
    /// Peers that have just started for the first time; `None` if they cannot.
    pub(super) fn fresh(bounds: Bounds) -> Option<Self> {
        let peer = |server| {
            let peer = PeerStep::start(server, bounds, raft::PersistentState::default()).ok()?;
            Some(Arc::new(peer.finish()))
        };
        Some(Self {
            peers: (0..bounds.peers).map(peer).collect::<Option<_>>()?,
            network: BTreeMap::new(),
            left: bounds,
            history: History::default(),
            reads: Reads::default(),
            broken: BTreeSet::new(),
        })
    }

    /// The invariants that were broken on the way here.
    #[must_use]
    pub fn broken(&self) -> &BTreeSet<ModelInvariant> {
        &self.broken
    }

    pub(super) fn record_violation(&mut self, rule: ModelInvariant) {
        self.broken.insert(rule);
    }

    /// Returns whether some peer leads.
    #[must_use]
    pub fn has_leader(&self) -> bool {
        self.peers.iter().any(|peer| peer.status.role == RoleName::Leader)
    }

    /// Returns whether some service applied a command.
    #[must_use]
    pub fn has_applied(&self) -> bool {
        self.peers.iter().any(|peer| peer.applied > Index::ZERO)
    }

    /// Returns whether two logs conflict at the first index.
    #[must_use]
    pub fn has_conflict(&self) -> bool {
        let [first, rest @ ..] = &self.peers[..] else { return false };
        let term = |peer: &Peer| peer.with_node(|node| node.log().term_at(Index::new(1)));
        let found = term(first);
        rest.iter()
            .any(|peer| found.is_some() && term(peer).is_some_and(|term| Some(term) != found))
    }

    /// Returns whether a read was served.
    #[must_use]
    pub fn has_read(&self) -> bool {
        self.reads.any_served()
    }

    /// The state after an action.
    #[must_use]
    pub fn after(&self, action: &Action) -> Self {
        let mut next = self.clone();
        // What a panic leaves half done is thrown away with `next`.
        let outcome = catch_unwind(AssertUnwindSafe(|| next.act(action)));
        if let Err(rule) = outcome.unwrap_or(Err(ModelInvariant::Panic)) {
            next = self.clone();
            next.record_violation(rule);
        }
        next
    }

    fn act(&mut self, action: &Action) -> Result<(), ModelInvariant> {
        match action {
            Action::Timeout(server) => self.change(*server, PeerStep::tick),
            Action::Wait(server) => self.change(*server, PeerStep::wait),
            Action::Heartbeat(server) => {
                self.left.heartbeats -= 1;
                self.change(*server, PeerStep::tick)
            }
            Action::Propose(server) => {
                let command = [self.left.commands];
                self.left.commands -= 1;
                self.change(*server, |peer| {
                    // Commands are proposed only to leaders.
                    let _ = peer.node.propose(Instant::START, command.as_slice().into());
                })
            }
            Action::Flush(server) => self.change(*server, |peer| {
                if let Some(newest) = peer.flush(peer.pending.len()) {
                    peer.node.handle(Instant::START, Input::Persisted(newest));
                }
            }),
            Action::Crash(server, survived) => self.crash(*server, *survived),
            Action::Change(server) => {
                let Some((first, rest)) = self.left.changes.split_first() else { return Ok(()) };
                if self.request_change(*server, first.to_membership_change())? {
                    self.left.changes = rest;
                }
                Ok(())
            }
            Action::Read(server) => self.request_read(*server),
            Action::Compact(server) => {
                self.left.snapshots -= 1;
                self.change(*server, |peer| {
                    let data = peer.applied.number().to_le_bytes();
                    let _ = peer.node.compact(Instant::START, peer.applied, data.as_slice().into());
                })
            }
            Action::Deliver(envelope) => {
                self.network.remove(&hash_of(envelope));
                self.deliver(envelope)
            }
            Action::DeliverAndKeep(envelope) => {
                self.left.duplicates -= 1;
                self.deliver(envelope)
            }
        }
    }

    fn deliver(&mut self, envelope: &Envelope) -> Result<(), ModelInvariant> {
        let server = usize::try_from(envelope.to.number()).unwrap_or(usize::MAX);
        self.change(server, |peer| {
            peer.node.handle(Instant::START, Input::Receive(envelope.clone()));
        })
    }

    fn request_read(&mut self, server: usize) -> Result<(), ModelInvariant> {
        let (before, left) = (self.reads.clone(), self.left.reads);
        let read = ReadId::new(u64::from(left));
        self.reads.begin(server, read, self.history.last());
        self.left.reads -= 1;
        let mut taken = false;
        self.change(server, |peer| taken = peer.node.read(Instant::START, read).is_ok())?;
        if !taken {
            (self.reads, self.left.reads) = (before, left);
        }
        Ok(())
    }

    fn crash(&mut self, server: usize, survived: usize) -> Result<(), ModelInvariant> {
        self.left.crashes -= 1;
        self.reads.peer_crashed(server);
        let mut peer = self.peers[server].change();
        peer.flush(survived);
        let peer = PeerStep::start(server, self.left, peer.disk);
        self.process_outputs(server, peer.map_err(|_| ModelInvariant::Panic)?)
    }

    pub(super) fn change(
        &mut self,
        server: usize,
        happens: impl FnOnce(&mut PeerStep),
    ) -> Result<(), ModelInvariant> {
        let mut peer = self.peers[server].change();
        happens(&mut peer);
        self.process_outputs(server, peer)
    }

    /// Processes a peer's outputs, and checks its new state.
    fn process_outputs(&mut self, server: usize, mut peer: PeerStep) -> Result<(), ModelInvariant> {
        let status = peer.node.status();
        self.history.record_commits(status.current_term, peer.node.log(), status.commit_index)?;
        while let Some(output) = peer.node.poll_output() {
            match output {
                Output::Persist(write) => peer.pending.push(write),
                Output::Send(envelope) => self.send(envelope),
                Output::Apply(entries) => {
                    for entry in &entries {
                        self.history.check_applied(peer.applied, entry)?;
                        peer.applied = entry.id.index;
                    }
                }
                Output::Restore(snapshot) => {
                    self.history.check_restored(snapshot.last_included)?;
                    peer.applied = snapshot.index();
                }
                // All entries are in memory, and the network needs no addresses.
                Output::ReadEntries(_) | Output::Peers(_) => {}
                Output::ReadReady { read, index } => {
                    self.reads.complete(server, read, index, peer.applied)?;
                }
                Output::ReadDropped { read, .. } => self.reads.drop_read(read),
            }
        }
        let before = std::mem::replace(&mut self.peers[server], Arc::new(peer.finish()));
        self.check(server, &before)
    }

    fn send(&mut self, envelope: Envelope) {
        // A message is the same whichever number its sender gives it.
        let envelope = Envelope { id: MessageId::new(0), ..envelope };
        self.network.insert(hash_of(&envelope), Arc::new(envelope));
    }

    fn check(&mut self, server: usize, before: &Peer) -> Result<(), ModelInvariant> {
        let peer = Arc::clone(&self.peers[server]);
        let (was, is) = (before.status, peer.status);
        let led = was.role == RoleName::Leader && was.current_term == is.current_term;
        if is.role == RoleName::Leader && !led {
            self.history.record_leader(is.current_term, is.id)?;
            peer.with_node(|node| self.history.check_leader(is.current_term, node.log()))?;
        }
        for (other_place, other) in self.peers.iter().enumerate() {
            if other_place != server {
                peer.with_node(|one| other.with_node(|other| logs_match(one.log(), other.log())))?;
            }
        }
        self.check_configurations(server, before)?;
        self.check_commit_quorum(server, before)?;
        self.check_match_indexes(server)?;
        self.check_commits_durable()
    }
}

fn hash_of(envelope: &Envelope) -> u64 {
    let mut hasher = DefaultHasher::new();
    envelope.hash(&mut hasher);
    hasher.finish()
}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.peers.iter().for_each(|peer| peer.digest.hash(hasher));
        self.network.len().hash(hasher);
        self.network.keys().for_each(|key| key.hash(hasher));
        (self.left, &self.history, &self.reads, &self.broken).hash(hasher);
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        let peers = self.peers.iter().map(|peer| peer.digest);
        peers.eq(other.peers.iter().map(|peer| peer.digest))
            && self.network.keys().eq(other.network.keys())
            && (self.left, &self.history, &self.reads, &self.broken)
                == (other.left, &other.history, &other.reads, &other.broken)
    }
}

/// One line a peer, as a checker shows the way to a state.
impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for peer in &self.peers {
            let log = peer.with_node(|node| (node.log().base(), node.log().last()));
            let pending = peer.pending.len();
            writeln!(f, "{:?} log {}..{} writes under way {pending}", peer.status, log.0, log.1)?;
        }
        write!(f, "{} messages, broken {:?}", self.network.len(), self.broken)
    }
}
