//! A format of the user's own: one expression, or a file in the words of `pretty/formats`.

use std::sync::Arc;

use super::catalog::{KeyNames, Reader, Sample, Transport};
use super::pattern::{FormatError, Pattern};

/// A format given by the user: an expression with at least one of the groups `time`, `level`, `topic`,
/// `peer`, `msg`, or several and more in a file: see [`CustomFormat::read`]. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CustomFormat(pub(super) Arc<OwnFormat>);

/// The parts of a format.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnFormat {
    pub(super) name: Box<str>,
    pub(super) about: String,
    pub(super) reader: Option<Reader>,
    pub(super) records: Vec<Arc<Pattern>>,
    pub(super) transports: Vec<Arc<Transport>>,
    pub(super) heads: Vec<Arc<Pattern>>,
    pub(super) subjects: Vec<Arc<Pattern>>,
    pub(super) keys: KeyNames,
    pub(super) samples: Vec<Sample>,
}

impl OwnFormat {
    /// Tells whether it reads nothing.
    pub(super) fn is_empty(&self) -> bool {
        let lists = [&self.records, &self.heads, &self.subjects];
        let has_parts = lists.into_iter().any(|list| !list.is_empty());
        !has_parts && self.reader.is_none() && self.transports.is_empty() && self.keys.is_empty()
    }
}

impl CustomFormat {
    /// A format given as a regular expression with at least one of the named groups `time`,
    /// `level`, `topic`, `peer` and `msg`. The words of built-in formats, such as `{iso}`, may be
    /// used.
    ///
    /// # Errors
    /// If the expression does not compile or has none of these groups.
    pub fn new(expression: &str) -> Result<Self, FormatError> {
        Pattern::of_user(expression).map(Self::of_pattern)
    }

    pub(super) fn of_pattern(pattern: Pattern) -> Self {
        let name = pattern.name.clone();
        Self(Arc::new(OwnFormat { name, records: vec![Arc::new(pattern)], ..OwnFormat::default() }))
    }

    /// The same format under a name for `--explain`.
    #[must_use]
    pub fn named_as(&self, name: &str) -> Self {
        let named = |own: &Arc<Pattern>| Arc::new(Pattern { name: name.into(), ..(**own).clone() });
        let records = self.0.records.iter().map(named).collect();
        Self(Arc::new(OwnFormat { name: name.into(), records, ..(*self.0).clone() }))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its description; empty if it has none.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.0.about
    }

    /// Tells whether it reads records; else it is for use with other formats.
    #[must_use]
    pub fn has_records(&self) -> bool {
        self.0.reader.is_some() || !self.0.records.is_empty()
    }

    /// The names of its transports.
    pub fn transports(&self) -> impl Iterator<Item = &str> {
        self.0.transports.iter().map(|own| own.name())
    }

    /// The number of its samples.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.0.samples.len()
    }

    /// The first line of its samples that is an event.
    #[must_use]
    pub fn example(&self) -> Option<&str> {
        let events = self.0.samples.iter().find(|sample| !sample.contains_key("read"));
        events?.get("line")?.as_str()
    }
}
