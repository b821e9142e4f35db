//! Contents of a store, and the effect of each record on it: the meaning every store must give to
//! the core's writes.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::entry::{BrokenSlice, Entry, LogSlice, Payload, Snapshot};
use crate::identity::{Identity, Incarnation, Standing};
use crate::log::Log;
use crate::membership::Membership;
use crate::output::{HardState, Record, Suffix};
use crate::restore_error::{CorruptStore, OtherPeers};
use crate::storage::ByteLimit;
use crate::term_runs::TermRuns;
use crate::types::{EntryId, Index, PeerId, Term};

/// The durable state of a peer: empty at first, later what survived.
///
/// ```
/// use raft::{Entry, EntryId, Index, Payload, Record, PersistentState, Term};
/// let entry = Entry { id: EntryId::new(Term::new(1), Index::new(1)), payload: Payload::NoOp };
/// let mut stored = PersistentState::default();
/// stored.record(&Record::Append(vec![entry.clone()]));
/// assert_eq!(stored.entries, [entry]);
/// stored.record(&Record::Truncate { from: Index::new(1) });
/// assert!(stored.entries.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PersistentState {
    /// The store's identity; none before the first write, and in a store of a version without.
    pub identity: Option<Identity>,
    /// Term and vote.
    pub hard_state: HardState,
    /// The newest snapshot.
    pub snapshot: Option<Snapshot>,
    /// The entries before `entries` that were left to the store; none unless few were asked for
    /// ([`Storage::load_recent`](crate::storage::Storage::load_recent)).
    pub earlier: EarlierEntries,
    /// The entries, without gaps: all after the snapshot, and the last ones before its end that were
    /// kept for other peers ([`Suffix::Kept`]).
    pub entries: Vec<Entry>,
}

/// Entries that were left to the store: what a node must know of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EarlierEntries {
    /// Their terms and sizes.
    pub runs: TermRuns,
    /// The configurations among them, by the index of their entry.
    pub memberships: Vec<(Index, Arc<Membership>)>,
}

impl EarlierEntries {
    /// Adds the next entry.
    pub fn push(&mut self, entry: &Entry) {
        self.runs.push(entry.id, entry.encoded_len() as u64);
        if let Payload::Membership(membership) = &entry.payload {
            self.memberships.push((entry.id.index, Arc::clone(membership)));
        }
    }

    fn truncate(&mut self, from: Index) {
        self.runs.truncate(from);
        self.memberships.retain(|(index, _)| *index < from);
    }

    fn drop_through(&mut self, index: Index) {
        self.runs.drop_through(index);
        self.memberships.retain(|(at, _)| *at > index);
    }
}

impl PersistentState {
    /// Carries out one record.
    ///
    /// # Panics
    /// An appended entry leaves a gap: the writes were not carried out in their order.
    pub fn record(&mut self, record: &Record) {
        match record {
            Record::Identity(identity) => self.identity = Some(identity.clone()),
            Record::HardState(hard_state) => self.hard_state = *hard_state,
            Record::Truncate { from } => self.truncate(*from),
            Record::Append(entries) => {
                if let Some(first) = entries.first() {
                    assert_eq!(first.id.index, self.last().index.next(), "an append leaves a gap");
                }
                self.entries.extend_from_slice(entries);
            }
            Record::Snapshot { snapshot, suffix } => {
                match suffix {
                    Suffix::Kept { after } => {
                        self.earlier.drop_through(*after);
                        self.entries.retain(|it| it.id.index > *after);
                    }
                    Suffix::Discarded => {
                        self.earlier = EarlierEntries::default();
                        self.entries.clear();
                    }
                }
                self.snapshot = Some(snapshot.clone());
            }
        }
    }

    fn truncate(&mut self, from: Index) {
        let place = self.entries.partition_point(|entry| entry.id.index < from);
        self.entries.truncate(place);
        self.earlier.truncate(from);
    }

    /// The same state with the last entries only, of at most so many encoded bytes; the others are left to
    /// the store.
    #[must_use]
    pub fn recent(mut self, bytes_max: u64) -> Self {
        let mut bytes = 0;
        let fits = |entry: &&Entry| {
            bytes += entry.encoded_len() as u64;
            bytes <= bytes_max
        };
        let kept = self.entries.iter().rev().take_while(fits).count();
        let gone = self.entries.len() - kept;
        self.entries.drain(..gone).for_each(|entry| self.earlier.push(&entry));
        self
    }

