//! Regular expressions with named groups, as formats and sentences have them: compiled at first use,
//! because of the built-in ones few are ever needed, and matched piece by piece once they are used
//! often: pieces are faster, and take longer to build.

#[cfg(feature = "view")]
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::hir::Hir;

pub(crate) mod digits;
mod first;
mod pieces;
pub(crate) mod set;
mod spans;
mod words;

use first::FirstBytes;
use pieces::{Outcome, Pieces};
use spans::{GROUPS_MAX, Spans};
pub(crate) use words::with_words;

/// An expression some of whose groups are asked for.
#[derive(Debug)]
pub(crate) struct Expression {
    text: Box<str>,
    /// The same before its words were spelled out.
    source: Option<Box<str>>,
    /// The names of these groups. Invariant: at most [`GROUPS_MAX`].
    names: &'static [&'static str],
    groups: OnceLock<Groups>,
    pieces: OnceLock<Option<Pieces>>,
    /// For the first lines, and those that the pieces cannot decide about.
    whole: OnceLock<Regex>,
    /// Lines it has been asked about, up to [`USES_FOR_PIECES`].
    uses: AtomicUsize,
}

#[derive(Clone, Debug)]
struct Groups {
    /// The groups it has.
    has: [bool; GROUPS_MAX],
    tells_digits_apart: bool,
    first: Option<Box<FirstBytes>>,
}

impl Clone for Expression {
    fn clone(&self) -> Self {
        Self {
            text: self.text.clone(),
            source: self.source.clone(),
            groups: self.groups.clone(),
            pieces: self.pieces.clone(),
            whole: self.whole.clone(),
            uses: AtomicUsize::new(self.uses.load(Ordering::Relaxed)),
            names: self.names,
        }
    }
}

/// A match in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Match<'a> {
    line: &'a [u8],
    spans: Spans,
    /// The text behind it.
    pub(crate) rest: &'a [u8],
}

impl<'a> Match<'a> {
    /// The place of a group that took part, by the place of its name.
    #[cfg(feature = "view")]
    #[inline]
    pub(crate) fn place(&self, group: usize) -> Option<Range<usize>> {
        self.spans.place(group)
    }

    /// The text of a group that took part, by the place of its name.
    #[inline]
    pub(crate) fn text(&self, group: usize) -> Option<&'a [u8]> {
        self.spans.text(group, self.line)
    }
}

