//! AppendEntries that overtook those before them, on transports that reorder: kept until the log reaches
//! them, so that their entries need not be sent again.
//!
//! Invariant: all are of one leader and term, so that they agree where they overlap.

use std::collections::BTreeMap;

use crate::config::Config;
use crate::log::Log;
use crate::message::AppendEntries;
use crate::types::Index;

/// Messages of the leader, by the index of the entry that each follows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EarlyAppends {
    waiting: BTreeMap<Index, AppendEntries>,
    bytes: usize,
}

impl EarlyAppends {
    /// Keeps a message, unless there are too many: the leader has the same limits for its pipeline.
    pub(crate) fn keep(&mut self, request: &AppendEntries, config: &Config) {
        let prev = request.slice.prev().index;
        let known = self.waiting.get(&prev).map_or(0, |known| known.slice.entries().len());
        let bytes = request.slice.encoded_len();
        let fits = self.waiting.len() < config.messages_in_flight_max
            && self.bytes + bytes <= config.in_flight_bytes_max.max(bytes);
        if fits && request.slice.entries().len() >= known {
            let replaced = self.waiting.insert(prev, request.clone());
            self.bytes += bytes;
            self.bytes -= replaced.map_or(0, |replaced| replaced.slice.encoded_len());
        }
    }

    /// Removes the next message that follows an entry of the log.
    pub(crate) fn take_next(&mut self, log: &Log) -> Option<AppendEntries> {
        let reached = self.waiting.range(..=log.last().index);
        let mut follows = reached.filter(|(_, request)| log.contains(request.slice.prev()));
        let prev = *follows.next()?.0;
        let request = self.waiting.remove(&prev)?;
        self.bytes -= request.slice.encoded_len();
        Some(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Entry, LogSlice, Payload};
    use crate::types::{EntryId, PeerId, Round, Term};

    /// A message with so many entries after `prev`, of term 2.
    fn request(prev: u64, entries: u64) -> AppendEntries {
        let id = |index| EntryId::new(Term::new(2), Index::new(index));
        let entry = |index| Entry { id: id(index), payload: Payload::NoOp };
        let entries = (prev + 1..=prev + entries).map(entry).collect();
        let slice = LogSlice::new(id(prev), entries).expect("it has no gap");
        AppendEntries { slice, leader_commit: Index::ZERO, round: Round::ZERO }
    }

    #[test]
    fn messages_come_out_in_order_once_the_log_reaches_them_and_are_bounded() {
        let size = Entry::OVERHEAD_BYTES;
        let config = Config {
            messages_in_flight_max: 3,
            in_flight_bytes_max: 4 * size,
            ..Config::new(PeerId::new(1), Vec::new())
        };
        let mut early = EarlyAppends::default();
        for (prev, entries) in [(5, 1), (3, 0), (3, 2), (3, 1), (8, 2), (6, 1), (9, 0)] {
            early.keep(&request(prev, entries), &config);
        }
        assert_eq!(early.bytes, 4 * size, "the message after 8 was too long, then there are three");
        let mut log = Log::new(LogSlice::empty(EntryId::ZERO));
        let mut reach = |last: u64| {
            while log.last().index < Index::new(last) {
                log.push(Term::new(2), Payload::NoOp);
            }
            early.take_next(&log).map(|it| (it.slice.prev().index.number(), it.slice.last().index))
        };
        assert_eq!(reach(2), None);
        assert_eq!(reach(3), Some((3, Index::new(5))));
        assert_eq!(reach(5), Some((5, Index::new(6))));
        assert_eq!((reach(5), reach(6)), (None, Some((6, Index::new(7)))));
        assert_eq!((reach(20), early.bytes), (None, 0));
    }
}
