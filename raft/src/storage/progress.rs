//! Progress of long writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A count of the steps of a store's writes, which a driver watches from another thread.
#[derive(Clone, Debug, Default)]
pub struct WriteProgress(Arc<AtomicU64>);

impl WriteProgress {
    /// Notes that a part of a write is on the disk. Bytes in the system's cache are none: the flush
    /// at the end may take as long as all of them.
    pub fn advance(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Number of steps so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
