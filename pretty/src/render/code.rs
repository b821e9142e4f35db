//! Escape codes, short enough to be copied whole.

use std::ops::Deref;

/// An escape code, or none; a few bytes in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Code {
    bytes: [u8; Self::BYTES_MAX],
    length: usize,
}

impl Code {
    /// The longest: bold, in a colour of three numbers.
    pub(crate) const BYTES_MAX: usize = 32;

    /// A code.
    ///
    /// # Panics
    /// If it is longer than any code is.
    pub(crate) fn new(code: &[u8]) -> Self {
        let length = code.len();
        assert!(length <= Self::BYTES_MAX, "{length} bytes are too many for {code:?}");
        let mut bytes = [0; Self::BYTES_MAX];
        bytes[..length].copy_from_slice(code);
        Self { bytes, length }
    }

    /// The code with zeros behind it.
    #[inline]
    pub(super) fn padded(&self) -> &[u8; Self::BYTES_MAX] {
        &self.bytes
    }
}

impl Deref for Code {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}
