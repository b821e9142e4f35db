//! The limit on pending calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The limit on pending calls: in the mailbox, in the log and at the state machine together.
#[derive(Debug)]
pub(super) struct Admission {
    calls: AtomicU64,
    bytes: AtomicU64,
    pending_max: u64,
    pending_bytes_max: u64,
}

/// The limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rejected {
    pub(super) calls: u64,
    pub(super) bytes: u64,
}

impl Admission {
    pub(super) const fn new(pending_max: u64, pending_bytes_max: u64) -> Self {
        Self { calls: AtomicU64::new(0), bytes: AtomicU64::new(0), pending_max, pending_bytes_max }
    }

    /// Admits one call. A single call always fits.
    pub(super) fn admit(self: &Arc<Self>, size: usize) -> Result<Permit, Rejected> {
        let size = size as u64;
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        let bytes = self.bytes.fetch_add(size, Ordering::Relaxed);
        let permit = Permit { admission: Arc::clone(self), size };
        let fits = calls < self.pending_max && bytes.saturating_add(size) <= self.pending_bytes_max;
        if calls > 0 && !fits { Err(Rejected { calls, bytes }) } else { Ok(permit) }
    }

    /// Number of pending calls.
    pub(super) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }
}

/// The share of one call in the limit, returned on drop.
#[derive(Debug)]
pub(super) struct Permit {
    admission: Arc<Admission>,
    size: u64,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.admission.calls.fetch_sub(1, Ordering::Relaxed);
        self.admission.bytes.fetch_sub(self.size, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_are_returned_and_a_single_large_request_fits() {
        let admission = Arc::new(Admission::new(2, 10));
        let large = admission.admit(100).expect("no other request is pending");
        assert_eq!(admission.admit(1).unwrap_err(), Rejected { calls: 1, bytes: 100 });
        drop(large);
        let permits =
            [admission.admit(5), admission.admit(5)].map(|permit| permit.expect("5 + 5 <= 10"));
        assert_eq!(admission.admit(0).unwrap_err(), Rejected { calls: 2, bytes: 10 });
        drop(permits);
        assert_eq!(admission.calls(), 0);
    }
}
