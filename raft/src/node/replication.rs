//! Replication: entries, snapshots, commit indexes and heartbeats for each follower.
//!
//! Messages are made when outputs are polled, not when inputs come in, so that everything that
//! happened in between leaves in one message per follower.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Node;
use super::outbox::Header;
use crate::config::Config;
use crate::entry::{LogSlice, Snapshot};
use crate::log::Log;
use crate::membership::Membership;
use crate::message::{AppendEntries, InstallSnapshot, Message};
use crate::progress::{Flow, InFlight, Probe, Progress, SnapshotTransfer};
use crate::role::{Leader, Role};
use crate::trace::Event;
use crate::types::{EntryId, Index, Instant, PeerId, Round};

/// Makes the messages of one poll from the leader's state.
#[derive(Clone, Copy)]
struct MessageBuilder<'a> {
    now: Instant,
    log: &'a Log,
    commit_index: Index,
    notice: CommitNotice,
    /// The newest round, which all messages belong to.
    round: Round,
    /// The newest round that reads wait for: it must be sent to every voter. Other peers' replies
    /// do not count.
    required_round: Round,
    membership: &'a Membership,
    config: &'a Config,
}

/// The need to send a new commit index in a message of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CommitNotice {
    Due,
    NotYet,
}

impl Node {
    /// Sends every follower the messages due now.
    pub(super) fn replicate(&mut self) {
        self.expire_unanswered();
        let header = self.header(self.id());
        let Role::Leader(leader) = &mut self.role else { return };
        let notice = match leader.commit_notice_due {
            Some(due) if due <= self.now => CommitNotice::Due,
            Some(_) | None => CommitNotice::NotYet,
        };
        let config = self.config.settings();
        let builder = MessageBuilder {
            now: self.now,
            log: &self.log,
            commit_index: self.commit_index,
            notice,
            round: leader.reads.round(),
            required_round: leader.reads.required_round(),
            membership: self.membership_history.latest(),
            config,
        };
        let mut transfers = Vec::new();
        for (peer, progress) in &mut leader.followers {
            if let Some(snapshot) = needed_snapshot(progress, &self.log, self.snapshot.as_ref()) {
                transfers.push((*peer, snapshot.last_included));
                let chunk_bytes = config.snapshot_chunk_bytes as u64;
                progress.start_snapshot(snapshot.clone(), chunk_bytes, self.now);
            }
            while let Some(message) = builder.next_message(*peer, progress) {
                progress.round_sent = builder.round;
                if !is_empty_chunk(&message) || progress.heartbeat_due <= self.now {
                    progress.heartbeat_due = self.now.after(config.heartbeat_interval);
                }
                self.outbox.send(Header { to: *peer, ..header }, message);
            }
        }
        leader.clear_commit_notice(notice, self.commit_index);
        for (to, last_included) in transfers {
            self.trace(&Event::SnapshotStarted { to, last_included });
        }
        self.read_to_send();
        self.send_timeout_now();
    }

    /// Counts messages unanswered for a heartbeat interval as lost. A probe that follows begins a round,
    /// which tells its answers from those that are late.
    fn expire_unanswered(&mut self) {
        let (now, config) = (self.now, self.config.settings());
        let Role::Leader(leader) = &mut self.role else { return };
        let Leader { followers, reads, .. } = leader;
        let mut since = None;
        for progress in followers.values_mut() {
            if progress.expire_unanswered(now, config) == Expired::Pipeline {
                progress.probed_since = *since.get_or_insert_with(|| reads.start_round(now));
            }
        }
    }

    /// Sends followers that leave the configuration the final commit index, once: a peer with the
    /// entry that removes it then knows that it is removed.
    pub(super) fn send_final_commit(&mut self, gone: BTreeMap<PeerId, Progress>) {
        let Role::Leader(leader) = &self.role else { return };
        let (round, leader_commit) = (leader.reads.round(), self.commit_index);
        let limit = self.config.settings().append_bytes_max;
        let final_message = |(peer, progress): (PeerId, Progress)| {
            let prev = EntryId::new(self.log.term_at(progress.match_index)?, progress.match_index);
            let slice = LogSlice::of_log(prev, self.log.slice_after(prev, limit));
            Some((peer, Message::AppendEntries(AppendEntries { slice, leader_commit, round })))
        };
        let messages: Vec<_> = gone.into_iter().filter_map(final_message).collect();
        for (to, message) in messages {
            let header = self.header(to);
            self.outbox.send(header, message);
        }
    }
}

