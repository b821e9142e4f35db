//! Snapshots: the service's own, and a leader's in chunks (paper §7, Figure 13).

use std::sync::Arc;

use super::Node;
use crate::early_appends::EarlyAppends;
use crate::entry::Snapshot;
use crate::message::{Envelope, InstallSnapshot, InstallSnapshotReply, Message};
use crate::output::{Output, Record, Suffix};
use crate::progress::{Flow, Progress};
use crate::role::{IncomingSnapshot, Role};
use crate::snapshot_data::{ReceivedData, SnapshotData};
use crate::trace::{Event, RejectReason};
use crate::types::{EntryId, Index, Instant, PeerId, Round};

/// A rejected snapshot of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompactError {
    /// This index is not applied yet.
    #[error("index {through} is not applied yet (last applied: {last_applied})")]
    NotApplied {
        /// The requested index.
        through: Index,
        /// The last index applied.
        last_applied: Index,
    },
    /// A snapshot through this index or a later one exists.
    #[error("index {through} is covered by the snapshot through {snapshot}")]
    AlreadyCompacted {
        /// The requested index.
        through: Index,
        /// The snapshot's index.
        snapshot: Index,
    },
    /// The snapshot is larger than any peer with this setting accepts.
    #[error("the snapshot has {bytes} bytes, `snapshot_bytes_max` is {limit}")]
    TooLarge {
        /// The snapshot's size.
        bytes: u64,
        /// The limit, [`Config::snapshot_bytes_max`](crate::Config::snapshot_bytes_max).
        limit: u64,
    },
    /// This peer joined, and the members at this index, which a snapshot must contain, are not in
    /// its log yet.
    #[error("the members at index {through} are not known yet")]
    MembersUnknown {
        /// The requested index.
        through: Index,
    },
}

impl Node {
    /// Replaces the log through `through` by the service's state at that index.
    ///
    /// # Errors
    /// The index is not applied yet, a snapshot covers it already, the snapshot is too large, or
    /// the members at it are not known yet; no effect.
    pub fn compact(
        &mut self,
        now: Instant,
        through: Index,
        data: SnapshotData,
    ) -> Result<(), CompactError> {
        self.advance_clock(now);
        let before = self.snapshot_index();
        if through <= before {
            return Err(CompactError::AlreadyCompacted { through, snapshot: before });
        }
        let last_applied = self.last_applied;
        let Some(term) = self.log.term_at(through).filter(|_| through <= last_applied) else {
            return Err(CompactError::NotApplied { through, last_applied });
        };
        let (bytes, limit) = (data.len(), self.config.settings().snapshot_bytes_max);
        if bytes > limit {
            return Err(CompactError::TooLarge { bytes, limit });
        }
        let membership = self.membership_history.for_snapshot(through);
        if membership.is_empty() {
            return Err(CompactError::MembersUnknown { through });
        }
        let snapshot = Snapshot { last_included: EntryId::new(term, through), membership, data };
        let base = self.base_behind(&snapshot);
        self.log.rebase(base);
        self.membership_history.compact(through);
        self.snapshot = Some(snapshot.clone());
        let bytes = snapshot.data.len();
        self.trace(&Event::Compacted { through: snapshot.last_included, bytes });
        let suffix = Suffix::Kept { after: base.index };
        self.writes.compact(Record::Snapshot { snapshot, suffix });
        self.assert_consistent();
        Ok(())
    }

