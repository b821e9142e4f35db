//! The index of the log: the file and the byte from which each entry is read, in steps.
//!
//! Invariants: blocks are in the order of their entries, which have no gap, and all entries of a block are
//! of one term and in one file. A truncation ends a block, so that what was written after it is
//! not searched for in the frames before it.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::entry::{Entry, Payload};
use crate::membership::Membership;
use crate::persistent_state::EarlierEntries;
use crate::types::{EntryId, Index};

/// Entries of one term in consecutive frames of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) first: EntryId,
    /// Encoded bytes of its entries, also of those deleted since.
    pub(super) bytes: u64,
    /// The number of the file.
    pub(super) file: u64,
    /// The byte at which the frame of the first entry begins.
    pub(super) at: u64,
}

/// The blocks of the entries in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LogIndex {
    blocks: VecDeque<Block>,
    /// The last entry of the last block.
    last: Index,
    /// The configurations in the log, by the index of their entry.
    memberships: Vec<(Index, Arc<Membership>)>,
    /// The next entry begins a block.
    is_cut: bool,
}

/// Bytes after which entries of a later frame begin a block: what is read in vain at most, and the
/// length of the index, 1/5000 of the log's.
const BLOCK_BYTES: u64 = 256 << 10;

impl LogIndex {
    /// Adds the next entry, in the frame at this byte of a file.
    pub(super) fn push(&mut self, entry: &Entry, file: u64, at: u64) {
        let (id, bytes) = (entry.id, entry.encoded_len() as u64);
        self.last = id.index;
        if let Payload::Membership(membership) = &entry.payload {
            self.memberships.push((id.index, Arc::clone(membership)));
        }
        let is_cut = std::mem::take(&mut self.is_cut);
        let goes_on = |block: &&mut Block| {
            let is_full = block.bytes >= BLOCK_BYTES && block.at != at;
            !is_cut && block.file == file && block.first.term == id.term && !is_full
        };
        match self.blocks.back_mut().filter(goes_on) {
            Some(block) => block.bytes += bytes,
            None => self.blocks.push_back(Block { first: id, bytes, file, at }),
        }
    }

    /// Adds blocks of a file that end with `last`.
    ///
    /// # Panics
    /// They do not follow the others.
    pub(super) fn append(
        &mut self,
        blocks: &[Block],
        last: Index,
        memberships: &[(Index, Arc<Membership>)],
    ) {
        let (Some(first), before) = (blocks.first(), self.last()) else { return };
        let follows = before.is_none_or(|last| last.index.next() == first.first.index);
        assert!(follows, "{first:?} does not follow entry {before:?}");
        self.blocks.extend(blocks);
        self.memberships.extend_from_slice(memberships);
        (self.last, self.is_cut) = (last, true);
    }

    pub(super) fn truncate(&mut self, from: Index) {
        self.blocks.truncate(self.blocks.partition_point(|block| block.first.index < from));
        self.memberships.retain(|(index, _)| *index < from);
        self.last = self.last.min(from.prev());
        self.is_cut = true;
    }

    pub(super) fn drop_through(&mut self, index: Index) {
        let next = index.next();
        self.memberships.retain(|(at, _)| *at > index);
        if next > self.last {
            return self.blocks.clear();
        }
        let Some(first) = self.place(next) else { return };
        self.blocks.drain(..first);
        self.blocks[0].first.index = next;
    }

    pub(super) fn last(&self) -> Option<EntryId> {
        self.blocks.back().map(|block| EntryId { index: self.last, ..block.first })
    }

    /// The block of the entry at `index`, and the block's last entry.
    pub(super) fn find(&self, index: Index) -> Option<(Block, Index)> {
        let place = self.place(index).filter(|_| index <= self.last)?;
        Some((self.blocks[place], self.end_of(place)))
    }

    /// The blocks in this file.
    pub(super) fn of_file(&self, file: u64) -> Vec<Block> {
        self.blocks.iter().filter(|block| block.file == file).copied().collect()
    }

    /// The configurations from `first` on.
    pub(super) fn memberships_from(&self, first: Index) -> Vec<(Index, Arc<Membership>)> {
        self.memberships.iter().filter(|(index, _)| *index >= first).cloned().collect()
    }

    /// The first of the last entries that have at most so many bytes, in whole blocks, and those before it.
    pub(super) fn split_recent(&self, bytes_max: u64) -> (Index, EarlierEntries) {
        let mut bytes = 0;
        let fits = |block: &&Block| {
            bytes += block.bytes;
            bytes <= bytes_max
        };
        let kept = self.blocks.iter().rev().take_while(fits).count();
        let end = self.blocks.len() - kept;
        let mut earlier = EarlierEntries::default();
        for place in 0..end {
            let block = self.blocks[place];
            earlier.runs.push_run(block.first, self.end_of(place), block.bytes);
        }
        let first = self.blocks.get(end).map_or(self.last.next(), |block| block.first.index);
        let before = self.memberships.iter().filter(|(index, _)| *index < first);
        earlier.memberships = before.cloned().collect();
        (first, earlier)
    }

    /// The last entry of the block at this place.
    fn end_of(&self, place: usize) -> Index {
        self.blocks.get(place + 1).map_or(self.last, |next| next.first.index.prev())
    }

    fn place(&self, index: Index) -> Option<usize> {
        self.blocks.partition_point(|block| block.first.index <= index).checked_sub(1)
    }
}
