//! The formats of logs.

use std::sync::Arc;

use super::catalog::{CATALOG, FILES_WITH_SAMPLES, Reader};
use super::own_format::CustomFormat;
use super::pattern::FormatError;

/// The format of the lines that are events.
#[derive(Clone, Debug, Default)]
pub enum Format {
    /// Any built-in format, recognised line by line.
    #[default]
    Auto,
    /// A built-in format.
    BuiltIn(BuiltIn),
    /// One of the user's own; if it reads no records, with any built-in format.
    Custom(CustomFormat),
    /// Each of these in turn, then as [`Format::Auto`].
    AutoAnd(Vec<CustomFormat>),
}

/// A built-in format: see [`Format::named`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltIn {
    pub(super) name: Arc<str>,
    pub(super) reader: Option<Reader>,
}

impl Format {
    /// A format given as a regular expression with at least one of the named groups `time`,
    /// `level`, `topic`, `peer` and `msg`.
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

    /// The user's own.
    pub(super) fn own(&self) -> &[CustomFormat] {
        match self {
            Self::Auto | Self::BuiltIn(_) => &[],
            Self::Custom(own) => std::slice::from_ref(own),
            Self::AutoAnd(all) => all,
        }
    }

    /// The names of the formats that are built in, and `auto`.
    pub fn names() -> impl Iterator<Item = &'static str> {
        std::iter::once("auto").chain(Self::documented().map(|(name, _)| name))
    }

    /// The built-in formats, each with a description.
    pub fn documented() -> impl Iterator<Item = (&'static str, &'static str)> {
        let files = CATALOG.files.iter().filter(|file| file.has_records());
        files.map(|file| (&*file.name, &*file.about))
    }

    /// Lines of a built-in format.
    pub fn examples(name: &str) -> impl Iterator<Item = &'static str> {
        let file = FILES_WITH_SAMPLES.iter().find(|file| file.name == name);
        let samples = file.into_iter().flat_map(|file| &file.sample);
        let events = samples.filter(|sample| !sample.contains_key("read"));
        events.filter_map(|sample| sample.get("line")?.as_str())
    }

    /// The built-in format of this name, one of [`Format::names`].
    ///
    /// ```
    /// use pretty::Format;
    /// assert!(Format::names().all(|name| Format::named(name).is_some()));
    /// assert!(Format::named("yaml").is_none());
    /// ```
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if name == "auto" {
            return Some(Self::Auto);
        }
        let file = CATALOG.format(name)?;
        Some(Self::BuiltIn(BuiltIn { name: name.into(), reader: file.reader }))
    }
}
