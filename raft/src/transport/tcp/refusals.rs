//! Rejected handshakes of peers that name themselves: each reason is logged once, then counted.
//!
//! A peer that is rejected connects again and again. Without certificates anyone may name any peer, so
//! that the number of names is bounded.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::log_limit::LogLimit;
use crate::transport::RefusalKind;
use crate::types::PeerId;

/// Time after which a reason is logged again, and after which a peer that did not come again is
/// forgotten.
pub(super) const REPEAT_AFTER: Duration = Duration::from_secs(60);
/// Time after which another reason of the same peer is logged.
const CHANGE_AFTER: Duration = Duration::from_secs(1);
/// Limit on names.
const PEERS_MAX: usize = 256;

/// Lines about peers before their pauses begin.
const BURST: u32 = 5;

/// The peers that were rejected lately, and the limit of all lines about them.
#[derive(Debug)]
pub(super) struct Refusals {
    peers: Mutex<BTreeMap<PeerId, Refused>>,
    limit: LogLimit,
}

#[derive(Debug)]
struct Refused {
    kind: RefusalKind,
    reason: String,
    logged: Instant,
    last: Instant,
    /// Attempts since the last line.
    more: u64,
}

/// The line of a rejection, and the numbers of those left out before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Of the same peer.
    pub(super) more: u64,
    /// Of any.
    pub(super) others: u64,
}

/// The state of the report of a rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Report {
    Due,
    Made,
}

/// Treatment of a peer's rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notice {
    /// Log and report it, with the number of attempts since the peer's last line.
    New(u64),
    /// Log it again, with the same number.
    Again(u64),
    /// It is counted for the peer's next line.
    Known,
    /// There are too many peers to count for each.
    NoRoom,
}

impl Refusals {
    pub(super) const fn new() -> Self {
        Self { peers: Mutex::new(BTreeMap::new()), limit: LogLimit::new(BURST) }
    }

    /// Notes a rejection. Returns its line, unless that is left out, and whether it is to be reported.
    pub(super) fn note(
        &self,
        peer: PeerId,
        kind: RefusalKind,
        reason: &str,
        now: Instant,
    ) -> (Option<Line>, Report) {
        let (more, report) = match self.note_peer(peer, kind, reason, now) {
            Notice::New(more) => (more, Report::Due),
            Notice::Again(more) => (more, Report::Made),
            Notice::Known => return (None, Report::Made),
            Notice::NoRoom => {
                self.limit.suppress(1, now);
                return (None, Report::Made);
            }
        };
        let line = self.limit.admit(now).map(|others| Line { more, others });
        if line.is_none() {
            self.limit.suppress(more, now);
        }
        (line, report)
    }

    /// Admits a line about a peer whose connection has failed, with the number of those left out before it.
    pub(super) fn admit(&self, now: Instant) -> Option<u64> {
        self.limit.admit(now)
    }

    /// The number of lines left out since the last one that was admitted, once no more come.
    pub(super) fn take_settled(&self, now: Instant) -> u64 {
        self.limit.take_settled(now)
    }

    fn note_peer(&self, peer: PeerId, kind: RefusalKind, reason: &str, now: Instant) -> Notice {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if !peers.contains_key(&peer) && peers.len() >= PEERS_MAX {
            return Notice::NoRoom;
        }
        let fresh = || Refused { kind, reason: reason.to_owned(), logged: now, last: now, more: 0 };
        match peers.get_mut(&peer) {
            Some(known) if known.reason == reason => {
                known.last = now;
                if now.saturating_duration_since(known.logged) < REPEAT_AFTER {
                    known.more += 1;
                    return Notice::Known;
                }
                known.logged = now;
                Notice::Again(std::mem::take(&mut known.more))
            }
            // Strangers may give another reason each time.
            Some(known) if now.saturating_duration_since(known.logged) < CHANGE_AFTER => {
                (known.last, known.more) = (now, known.more + 1);
                Notice::Known
            }
            Some(known) => {
                let before = std::mem::replace(known, fresh());
                Notice::New(before.more)
            }
            None => {
                peers.insert(peer, fresh());
                Notice::New(0)
            }
        }
    }

