//! Handling of commands and of followers' replies by a leader (paper §5.3, §5.4.2).

use super::Node;
use crate::entry::Payload;
use crate::membership_history::Latest;
use crate::message::AppendEntriesReply;
use crate::progress::{Flow, Probe, Progress};
use crate::quorum::held_by_quorum;
use crate::role::{Leader, Role};
use crate::trace::Event;
use crate::types::{EntryId, Index, PeerId, Round};

impl Node {
    /// Appends an entry of the current term to the own log. It is sent when outputs are polled.
    pub(super) fn append_own(&mut self, payload: Payload) -> EntryId {
        let entry = self.log.push(self.hard_state.current_term, payload);
        let (id, bytes) = (entry.id, entry.encoded_len() as u64);
        let latest = self.membership_history.extend([&entry]);
        self.writes.append(&[entry]);
        if let Role::Leader(leader) = &mut self.role {
            leader.uncommitted_bytes += bytes;
        }
        self.trace(&Event::Proposed { entry: id });
        if latest == Latest::Changed {
            self.on_membership_changed();
        }
        id
    }

    pub(super) fn on_append_entries_reply(&mut self, of: PeerId, reply: AppendEntriesReply) {
        match reply {
            AppendEntriesReply::Accepted { match_index, round, .. } => {
                self.clear_suspicion(of, round);
                self.on_match(of, match_index, round);
            }
            AppendEntriesReply::Rejected { prev_log_index, hint, round } => {
                self.on_rejected(of, prev_log_index, hint, round);
            }
            // Its term is higher than the request's and was followed already.
            AppendEntriesReply::OldTerm => {}
        }
        // A round that ends with this reply needs the quorum of what follows from the reply.
        self.promote_returning();
        if let Some(round) = reply.round() {
            self.on_round(of, round);
        }
    }

    /// Notes that a follower's log equals the own one through `match_index`.
    pub(super) fn on_match(&mut self, of: PeerId, match_index: Index, round: Round) {
        let Role::Leader(leader) = &mut self.role else { return };
        let Some(progress) = leader.followers.get_mut(&of) else { return };
        let before = progress.match_index;
        progress.accepted(match_index, round, self.now);
        let (match_index, next_index) = (progress.match_index, progress.next_index);
        if match_index > before {
            self.trace(&Event::Progress { of, match_index, next_index });
            self.advance_commit();
        }
    }

    /// Lowers `next_index`: a follower has no entry equal to the one at `prev_log_index`; the logs
    /// may match at the hint. Skips every term that cannot match (§5.3), or goes back to the
    /// snapshot if the entries are compacted.
    ///
    /// In a pipeline the logs are known to match, so the message has overtaken one before it, or that one
    /// is lost. The follower keeps it; the one before it counts as lost after a while.
    fn on_rejected(&mut self, of: PeerId, prev_log_index: Index, hint: EntryId, round: Round) {
        let Role::Leader(leader) = &mut self.role else { return };
        let Some(progress) = leader.followers.get_mut(&of) else { return };
        if prev_log_index <= progress.match_index && progress.match_index > Index::ZERO {
            self.on_impossible_rejection(of, prev_log_index, round);
        }
        let Role::Leader(leader) = &mut self.role else { return };
        let Some(progress) = leader.followers.get_mut(&of) else { return };
        let from = progress.next_index;
        match &mut progress.flow {
            Flow::Probe(_) if round < progress.probed_since => return,
            Flow::Probe(_) if prev_log_index == from.prev() => {}
            // A late reply; but a sign of contact.
            Flow::Probe(probe) => return probe.resume(),
            Flow::Replicate(_) | Flow::Snapshot(_) => return,
        }
        let agreed = self.log.last_at_most(hint.index, hint.term).index;
        // A hint before the base cannot be looked up; `next_index` before the base leads to the
        // snapshot.
        let agreed = if hint.index < self.log.base().index { hint.index } else { agreed };
        progress.probe_from(agreed.next(), Probe::Ready);
        let next_index = progress.next_index;
        self.trace(&Event::NextIndexLowered { of, from, next_index });
    }

    /// Commits the entries that a quorum holds durably, if the last one is of the own term; older
    /// entries commit with it (§5.4.2, Figure 8).
    pub(super) fn advance_commit(&mut self) {
        let Role::Leader(leader) = &self.role else { return };
        let own = self.writes.durable_index();
        let index = self.reached_by_quorum(leader, own, |progress| progress.match_index);
        if self.log.term_at(index) == Some(self.hard_state.current_term) {
            self.commit_through(index);
            self.continue_change();
        }
    }

    /// The highest value that a quorum has reached, by this leader's state of each follower and of
    /// itself. An unknown voter has reached nothing.
    pub(super) fn reached_by_quorum<T: Copy + Default + Ord>(
        &self,
        leader: &Leader,
        own: T,
        of: impl Fn(&Progress) -> T,
    ) -> T {
        let id = self.id();
        let reached = |peer| match leader.followers.get(&peer) {
            Some(progress) if progress.counts() => of(progress),
            None if peer == id && self.counts_itself() => own,
            Some(_) | None => T::default(),
        };
        held_by_quorum(self.membership_history.latest(), reached)
    }

    /// Returns whether the log has an entry of the current term. Without one, a leader cannot know
    /// which entries of earlier terms are committed, nor commit them (§5.4.2).
    pub(super) fn has_entry_of_term(&self) -> bool {
        self.log.last().term == self.hard_state.current_term
    }

    /// Returns whether an entry of the current term is committed.
    pub(super) fn has_committed_in_term(&self) -> bool {
        self.log.term_at(self.commit_index) == Some(self.hard_state.current_term)
    }

    /// Raises `commit_index`; never lowers it.
    pub(super) fn commit_through(&mut self, index: Index) {
        let from = self.commit_index;
        if index <= from {
            return;
        }
        self.commit_index = index;
        self.drop_incoming_through(index);
        self.trace(&Event::Committed { from, commit_index: index });
        self.prune_address_book(from);
        let notice_due = self.now.after(self.config.settings().commit_notice_delay);
        if let Role::Leader(leader) = &mut self.role {
            leader.uncommitted_bytes -= self.log.memory_bytes_of(from, index);
            leader.commit_notice_due.get_or_insert(notice_due);
        }
    }
}
