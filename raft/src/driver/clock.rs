//! Where moments come from: the only place of the driver that reads a clock.

use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use std::time::Duration;

use crate::node::Jitter;
use crate::types::{Instant, MessageId, Term};

/// A wait that ends by itself.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A clock. Its moments never go back.
pub trait Clock: Send + Sync + 'static {
    /// The moment.
    fn now(&self) -> Instant;

    /// Waits until `deadline`; a little longer does no harm.
    fn sleep_until(&self, deadline: Instant) -> Sleep;
}

/// The clock of the tokio runtime, which tests can pause. Its moments count from its first use in
/// the process, so that several nodes of one process log the same time.
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

/// Further than any timer, and near enough to be added to a moment of the system.
const SLEEP_MAX: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// Randomness of the process: each number is a hash with keys that the system drew.
pub(super) struct SystemJitter;

impl Jitter for SystemJitter {
    fn draw(&mut self, term: Term) -> u64 {
        use std::hash::BuildHasher;
        std::hash::RandomState::new().hash_one(term)
    }
}

/// A number for a node's first message that is higher than all it used before a restart, for fewer
/// than a million messages a second. A follower's questions about reads count from it, too: if the
/// system's clock was set back meanwhile, an answer that was under way to the life before may be
/// taken for one to a question of this life that has, to the microsecond, the same number.
#[expect(clippy::disallowed_methods, reason = "names messages and questions of one life")]
pub(super) fn first_message_id() -> MessageId {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let micros = since.map_or(1, |since| since.as_micros());
    MessageId::new(u64::try_from(micros).unwrap_or(1))
}
