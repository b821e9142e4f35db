//! One 64-bit number for everything that happened in a run.
//!
//! Two runs with the same number did the same; it is printed on success and on failure, and a
//! replay that shows another one was not a replay. Not meant against people who look for
//! collisions.

use std::fmt;

/// The hash so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceHash(u64);

impl TraceHash {
    /// The hash of nothing.
    pub const EMPTY: Self = Self(0x517c_c1b7_2722_0a95);

    /// Folds in a number.
    #[inline]
    pub const fn number(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(23) ^ number).wrapping_mul(MULTIPLIER);
    }

    /// Folds in bytes, and how many there are.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.number(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.number(u64::from_le_bytes(last));
        self.number(bytes.len() as u64);
    }

    /// The number.
    #[must_use]
    pub const fn finish(self) -> u64 {
        super::random::mix(self.0)
    }
}

/// The first event, from 1, after which two runs differ; each gives its hash after every event.
pub fn first_difference<T: PartialEq>(
    one: impl IntoIterator<Item = T>,
    other: impl IntoIterator<Item = T>,
) -> Option<u64> {
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    for event in 1.. {
        match (one.next(), other.next()) {
            (None, None) => return None,
            (one, other) if one == other => {}
            _ => return Some(event),
        }
    }
    None
}

/// The hash of some bytes alone.
#[must_use]
pub fn hash_of(bytes: &[u8]) -> u64 {
    let mut hash = TraceHash::EMPTY;
    hash.bytes(bytes);
    hash.finish()
}

impl fmt::Display for TraceHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.finish())
    }
}

/// Odd, with no pattern in its bits (from the constants of wyhash).
const MULTIPLIER: u64 = 0xa076_1d64_78bd_642f;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_length_and_every_byte_count() {
        let inputs: [&[u8]; 7] =
            [b"", b"\0", b"\0\0", b"12345678", b"12345679", b"123456781", b"21345678"];
        let mut hashes: Vec<u64> = inputs.iter().map(|bytes| hash_of(bytes)).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), inputs.len());

        let (mut ab, mut ba) = (TraceHash::EMPTY, TraceHash::EMPTY);
        ab.number(1);
        ab.number(2);
        ba.number(2);
        ba.number(1);
        assert_ne!(ab, ba);
        assert_eq!(ab.to_string().len(), 16);
    }
}
