//! Errors of decoding.

use crate::entry::BrokenSlice;
use crate::membership::BrokenMembership;
use crate::types::PeerId;

/// Bytes that are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The message ends too soon.
    #[error("the message is cut off")]
    CutOff,
    /// A byte without a meaning.
    #[error("unknown {what} {found}")]
    Unknown {
        /// The kind of value expected.
        what: &'static str,
        /// The byte.
        found: u8,
    },
    /// Entries that do not follow each other.
    #[error(transparent)]
    BrokenSlice(#[from] BrokenSlice),
    /// More entries than any peer sends at once.
    #[error("more than {} entries", super::ENTRIES_MAX)]
    TooManyEntries,
    /// Members that contradict each other.
    #[error(transparent)]
    BrokenMembership(#[from] BrokenMembership),
    /// Peers that do not rise.
    #[error("peer {peer} cannot follow peer {last}")]
    OutOfOrder {
        /// The peer before it.
        last: PeerId,
        /// The peer that does not fit.
        peer: PeerId,
    },
    /// An address that is not text.
    #[error("an address is not UTF-8")]
    AddressNotText,
    /// Bytes after the message.
    #[error("{0} bytes too many")]
    TooLong(usize),
    /// A number too large for what it counts.
    #[error("{0} is too large")]
    TooLarge(u64),
}
