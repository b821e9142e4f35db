//! Named fields of a structured line → a record.
//!
//! The names of fields decide which is the time, the level, the topic, the peer or the text; all
//! others follow the text as `key=value`, in the order they were written.

use std::borrow::Cow;

use super::context::ReadContext;
use super::keys::{PeerField, Role, peer_word};
use super::record::{NAME_BYTES_MAX, Record, TimeText, bytes};
use super::timestamp;
use crate::level::Level;
use crate::line::Stamp;

/// The fields of one line, in order.
pub(super) struct StructuredFields<'a> {
    fields: Vec<Field<'a>>,
    /// The peer that an outer span names.
    pub(super) span_peer: Option<Cow<'a, str>>,
    /// Other digits in a field may make it another one.
    digits_decide: bool,
}

struct Field<'a> {
    key: Cow<'a, str>,
    value: Cow<'a, str>,
    role: Option<Role>,
    /// It is a part of the record of its own, and no more of the text.
    is_taken: bool,
}

/// The best fields of the roles, by their places.
#[derive(Default)]
struct Found {
    time: Best,
    level: Best,
    topic: Best,
    msg: Best,
    peer: Best,
    /// The time of `verbose/1`.
    micros: Option<usize>,
    thread: Option<usize>,
}

/// The best field of a role so far.
#[derive(Clone, Copy, Default)]
struct Best(Option<(u8, usize)>);

impl Best {
    fn offer(&mut self, rank: u8, at: usize) {
        if self.0.is_none_or(|(best, _)| rank < best) {
            self.0 = Some((rank, at));
        }
    }
}

impl Default for StructuredFields<'_> {
    fn default() -> Self {
        Self { fields: Vec::with_capacity(FIELDS_USUAL), span_peer: None, digits_decide: false }
    }
}

impl<'a> StructuredFields<'a> {
    #[inline]
    pub(super) fn push(&mut self, key: Cow<'a, str>, value: Cow<'a, str>) {
        self.fields.push(Field { key, value, role: None, is_taken: false });
    }

    /// Other digits may decide which part of a value is the field.
    pub(super) fn digits_decide(&mut self) {
        self.digits_decide = true;
    }

    /// The record; `None` without a text, unless a time with a level, or a topic and a peer, make up
    /// for it.
    pub(super) fn into_record(self, context: &ReadContext<'_>) -> Option<Record<'a>> {
        self.into_record_with(context, Self::text)
    }

    /// Writes the record's text to `text`; `None` if there is no record, or if other digits may change
    /// more than themselves.
    pub(super) fn write_text(
        self,
        context: &ReadContext<'_>,
        text: &mut impl TextSink,
    ) -> Option<()> {
        let mut is_stable = false;
        self.into_record_with(context, |fields, first| {
            is_stable = !fields.digits_decide && fields.fields.iter().all(Field::is_stable);
            (Cow::Borrowed(b""), fields.write(&first.unwrap_or_default(), text))
        })?;
        is_stable.then_some(())
    }

    fn into_record_with(
        mut self,
        context: &ReadContext<'_>,
        text_of: impl FnOnce(Self, Option<Cow<'a, str>>) -> (Cow<'a, [u8]>, usize),
    ) -> Option<Record<'a>> {
        let found = self.roles(context);
        let Found { time, level, topic, msg, peer, micros, thread } = found;
        let stamp = match micros {
            Some(at) => timestamp::micros(self.fields[at].value.parse().ok()?),
            None => time.0.and_then(|(_, at)| self.stamp(at, context)),
        };
        let mut time_text = None;
        if let Some(at) = micros.or(time.0.map(|(_, at)| at).filter(|_| stamp.is_some())) {
            self.fields[at].is_taken = true;
            time_text = match self.fields[at].value {
                Cow::Borrowed(text) if micros.is_some() => Some(TimeText::Micros(text.as_bytes())),
                Cow::Borrowed(text) => Some(TimeText::Any(text.as_bytes())),
                Cow::Owned(_) => None,
            };
        }
        let mut take = |best: Best| {
            let field = &mut self.fields[best.0?.1];
            field.is_taken = true;
            Some(std::mem::take(&mut field.value))
        };
        let (topic, text, mut own_peer) = (take(topic), take(msg), take(peer));
        let level = level.0.map(|(_, at)| &mut self.fields[at]);
        let level = level.and_then(|field| {
            field.is_taken = true;
            level_of(field.value.as_bytes(), context)
        });
        let enough = text.is_some()
            || (topic.is_some() && own_peer.is_some())
            || (stamp.is_some() && level.is_some());
        if !enough || (stamp.is_none() && level.is_none()) {
            return None;
        }
        if own_peer.is_none() && !matches!(context.peer, PeerField::None) {
            own_peer = self.span_peer.take();
            let name = |at: usize| peer_in_name(&self.fields[at].value);
            own_peer = own_peer.or_else(|| thread.and_then(name));
        }
        let name =
            |name: Cow<'a, str>| (1..=NAME_BYTES_MAX).contains(&name.len()).then(|| bytes(name));
        let (text, left_out) = text_of(self, text);
        let (topic, peer) = (topic.and_then(name), own_peer.and_then(name));
        Some(Record { stamp, time: time_text, level, topic, peer, peer_at: None, text, left_out })
    }

