//! A pattern: a regular expression whose named groups are the fields of a line.
//!
//! Built-in formats and those of the user are written in the same words. What follows the match is
//! the text, so that expressions stop where the text begins, and cost little.

use std::borrow::Cow;

use super::brackets;
use super::context::ReadContext;
use super::fields::TextSink;
use super::groups::Group;
use super::keys::{PeerField, peer_word};
use super::record::{NAME_BYTES_MAX, Record, TimeText, short_name};
use super::timestamp;
use crate::expression::{Expression, Match, with_words};
use crate::level::{Level, LevelError};
use crate::line::Stamp;
use crate::time::{Fraction, Number, Tick, TimeError};

/// Errors of an expression for a format.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The expression does not compile.
    #[error(transparent)]
    Expression(#[from] regex::Error),
    /// Nothing would come of a match.
    #[error("no named group; use at least one of time, level, topic, peer, msg")]
    NoGroups,
    /// The expression is missing.
    #[error("missing `match`, the expression")]
    NoMatch,
    /// The unit of whole numbers is wrong.
    #[error(transparent)]
    Tick(#[from] TimeError),
    /// A level is unknown.
    #[error(transparent)]
    Level(#[from] LevelError),
    /// A file is not in the words of formats.
    #[error("{0}")]
    Malformed(String),
    /// A file has nothing that reads lines.
    #[error("no [[record]], [[transport]], [[head]], [[subject]], [keys] or reader")]
    NoRecords,
    /// One of the expressions of a file is wrong.
    #[error("`{0}`: {1}")]
    In(String, Box<Self>),
}

/// A regular expression, and how its groups are read.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    pub(crate) name: Box<str>,
    /// With all words spelled out.
    pub(super) expression: Expression,
    pub(super) fit: Fit,
    pub(super) tail: Tail,
    pub(super) tick: Option<Tick>,
    /// A head that stays in the text.
    pub(super) keep: bool,
    pub(super) origin: Origin,
    /// Levels in words that only this pattern has.
    pub(super) levels: Vec<(Box<[u8]>, Level)>,
    /// The beginning of the line that a transport carries.
    pub(super) rest: Option<Box<Self>>,
    /// The line behind, with the text of the record.
    pub(super) next: Option<Box<Self>>,
    /// A line of its own, which names the source of those behind it.
    pub(super) leads: bool,
}

/// The risk that a pattern matches other lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// Nothing else looks like it.
    #[default]
    Strict,
    /// Lines of all kinds that begin so: tried after all others.
    Generic,
    /// Prose too: only for a source most of whose lines fit.
    Loose,
}

/// The form of what follows a match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Tail {
    #[default]
    Text,
    /// A text, then a JSON object of fields.
    Json,
    /// `["text"] [key=value]`.
    Brackets,
}

impl Tail {
    /// Writes what follows a match as a text with `key=value`; `None` if it is not of this form.
    fn write(self, tail: &[u8], text: &mut impl TextSink) -> Option<()> {
        match self {
            Self::Text => text.push(tail),
            Self::Brackets => brackets::write(tail, text)?,
            Self::Json => {
                let (message, fields) = super::json::message_and_fields(tail)?;
                fields.write_all(message, text);
            }
        }
        Some(())
    }
}

/// The origin of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    BuiltIn,
    User,
}

/// The facts of a transport about the line it carries.
#[derive(Debug, Default)]
pub(super) struct Carried<'a> {
    pub(super) stamp: Option<Stamp<'a>>,
    pub(super) source: Option<Cow<'a, [u8]>>,
    pub(super) level: Option<Level>,
}

impl<'a> Carried<'a> {
    /// Tells whether the transport says nothing of the line.
    pub(super) const fn is_empty(&self) -> bool {
        self.stamp.is_none() && self.source.is_none() && self.level.is_none()
    }

    /// The facts of an outer transport, and those of this one where it has none.
    pub(super) fn within(self, outer: Self) -> Self {
        Self {
            stamp: outer.stamp.or(self.stamp),
            source: outer.source.or(self.source),
            level: self.level.or(outer.level),
        }
    }
}