impl Expression {
    /// An expression that is known to compile, or that [`Self::check`] is called for.
    pub(crate) fn new(text: &str, names: &'static [&'static str]) -> Self {
        assert!(names.len() <= GROUPS_MAX, "{} groups are too many", names.len());
        Self {
            text: text.into(),
            source: None,
            names,
            groups: OnceLock::new(),
            pieces: OnceLock::new(),
            whole: OnceLock::new(),
            uses: AtomicUsize::new(0),
        }
    }

    /// The same for an expression of bytes with words in it.
    pub(crate) fn of_words(source: &str, names: &'static [&'static str]) -> Self {
        let text = words::of_bytes(&with_words(source));
        Self { source: Some(source.into()), ..Self::new(&text, names) }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Compiles it; returns the names of all its groups.
    ///
    /// # Errors
    /// If it does not compile.
    pub(crate) fn check(&self) -> Result<Vec<&str>, regex::Error> {
        let whole = Self::compile(&self.text)?;
        let whole = self.whole.get_or_init(|| whole);
        Ok(whole.capture_names().flatten().collect())
    }

    /// Tells whether a text with other digits may have another match.
    pub(crate) fn tells_digits_apart(&self) -> bool {
        self.groups().tells_digits_apart
    }

    /// The same expression with all digits wherever it has some, if it tells digits apart.
    pub(crate) fn with_all_digits(&self) -> Option<Hir> {
        let hir = self.whole_hir().ok()?;
        digits::tells_digits_apart(&hir).then(|| digits::with_all_digits(&hir))
    }

    /// Tells whether it has this group.
    pub(crate) fn has(&self, group: usize) -> bool {
        self.groups().has[group]
    }

    /// The match in a text.
    ///
    /// # Panics
    /// If it does not compile.
    #[inline]
    pub(crate) fn find<'a>(&self, line: &'a [u8]) -> Option<Match<'a>> {
        if !self.may_begin(line) {
            return None;
        }
        if self.uses.load(Ordering::Relaxed) < USES_FOR_PIECES {
            self.uses.fetch_add(1, Ordering::Relaxed);
            return self.find_whole(line);
        }
        self.find_by_pieces(line)
    }

    /// Tells whether a match may begin as the text does.
    #[inline]
    fn may_begin(&self, line: &[u8]) -> bool {
        let first = self.groups().first.as_deref();
        first.is_none_or(|first| line.first().is_some_and(|byte| first.contains(*byte)))
    }

    /// The same match by the pieces, as far as they decide.
    pub(crate) fn find_by_pieces<'a>(&self, line: &'a [u8]) -> Option<Match<'a>> {
        let mut spans = Spans::default();
        let pieces = self.pieces();
        match pieces.map_or(Outcome::Undecided, |pieces| pieces.find(line, &mut spans)) {
            Outcome::Match(end) => Some(Match { line, spans, rest: &line[end..] }),
            Outcome::NoMatch => None,
            Outcome::Undecided => self.find_whole(line),
        }
    }

    /// Tells whether its pieces alone read a text.
    #[cfg(test)]
    pub(crate) fn is_decided_by_pieces(&self, line: &[u8]) -> bool {
        let found = |own: &Pieces| own.find(line, &mut Spans::default());
        self.pieces().map(found).is_some_and(|own| own != Outcome::Undecided)
    }

    /// The same match by the whole expression.
    pub(crate) fn find_whole<'a>(&self, line: &'a [u8]) -> Option<Match<'a>> {
        let found = self.whole().captures(line)?;
        let mut spans = Spans::default();
        for (group, name) in self.names.iter().enumerate() {
            if let Some(own) = found.name(name) {
                spans.set(group, own.range());
            }
        }
        Some(Match { line, spans, rest: &line[found.get(0)?.end()..] })
    }

    /// Its parts, with the groups that are asked for.
    fn hir(&self) -> Option<Hir> {
        let hir = self.whole_hir().ok()?;
        Some(pieces::numbered(&hir, self.names))
    }

    /// Its parts.
    ///
    /// # Errors
    /// If it is not an expression.
    pub(crate) fn whole_hir(&self) -> Result<Hir, Box<regex_syntax::Error>> {
        match &self.source {
            Some(source) => words::read_with_words(source),
            None => set::read(&self.text),
        }
    }

    fn groups(&self) -> &Groups {
        self.groups.get_or_init(|| {
            let hir = self.hir();
            let has = |group| hir.as_ref().is_some_and(|hir| pieces::has(hir, group));
            let tells_digits_apart = hir.as_ref().is_none_or(digits::tells_digits_apart);
            let first = hir.as_ref().and_then(FirstBytes::of).map(Box::new);
            Groups { has: std::array::from_fn(has), tells_digits_apart, first }
        })
    }

    fn pieces(&self) -> Option<&Pieces> {
        self.pieces.get_or_init(|| Pieces::of(&self.hir()?)).as_ref()
    }

    #[expect(
        clippy::panic,
        reason = "built-in expressions are part of the program, and a test compiles them"
    )]
    fn whole(&self) -> &Regex {
        self.whole.get_or_init(|| {
            Self::compile(&self.text).unwrap_or_else(|error| panic!("{}: {error}", self.text))
        })
    }

    fn compile(text: &str) -> Result<Regex, regex::Error> {
        RegexBuilder::new(text).dfa_size_limit(DFA_BYTES_MAX).build()
    }
}

/// Lines after which pieces are worth their building.
const USES_FOR_PIECES: usize = 100;

/// A cache that lines of one format fill.
const DFA_BYTES_MAX: usize = 256 * 1024;
