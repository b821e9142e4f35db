//! Topics and lines of test runners with a meaning here: those of `verbose/1`.

/// The topic of messages sent and received.
pub(crate) const MESSAGE_TOPIC: &[u8] = b"RPC";

/// The topic of messages lost.
pub(crate) const LOSS_TOPIC: &[u8] = b"DROP";

/// The topic of clients; `to=` is the peer they act on.
pub(crate) const CLIENT_TOPIC: &[u8] = b"CLNT";

/// The topic of lines that are errors whatever their text.
pub(crate) const ERROR_TOPIC: &[u8] = b"ERRO";

/// The topics whose lines are never folded.
pub(crate) const NEVER_FOLDED: [&[u8]; 7] =
    [ERROR_TOPIC, b"TERM", b"STATE", b"LEAD", b"VOTE", LOSS_TOPIC, b"TEST"];

/// Words before the kind of a message that has an `id=`.
pub(crate) const MESSAGE_VERBS: [&[u8]; 2] = [b"sends", b"receives"];

/// The beginnings of lines at which a test with terms of its own starts.
pub(crate) const TEST_STARTS: [&[u8]; 2] = [b"Test (", b"=== RUN"];
