//! Limits of a leader: uncommitted entries, and entries in flight to a follower. Both are counted
//! from its log, not from its own counters.

use raft::progress::{Flow, Progress};
use raft::{Entry, EntryId, Log, Status};

use super::table::Invariant;
use super::violation::{Violation, Witness};

/// Checks a leader that has just accepted a command, or rejected one of this many bytes for its
/// limit.
///
/// # Errors
/// It accepts more than the limit, or rejects a command within it.
pub fn uncommitted(
    witness: Witness,
    log: &Log,
    status: &Status,
    refused: Option<u64>,
    limit: u64,
) -> Result<(), Box<Violation>> {
    let EntryId { term, index: last } = log.last();
    let bytes: u64 = log.range(status.commit_index, last).map(size).sum();
    let alone = last == status.commit_index.next();
    let first = alone || log.term_at(last.prev()) < Some(term);
    let none_yet = bytes == 0 || term < status.current_term;
    let wrong = match refused {
        None if bytes > limit && !first => "accepts a command beyond its limit",
        Some(more) if none_yet || bytes + more <= limit => "rejects a command within its limit",
        None | Some(_) => return Ok(()),
    };
    Err(Invariant::Limits.broken(format_args!(
        "{witness} {wrong}: {bytes} bytes are uncommitted, {refused:?} more were proposed, the limit \
         is {limit}"
    )))
}

/// Checks the entries in flight to a follower.
///
/// # Errors
/// It is more than the limit and one message.
pub fn in_flight(
    witness: Witness,
    log: &Log,
    progress: &Progress,
    limit: usize,
    append_bytes: usize,
) -> Result<(), Box<Violation>> {
    let Flow::Replicate(in_flight) = &progress.flow else { return Ok(()) };
    if in_flight.is_empty() {
        return Ok(());
    }
    let sent = || log.range(progress.match_index, progress.next_index.prev()).map(size);
    let (bytes, largest) = (sent().sum::<u64>(), sent().max().unwrap_or_default());
    let allowed = limit as u64 + largest.max(append_bytes as u64);
    if bytes < allowed {
        return Ok(());
    }
    Err(Invariant::Limits.broken(format_args!(
        "{witness} has {bytes} bytes in flight in {} messages; the limit is {limit} and one message",
        in_flight.len()
    )))
}

fn size(entry: &Entry) -> u64 {
    entry.encoded_len() as u64
}
