//! Messages.

/// A message, in the bytes of a line about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The kind of message: `RequestVote`.
    pub kind: &'a [u8],
    /// The peer that sent it.
    pub from: &'a [u8],
    /// The peer it was sent to.
    pub to: &'a [u8],
    /// Its number, the same at all its lines.
    pub id: Option<&'a [u8]>,
    /// The event at this line.
    pub fate: MessageFate<'a>,
}

/// The event of a message at a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageFate<'a> {
    /// It was sent.
    Sent,
    /// It was received.
    Received,
    /// It never arrived, for this reason, if the line has one.
    Lost(&'a [u8]),
    /// Its answer was received, by the peer that had sent it.
    Answered,
}
