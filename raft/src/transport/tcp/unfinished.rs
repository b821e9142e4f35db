//! The memory of unfinished messages of peers that are not members: bounded for all together.
//!
//! A member has one connection, so its memory is bounded by the limit on messages. Without
//! certificates anyone may connect under any number of other ids.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::error::ConnectionError;

/// The bound.
#[derive(Debug)]
pub(super) struct Unfinished {
    used: AtomicUsize,
    max: usize,
}

/// The part of one connection, returned on drop.
#[derive(Debug)]
pub(super) struct Share<'a> {
    all: &'a Unfinished,
    bytes: usize,
}

impl Unfinished {
    pub(super) const fn new(max: usize) -> Self {
        Self { used: AtomicUsize::new(0), max }
    }

    pub(super) const fn share(&self) -> Share<'_> {
        Share { all: self, bytes: 0 }
    }
}

impl Share<'_> {
    /// Sets the bytes in use.
    pub(super) fn set(&mut self, bytes: usize) -> Result<(), ConnectionError> {
        let Unfinished { used, max } = self.all;
        let others = used.fetch_sub(self.bytes, Ordering::Relaxed) - self.bytes;
        self.bytes = bytes;
        used.fetch_add(bytes, Ordering::Relaxed);
        if bytes > 0 && others + bytes > *max {
            return Err(ConnectionError::TooMuchUnfinished { max: *max });
        }
        Ok(())
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.all.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
