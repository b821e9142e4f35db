//! A format of the user's own: one expression, or a file in the words of `pretty/formats`.

use std::sync::Arc;

use super::catalog::{FormatFile, PatternText, Reader, Sample, Transport};
use super::keys::KeyNames;
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
    /// A format of the user's own.
    ///
    /// # Errors
    /// If something in it is wrong.
    fn of_file(file: FormatFile) -> Result<Self, FormatError> {
        let wrong =
            |text: &PatternText, error| FormatError::In(text.r#match.clone(), Box::new(error));
        let patterns = |list: &[PatternText]| -> Result<Vec<Arc<Pattern>>, FormatError> {
            let check = |text: &PatternText| {
                let pattern = text.checked(&file.name).and_then(|pattern| {
                    if pattern.reads_nothing() { Err(FormatError::NoGroups) } else { Ok(pattern) }
                });
                pattern.map(Arc::new).map_err(|error| wrong(text, error))
            };
            list.iter().map(check).collect()
        };
        let transport = |text: &PatternText| {
            text.transport(&file.name).map(Arc::new).map_err(|error| wrong(text, error))
        };
        let transports = file.transport.iter().map(transport).collect::<Result<_, _>>()?;
        let [records, heads, subjects] =
            [&file.record, &file.head, &file.subject].map(|list| patterns(list));
        Ok(Self {
            records: records?,
            heads: heads?,
            subjects: subjects?,
            transports,
            name: file.name.into(),
            about: file.about,
            reader: file.reader,
            keys: file.keys,
            samples: file.sample,
        })
    }

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

    /// A format in the words of `pretty/formats`: records, transports, heads, keys, samples.
    ///
    /// # Errors
    /// If something in it is wrong.
    ///
    /// ```
    /// use pretty::CustomFormat;
    /// let text = "about = 'racks'\n[[record]]\nmatch = '^(?<peer>r\\d+) (?<level>{LEVEL}) '";
    /// assert_eq!(CustomFormat::read("racks", text)?.name(), "racks");
    /// assert!(CustomFormat::read("racks", "[[record]]\nmatch = '('").is_err());
    /// # Ok::<(), pretty::FormatError>(())
    /// ```
    pub fn read(name: &str, text: &str) -> Result<Self, FormatError> {
        let file: FormatFile =
            toml::from_str(text).map_err(|error| FormatError::Malformed(error.to_string()))?;
        let format = OwnFormat::of_file(FormatFile { name: name.to_owned(), ..file })?;
        if format.is_empty() {
            return Err(FormatError::NoRecords);
        }
        Ok(Self(Arc::new(format)))
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

/// A format of the user's own in the words of the built-in ones.
impl TryFrom<PatternText> for CustomFormat {
    type Error = FormatError;

    fn try_from(text: PatternText) -> Result<Self, FormatError> {
        let pattern = text.checked("regex")?;
        match pattern.reads_nothing() {
            true => Err(FormatError::NoGroups),
            false => Ok(Self::of_pattern(pattern)),
        }
    }
}