impl Pattern {
    /// The user's expression alone, of which a line is all text.
    pub(super) fn of_user(expression: &str) -> Result<Self, FormatError> {
        let mut pattern = Self::new("regex", expression);
        pattern.expression = Expression::new(&with_words(expression), Group::NAMES);
        pattern.expression.check()?;
        match pattern.reads_nothing() {
            true => Err(FormatError::NoGroups),
            false => Ok(Self { origin: Origin::User, ..pattern }),
        }
    }

    /// A pattern that is compiled when it is needed.
    pub(super) fn new(name: &str, expression: &str) -> Self {
        let (fit, tail, origin) = (Fit::Strict, Tail::Text, Origin::BuiltIn);
        Self {
            name: name.into(),
            expression: Expression::of_words(expression, Group::NAMES),
            fit,
            tail,
            tick: None,
            keep: false,
            origin,
            levels: Vec::new(),
            rest: None,
            next: None,
            leads: false,
        }
    }

    /// Tells whether there is no group for any field of a record.
    pub(super) fn reads_nothing(&self) -> bool {
        let fields = [Group::Time, Group::Level, Group::Topic, Group::Peer, Group::Msg];
        !fields.into_iter().any(|group| self.expression.has(group as usize))
    }

    /// The record in a line; `None` if the expression does not match, or if a name in it is too
    /// long for a column.
    pub(super) fn read<'a>(&self, line: &'a [u8], context: &ReadContext<'_>) -> Option<Record<'a>> {
        let found = self.expression.find(line)?;
        let (time, level) = (found.text(Group::Time as usize), found.text(Group::Level as usize));
        let mut record = Record {
            level: level.and_then(|level| self.level(level, context)),
            topic: found.text(Group::Topic as usize).map(Cow::Borrowed),
            peer: found.text(Group::Peer as usize).map(|peer| Cow::Borrowed(short_name(peer))),
            text: self.text(line, &found),
            ..Record::default()
        };
        if level.is_some_and(|level| !level.is_empty()) && record.level.is_none() {
            if self.origin == Origin::BuiltIn {
                return None;
            }
            record.topic = record.topic.or(level.map(Cow::Borrowed));
        }
        record.peer = record.peer.filter(|peer| !peer.is_empty());
        if let Some(time) = time {
            record.stamp = Some(self.stamp(time, context)?);
            record.time = Some(TimeText::Any(time));
        }
        let names = [record.topic.as_deref(), record.peer.as_deref(), time];
        if names.into_iter().flatten().any(|name| name.len() > NAME_BYTES_MAX) {
            return None;
        }
        self.read_tail(&mut record, context);
        if record.peer.is_none() && !matches!(context.peer, PeerField::None) {
            let in_spans =
                |spans| context.keys.peer_in(spans, PeerField::Any).or_else(|| peer_word(spans));
            let in_name = |group| found.text(group as usize).and_then(peer_word);
            let peer = found.text(Group::Spans as usize).and_then(in_spans);
            let peer = peer.or_else(|| in_name(Group::Thread)).or_else(|| in_name(Group::Logger));
            record.peer = peer.map(Cow::Borrowed);
        }
        Some(record)
    }

    /// Writes the text of a line's record to `text`, and returns the places of numbers in it that must
    /// not begin with a zero; `None` if other digits may change more than themselves.
    pub(super) fn write_text(&self, line: &[u8], text: &mut impl TextSink) -> Option<Vec<usize>> {
        let found = self.expression.find(line)?;
        let level = found.text(Group::Level as usize).unwrap_or_default();
        if level.iter().any(u8::is_ascii_digit) {
            return None;
        }
        let own = self.text(line, &found);
        self.tail.write(&own, text)?;
        let start = line.len() - own.len();
        let numbers = match self.tail {
            Tail::Json => super::json::long_numbers(&own),
            Tail::Text | Tail::Brackets => Vec::new(),
        };
        Some(numbers.into_iter().map(|at| start + at).collect())
    }

    pub(super) fn matches(&self, line: &[u8]) -> bool {
        self.expression.find(line).is_some()
    }

    /// Tells whether a line with other digits may have other groups.
    pub(super) fn tells_digits_apart(&self) -> bool {
        self.expression.tells_digits_apart()
    }