    /// The newest snapshot.
    #[must_use]
    pub const fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref()
    }

    /// The last index that the snapshot covers; zero without one.
    pub(super) fn snapshot_index(&self) -> Index {
        self.snapshot.as_ref().map_or(Index::ZERO, Snapshot::index)
    }

    /// The base of the log behind a new snapshot: the last entries stay, and what followers in contact
    /// lack, as long as sending it takes fewer bytes than sending them the snapshot.
    fn base_behind(&self, snapshot: &Snapshot) -> EntryId {
        let settings = self.config.settings();
        let (entries_max, bytes_max) = (settings.trailing_entries_max, settings.trailing_bytes_max);
        let through = snapshot.index();
        let base = self.log.base_of_last(through, entries_max, bytes_max);
        let Role::Leader(leader) = &self.role else { return base };
        if entries_max == 0 {
            return base;
        }
        let bytes_max = bytes_max.saturating_add(snapshot.data.len());
        let needed = |progress: &Progress| match &progress.flow {
            Flow::Probe(_) | Flow::Replicate(_) => progress.match_index,
            Flow::Snapshot(transfer) => transfer.snapshot.index(),
        };
        let timeout = settings.election_timeout_max;
        let in_contact =
            leader.followers.values().filter(|it| self.now < it.last_contact.after(timeout));
        // What a follower lacks would be no help without its beginning.
        let worth = |index: &Index| {
            *index >= self.log.base().index && self.log.bytes_of(*index, through) <= bytes_max
        };
        let first = in_contact.map(needed).filter(worth).min().unwrap_or(through);
        let kept = self.log.term_at(first).map(|term| EntryId::new(term, first));
        kept.filter(|kept| kept.index < base.index).unwrap_or(base)
    }

    /// Checks that a chunk can be part of an acceptable snapshot.
    pub(super) fn validate_chunk(&self, chunk: &InstallSnapshot) -> Result<(), RejectReason> {
        let limit = self.config.settings().snapshot_bytes_max;
        match chunk.offset.checked_add(chunk.chunk.len()) {
            None => Err(RejectReason::InvalidChunk),
            Some(_) if chunk.last_included.index == Index::ZERO => Err(RejectReason::InvalidChunk),
            Some(bytes) if bytes > limit => Err(RejectReason::SnapshotTooLarge { bytes, limit }),
            Some(_) => Ok(()),
        }
    }

    /// Handles a leader's chunk (Figure 13, InstallSnapshot receiver).
    pub(super) fn on_install_snapshot(&mut self, envelope: &Envelope, chunk: &InstallSnapshot) {
        self.on_leader_contact(envelope.from);
        if self.log.contains(chunk.last_included) {
            // The entries are here; the snapshot only shows that they are committed (step 6).
            self.commit_through(chunk.last_included.index);
        }
        let reply = if chunk.last_included.index <= self.commit_index {
            self.drop_incoming_through(self.commit_index);
            let match_index = chunk.last_included.index;
            InstallSnapshotReply::Installed { match_index, round: chunk.round }
        } else {
            self.collect(chunk)
        };
        self.reply(envelope.from, Message::InstallSnapshotReply(reply));
    }

    /// Forgets the chunks of a snapshot of what is committed.
    pub(super) fn drop_incoming_through(&mut self, index: Index) {
        if let Role::Follower(follower) = &mut self.role {
            follower.incoming.take_if(|incoming| incoming.last_included.index <= index);
        }
    }

    /// Adds a chunk to those before it, and installs the snapshot with the last one. The reply to a
    /// chunk that does not fit (a lost, doubled or overtaken one) has the offset to continue at.
    fn collect(&mut self, chunk: &InstallSnapshot) -> InstallSnapshotReply {
        let (last_included_index, round) = (chunk.last_included.index, chunk.round);
        let Role::Follower(follower) = &mut self.role else {
            return InstallSnapshotReply::Continue { last_included_index, offset: 0, round };
        };
        let incoming = follower.incoming.get_or_insert_with(|| IncomingSnapshot::of(chunk));
        if incoming.last_included != chunk.last_included {
            *incoming = IncomingSnapshot::of(chunk);
        }
        if incoming.offset() == chunk.offset {
            incoming.data.push(&chunk.chunk);
            let is_whole = incoming.offset() == chunk.offset + chunk.chunk.len();
            if let Some(membership) = chunk.done.as_ref().filter(|_| is_whole) {
                let data = std::mem::replace(&mut incoming.data, ReceivedData::EMPTY).into_data();
                follower.incoming = None;
                let (last_included, membership) = (chunk.last_included, Arc::clone(membership));
                self.install(Snapshot { last_included, membership, data });
                let match_index = last_included_index;
                return InstallSnapshotReply::Installed { match_index, round };
            }
        }
        let offset = incoming.offset();
        InstallSnapshotReply::Continue { last_included_index, offset, round }
    }

    /// Replaces the whole log by a leader's snapshot (step 7).
    fn install(&mut self, snapshot: Snapshot) {
        let (last_included, bytes) = (snapshot.last_included, snapshot.data.len());
        let from = self.commit_index;
        if let Role::Follower(follower) = &mut self.role {
            follower.early = EarlyAppends::default();
        }
        self.log.rebase(last_included);
        self.entry_reads.drop_apply();
        self.commit_index = last_included.index;
        self.snapshot = Some(snapshot.clone());
        self.trace(&Event::SnapshotInstalled { last_included, bytes });
        self.trace(&Event::Committed { from, commit_index: last_included.index });
        self.adopt_membership_of(&snapshot);
        let record = Record::Snapshot { snapshot: snapshot.clone(), suffix: Suffix::Discarded };
        let write = self.writes.install(record, from, last_included.index);
        self.restoring = Some((write, snapshot));
    }

    /// Passes an installed snapshot to the state machine once it is durable.
    pub(super) fn restore_if_durable(&mut self) {
        let durable = self.writes.durable();
        if let Some((_, snapshot)) = self.restoring.take_if(|(write, _)| *write <= durable) {
            self.last_applied = snapshot.index();
            self.outbox.push(Output::Restore(snapshot));
        }
    }

    /// Sends the next chunk, or the entries after the snapshot.
    pub(super) fn on_install_snapshot_reply(&mut self, of: PeerId, reply: InstallSnapshotReply) {
        match reply {
            InstallSnapshotReply::Installed { match_index, round } => {
                self.on_match(of, match_index, round);
            }
            InstallSnapshotReply::Continue { last_included_index, offset, round } => {
                self.on_snapshot_continue(of, last_included_index, offset, round);
            }
            // Its term is higher than the request's and was followed already.
            InstallSnapshotReply::OldTerm => {}
        }
        if let Some(round) = reply.round() {
            self.on_round(of, round);
        }
    }

    /// Sends more chunks.
    fn on_snapshot_continue(
        &mut self,
        of: PeerId,
        last_included_index: Index,
        offset: u64,
        round: Round,
    ) {
        let (now, config) = (self.now, self.config.settings());
        let Role::Leader(leader) = &mut self.role else { return };
        let Some(progress) = leader.followers.get_mut(&of) else { return };
        let is_late = round < progress.probed_since;
        let Flow::Snapshot(transfer) = &mut progress.flow else { return };
        let ours = transfer.snapshot.index() == last_included_index;
        if !ours || offset > transfer.snapshot.data.len() {
            return;
        }
        transfer.answered(offset, is_late, config, now);
    }
}

impl IncomingSnapshot {
    /// The start of the snapshot that `chunk` is a piece of.
    const fn of(chunk: &InstallSnapshot) -> Self {
        Self { last_included: chunk.last_included, data: ReceivedData::EMPTY }
    }
}
