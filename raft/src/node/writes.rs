//! The order of writes: issued and durable ones, and the durable end of the log.
//!
//! Invariant: `durable <= issued`. A write that is not polled yet may still grow, so that all
//! entries appended between two polls make one record.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

use crate::entry::Entry;
use crate::identity::Identity;
use crate::output::{HardState, Record, Write};
use crate::types::{Index, WriteId};

/// The writes of one node.
#[derive(Clone, Debug)]
pub(crate) struct Writes {
    unpolled: VecDeque<Write>,
    issued: WriteId,
    durable: WriteId,
    durable_index: Index,
    /// The newest write of term and vote, or of the identity.
    hard_state_write: WriteId,
    /// For each write that moves the end of the log and is not durable yet: where the log ends
    /// once it is.
    ends: VecDeque<(WriteId, Index)>,
}

impl Writes {
    /// No writes yet; the store holds the log through `durable_index`.
    pub(crate) const fn new(durable_index: Index) -> Self {
        Self {
            unpolled: VecDeque::new(),
            issued: WriteId::ZERO,
            durable: WriteId::ZERO,
            durable_index,
            hard_state_write: WriteId::ZERO,
            ends: VecDeque::new(),
        }
    }

    /// The next write to hand to storage.
    pub(crate) fn poll(&mut self) -> Option<Write> {
        self.unpolled.pop_front()
    }

    /// The newest write, durable or not.
    pub(crate) const fn issued(&self) -> WriteId {
        self.issued
    }

    /// The newest durable write.
    pub(crate) const fn durable(&self) -> WriteId {
        self.durable
    }

    /// The last index known to be durable.
    #[inline]
    pub(crate) const fn durable_index(&self) -> Index {
        self.durable_index
    }

    /// Returns whether the current term, the vote and the identity are durable.
    pub(crate) fn is_hard_state_durable(&self) -> bool {
        self.hard_state_write <= self.durable
    }

    /// Writes the store's identity.
    pub(crate) fn identity(&mut self, identity: &Identity) {
        self.hard_state_write = self.issue(Record::Identity(identity.clone()));
    }

    /// Writes term and vote.
    pub(crate) fn hard_state(&mut self, hard_state: HardState) {
        if let Some(Write { record: Record::HardState(last), .. }) = self.unpolled.back_mut() {
            *last = hard_state;
        } else {
            self.issue(Record::HardState(hard_state));
        }
        self.hard_state_write = self.issued;
    }

    /// Writes new entries.
    pub(crate) fn append(&mut self, entries: &[Entry]) {
        let Some(last) = entries.last() else { return };
        if let Some(Write { id, record: Record::Append(unpolled) }) = self.unpolled.back_mut() {
            unpolled.extend_from_slice(entries);
            let id = *id;
            self.ends.retain(|(write, _)| *write != id);
            self.ends.push_back((id, last.id.index));
        } else {
            let id = self.issue(Record::Append(entries.to_vec()));
            self.ends.push_back((id, last.id.index));
        }
    }

    /// Deletes entries.
    pub(crate) fn truncate(&mut self, from: Index) {
        self.forget_after(from.prev());
        self.issue(Record::Truncate { from });
    }

    /// Writes a snapshot made here; the log's end stays where it is.
    pub(crate) fn compact(&mut self, record: Record) {
        self.issue(record);
    }

    /// Writes a leader's snapshot that replaces the log. Of the stored entries, only those through
    /// `commit_index` are known to be part of it.
    pub(crate) fn install(&mut self, record: Record, commit_index: Index, index: Index) -> WriteId {
        self.forget_after(commit_index);
        let id = self.issue(record);
        self.ends.push_back((id, index));
        id
    }

    /// Notes that all writes through `id` are durable. A report may be late: an older one has no
    /// effect.
    pub(crate) fn persisted(&mut self, id: WriteId) {
        assert!(id <= self.issued, "write {id} is durable before it was issued ({})", self.issued);
        self.durable = self.durable.max(id);
        while let Some((_, end)) = self.ends.pop_front_if(|(write, _)| *write <= id) {
            self.durable_index = end;
        }
    }

    /// See [`Node::behaviour_hash`](super::Node::behaviour_hash).
    pub(crate) fn behaviour_hash<H: Hasher>(&self, hasher: &mut H) {
        let Self { unpolled, issued, durable, durable_index, hard_state_write, ends } = self;
        (issued.since(*durable), durable_index, unpolled.len(), ends.len()).hash(hasher);
        hard_state_write.since(*durable).hash(hasher);
        for Write { id, record } in unpolled {
            (id.since(*durable), record).hash(hasher);
        }
        for (id, end) in ends {
            (id.since(*durable), end).hash(hasher);
        }
    }

    fn issue(&mut self, record: Record) -> WriteId {
        self.issued = self.issued.next();
        self.unpolled.push_back(Write { id: self.issued, record });
        self.issued
    }

    /// Entries after `index` no longer count as durable, whichever write contained them.
    fn forget_after(&mut self, index: Index) {
        self.durable_index = self.durable_index.min(index);
        for (_, end) in &mut self.ends {
            *end = (*end).min(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Payload;
    use crate::types::{EntryId, Term};

    fn entry(index: u64) -> Entry {
        Entry { id: EntryId::new(Term::new(1), Index::new(index)), payload: Payload::NoOp }
    }

    #[test]
    fn entries_taken_before_a_poll_make_one_record() {
        let mut writes = Writes::new(Index::ZERO);
        writes.append(&[entry(1)]);
        writes.append(&[entry(2), entry(3)]);
        let write = writes.poll().expect("a write");
        assert_eq!(write.record, Record::Append(vec![entry(1), entry(2), entry(3)]));
        writes.append(&[entry(4)]);
        assert_eq!(writes.poll().map(|write| write.id), Some(WriteId::new(2)));

        writes.persisted(write.id);
        assert_eq!(writes.durable_index(), Index::new(3));
        writes.persisted(WriteId::new(2));
        assert_eq!(writes.durable_index(), Index::new(4));
    }

    #[test]
    fn a_write_that_grows_leaves_the_ones_before_it_alone() {
        let mut writes = Writes::new(Index::ZERO);
        writes.append(&[entry(1)]);
        let first = writes.poll().expect("a write");
        writes.append(&[entry(2)]);
        writes.append(&[entry(3)]);
        writes.persisted(first.id);
        assert_eq!(writes.durable_index(), Index::new(1));
        writes.persisted(writes.issued());
        assert_eq!(writes.durable_index(), Index::new(3));
    }

    #[test]
    fn a_late_report_does_not_bring_back_truncated_entries() {
        let mut writes = Writes::new(Index::new(2));
        writes.append(&[entry(3), entry(4)]);
        let appended = writes.issued();
        writes.truncate(Index::new(4));
        writes.persisted(appended);
        assert_eq!(writes.durable_index(), Index::new(3));
        writes.persisted(writes.issued());
        assert_eq!(writes.durable_index(), Index::new(3));
    }

    #[test]
    #[should_panic(expected = "write 1 is durable before it was issued (0)")]
    fn a_report_of_a_write_never_issued_is_a_bug_of_the_driver() {
        Writes::new(Index::ZERO).persisted(WriteId::new(1));
    }
}
