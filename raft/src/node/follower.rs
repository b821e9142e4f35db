//! Handling of a leader's entries by a follower (paper §5.3, Figure 2 AppendEntries receiver).

use super::Node;
use crate::entry::Entry;
use crate::membership_history::Latest;
use crate::message::{AppendEntries, AppendEntriesReply, Envelope, Message};
use crate::role::Role;
use crate::trace::{Event, RejectReason};
use crate::types::{EntryId, Index, Round};

/// The relation of a leader's entries to a follower's log.
enum Fit<'a> {
    /// The entries after the common part; the log ends there.
    Extends(&'a [Entry]),
    /// The log differs from this index on, and these entries replace the rest of it.
    Conflicts(Index, &'a [Entry]),
}

impl Node {
    pub(super) fn on_append_entries(&mut self, envelope: &Envelope, request: &AppendEntries) {
        self.on_leader_contact(envelope.from);
        let prev = request.slice.prev();
        let base = self.log.base();
        if prev.index >= base.index && !self.log.contains(prev) {
            self.keep_early(request);
            return self.reject(envelope, prev, request.round);
        }
        let Some(mut match_index) = self.accept(envelope, request) else { return };
        while let Some(early) = self.take_early() {
            let Some(index) = self.accept(envelope, &early) else { return };
            match_index = match_index.max(index);
        }
        let (carried, round) = (request.carried(), request.round);
        let reply = AppendEntriesReply::Accepted { match_index, carried, round };
        self.reply(envelope.from, Message::AppendEntriesReply(reply));
    }

    /// Adds entries that follow one of the log. Returns the index through which the log equals the
    /// leader's; none if they contradict what is committed, and the message is ignored.
    fn accept(&mut self, envelope: &Envelope, request: &AppendEntries) -> Option<Index> {
        match self.fit(request.slice.entries()) {
            Fit::Extends(entries) => self.append(entries),
            Fit::Conflicts(from, entries) => {
                if from <= self.commit_index {
                    let reason = RejectReason::ConflictsWithCommitted;
                    self.trace(&Event::Rejected { envelope, reason });
                    return None;
                }
                self.truncate(from);
                self.append(entries);
            }
        }
        let match_index = request.slice.last().index;
        self.commit_through(request.leader_commit.min(match_index));
        Some(match_index)
    }

    fn keep_early(&mut self, request: &AppendEntries) {
        if let Role::Follower(follower) = &mut self.role {
            follower.early.keep(request, self.config.settings());
        }
    }

    fn take_early(&mut self) -> Option<AppendEntries> {
        match &mut self.role {
            Role::Follower(follower) => follower.early.take_next(&self.log),
            Role::PreCandidate(_) | Role::Candidate(_) | Role::Leader(_) => None,
        }
    }

    /// Finds the first entry that the log does not have. Entries through the snapshot's end are
    /// committed and equal by definition. Entries already in the log stay, however short the
    /// message: it may be an old one (§5.3).
    fn fit<'a>(&self, entries: &'a [Entry]) -> Fit<'a> {
        let base = self.log.base().index;
        let missing = |entry: &Entry| entry.id.index > base && !self.log.contains(entry.id);
        let Some(place) = entries.iter().position(missing) else { return Fit::Extends(&[]) };
        let rest = &entries[place..];
        let first = rest[0].id.index;
        if first <= self.log.last().index {
            Fit::Conflicts(first, rest)
        } else {
            Fit::Extends(rest)
        }
    }

    fn reject(&mut self, envelope: &Envelope, prev: EntryId, round: Round) {
        // The entry at `prev` itself cannot match, so the hint is before it.
        let hint = self.log.last_at_most(prev.index.prev(), prev.term);
        let reply = AppendEntriesReply::Rejected { prev_log_index: prev.index, hint, round };
        self.reply(envelope.from, Message::AppendEntriesReply(reply));
    }

    fn truncate(&mut self, from: Index) {
        assert!(from > self.commit_index, "truncating {from}, committed {}", self.commit_index);
        self.trace(&Event::Truncated { from, last: self.log.last() });
        self.log.truncate(from);
        self.writes.truncate(from);
        if self.membership_history.truncate(from) == Latest::Changed {
            self.on_membership_changed();
        }
    }

    fn append(&mut self, entries: &[Entry]) {
        if let Some(last) = entries.last() {
            self.trace(&Event::Appended { prev: self.log.last(), last: last.id });
            self.log.extend(entries);
            self.writes.append(entries);
            if self.membership_history.extend(entries) == Latest::Changed {
                self.on_membership_changed();
            }
        }
    }
}