    /// The facts in a transport's line, and the line it carries.
    pub(super) fn strip<'a>(
        &self,
        line: &'a [u8],
        context: &ReadContext<'_>,
    ) -> Option<(Carried<'a>, &'a [u8])> {
        let found = self.expression.find(line)?;
        let source = found.text(Group::Source as usize).filter(|source| !source.is_empty());
        if source.is_some_and(|source| Level::of(source).is_some() || source.len() > NAME_BYTES_MAX)
        {
            return None;
        }
        let stamp = match found.text(Group::Time as usize) {
            Some(time) => Some(self.stamp(time, context)?),
            None => None,
        };
        let wanted = self.rest.as_ref();
        if wanted.is_some_and(|wanted| wanted.expression.find(found.rest).is_none()) {
            return None;
        }
        // A priority is eight times the facility, and the level.
        let priority = found.text(Group::Priority as usize);
        let priority = priority.and_then(|own| std::str::from_utf8(own).ok()?.parse::<u16>().ok());
        let level = priority.and_then(|own| Level::of_number((own % 8).to_string().as_bytes()));
        let word = found.text(Group::Level as usize);
        let level = level.or_else(|| word.and_then(|word| self.level(word, context)));
        Some((Carried { stamp, source: source.map(Cow::Borrowed), level }, found.rest))
    }

    fn level(&self, word: &[u8], context: &ReadContext<'_>) -> Option<Level> {
        let own = self.levels.iter().find(|(own, _)| **own == *word).map(|(_, level)| *level);
        own.or_else(|| context.levels.level(word))
    }

    /// The peer at the head of a text, and the text that remains.
    pub(super) fn head<'a>(&self, text: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let found = self.expression.find(text)?;
        let peer = short_name(found.text(Group::Peer as usize)?);
        Some((peer, if self.keep { text } else { found.rest }))
    }

    fn text<'a>(&self, line: &'a [u8], found: &Match<'a>) -> Cow<'a, [u8]> {
        Cow::Borrowed(match self.origin {
            _ if self.expression.has(Group::Msg as usize) => {
                found.text(Group::Msg as usize).unwrap_or_default()
            }
            // Without a group for it the text is the whole line, so that nothing is lost.
            Origin::User => line,
            Origin::BuiltIn => found.rest,
        })
    }

    fn read_tail(&self, record: &mut Record<'_>, context: &ReadContext<'_>) {
        if self.tail != Tail::Text {
            let mut text = Vec::with_capacity(record.text.len());
            if self.tail.write(&record.text, &mut text).is_some() {
                record.text = Cow::Owned(text);
            }
        }
        // A text may mention peers; fields are meant.
        let by_key = matches!(context.peer, PeerField::Key(_)) || self.tail != Tail::Text;
        if record.peer.is_none() && by_key {
            let (keys, field) = (context.keys, context.peer);
            match &record.text {
                Cow::Borrowed(text) => record.peer = keys.peer_in(text, field).map(Cow::Borrowed),
                Cow::Owned(text) => {
                    let found = keys.peer_in(text, field);
                    record.peer_at = found.map(|own| own.as_ptr().addr() - text.as_ptr().addr());
                    record.peer = found.map(|own| Cow::Owned(own.to_vec()));
                }
            }
        }
    }

    /// The time; `None` if it is not one, and a built-in format must have one.
    pub(super) fn stamp<'a>(&self, time: &'a [u8], context: &ReadContext<'_>) -> Option<Stamp<'a>> {
        if let Some(number) = Number::parse(time) {
            let given = context.tick.or(self.tick);
            if given.is_none() && timestamp::is_since_1970(time) {
                return Some(timestamp::since_1970(number, time, context.calendar));
            }
            // Numbers with a point are seconds and whole numbers milliseconds, unless the user gives
            // another unit.
            let unit = given.unwrap_or(match number.fraction {
                Fraction::Present => Tick::SECOND,
                Fraction::Absent => Tick::MILLISECOND,
            });
            return Some(timestamp::counted(time, number, unit));
        }
        let stamp = timestamp::wall(Cow::Borrowed(time), context.calendar);
        match self.origin {
            Origin::BuiltIn => stamp,
            // Anything else is shown but is not a point in time.
            Origin::User => stamp.or(Some(Stamp {
                text: Cow::Borrowed(time),
                at: None,
                unit: None,
                offset: None,
            })),
        }
    }
}
