//! Rejected handshakes of peers that name themselves: each reason is logged once, then counted.
//!
//! A peer that is rejected connects again and again. Without certificates anyone may name any peer, so
//! that the number of names is bounded.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::transport::RefusalKind;
use crate::types::PeerId;

/// Time after which a reason is logged again, and after which a peer that did not come again is
/// forgotten.
pub(super) const REPEAT_AFTER: Duration = Duration::from_secs(60);
/// Time after which another reason of the same peer is logged.
const CHANGE_AFTER: Duration = Duration::from_secs(1);
/// Limit on names.
const PEERS_MAX: usize = 256;

/// The peers that were rejected lately.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<BTreeMap<PeerId, Refused>>);

#[derive(Debug)]
struct Refused {
    kind: RefusalKind,
    reason: String,
    logged: Instant,
    last: Instant,
    /// Attempts since it was logged.
    more: u64,
}

/// Treatment of a rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// Log and report it.
    New,
    /// Log it again, with the number of attempts since.
    Again(u64),
    /// Only count it.
    Known,
}

impl Refusals {
    /// Notes a rejection.
    pub(super) fn note(
        &self,
        peer: PeerId,
        kind: RefusalKind,
        reason: &str,
        now: Instant,
    ) -> Notice {
        let mut peers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !peers.contains_key(&peer) && peers.len() >= PEERS_MAX {
            return Notice::Known;
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
                *known = fresh();
                Notice::New
            }
            None => {
                peers.insert(peer, fresh());
                Notice::New
            }
        }
    }

    /// Forgets a peer that is accepted; returns whether it was rejected. Another process with its id
    /// stays rejected.
    pub(super) fn clear(&self, peer: PeerId) -> bool {
        let mut peers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_other =
            peers.get(&peer).is_some_and(|known| known.kind == RefusalKind::DuplicateProcess);
        !is_other && peers.remove(&peer).is_some()
    }

    /// Forgets peers that did not come again, and returns them.
    pub(super) fn expire(&self, now: Instant) -> Vec<PeerId> {
        let mut peers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_gone =
            |refused: &Refused| now.saturating_duration_since(refused.last) >= REPEAT_AFTER;
        peers.extract_if(.., |_, refused| is_gone(refused)).map(|(peer, _)| peer).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_logged_once_in_a_while_and_forgotten_with_its_peer() {
        let (refusals, start) = (Refusals::default(), Instant::now());
        let note = |peer, reason, seconds| {
            let (peer, kind) = (PeerId::new(peer), RefusalKind::NotAMember);
            refusals.note(peer, kind, reason, start + Duration::from_secs(seconds))
        };
        assert_eq!(
            [note(1, "a", 0), note(1, "a", 1), note(1, "a", 59)],
            [Notice::New, Notice::Known, Notice::Known]
        );
        assert_eq!(note(1, "a", 60), Notice::Again(2));
        assert_eq!(note(1, "b", 60), Notice::Known, "at once");
        assert_eq!(
            [note(1, "b", 61), note(2, "b", 62), note(2, "b", 63)],
            [Notice::New, Notice::New, Notice::Known]
        );
        assert_eq!(refusals.expire(start + Duration::from_secs(121)), [PeerId::new(1)]);
        assert!(refusals.clear(PeerId::new(2)) && !refusals.clear(PeerId::new(2)));
        let (id, kind) = (PeerId::new(3), RefusalKind::DuplicateProcess);
        refusals.note(id, kind, "c", start);
        assert!(!refusals.clear(id), "the accepted process is another one");
        assert_eq!(refusals.expire(start + REPEAT_AFTER), [id]);
        for peer in 10..10 + PEERS_MAX as u64 {
            assert_eq!(note(peer, "a", 0), Notice::New);
        }
        assert_eq!(note(9, "a", 0), Notice::Known, "strangers have no end");
    }
}
