//! Bytes of one line → [`Line`](crate::Line). Never fails: a line that no format claims is
//! [`Line::Other`](crate::Line::Other).
//!
//! A line has three layers, each inside the other: *transports* (`transports.toml`: containers,
//! journals, test runners) carry a *record* (one file of `pretty/formats` for each way programs
//! write), whose text is a *sentence* (see `meaning/`). The first lines of a source decide which
//! layers are tried first and where its peers are named ([`Parser::look_at`]); a line that does not
//! fit them is tried with all that nothing else looks like.
//!
//! Nothing here depends on filters, layout or output.

mod ansi;
mod brackets;
mod calendar;
mod catalog;
mod clock;
mod context;
mod date;
mod days;
mod fields;
mod format;
mod groups;
mod json;
mod keys;
mod known_lines;
mod layers;
mod leads;
mod line_parser;
mod logfmt;
mod members;
mod own_format;
mod parser;
mod pattern;
mod peer_from;
mod peer_plan;
mod reading;
mod recheck;
mod record;
#[cfg(any(test, feature = "cli"))]
mod samples;
mod settings;
mod source_names;
mod timestamp;
mod transports;
mod verbose;

pub use calendar::{Calendar, ZoneError};
#[cfg(feature = "cli")]
pub(crate) use catalog::PatternText;
#[cfg(feature = "view")]
pub(crate) use clock::{A_DAY, ClockOfDay};
pub use date::WrittenTime;
pub(crate) use days::date_of;
pub use format::{BuiltIn, Format};
pub use keys::OwnKeys;
#[cfg(feature = "view")]
pub(crate) use leads::Leads;
pub use leads::UnpairedLine;
pub use own_format::CustomFormat;
pub use parser::Parser;
pub use pattern::FormatError;
pub use peer_from::PeerFrom;
#[cfg(feature = "view")]
pub(crate) use reading::{SAMPLE_BYTES, sample_of};
#[cfg(feature = "cli")]
pub(crate) use record::short_name;
pub use settings::{ParserSettings, SourceName};
#[cfg(feature = "cli")]
pub(crate) use source_names::source_names;
pub use transports::{CustomTransport, Transports};
