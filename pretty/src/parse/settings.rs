//! Settings of a parser.

use regex::bytes::Regex;

use super::calendar::Calendar;
use super::format::Format;
use super::keys::OwnKeys;
use super::peer_from::PeerFrom;
use super::transports::Transports;
use crate::level::OwnLevels;
use crate::time::Tick;

/// Settings of a parser; each has a default.
#[derive(Clone, Debug, Default)]
pub struct ParserSettings {
    /// The format of the lines that are events.
    pub format: Format,
    /// The transports that may carry them.
    pub transports: Transports,
    /// The unit of whole-number times.
    pub tick: Option<Tick>,
    /// The zone of the time column.
    pub calendar: Calendar,
    /// The place where peers are named.
    pub peer_from: PeerFrom,
    /// Expressions for names of peers, and what takes their place: `^[SCL](\d+)$` and `$1`.
    pub rename: Vec<(Regex, String)>,
    /// Keys of structured lines, besides the built-in ones.
    pub keys: OwnKeys,
    /// Levels in the user's own words.
    pub levels: OwnLevels,
    /// The sources of lines, where there are several: by these names peers go that have none.
    pub sources: Vec<SourceName>,
}

/// A source of lines, such as a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceName {
    /// The name of a peer whose log it is.
    pub peer: String,
    /// Nanoseconds that are added to its times, because its clock is wrong.
    pub shift: i64,
}