    /// Forgets a peer that is accepted; returns whether it was rejected. Another process with its id
    /// stays rejected.
    pub(super) fn clear(&self, peer: PeerId, now: Instant) -> bool {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let is_other =
            peers.get(&peer).is_some_and(|known| known.kind == RefusalKind::DuplicateProcess);
        let known = if is_other { None } else { peers.remove(&peer) };
        self.limit.suppress(known.as_ref().map_or(0, |known| known.more), now);
        known.is_some()
    }

    /// Forgets peers that did not come again, and returns them with the attempts since their last lines.
    pub(super) fn expire(&self, now: Instant) -> Vec<(PeerId, u64)> {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let is_gone =
            |refused: &Refused| now.saturating_duration_since(refused.last) >= REPEAT_AFTER;
        peers
            .extract_if(.., |_, refused| is_gone(refused))
            .map(|(peer, it)| (peer, it.more))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_logged_once_in_a_while_and_forgotten_with_its_peer() {
        let (refusals, start) = (Refusals::new(), Instant::now());
        let note = |peer, reason, seconds| {
            let (peer, kind) = (PeerId::new(peer), RefusalKind::NotAMember);
            refusals.note_peer(peer, kind, reason, start + Duration::from_secs(seconds))
        };
        assert_eq!(
            [note(1, "a", 0), note(1, "a", 1), note(1, "a", 59)],
            [Notice::New(0), Notice::Known, Notice::Known]
        );
        assert_eq!(note(1, "a", 60), Notice::Again(2));
        assert_eq!(note(1, "b", 60), Notice::Known, "at once");
        assert_eq!(
            [note(1, "b", 61), note(2, "b", 62), note(2, "b", 63)],
            [Notice::New(1), Notice::New(0), Notice::Known]
        );
        assert_eq!(refusals.expire(start + Duration::from_secs(121)), [(PeerId::new(1), 0)]);
        let clear = || refusals.clear(PeerId::new(2), start);
        assert_eq!([clear(), clear()], [true, false]);
        let (id, kind) = (PeerId::new(3), RefusalKind::DuplicateProcess);
        refusals.note_peer(id, kind, "c", start);
        assert!(!refusals.clear(id, start), "the accepted process is another one");
        assert_eq!(refusals.expire(start + REPEAT_AFTER), [(id, 0)]);
        for peer in 10..10 + PEERS_MAX as u64 {
            assert_eq!(note(peer, "a", 0), Notice::New(0));
        }
        assert_eq!(note(9, "a", 0), Notice::NoRoom, "strangers have no end");
    }
    #[test]
    fn every_rejection_has_a_line_or_is_counted_by_one() {
        for peers in [1, 2, 10, 1000] {
            let (refusals, start) = (Refusals::new(), Instant::now());
            let (mut lines, mut counted) = (0, 0);
            let mut now = start;
            for attempt in 0..20_000_u64 {
                now = start + Duration::from_millis(10 * attempt);
                let peer = PeerId::new(attempt % peers);
                let reason = ["a", "b"][usize::from(attempt / 8_000 % 2 == 1)];
                if let (Some(Line { more, others }), _) =
                    refusals.note(peer, RefusalKind::NotAMember, reason, now)
                {
                    lines += 1;
                    counted += more + others;
                }
                if attempt == 15_000 {
                    refusals.clear(peer, now);
                }
            }
            now += REPEAT_AFTER;
            counted += refusals.expire(now).iter().map(|(_, more)| more).sum::<u64>();
            counted += refusals.take_settled(now);
            assert_eq!(lines + counted, 20_000, "{lines} lines of {peers} peers");
            assert!(lines < 30, "{lines} lines of {peers} peers");
        }
    }
}
