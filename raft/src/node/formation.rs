//! Formation of a new cluster: each initial member has its store recorded by all others before it
//! votes.
//!
//! A peer whose store is empty cannot know whether it is the first store of that peer, and neither
//! can any number of other empty stores. But a peer that voted once was recorded by all others, so
//! any one of them that kept its data refuses the next store of the same peer. Such a peer votes
//! again once a membership entry in its log records its new store (`lost_store.rs`). The argument
//! is in docs/decisions.md.
//!
//! Invariant: a store is recorded durably before its peer learns of it, and a peer that votes never
//! changes what it has recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::Node;
use super::outbox::Header;
use crate::config::ValidConfig;
use crate::identity::{Identity, Incarnation, Standing, StoreStamp};
use crate::membership::Membership;
use crate::message::{Envelope, Message, Registration};
use crate::role::Role;
use crate::trace::{Event, RejectReason, StoreEvent};
use crate::types::{Index, Instant, MessageId, PeerId};

/// The progress of a peer's registration with the other initial members.
#[derive(Clone, Debug, Default)]
pub(crate) struct Formation {
    /// The members that have recorded this peer's store.
    registered: BTreeSet<PeerId>,
    /// The first refusal, as it is now.
    refused: Option<Refusal>,
    /// The time of the next requests.
    due: Instant,
    /// The number of times requests were sent.
    requests: u32,
    /// The newest of these messages from each member: one of a lost store may be late.
    newest: BTreeMap<PeerId, MessageId>,
}

/// A member's refusal to record this peer's store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Refusal {
    /// The member.
    pub by: PeerId,
    /// The store it knows this peer by; `None` if it began before this store was made.
    pub known: Option<Incarnation>,
}

/// Requests before the first report, a few seconds; later ones come at twice the number.
const REPORT_AFTER: u32 = 32;

impl Formation {
    pub(super) fn behaviour_hash<H: Hasher>(&self, now: Instant, hasher: &mut H) {
        (&self.registered, self.refused, self.due.since(now), self.requests).hash(hasher);
    }
}

impl Node {
    /// The identity of this peer's store; `None` without [`Config::incarnation`](crate::Config).
    #[must_use]
    pub const fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// The other initial members that have not recorded this peer's store yet: it does not vote
    /// until all have. Empty for a peer that votes.
    #[must_use]
    pub fn waits_for(&self) -> BTreeSet<PeerId> {
        self.unregistered().collect()
    }

