//! A hash of names, such as those of topics and peers: a few bytes each, and few of them, so that a
//! hash that withstands collisions made on purpose is not needed.

use std::hash::{BuildHasherDefault, Hasher};

/// Names by a hash.
pub(crate) type NameMap<V> =
    std::collections::HashMap<Box<[u8]>, V, BuildHasherDefault<NameHasher>>;

/// A multiplication for each eight bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NameHasher(u64);

impl NameHasher {
    #[inline]
    fn add(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(PRIME).rotate_left(23);
    }
}

impl Hasher for NameHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            self.add(chunk.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
        }
    }

    #[inline]
    fn write_usize(&mut self, length: usize) {
        self.add(length as u64);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0.wrapping_mul(PRIME)
    }
}

const PRIME: u64 = 0x9e37_79b9_7f4a_7c15;
