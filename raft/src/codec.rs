//! Messages as bytes, on a wire and in a simulated network.
//!
//! All numbers are little-endian and of fixed width. Decoding is total: whatever the bytes, it
//! returns a message that keeps the invariants of its types, or an error.
//!
//! ```text
//! kind:u8 id:u64 from:u64 to:u64 term:u64 store body
//! kind: with the highest bit, plus the second one for a confirmed store, if `store` is there
//! store: incarnation:u64
//! entry: term:u64 kind:u8 len:u32 bytes        (its index follows from its place)
//! ```

mod bytes;
mod decode;
mod encode;
mod error;
#[cfg(feature = "frames")]
pub mod frame;
mod membership;
mod size;

pub(crate) use self::bytes::{Reader, Writer};
pub use self::error::DecodeError;
pub use self::membership::{decode_membership, encode_membership, membership_len};
pub use self::size::encoded_len_max;

use self::encode::kind;
use crate::identity::{Incarnation, Standing, StoreStamp};
use crate::message::Envelope;
use crate::types::{MessageId, PeerId, Term};

/// Limit on the entries in one message, which take several times their bytes once decoded.
pub const ENTRIES_MAX: usize = 1 << 18;

/// Encodes a message.
///
/// ```
/// use raft::{Envelope, Message, MessageId, PeerId, Term, codec, message::Vote};
/// let envelope = Envelope {
///     id: MessageId::new(7),
///     from: PeerId::new(1),
///     to: PeerId::new(2),
///     term: Term::new(3),
///     store: None,
///     message: Message::RequestVoteReply(Vote::Granted),
/// };
/// let bytes = codec::encode(&envelope);
/// assert_eq!(codec::decode(&bytes), Ok(envelope));
/// assert!(codec::decode(&bytes[1..]).is_err());
/// ```
#[must_use]
pub fn encode(envelope: &Envelope) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_onto(envelope, &mut bytes);
    bytes
}

/// Encodes a message after what `bytes` holds already.
///
/// ```
/// # use raft::{Envelope, Message, MessageId, PeerId, Term, codec, message::Vote};
/// # let (id, from, to, term) = (MessageId::new(7), PeerId::new(1), PeerId::new(2), Term::new(3));
/// # let message = Message::RequestVoteReply(Vote::Granted);
/// # let envelope = Envelope { id, from, to, term, store: None, message };
/// let mut bytes = vec![42];
/// codec::encode_onto(&envelope, &mut bytes);
/// assert_eq!(bytes[1..], codec::encode(&envelope));
/// ```
pub fn encode_onto(envelope: &Envelope, bytes: &mut Vec<u8>) {
    bytes.reserve(encoded_len_max(envelope));
    let mut writer = Writer(std::mem::take(bytes));
    writer.u8(kind(&envelope.message) | form(envelope.store));
    writer.u64(envelope.id.number());
    writer.u64(envelope.from.number());
    writer.u64(envelope.to.number());
    writer.u64(envelope.term.number());
    if let Some(store) = envelope.store {
        writer.u64(store.incarnation.number());
    }
    writer.body(&envelope.message);
    *bytes = writer.0;
}

/// Decodes a message.
///
/// # Errors
/// The bytes are not a message.
pub fn decode(bytes: &[u8]) -> Result<Envelope, DecodeError> {
    let mut reader = Reader(bytes);
    let form = reader.u8()?;
    let (kind, form) = (form & KIND, form & !KIND);
    let id = MessageId::new(reader.u64()?);
    let from = PeerId::new(reader.u64()?);
    let to = PeerId::new(reader.u64()?);
    let term = Term::new(reader.u64()?);
    let store = match form {
        0 => None,
        STORE => Some(stamp(&mut reader, Standing::New)?),
        CONFIRMED => Some(stamp(&mut reader, Standing::Confirmed)?),
        found => return Err(DecodeError::Unknown { what: "message", found: found | kind }),
    };
    let message = reader.body(kind)?;
    match reader.0.len() {
        0 => Ok(Envelope { id, from, to, term, store, message }),
        rest => Err(DecodeError::TooLong(rest)),
    }
}

/// The bits of a message's kind in its first byte.
const KIND: u8 = 0x3f;
/// The other bits, for a store that is new or confirmed.
const STORE: u8 = 0x80;
const CONFIRMED: u8 = 0xc0;

const fn form(store: Option<StoreStamp>) -> u8 {
    match store {
        None => 0,
        Some(StoreStamp { standing: Standing::New, .. }) => STORE,
        Some(StoreStamp { standing: Standing::Confirmed, .. }) => CONFIRMED,
    }
}

fn stamp(reader: &mut Reader<'_>, standing: Standing) -> Result<StoreStamp, DecodeError> {
    Ok(StoreStamp { incarnation: Incarnation::new(reader.u64()?), standing })
}
