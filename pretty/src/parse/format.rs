//! The formats of logs.

use super::custom::{CustomFormat, FormatError};

/// The format of the lines that are events.
#[derive(Clone, Debug, Default)]
pub enum Format {
    /// Any built-in format, recognised line by line.
    #[default]
    Auto,
    /// `001234.567 | VOTE | 1 | text`, and whole-number times.
    Verbose,
    /// `000123 VOTE S1 text`.
    Dslogs,
    /// One JSON object a line: ours, `tracing-subscriber`'s, or one with a time and a text.
    Json,
    /// `ts=… level=… peer=… msg="…" key=value`.
    Logfmt,
    /// A regular expression with named groups.
    Custom(CustomFormat),
    /// As [`Format::Auto`]; what is none of those formats is tried with each of these in turn.
    AutoAnd(Vec<CustomFormat>),
}

impl Format {
    /// A format given as a regular expression with at least one of the named groups `time`,
    /// `topic`, `peer` and `msg`.
    ///
    /// # Errors
    /// If the expression does not compile or has none of these groups.
    ///
    /// ```
    /// let format = pretty::Format::custom(r"^(?<time>\d+) (?<peer>\w+): (?<msg>.*)$");
    /// assert!(format.is_ok());
    /// assert!(pretty::Format::custom("(").is_err());
    /// ```
    pub fn custom(expression: &str) -> Result<Self, FormatError> {
        CustomFormat::new(expression).map(Self::Custom)
    }
}

impl Format {
    /// The names of the formats that are built in.
    pub const NAMES: [&'static str; 5] = ["auto", "verbose", "dslogs", "json", "logfmt"];

    /// The built-in format of this name, one of [`Format::NAMES`].
    ///
    /// ```
    /// use pretty::Format;
    /// assert!(Format::NAMES.iter().all(|name| Format::named(name).is_some()));
    /// assert!(Format::named("yaml").is_none());
    /// ```
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "auto" => Self::Auto,
            "verbose" => Self::Verbose,
            "dslogs" => Self::Dslogs,
            "json" => Self::Json,
            "logfmt" => Self::Logfmt,
            _ => return None,
        })
    }
}
