//! The work of a Raft log: batches of entries, a new term now and then, a conflict now and then.

use std::sync::Arc;

/// Entries of a batch.
pub(crate) const BATCH: usize = 64;

/// One change; the same for every contender.
#[derive(Clone)]
pub(crate) enum Change {
    Term(u64),
    TruncateFrom(u64),
    Append { index: u64, term: u64, payload: Arc<[u8]> },
}

/// A random number generator with a fixed seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// `count` batches of 64 entries of 16 to 256 bytes. Every 50th starts with a new term, every
/// 100th first deletes the last half batch.
pub(crate) fn batches(count: usize) -> Vec<Vec<Change>> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut term, mut next) = (0, 1);
    let mut batch = |number: usize| {
        let mut changes = Vec::new();
        if number % 50 == 0 {
            term += 1;
            changes.push(Change::Term(term));
        }
        if number % 100 == 99 {
            next -= BATCH as u64 / 2;
            changes.push(Change::TruncateFrom(next));
        }
        for _ in 0..BATCH {
            let payload = (0..16 + random.below(241)).map(|_| random.below(256) as u8).collect();
            changes.push(Change::Append { index: next, term, payload });
            next += 1;
        }
        changes
    };
    (0..count).map(&mut batch).collect()
}