    /// The entries from `first` through `through`, as an [`EntryReader`](crate::storage::EntryReader)
    /// returns them.
    #[must_use]
    pub fn read(&self, first: Index, through: Index, bytes_max: u64) -> Vec<Entry> {
        let start = self.entries.partition_point(|entry| entry.id.index < first);
        let rest = self.entries[start..].iter().take_while(|entry| entry.id.index <= through);
        let (mut next, mut limit) = (first, ByteLimit::new(bytes_max));
        let follows = |entry: &&Entry| {
            let follows = entry.id.index == next;
            next = entry.id.index.next();
            follows && limit.takes(entry)
        };
        rest.take_while(follows).cloned().collect()
    }

    /// The last entry the snapshot replaces.
    #[must_use]
    pub fn base(&self) -> EntryId {
        self.snapshot.as_ref().map_or(EntryId::ZERO, |snapshot| snapshot.last_included)
    }

    /// The term of the entry at `index`, or of the snapshot's place there.
    #[must_use]
    pub fn term_at(&self, index: Index) -> Option<Term> {
        let base = self.base();
        if index == base.index {
            return Some(base.term);
        }
        let in_memory = || {
            let first = self.entries.first()?.id.index;
            let position = index.number().checked_sub(first.number())?;
            self.entries.get(usize::try_from(position).ok()?).map(|entry| entry.id.term)
        };
        in_memory().or_else(|| self.earlier.runs.term_at(index))
    }

    /// The last entry, or the snapshot's place.
    #[must_use]
    pub fn last(&self) -> EntryId {
        let last = self.entries.last().map(|entry| entry.id);
        last.or_else(|| self.earlier.runs.last()).unwrap_or_else(|| self.base())
    }

    /// The newest membership configuration in the log or the snapshot; `None` while the initial one
    /// is in force.
    #[must_use]
    pub fn membership(&self) -> Option<&Membership> {
        let of = |entry: &Entry| matches!(entry.payload, Payload::Membership(_));
        let newest = self.entries.iter().rfind(|entry| of(entry));
        match newest.map(|entry| &entry.payload) {
            Some(Payload::Membership(membership)) => Some(membership),
            Some(Payload::NoOp | Payload::Command(_)) | None => {
                let snapshot = self.snapshot.as_ref();
                let earlier = self.earlier.memberships.last();
                // The newest of them may be in the snapshot.
                let earlier = earlier.filter(|(at, _)| *at > self.base().index);
                let earlier = earlier.map(|(_, membership)| &**membership);
                earlier.or_else(|| snapshot.map(|snapshot| &*snapshot.membership))
            }
        }
    }

    /// Checks the peers that a node is started with against the store.
    ///
    /// # Errors
    /// The store was made for others, and these are not the members now either.
    pub fn check_peers(&self, own: PeerId, given: &[PeerId]) -> Result<(), OtherPeers> {
        let given: BTreeSet<_> = given.iter().copied().collect();
        let members = self.membership();
        let are_members = members.is_some_and(|it| *it.voters() == given || it.members() == given);
        let stored = match &self.identity {
            Some(identity) => identity.peers.clone(),
            // Its members are in the log, and not those of this start.
            None if members.is_some() => return Ok(()),
            None => match self.hard_state {
                // A store of an earlier version says little: that there was another peer to vote for. It may
                // be a member that the log has yet to tell of, so only a list of one contradicts it;
                HardState { voted_for: Some(peer), .. }
                    if peer != own && given == BTreeSet::from([own]) =>
                {
                    [peer].into()
                }
                // and a peer alone has voted for itself in every term.
                HardState { voted_for: None, current_term }
                    if current_term > Term::ZERO && given == BTreeSet::from([own]) =>
                {
                    return Err(OtherPeers::of(own, given, BTreeSet::new(), members));
                }
                HardState { .. } => return Ok(()),
            },
        };
        // A peer that joined takes its members from its log alone.
        if given.is_empty() || stored.is_empty() || given == stored || are_members {
            return Ok(());
        }
        Err(OtherPeers::of(own, given, stored, members))
    }

    /// The identity of a store that has none yet, as its peer starts with these peers. A store with a
    /// history was written by a version without identities, and is the only one of its peer.
    #[must_use]
    pub(crate) fn first_identity(
        &self,
        own: PeerId,
        peers: &[PeerId],
        incarnation: Incarnation,
    ) -> Identity {
        let has_history = self.hard_state != HardState::default() || self.last() != EntryId::ZERO;
        let standing =
            if has_history || peers == [own] { Standing::Confirmed } else { Standing::New };
        let (peers, known) = (peers.iter().copied().collect(), Default::default());
        Identity { incarnation, standing, peers, known }
    }

