//! Names of events in lines of `verbose/1` with an `event=` that have a meaning here.

/// A peer starts, and forgets all it has not stored.
pub(crate) const STARTED: &[u8] = b"started";

/// An election timer has run out.
pub(crate) const ELECTION_TIMEOUT: &[u8] = b"election_timeout";

/// The peer sends the message of `kind=` to the peer of `to=`.
pub(crate) const SENT: &[u8] = b"sent";

/// The peer receives the message of `kind=` from the peer of `from=`.
pub(crate) const RECEIVED: &[u8] = b"received";

/// The message of `kind=` to the peer of `to=` never arrives.
pub(crate) const LOST: &[u8] = b"lost";

/// A client has given a command to the peer of `to=`.
pub(crate) const COMMAND_PROPOSED: &[u8] = b"command_proposed";
