//! Random election timeouts (paper §5.2).

use std::time::Duration;

use crate::config::ValidConfig;
use crate::types::Term;

/// A node's source of randomness: one number for each election timeout.
pub trait Jitter {
    /// A number, uniform over all of `u64`.
    fn draw(&mut self, term: Term) -> u64;
}

/// A timeout between the configured bounds.
pub(super) fn draw_timeout(config: &ValidConfig, jitter: &mut dyn Jitter, term: Term) -> Duration {
    let settings = config.settings();
    let spread = (settings.election_timeout_max - settings.election_timeout_min).as_nanos();
    let part = (u128::from(jitter.draw(term)) * spread) >> 64;
    settings.election_timeout_min + Duration::from_nanos(u64::try_from(part).unwrap_or(u64::MAX))
}
