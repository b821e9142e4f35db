//! A message, as a line tells of it.

/// What a line says of a message, in its own bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// What kind of message it is: `RequestVote`.
    pub kind: &'a [u8],
    /// The peer that sent it.
    pub from: &'a [u8],
    /// The peer it was sent to.
    pub to: &'a [u8],
    /// Its number, the same wherever it is spoken of.
    pub id: Option<&'a [u8]>,
    /// What happened to it here.
    pub fate: MessageFate<'a>,
}

/// What happened to a message at a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageFate<'a> {
    /// It was sent.
    Sent,
    /// It was received.
    Received,
    /// It never arrived; why, if the log says so.
    Lost(&'a [u8]),
    /// Its answer was received, by the peer that had sent it.
    Answered,
}