    /// Gives each field its role, and finds the best one of each role.
    fn roles(&mut self, context: &ReadContext<'_>) -> Found {
        let mut found = Found::default();
        for (at, own) in self.fields.iter_mut().enumerate() {
            if own.key == "t_us" {
                found.micros = Some(at);
                continue;
            }
            if let PeerField::Key(wanted) = context.peer
                && own.key == wanted
            {
                found.peer.offer(0, at);
                continue;
            }
            let Some(meaning) = context.keys.meaning(&own.key) else { continue };
            own.role = Some(meaning.role);
            let value = own.value.as_bytes();
            match meaning.role {
                Role::Time => found.time.offer(meaning.rank, at),
                Role::Level if level_of(value, context).is_some() => {
                    found.level.offer(meaning.rank, at);
                }
                Role::Topic => found.topic.offer(meaning.rank, at),
                Role::Msg => found.msg.offer(meaning.rank, at),
                Role::Peer | Role::Id
                    if matches!(context.peer, PeerField::Any) && meaning.peer(value).is_some() =>
                {
                    found.peer.offer(meaning.rank, at);
                }
                Role::Threads => {
                    found.thread = found.thread.or(peer_word(value).map(|_| at));
                }
                Role::Level
                | Role::Peer
                | Role::Id
                | Role::Nested
                | Role::Spans
                | Role::Stack
                | Role::LeftOut => {}
            }
        }
        found
    }

    /// Writes a text with all fields behind it.
    pub(super) fn write_all(self, first: &str, text: &mut impl TextSink) {
        text.push(first.as_bytes());
        self.fields.iter().for_each(|field| field.add_to(text));
    }

    /// About as many bytes as all fields take in a text.
    fn text_bytes(&self) -> usize {
        self.fields.iter().map(|field| field.key.len() + field.value.len() + 4).sum()
    }

    fn stamp(&self, at: usize, context: &ReadContext<'_>) -> Option<Stamp<'a>> {
        timestamp::wall(bytes(self.fields[at].value.clone()), context.calendar)
    }

    /// The text with all fields that were not taken, stack traces below it, and the length of those
    /// that columns leave out.
    fn text(self, first: Option<Cow<'a, str>>) -> (Cow<'a, [u8]>, usize) {
        let first = first.unwrap_or_default();
        if self.fields.iter().all(|field| field.is_taken) {
            return (bytes(first), 0);
        }
        let mut text = Vec::with_capacity(first.len() + self.text_bytes());
        let left_out = self.write(&first, &mut text);
        (Cow::Owned(text), left_out)
    }

    /// Writes the text; returns the length of what columns leave out.
    #[inline]
    fn write(&self, first: &str, text: &mut impl TextSink) -> usize {
        text.push(first.as_bytes());
        let rest = |left_out: bool| {
            let rest = self.fields.iter().filter(|field| !field.is_taken);
            rest.filter(move |field| field.is_left_out() == left_out)
        };
        rest(false).filter(|field| !field.is_stack()).for_each(|field| field.add_to(text));
        for stack in rest(false).filter(|field| field.is_stack()) {
            text.push(b"\n");
            text.push(stack.value.trim_ascii_end().as_bytes());
        }
        let shown = text.length();
        rest(true).for_each(|field| field.add_to(text));
        text.length() - shown
    }
}

/// A text that is written piece by piece.
pub(super) trait TextSink {
    fn push(&mut self, piece: &[u8]);