/// Returns whether a chunk is empty and sent for its round alone. It must not put off the heartbeat
/// that detects a lost chunk: reads send many of them.
fn is_empty_chunk(message: &Message) -> bool {
    matches!(message, Message::InstallSnapshot(part) if part.chunk.is_empty())
}

/// The snapshot, if the follower needs compacted entries.
fn needed_snapshot<'a>(
    progress: &Progress,
    log: &Log,
    snapshot: Option<&'a Snapshot>,
) -> Option<&'a Snapshot> {
    match progress.flow {
        Flow::Snapshot(_) => None,
        Flow::Probe(_) | Flow::Replicate(_) => {
            snapshot.filter(|_| progress.next_index <= log.base().index)
        }
    }
}

/// Speed of a slow link with a slow disk behind it.
const SLOW_BYTES_PER_MICROSECOND: u64 = 16;

impl MessageBuilder<'_> {
    /// The next message a follower must be sent now, noted as sent; `None` if there is none.
    fn next_message(&self, peer: PeerId, progress: &mut Progress) -> Option<Message> {
        let due = progress.heartbeat_due <= self.now;
        let commit_due =
            self.notice == CommitNotice::Due && progress.commit_sent < self.commit_index;
        let round_due = progress.round_sent < self.required_round && self.membership.is_voter(peer);
        let last = self.log.last().index;
        match &mut progress.flow {
            Flow::Probe(Probe::Ready) => {
                progress.flow = Flow::Probe(Probe::Waiting);
                let prev = self.prev(progress);
                Some(self.append(progress, self.slice_after(prev)))
            }
            Flow::Probe(Probe::Waiting | Probe::Silent) => {
                (due || round_due).then(|| self.heartbeat(progress))
            }
            Flow::Replicate(in_flight) => {
                let wanted = in_flight.has_room(self.config) && progress.next_index <= last;
                match wanted.then(|| self.pipelined(progress)).flatten() {
                    Some(message) => Some(message),
                    None => (due || commit_due || round_due).then(|| self.heartbeat(progress)),
                }
            }
            Flow::Snapshot(transfer) => match transfer.due_chunk() {
                Some(offset) => {
                    let message = self.chunk(transfer, offset, self.config.snapshot_chunk_bytes);
                    transfer.sent(message.chunk.len(), self.now);
                    Some(Message::InstallSnapshot(message))
                }
                // An empty one, as a heartbeat or for a round that the unanswered ones are older than.
                None => (due || round_due)
                    .then(|| Message::InstallSnapshot(self.chunk(transfer, transfer.offset, 0))),
            },
        }
    }

    /// Entries after `prev`, as many as one message holds.
    fn slice_after(&self, prev: EntryId) -> LogSlice {
        LogSlice::of_log(prev, self.log.slice_after(prev, self.config.append_bytes_max))
    }

    /// Entries sent ahead of the replies to those before them; none while they are read from the store.
    fn pipelined(&self, progress: &mut Progress) -> Option<Message> {
        let prev = self.prev(progress);
        let slice = if prev.index < self.log.start().index {
            LogSlice::of_log(prev, progress.take_read(self.config.append_bytes_max))
        } else {
            self.slice_after(prev)
        };
        if slice.entries().is_empty() {
            return None;
        }
        let last = slice.last().index;
        progress.next_index = last.next();
        if let Flow::Replicate(in_flight) = &mut progress.flow {
            in_flight.sent(last, slice.encoded_len(), self.now);
        }
        Some(self.append(progress, slice))
    }

    /// A heartbeat, which also checks whether the logs match at `next_index - 1`. While a large
    /// entry is on its way, it refers to the last entry known to match instead, so that a transport
    /// may send it first, and the follower answers it before that entry is durable.
    fn heartbeat(&self, progress: &mut Progress) -> Message {
        let large = match &progress.flow {
            Flow::Replicate(in_flight) => in_flight.has_large(self.config.append_bytes_max),
            Flow::Probe(_) | Flow::Snapshot(_) => false,
        };
        let matching = Some(progress.match_index).filter(|_| large);
        let matching = matching.and_then(|at| Some(EntryId::new(self.log.term_at(at)?, at)));
        let prev = matching.unwrap_or_else(|| self.prev(progress));
        self.append(progress, LogSlice::empty(prev))
    }

    fn append(&self, progress: &mut Progress, slice: LogSlice) -> Message {
        progress.commit_sent = self.commit_index;
        let (leader_commit, round) = (self.commit_index, self.round);
        Message::AppendEntries(AppendEntries { slice, leader_commit, round })
    }

    /// The entry before `next_index`; it is in the log, or the follower would get the snapshot.
    fn prev(&self, progress: &Progress) -> EntryId {
        let index = progress.next_index.prev();
        let term = self.log.term_at(index);
        assert!(term.is_some(), "{index} is not in the log after {}", self.log.base());
        EntryId::new(term.unwrap_or_default(), index)
    }

    /// The chunk at an offset, of at most `limit` bytes.
    fn chunk(&self, transfer: &SnapshotTransfer, offset: u64, limit: usize) -> InstallSnapshot {
        let Snapshot { last_included, membership, data } = &transfer.snapshot;
        let chunk = data.slice(offset, limit);
        let is_last = offset + chunk.len() == data.len();
        let done = is_last.then(|| Arc::clone(membership));
        InstallSnapshot { last_included: *last_included, offset, chunk, done, round: self.round }
    }
}

