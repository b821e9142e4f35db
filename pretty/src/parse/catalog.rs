//! The built-in formats: `pretty/formats/*.toml`, each with sample lines and what is read from them.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, OnceLock};

use regex_syntax::hir::Hir;
use serde::Deserialize;

use super::keys::{KeyNames, Keys, OwnKeys};
use super::pattern::{Fit, FormatError, Pattern, Tail};
use crate::expression::Expression;
use crate::expression::set::ExpressionSet;
use crate::level::Level;
use crate::time::Tick;
use crate::words::without_samples;

/// The built-in formats with their samples.
pub(super) static FILES_WITH_SAMPLES: LazyLock<Vec<FormatFile>> =
    LazyLock::new(|| FILES.iter().map(|(name, text)| read_file(name, text)).collect());

/// All built-in formats, compiled at first use.
pub(super) static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::compile);

/// The built-in formats by their layers.
#[derive(Debug)]
pub(super) struct Catalog {
    pub(super) transports: Vec<Transport>,
    /// Patterns of records, the special ones first.
    pub(super) records: Vec<Pattern>,
    pub(super) heads: Vec<Arc<Pattern>>,
    pub(super) subjects: Vec<Arc<Pattern>>,
    pub(super) keys: Keys,
    key_names: KeyNames,
    /// All patterns of strict transports: one look tells whether any of them fits.
    strict_transport_set: OnceLock<ExpressionSet>,
    /// All patterns of records, by their places: one look tells which of them fit.
    record_set: OnceLock<ExpressionSet>,
    /// Those patterns of both that tell digits apart, with all digits where they have some.
    with_all_digits: OnceLock<ExpressionSet>,
    /// Without their samples.
    pub(super) files: Vec<FormatFile>,
}

/// A transport: lines that carry others.
#[derive(Debug)]
pub(super) enum Transport {
    Text(Pattern),
    Json(String, JsonTransport),
}

/// An object with the line in one of its members.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JsonTransport {
    pub(super) msg: String,
    #[serde(default)]
    pub(super) time: String,
    /// The place of the line; a point leads into an object.
    #[serde(default)]
    pub(super) source: String,
    #[serde(default)]
    pub(super) level: String,
    /// Keys that lines of this transport have.
    pub(super) when: Vec<String>,
    /// Keys whose values are shown where there is no line.
    #[serde(default)]
    pub(super) instead: Vec<String>,
}

/// A file of formats.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FormatFile {
    #[serde(skip)]
    pub(super) name: String,
    pub(super) about: String,
    pub(super) reader: Option<Reader>,
    pub(super) transport: Vec<PatternText>,
    pub(super) record: Vec<PatternText>,
    pub(super) head: Vec<PatternText>,
    pub(super) subject: Vec<PatternText>,
    pub(super) keys: KeyNames,
    pub(super) sample: Vec<Sample>,
}

/// A format read by code of its own, because it is read most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Reader {
    Verbose,
    Json,
    Logfmt,
}

impl Reader {
    /// In the order they are tried.
    pub(super) const ALL: [Self; 3] = [Self::Verbose, Self::Json, Self::Logfmt];
}

/// A pattern as files have it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PatternText {
    /// The name, if it is not that of the file.
    name: Option<String>,
    #[serde(default)]
    pub(super) r#match: String,
    json: Option<JsonTransport>,
    /// The beginning of the line a transport carries.
    rest: Option<String>,
    /// The line behind, with the text of the record.
    next: Option<String>,
    /// A transport that is a line of its own, and names the source of those behind it.
    #[serde(default)]
    leads: bool,
    /// Levels in other words.
    #[serde(default)]
    levels: BTreeMap<String, String>,
    #[serde(default)]
    loose: bool,
    #[serde(default)]
    generic: bool,
    #[serde(default)]
    keep: bool,
    #[serde(default)]
    facts: Tail,
    tick: Option<String>,
}