    /// Bytes written so far.
    fn length(&self) -> usize;
}

impl TextSink for Vec<u8> {
    #[inline]
    fn push(&mut self, piece: &[u8]) {
        self.extend_from_slice(piece);
    }

    #[inline]
    fn length(&self) -> usize {
        self.len()
    }
}

impl Field<'_> {
    fn is_left_out(&self) -> bool {
        matches!(self.role, Some(Role::LeftOut | Role::Threads | Role::Spans))
    }

    /// Tells whether it is a stack trace, which has lines of its own.
    fn is_stack(&self) -> bool {
        self.role == Some(Role::Stack) && self.value.trim_ascii_end().contains('\n')
    }

    /// Tells whether other digits in it change nothing but themselves.
    fn is_stable(&self) -> bool {
        // Numbers are levels too.
        self.role != Some(Role::Level) || !self.value.bytes().any(|byte| byte.is_ascii_digit())
    }

    fn add_to(&self, text: &mut impl TextSink) {
        let Self { key, value, .. } = self;
        if text.length() > 0 {
            text.push(b" ");
        }
        text.push(key.as_bytes());
        text.push(b"=");
        let marks = value.bytes().fold(0, |marks, byte| marks | MARKS[usize::from(byte)]);
        if !value.is_empty() && (marks & ENDS_WORD == 0 || is_nested(value)) {
            text.push(value.as_bytes());
        } else if marks & NEEDS_ESCAPES == 0 {
            [b"\"", value.as_bytes(), b"\""].into_iter().for_each(|piece| text.push(piece));
        } else {
            text.push(format!("{value:?}").as_bytes());
        }
    }
}

/// The peer in the name of a thread.
fn peer_in_name<'a>(name: &Cow<'a, str>) -> Option<Cow<'a, str>> {
    let word = |name| std::str::from_utf8(peer_word(name)?).ok();
    match *name {
        Cow::Borrowed(name) => word(name.as_bytes()).map(Cow::Borrowed),
        Cow::Owned(ref name) => {
            peer_in_name(&Cow::Borrowed(name)).map(|peer| Cow::Owned(peer.into_owned()))
        }
    }
}

/// A byte that no word has.
const ENDS_WORD: u8 = 1;

/// A byte that a text in quotes does not have as it is.
const NEEDS_ESCAPES: u8 = 2;

/// For each byte what it means for a value that has it.
const MARKS: [u8; 256] = {
    let mut marks = [NEEDS_ESCAPES; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        marks[byte as usize] = 0;
        byte += 1;
    }
    marks[b'"' as usize] = ENDS_WORD | NEEDS_ESCAPES;
    marks[b'\\' as usize] = NEEDS_ESCAPES;
    marks[b'\n' as usize] = ENDS_WORD | NEEDS_ESCAPES;
    marks[b' ' as usize] = ENDS_WORD;
    marks[b'=' as usize] = ENDS_WORD;
    marks
};

/// The level in words or as a number.
fn level_of(value: &[u8], context: &ReadContext<'_>) -> Option<Level> {
    context.levels.level(value).or_else(|| Level::of_number(value))
}

/// Arrays and objects are shown as they were written.
fn is_nested(value: &str) -> bool {
    value.starts_with(['[', '{'])
}

const FIELDS_USUAL: usize = 16;
