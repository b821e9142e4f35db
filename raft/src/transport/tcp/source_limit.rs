//! A limit on log lines about strangers: one for each address, and one for all of them together. The
//! beginning of a flood from one address leaves lines to others; if it lasts, all addresses share a line a
//! minute.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::log_limit::LogLimit;

/// Lines of one address, and of all, before their pauses begin.
const BURST: u32 = 5;
const BURST_OF_ALL: u32 = 10;
/// Limit on addresses with a limit of their own.
const SOURCES_MAX: usize = 64;

/// The limit.
#[derive(Debug)]
pub(super) struct SourceLimit {
    all: LogLimit,
    sources: Mutex<BTreeMap<IpAddr, LogLimit>>,
}

impl SourceLimit {
    pub(super) const fn new() -> Self {
        Self { all: LogLimit::new(BURST_OF_ALL), sources: Mutex::new(BTreeMap::new()) }
    }

    /// Admits a line, with the number of those suppressed before it; `None` suppresses it.
    pub(super) fn admit(&self, source: IpAddr, now: Instant) -> Option<u64> {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        if !sources.contains_key(&source) && sources.len() >= SOURCES_MAX {
            sources.retain(|_, limit| !limit.is_quiet(now));
        }
        if sources.len() < SOURCES_MAX || sources.contains_key(&source) {
            let own = sources.entry(source).or_insert_with(|| LogLimit::new(BURST));
            if own.admit(now).is_none() {
                self.all.suppress(1, now);
                return None;
            }
        }
        self.all.admit(now)
    }

    /// The number of lines suppressed since the last one that was admitted, once no more come.
    pub(super) fn take_settled(&self, now: Instant) -> u64 {
        self.all.take_settled(now)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::*;

    fn source(number: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from(number))
    }

    /// Lines of a minute with 1 000 attempts a second from so many addresses, and their counts.
    fn minute(sources: u32) -> (usize, u64) {
        let (limit, start) = (SourceLimit::new(), Instant::now());
        let attempts = (0..60_000_u32).filter_map(|attempt| {
            let now = start + Duration::from_millis(u64::from(attempt));
            limit.admit(source(attempt % sources), now)
        });
        let counts: Vec<_> = attempts.collect();
        let rest = limit.take_settled(start + Duration::from_secs(90));
        (counts.len(), counts.iter().sum::<u64>() + rest)
    }

    #[test]
    fn a_minute_of_flood_leaves_thirty_lines_at_most_that_count_all_others() {
        for sources in [1, 2, 60, 1_000, 60_000] {
            let (lines, counted) = minute(sources);
            assert!((5..=30).contains(&lines), "{lines} lines of {sources} addresses");
            assert_eq!(lines as u64 + counted, 60_000, "{sources} addresses");
        }
    }

    #[test]
    fn a_flood_from_one_address_does_not_hide_another_one() {
        let (limit, start) = (SourceLimit::new(), Instant::now());
        let admitted = |number, millis| {
            limit.admit(source(number), start + Duration::from_millis(millis)).is_some()
        };
        (0..500).for_each(|millis| {
            admitted(1, millis);
        });
        assert!(admitted(2, 500));
        assert!(!admitted(1, 501));
    }
}