/// A `line` and its fields as they are read; those not given are not checked.
pub(super) type Sample = BTreeMap<String, toml::Value>;

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        /// The files, in the order their formats are tried.
        pub(super) const FILES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../formats/", $name, ".toml")))),+];
    };
}

files!(
    "transports",
    "verbose",
    "dslogs",
    "json",
    "logfmt",
    "tikv",
    "hclog",
    "web",
    "databases",
    "glog",
    "nats",
    "logcabin",
    "capnslog",
    "golog",
    "zap",
    "zerolog",
    "logrus",
    "env_logger",
    "log4j",
    "python",
    "scripts",
    "chains",
    "platforms",
    "simulators",
    "devices",
    "system",
    "erlang",
    "tracing",
    "bare",
    "subjects",
    "dated",
    "keys",
);

impl Catalog {
    /// # Panics
    /// If a built-in file is wrong, which a test would show.
    fn compile() -> Self {
        let read = |(name, text): &(&str, &'static str)| read_file(name, without_samples(text));
        let files: Vec<_> = FILES.iter().map(read).collect();
        let mut catalog = Self {
            transports: Vec::new(),
            records: Vec::new(),
            heads: Vec::new(),
            subjects: Vec::new(),
            keys: Keys::new(&[], &OwnKeys::default()),
            key_names: BTreeMap::new(),
            strict_transport_set: OnceLock::new(),
            record_set: OnceLock::new(),
            with_all_digits: OnceLock::new(),
            files: Vec::new(),
        };
        for file in &files {
            let patterns = |list: &[PatternText]| -> Vec<_> {
                list.iter().map(|text| compile(&file.name, text)).collect()
            };
            catalog.transports.extend(file.transport.iter().map(|text| match &text.json {
                Some(json) => Transport::Json(text.name_in(&file.name).to_owned(), json.clone()),
                None => Transport::Text(compile(&file.name, text)),
            }));
            catalog.records.extend(patterns(&file.record));
            catalog.heads.extend(patterns(&file.head).into_iter().map(Arc::new));
            catalog.subjects.extend(patterns(&file.subject).into_iter().map(Arc::new));
            catalog.key_names.extend(file.keys.clone());
        }
        catalog.keys = Keys::new(&[&catalog.key_names], &OwnKeys::default());
        catalog.files = files;
        catalog
    }

    /// The user's keys, those of the formats given, and the built-in ones.
    pub(super) fn keys_with<'k>(
        &'k self,
        own: &OwnKeys,
        formats: impl Iterator<Item = &'k KeyNames>,
    ) -> Keys {
        Keys::new(&formats.chain([&self.key_names]).collect::<Vec<_>>(), own)
    }

    pub(super) fn may_be_transport(&self, line: &[u8]) -> bool {
        let patterns = || set(self.strict_transports().map(|own| hir(&own.expression)));
        line.first() == Some(&b'{')
            || self.strict_transport_set.get_or_init(patterns).is_match(line)
    }

    /// The places of the record patterns that match a line; none is compiled for it alone.
    pub(super) fn records_matching(&self, line: &[u8]) -> Vec<usize> {
        self.record_set().matching(line)
    }

    pub(super) fn record_set(&self) -> &ExpressionSet {
        self.record_set.get_or_init(|| set(self.records.iter().map(|own| hir(&own.expression))))
    }

    /// Tells whether no strict transport and no pattern of a record reads any line that differs from this one in
    /// digits alone.
    pub(super) fn never_reads(&self, line: &[u8]) -> bool {
        !self.may_be_transport(line)
            && !self.record_set().is_match(line)
            && !self.with_all_digits().is_match(line)
    }

    pub(super) fn with_all_digits(&self) -> &ExpressionSet {
        self.with_all_digits.get_or_init(|| {
            let all = self.strict_transports().chain(&self.records).map(|own| &own.expression);
            set(all.filter_map(Expression::with_all_digits))
        })
    }

    fn strict_transports(&self) -> impl Iterator<Item = &Pattern> {
        let all = self.transports.iter().filter_map(Transport::pattern);
        all.filter(|own| own.fit == Fit::Strict)
    }

