//! The clock: the only place of the driver that reads time.

use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use std::time::Duration;

use crate::identity::Incarnation;
use crate::node::Jitter;
use crate::types::{Instant, MessageId, PeerId, Term};

/// A wait that ends by itself.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A monotonic clock.
pub trait Clock: Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> Instant;

    /// Waits until `deadline`, or a little longer.
    fn sleep_until(&self, deadline: Instant) -> Sleep;
}

/// The clock of the tokio runtime, which tests can pause. Time counts from its first use in the
/// process, so that several nodes of one process log the same time.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioClock;

impl TokioClock {
    fn start() -> tokio::time::Instant {
        static START: OnceLock<tokio::time::Instant> = OnceLock::new();
        *START.get_or_init(tokio::time::Instant::now)
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Instant {
        let since = tokio::time::Instant::now().saturating_duration_since(Self::start());
        Instant::START.after(since)
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        let at = Self::start() + deadline.since(Instant::START).min(SLEEP_MAX);
        Box::pin(tokio::time::sleep_until(at))
    }
}

/// Longer than any timer, and short enough to be added to the system's time.
const SLEEP_MAX: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// Randomness of the process: hashes with keys drawn by the system.
pub(super) struct SystemJitter;

impl Jitter for SystemJitter {
    fn draw(&mut self, term: Term) -> u64 {
        use std::hash::BuildHasher;
        std::hash::RandomState::new().hash_one(term)
    }
}

/// A number for a new store that no other store has.
pub(super) fn incarnation(peer: PeerId) -> Incarnation {
    use std::hash::BuildHasher;
    Incarnation::new(std::hash::RandomState::new().hash_one(peer))
}

/// A first message id above all ids of earlier starts, for fewer than a million messages a second.
/// Follower reads count from it, too: if the system's clock was set back meanwhile, a late answer
/// from before the restart may be taken for an answer to a read with the same number, to the
/// microsecond.
#[expect(clippy::disallowed_methods, reason = "ids of messages and reads between two restarts")]
pub(super) fn first_message_id() -> MessageId {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let micros = since.map_or(1, |since| since.as_micros());
    MessageId::new(u64::try_from(micros).unwrap_or(1))
}