    /// A member's refusal to record this peer's store, while the peer does not vote.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        self.formation.refused.filter(|_| !self.may_vote())
    }

    /// Returns whether this peer has no vote yet because its store is new.
    #[must_use]
    pub fn votes_later(&self) -> bool {
        !self.may_vote()
    }

    /// This peer's store, as its messages carry it. An entry that records it confirms it once it is
    /// committed: another leader, which lacks the entry, must record the store again.
    #[must_use]
    pub fn store(&self) -> Option<StoreStamp> {
        let Identity { incarnation, standing, .. } = *self.identity.as_ref()?;
        let committed = self.membership_history.latest_index() <= self.commit_index;
        let standing = match standing {
            Standing::New if self.may_vote() && committed => Standing::Confirmed,
            Standing::New | Standing::Confirmed => standing,
        };
        Some(StoreStamp { incarnation, standing })
    }

    /// Returns whether no earlier store of this peer can have promised anything that a vote of this
    /// one would break.
    pub(super) fn may_vote(&self) -> bool {
        match &self.identity {
            None => true,
            Some(identity) => match identity.standing {
                Standing::Confirmed => true,
                Standing::New => self.is_admitted(identity.incarnation),
            },
        }
    }

    /// Returns whether a membership entry in the log, or a snapshot, records this peer's store.
    fn is_admitted(&self, own: Incarnation) -> bool {
        self.membership_history.latest_index() > Index::ZERO
            && self.membership().store_of(self.id()) == Some(own)
    }

    pub(super) fn header(&self, to: PeerId) -> Header {
        let (from, term) = (self.id(), self.hard_state.current_term);
        Header { from, to, term, store: self.store() }
    }

    fn unregistered(&self) -> impl Iterator<Item = PeerId> {
        let identity = self.identity.as_ref().filter(|_| !self.may_vote());
        let peers = identity.into_iter().flat_map(|identity| &identity.peers).copied();
        peers.filter(|peer| *peer != self.id() && !self.formation.registered.contains(peer))
    }

    /// Sends requests to register once in a heartbeat interval, when the own identity is durable: a
    /// store that is recorded somewhere must not come back under another number.
    pub(super) fn register(&mut self) {
        if self.formation_due().is_none_or(|due| self.now < due) {
            return;
        }
        let missing = self.waits_for();
        self.formation.requests = self.formation.requests.saturating_add(1);
        let requests = self.formation.requests;
        if requests >= REPORT_AFTER && requests.is_power_of_two() {
            let event = match self.refusal() {
                // It waits in vain.
                Some(Refusal { by, known }) => StoreEvent::Refused { by, known },
                None => StoreEvent::Unregistered { missing: &missing },
            };
            self.trace(&Event::Store(event));
        }
        self.formation.due = self.now.after(self.config.settings().heartbeat_interval);
        for peer in missing {
            self.reply(peer, Message::Register);
        }
        self.forward_refusal();
    }

    /// Passes a refusal on to the leader, which may know no store but this one: it re-seeds a member
    /// whose data is lost for another one, and nothing else tells that from a member that is away.
    fn forward_refusal(&mut self) {
        let Some(Refusal { by, known }) = self.refusal() else { return };
        if let Some(leader) = self.leader().filter(|leader| *leader != by) {
            self.reply(leader, Message::RegisterReply(Registration::Refused { known }));
        }
    }

    /// The time of the next requests.
    pub(super) fn formation_due(&self) -> Option<Instant> {
        self.unregistered().next().map(|_| self.formation.due)
    }

    /// Handles the messages of formation, which are answered in any term, unless there was a newer one
    /// of the same peer: numbers of messages rise over all of its lives.
    pub(super) fn on_formation(&mut self, envelope: &Envelope, reply: Option<Registration>) {
        let Some(StoreStamp { incarnation, .. }) = envelope.store else {
            let reason = RejectReason::WithoutStore;
            return self.trace(&Event::Rejected { envelope, reason });
        };
        if self.identity.as_ref().is_none_or(|it| !it.peers.contains(&envelope.from)) {
            return match reply {
                None => self.refuse_registration(envelope.from),
                Some(_) => {
                    let reason = RejectReason::NotAMember;
                    self.trace(&Event::Rejected { envelope, reason });
                }
            };
        }
        let newest = self.formation.newest.entry(envelope.from).or_insert(envelope.id);
        if envelope.id < *newest {
            return;
        }
        *newest = envelope.id;
        match reply {
            None => self.on_register(envelope.from, incarnation),
            Some(reply) if !self.may_vote() => {
                self.on_register_reply(envelope.from, incarnation, reply);
            }
            Some(Registration::Refused { known }) => self.on_forwarded_refusal(envelope, known),
            Some(Registration::Registered { .. }) => {}
        }
    }

    fn on_register(&mut self, from: PeerId, store: Incarnation) {
        if !self.record(from, store) {
            return self.refuse_registration(from);
        }
        self.reply(from, Message::RegisterReply(Registration::Registered { store }));
    }

    fn refuse_registration(&mut self, of: PeerId) {
        let known = self.identity.as_ref().and_then(|it| it.known.get(&of).copied());
        self.reply(of, Message::RegisterReply(Registration::Refused { known }));
    }

    /// Records an initial member's store, and returns whether it is the recorded one. A peer that
    /// votes may have taken part with an earlier store of that member, or with none. One that lost its
    /// own store lost its record with it, and takes it from an entry.
    fn record(&mut self, peer: PeerId, store: Incarnation) -> bool {
        let votes = self.may_vote();
        let by_entry = self.membership_index() > Index::ZERO
            && self.membership().store_of(peer) == Some(store);
        let Some(identity) = &mut self.identity else { return false };
        if identity.known.get(&peer) == Some(&store) {
            return true;
        }
        let lost = by_entry && !identity.known.contains_key(&peer);
        if votes && !lost {
            return false;
        }
        identity.known.insert(peer, store);
        self.formation.registered.remove(&peer);
        self.on_identity_changed();
        true
    }

    fn on_register_reply(&mut self, from: PeerId, store: Incarnation, reply: Registration) {
        match reply {
            Registration::Registered { store: registered } => {
                let own = self.identity.as_ref().is_some_and(|it| it.incarnation == registered);
                if own && self.record(from, store) && self.formation.registered.insert(from) {
                    self.confirm_if_registered();
                }
            }
            Registration::Refused { known } => {
                // All members refuse it, at each request: once is enough.
                let is_other = |before: Refusal| before.by == from && before.known != known;
                if self.formation.refused.is_none_or(is_other) {
                    self.formation.refused = Some(Refusal { by: from, known });
                    self.trace(&Event::Store(StoreEvent::Refused { by: from, known }));
                }
            }
        }
    }

    /// Confirms the own store once all other initial members have recorded it.
    fn confirm_if_registered(&mut self) {
        if self.unregistered().next().is_some() {
            return;
        }
        if let Some(identity) = &mut self.identity {
            identity.standing = Standing::Confirmed;
        }
        self.on_identity_changed();
        self.trace(&Event::Store(StoreEvent::Confirmed));
        let deadline = self.now.after(self.election_timeout);
        if let Role::Follower(follower) = &mut self.role {
            follower.election_deadline = follower.election_deadline.max(deadline);
        }
    }

    fn on_identity_changed(&mut self) {
        let Some(identity) = &self.identity else { return };
        self.writes.identity(identity);
        let initial = initial_membership(Some(identity), &self.config);
        self.membership_history.set_initial(Arc::new(initial));
    }
}

/// The configuration before the first membership entry: the members in the store, with the addresses
/// of this start.
pub(super) fn initial_membership(identity: Option<&Identity>, config: &ValidConfig) -> Membership {
    let (settings, given) = (config.settings(), config.bootstrap());
    let Some(identity) = identity else { return given };
    let initial = identity.initial_membership(settings.id);
    let addresses = given.addresses().iter();
    addresses.fold(initial, |all, (peer, at)| all.with_address(*peer, Arc::clone(at)))
}