    /// The file of this format, if it has records.
    pub(super) fn format(&self, name: &str) -> Option<&FormatFile> {
        self.files.iter().find(|file| file.name == name && file.has_records())
    }
}

impl FormatFile {
    pub(super) fn has_records(&self) -> bool {
        self.reader.is_some() || !self.record.is_empty()
    }
}

impl Transport {
    pub(super) fn pattern(&self) -> Option<&Pattern> {
        match self {
            Self::Text(pattern) => Some(pattern),
            Self::Json(..) => None,
        }
    }
}

#[expect(clippy::panic, reason = "the files are part of the program, and a test reads them")]
fn read_file(name: &str, text: &str) -> FormatFile {
    let file: Result<FormatFile, _> = toml::from_str(text);
    let file = file.unwrap_or_else(|error| panic!("formats/{name}.toml: {error}"));
    FormatFile { name: name.to_owned(), ..file }
}

fn compile(name: &str, text: &PatternText) -> Pattern {
    let mut pattern = Pattern::new(text.name_in(name), &text.r#match);
    pattern.fit = match (text.loose, text.generic) {
        (true, _) => Fit::Loose,
        (false, true) => Fit::Generic,
        (false, false) => Fit::Strict,
    };
    (pattern.tail, pattern.keep) = (text.facts, text.keep);
    pattern.tick = text.tick.as_deref().and_then(|tick| Tick::parse(tick).ok());
    pattern.levels = text.levels();
    let other = |text: &Option<String>| {
        text.as_deref().map(|expression| Box::new(Pattern::new(name, expression)))
    };
    (pattern.rest, pattern.next) = (other(&text.rest), other(&text.next));
    pattern.leads = text.leads;
    pattern
}

impl PatternText {
    /// A transport of the user's own.
    ///
    /// # Errors
    /// If something in it is wrong.
    pub(super) fn transport(&self, name: &str) -> Result<Transport, FormatError> {
        Ok(match &self.json {
            Some(json) => Transport::Json(self.name_in(name).to_owned(), json.clone()),
            None => Transport::Text(self.checked(name)?),
        })
    }

    /// The pattern, compiled.
    ///
    /// # Errors
    /// If something in it is wrong.
    pub(super) fn checked(&self, name: &str) -> Result<Pattern, FormatError> {
        if self.r#match.is_empty() {
            return Err(FormatError::NoMatch);
        }
        self.tick.as_deref().map(Tick::parse).transpose()?;
        for level in self.levels.values() {
            level.parse::<Level>()?;
        }
        let pattern = compile(name, self);
        pattern.expression.check()?;
        for other in [&pattern.rest, &pattern.next].into_iter().flatten() {
            other.expression.check()?;
        }
        Ok(pattern)
    }

    fn name_in<'t>(&'t self, file: &'t str) -> &'t str {
        self.name.as_deref().unwrap_or(file)
    }

    fn levels(&self) -> Vec<(Box<[u8]>, Level)> {
        let levels = self.levels.iter();
        let levels = levels.filter_map(|(word, level)| Some((word, Level::of(level.as_bytes())?)));
        levels.map(|(word, level)| (word.as_bytes().into(), level)).collect()
    }
}

/// # Panics
/// If the expressions are too large for one set: one without them would hide that they match.
#[expect(
    clippy::panic,
    reason = "the expressions are part of the program, and a test compiles them"
)]
fn set(expressions: impl Iterator<Item = Hir>) -> ExpressionSet {
    let set = ExpressionSet::new(&expressions.collect::<Vec<_>>());
    set.unwrap_or_else(|error| panic!("a set of built-in expressions: {error}"))
}

#[expect(
    clippy::panic,
    reason = "the expressions are part of the program, and a test compiles them"
)]
fn hir(expression: &Expression) -> Hir {
    expression.whole_hir().unwrap_or_else(|error| panic!("{}: {error}", expression.text()))
}
