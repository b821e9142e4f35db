//! Numbers and byte strings, written and read; stores use them, too.

use super::error::DecodeError;
use crate::entry::Bytes;
use crate::types::{EntryId, Index, Term};

/// The bytes written so far.
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// # Panics
    /// There are 2^32 or more, which no limit of the configuration allows.
    pub(super) fn count(&mut self, count: usize) {
        let short = u32::try_from(count);
        assert!(short.is_ok(), "{count} bytes do not fit into one message");
        self.0.extend_from_slice(&short.unwrap_or_default().to_le_bytes());
    }

    pub(crate) fn entry_id(&mut self, id: EntryId) {
        self.u64(id.term.number());
        self.u64(id.index.number());
    }
}

/// The bytes not read yet.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        let (first, rest) = self.0.split_first().ok_or(DecodeError::CutOff)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, DecodeError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(DecodeError::CutOff)?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*bytes))
    }

    pub(crate) fn bytes(&mut self) -> Result<Bytes, DecodeError> {
        self.slice().map(Into::into)
    }

    pub(super) fn slice(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = u64::from(self.count()?);
        let len = usize::try_from(len).map_err(|_| DecodeError::TooLarge(len))?;
        let (bytes, rest) = self.0.split_at_checked(len).ok_or(DecodeError::CutOff)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(super) fn count(&mut self) -> Result<u32, DecodeError> {
        let (count, rest) = self.0.split_first_chunk().ok_or(DecodeError::CutOff)?;
        self.0 = rest;
        Ok(u32::from_le_bytes(*count))
    }

    pub(crate) fn index(&mut self) -> Result<Index, DecodeError> {
        // Leaves room to count on from any index that comes in.
        match self.u64()? {
            number if number < u64::MAX >> 1 => Ok(Index::new(number)),
            number => Err(DecodeError::TooLarge(number)),
        }
    }

    pub(crate) fn entry_id(&mut self) -> Result<EntryId, DecodeError> {
        Ok(EntryId::new(Term::new(self.u64()?), self.index()?))
    }
}
