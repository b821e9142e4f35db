//! Regular expressions with named groups, as formats and sentences have them: compiled at first use,
//! because of the built-in ones few are ever needed, and matched piece by piece.

use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;

mod pieces;
mod spans;

use pieces::{Outcome, Pieces};
use spans::{GROUPS_MAX, Spans};

/// An expression some of whose groups are asked for.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    text: Box<str>,
    /// The names of these groups. Invariant: at most [`GROUPS_MAX`].
    names: &'static [&'static str],
    compiled: OnceLock<Compiled>,
    /// For lines that the pieces cannot decide about.
    whole: OnceLock<Regex>,
}

#[derive(Clone, Debug)]
struct Compiled {
    /// The groups it has.
    groups: [bool; GROUPS_MAX],
    pieces: Option<Pieces>,
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
        Self { text: text.into(), names, compiled: OnceLock::new(), whole: OnceLock::new() }
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

    /// Tells whether it has this group.
    pub(crate) fn has(&self, group: usize) -> bool {
        self.compiled().groups[group]
    }

    /// The match in a text.
    ///
    /// # Panics
    /// If it does not compile.
    pub(crate) fn find<'a>(&self, line: &'a [u8]) -> Option<Match<'a>> {
        let mut spans = Spans::default();
        let pieces = self.compiled().pieces.as_ref();
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
        self.compiled().pieces.as_ref().map(found).is_some_and(|own| own != Outcome::Undecided)
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

    fn compiled(&self) -> &Compiled {
        self.compiled.get_or_init(|| {
            let hir = ParserBuilder::new().utf8(false).build().parse(&self.text).ok();
            let hir = hir.map(|hir| pieces::numbered(&hir, self.names));
            let has = |group| hir.as_ref().is_some_and(|hir| pieces::has(hir, group));
            let groups = std::array::from_fn(has);
            Compiled { groups, pieces: hir.as_ref().and_then(Pieces::of) }
        })
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

/// A cache that lines of one format fill.
const DFA_BYTES_MAX: usize = 256 * 1024;