    /// Checks what a node relies on.
    ///
    /// # Errors
    /// The contents cannot result from writes carried out in order.
    pub fn check(&self) -> Result<(), CorruptStore> {
        self.clone().restore().map(drop)
    }

    /// Takes the state apart for a node, and checks what the node relies on.
    ///
    /// # Errors
    /// The contents cannot result from writes carried out in order.
    pub(crate) fn restore(self) -> Result<RestoredState, CorruptStore> {
        let base = self.base();
        let Self { identity: _, hard_state, snapshot, earlier, mut entries } = self;
        let EarlierEntries { mut runs, memberships } = earlier;
        let first = runs.first().or_else(|| entries.first().map(|entry| entry.id));
        // The term before kept entries is not stored, so the first one takes the place of a snapshot.
        let start = match first.filter(|first| first.index <= base.index) {
            Some(first) if runs.is_empty() => {
                entries.remove(0);
                first
            }
            Some(first) => {
                runs.drop_through(first.index);
                first
            }
            None => base,
        };
        let after = match runs.first() {
            Some(first) if first.index != start.index.next() || first.term < start.term => {
                return Err(BrokenSlice { after: start, found: first }.into());
            }
            Some(_) | None => runs.last().unwrap_or(start),
        };
        let entries = LogSlice::new(after, entries)?.into_entries();
        let log = Log::after_stored(start, runs, entries);
        let last = log.last();
        if !log.contains(base) {
            return Err(CorruptStore::WithoutSnapshot { start, last, snapshot: base });
        }
        let current_term = hard_state.current_term;
        if last.term > current_term {
            return Err(CorruptStore::TermBehindLog { current_term, last });
        }
        Ok(RestoredState { hard_state, snapshot, memberships, log })
    }
}

/// A store's state, checked, as a node starts from it.
pub(crate) struct RestoredState {
    pub(crate) hard_state: HardState,
    pub(crate) snapshot: Option<Snapshot>,
    /// The configurations among the entries that only the store holds.
    pub(crate) memberships: Vec<(Index, Arc<Membership>)>,
    pub(crate) log: Log,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Payload;
    use std::sync::Arc;

    fn entries(term: u64, indexes: std::ops::RangeInclusive<u64>) -> Vec<Entry> {
        let id = |index| EntryId::new(Term::new(term), Index::new(index));
        indexes.map(|index| Entry { id: id(index), payload: Payload::NoOp }).collect()
    }

    fn snapshot(term: u64, index: u64) -> Snapshot {
        let last_included = EntryId::new(Term::new(term), Index::new(index));
        Snapshot { last_included, membership: Arc::default(), data: [].into() }
    }

    #[test]
    fn a_snapshot_keeps_or_discards_the_entries_after_it() {
        let kept = |after| Suffix::Kept { after: Index::new(after) };
        for (suffix, left) in [(kept(3), 2), (kept(1), 4), (Suffix::Discarded, 0)] {
            let mut stored = PersistentState::default();
            stored.record(&Record::Append(entries(1, 1..=5)));
            stored.record(&Record::Snapshot { snapshot: snapshot(1, 3), suffix });
            assert_eq!((stored.entries.len(), stored.base().index), (left, Index::new(3)));
            let terms = [1, 2, 3, 5].map(|index| stored.term_at(Index::new(index)).is_some());
            let held = |index| index == 3 || 5 - index < left;
            assert_eq!(terms, [1_usize, 2, 3, 5].map(held), "{suffix:?}");
        }
    }

    #[test]
    fn a_log_that_begins_before_its_snapshot_is_restored_from_its_first_entry() {
        let mut stored = PersistentState::default();
        stored.hard_state.current_term = Term::new(2);
        stored.record(&Record::Append([entries(1, 1..=3), entries(2, 4..=6)].concat()));
        let suffix = Suffix::Kept { after: Index::new(1) };
        stored.record(&Record::Snapshot { snapshot: snapshot(2, 4), suffix });
        let log = stored.clone().restore().expect("it is sound").log;
        assert_eq!((log.base().index, log.last().index), (Index::new(2), Index::new(6)));
        assert_eq!(refusal(&stored), None);
        stored.snapshot = Some(snapshot(1, 4));
        let error = refusal(&stored).expect("entry 4 is of term 2");
        assert_eq!(
            error,
            "the stored log, after 2@1 through 6@2, does not contain the last entry of the stored \
             snapshot, 4@1"
        );
    }

