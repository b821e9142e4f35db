//! The groups of a format: the fields of a line.

/// A group whose text is a field of a line; its number is the place of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Time,
    Level,
    Topic,
    Peer,
    Msg,
    Source,
    Spans,
    Logger,
    Thread,
    Priority,
}

impl Group {
    /// The names, in the order of the variants.
    pub(super) const NAMES: &'static [&'static str] = &[
        "time", "level", "topic", "peer", "msg", "source", "spans", "logger", "thread", "priority",
    ];
}
