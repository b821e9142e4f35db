//! Reads of entries from a peer's disk, which take a while, and may see it as it was at their start or as it
//! is at their end.

use raft::role::Role;
use raft::{EntryRead, Input, Node, ReadPurpose, RoleName};

use super::event::{EndedRead, Event};
use super::state::World;
use crate::coverage::Mark;
use crate::failure::Failure;
use crate::invariants::durability;
use crate::sim::queue::Source;
use crate::sim::random::{Chance, Domain, Stream};

/// Part of the reads that take ten times as long.
const SLOW_READS: Chance = Chance::of(1, 8);

impl World {
    /// Begins a read of entries.
    pub(super) fn begin_entry_read(&mut self, server: usize, read: EntryRead) {
        let peer = &mut self.peers[server];
        peer.entry_reads += 1;
        let mut rng = Stream::new(self.seed, Domain::EntryRead, [server as u64, peer.entry_reads]);
        let latency = self.settings.latency;
        let delay = rng.between(latency.min, latency.max);
        let delay = if rng.happens(SLOW_READS) { delay * 10 } else { delay };
        let at_once = rng.happens(Chance::of(1, 2));
        let entries =
            at_once.then(|| peer.disk.durable().read(read.first, read.through, read.bytes_max));
        let incarnation = peer.incarnation;
        let ended = EndedRead { server, incarnation, read, entries };
        let at = self.now.after(delay);
        self.queue.push(at, Source::entry_reads(server), Event::EntriesRead(Box::new(ended)));
    }

    /// Passes entries to the peer that has asked for them.
    pub(super) fn end_entry_read(&mut self, ended: EndedRead) {
        let EndedRead { server, incarnation, read, entries } = ended;
        self.acting = Some(server);
        let peer = &mut self.peers[server];
        let Some(node) = peer.node.as_mut().filter(|_| peer.incarnation == incarnation) else {
            return;
        };
        self.coverage.hit(match read.purpose {
            _ if is_overtaken(node, read) => Mark::EntryReadOvertaken,
            ReadPurpose::Apply => Mark::EntriesReadToApply,
            ReadPurpose::Send(_) => Mark::EntriesReadToSend,
        });
        let stored = peer.disk.durable();
        let entries =
            entries.unwrap_or_else(|| stored.read(read.first, read.through, read.bytes_max));
        node.handle(peer.clock.local_time(self.now), Input::EntriesRead { read: read.id, entries });
        self.mark_touched(server);
    }

    /// Looks at a peer's log after an input. The part that is on its disk alone is needed for checks of what
    /// was there before the last start: in a new leader, and where such entries are committed.
    ///
    /// # Errors
    /// That part is not on its disk.
    pub(super) fn observe_log(&mut self, server: usize) -> Result<(), Failure> {
        let witness = self.witness(server);
        let peer = &mut self.peers[server];
        peer.whole_log = None;
        let (Some(node), Some(before)) = (&peer.node, peer.last_status) else { return Ok(()) };
        let (now, start) = (node.status(), node.log().start());
        durability::check_stored(witness, node.log(), peer.disk.durable())?;
        let commits_stored =
            now.commit_index > before.commit_index && before.commit_index < start.index;
        let leads = now.role == RoleName::Leader && before.role != RoleName::Leader;
        if commits_stored || leads { self.observe_whole_log(server) } else { Ok(()) }
    }

    /// Looks at the whole log of a peer.
    ///
    /// # Errors
    /// As [`World::observe_log`].
    pub(super) fn observe_whole_log(&mut self, server: usize) -> Result<(), Failure> {
        let witness = self.witness(server);
        let peer = &mut self.peers[server];
        let Some(node) = &peer.node else { return Ok(()) };
        peer.whole_log = durability::whole_log(witness, node.log(), peer.disk.durable())?;
        Ok(())
    }
}

/// Returns whether what is read is of no use any more.
fn is_overtaken(node: &Node, read: EntryRead) -> bool {
    let applied = read.purpose == ReadPurpose::Apply && node.status().last_applied >= read.first;
    let deposed = read.purpose != ReadPurpose::Apply && !matches!(node.role(), Role::Leader(_));
    applied || deposed || read.first <= node.log().base().index
}