    fn refusal(stored: &PersistentState) -> Option<String> {
        stored.clone().restore().err().map(|error| error.to_string())
    }

    #[test]
    fn a_store_that_lost_the_order_of_writes_is_rejected() {
        let mut stored =
            PersistentState { entries: entries(2, 1..=3), ..PersistentState::default() };
        let error = refusal(&stored).expect("the term was never stored");
        assert_eq!(error, "the stored term 0 is behind the stored entry 3@2");
        stored.hard_state.current_term = Term::new(2);
        assert_eq!(refusal(&stored), None);
        stored.entries.remove(1);
        let error = refusal(&stored).expect("entry 2 is missing");
        assert_eq!(error, "the stored log is broken: entry 3@2 cannot follow 1@2");
    }

    #[test]
    fn a_start_with_other_peers_says_what_the_store_holds() {
        let p = |numbers: &[u64]| numbers.iter().copied().map(PeerId::new).collect::<Vec<_>>();
        let own = PeerId::new(3);
        let mut stored = PersistentState::default();
        stored.identity = Some(stored.first_identity(own, &p(&[1, 2, 3]), Incarnation::new(7)));
        assert_eq!(stored.check_peers(own, &p(&[3, 2, 1])), Ok(()));
        assert_eq!(stored.check_peers(own, &[]), Ok(()), "it is a member: no need to say it again");
        let error = stored.check_peers(own, &p(&[3])).expect_err("alone").to_string();
        assert_eq!(
            error,
            "`peers` lists 3, but the store of peer 3 belongs to a cluster of 1 2 3: start it with \
             those; members of a running cluster are changed by `change_membership` on its leader"
        );
        let now = Membership::of_voters(p(&[1, 3, 4])).with_learner(PeerId::new(5));
        let id = EntryId::new(Term::new(1), Index::new(1));
        stored.entries = vec![Entry { id, payload: Payload::Membership(Arc::new(now)) }];
        for given in [&[1, 2, 3][..], &[1, 3, 4], &[1, 3, 4, 5]] {
            assert_eq!(stored.check_peers(own, &p(given)), Ok(()), "{given:?}");
        }
        let error = stored.check_peers(own, &p(&[3, 4])).expect_err("others").to_string();
        assert!(error.contains("(members now: voters 1 3 4, learners 5)"), "{error}");
    }

    #[test]
    fn a_store_without_identity_contradicts_peers_it_did_not_vote_for() {
        let (own, other) = (PeerId::new(3), PeerId::new(1));
        let mut stored = PersistentState::default();
        assert_eq!(stored.check_peers(own, &[own]), Ok(()), "nothing has happened");
        stored.hard_state = HardState { current_term: Term::new(4), voted_for: Some(other) };
        assert!(stored.check_peers(own, &[own]).is_err());
        assert_eq!(stored.check_peers(own, &[own, other]), Ok(()));
        stored.hard_state.voted_for = None;
        let error =
            stored.check_peers(own, &[own]).expect_err("alone, it would have voted").to_string();
        assert!(
            error.contains("the store of peer 3 belongs to a cluster of other peers, too"),
            "{error}"
        );
        assert_eq!(stored.check_peers(own, &[own, other]), Ok(()));
    }

    #[test]
    fn a_store_with_a_history_is_the_first_of_its_peer() {
        let (own, incarnation) = (PeerId::new(3), Incarnation::new(7));
        let peers = [PeerId::new(1), own];
        let standing = |stored: &PersistentState, peers: &[PeerId]| {
            stored.first_identity(own, peers, incarnation).standing
        };
        let empty = PersistentState::default();
        assert_eq!(standing(&empty, &peers), Standing::New);
        assert_eq!(standing(&empty, &[]), Standing::New);
        assert_eq!(standing(&empty, &[own]), Standing::Confirmed, "there is no other to ask");
        let hard_state = HardState { current_term: Term::new(1), voted_for: None };
        let old = PersistentState { hard_state, ..PersistentState::default() };
        assert_eq!(standing(&old, &peers), Standing::Confirmed);
        assert_eq!(standing(&old, &[]), Standing::Confirmed);
    }
}