/// The flow whose messages count as lost.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expired {
    /// The pipeline; a probe follows.
    Pipeline,
    /// Another one, or none.
    Other,
}

impl Progress {
    /// Pipelines are looked at with every message, since each puts off the heartbeat.
    fn expire_unanswered(&mut self, now: Instant, config: &Config) -> Expired {
        match &mut self.flow {
            Flow::Probe(probe) if self.heartbeat_due <= now => probe.expire(),
            Flow::Probe(_) => {}
            Flow::Snapshot(transfer) => {
                if transfer.expire(now, config) {
                    return Expired::Pipeline;
                }
            }
            Flow::Replicate(in_flight) => {
                if in_flight.is_stalled(now, config) {
                    self.probe_from(self.match_index.next(), Probe::Ready);
                    return Expired::Pipeline;
                }
            }
        }
        Expired::Other
    }
}

impl Probe {
    const fn expire(&mut self) {
        match self {
            Self::Ready => {}
            Self::Waiting | Self::Silent => *self = Self::Silent,
        }
    }

    /// Allows entries again after a reply.
    pub(super) const fn resume(&mut self) {
        match self {
            Self::Silent => *self = Self::Ready,
            Self::Ready | Self::Waiting => {}
        }
    }
}

impl InFlight {
    /// Returns whether another message with entries may be sent.
    pub(super) fn has_room(&self, config: &Config) -> bool {
        self.len() < config.messages_in_flight_max && self.bytes() < config.in_flight_bytes_max
    }

    /// A large entry has the time that slow links and disks take for it.
    fn is_stalled(&self, now: Instant, config: &Config) -> bool {
        let Some(bytes) = self.first_bytes() else { return false };
        let large = if bytes > config.append_bytes_max { bytes as u64 } else { 0 };
        let transfer = Duration::from_micros(large / SLOW_BYTES_PER_MICROSECOND);
        now.since(self.last_progress_at) >= config.heartbeat_interval.saturating_add(transfer)
    }
}

impl Leader {
    /// The leader's next deadline.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let heartbeats = self.followers.values().map(|progress| progress.heartbeat_due);
        let quorum_check = self.quorum_check_due.filter(|_| !self.followers.is_empty());
        let transfer_deadline = self.transfer.map(|transfer| transfer.deadline);
        heartbeats.chain(self.commit_notice_due).chain(quorum_check).chain(transfer_deadline).min()
    }

    /// Clears the notice once every follower was sent the commit index.
    fn clear_commit_notice(&mut self, notice: CommitNotice, commit_index: Index) {
        let all_know = self.followers.values().all(|progress| progress.commit_sent >= commit_index);
        if notice == CommitNotice::Due || all_know {
            self.commit_notice_due = None;
        }
    }
}
