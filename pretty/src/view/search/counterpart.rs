//! The other line of a message: its sending, its receipt, its loss or its answer.
//!
//! Lines with an `id=` are paired by it. Without one, in the words of the Go labs, a message is
//! taken to be received before the next of its kind is sent the same way; so a lost message never
//! shifts the pairs after it.

use memchr::memmem::Finder;

use crate::line::{Event, Line};
use crate::meaning::message::Message;
use crate::meaning::message::MessageFate::{Answered, Lost, Received, Sent};
use crate::text::safe_text;
use crate::view::log_view::LogView;

impl LogView {
    /// The line of the other end of the selected message, among all lines.
    pub(crate) fn other_end(&self) -> Option<usize> {
        let line = self.cursor()?;
        let find =
            |event: &Event<'_>| self.find_counterpart(line, &Message::of(event, &self.rules)?);
        self.store.read_event(line, find)?.map(|(line, _)| line)
    }

    pub(crate) fn find_counterpart(
        &self,
        line: usize,
        message: &Message<'_>,
    ) -> Option<(usize, Delivery)> {
        let after = line + 1..self.store.len().min(line + LINES_MAX);
        let before = line.saturating_sub(LINES_MAX)..line;
        match message.fate {
            Sent => self.find_same(message, SearchFor::OtherEnd, after),
            Received | Lost(_) | Answered => {
                self.find_same(message, SearchFor::OtherEnd, before.rev())
            }
        }
    }

    /// The line of the answer to a message that was received at a line.
    pub(crate) fn find_answer(&self, line: usize, message: &Message<'_>) -> Option<usize> {
        let after = line + 1..self.store.len().min(line + LINES_MAX);
        self.find_same(message, SearchFor::Answer, after).map(|(line, _)| line)
    }

    /// The first of some lines that is about this message and no other.
    fn find_same(
        &self,
        message: &Message<'_>,
        search_for: SearchFor,
        mut lines: impl Iterator<Item = usize>,
    ) -> Option<(usize, Delivery)> {
        let needle = Finder::new(message.needle());
        lines.find_map(|line| {
            let text = self.store.text(line);
            needle.find(&text)?;
            let Line::Event(event) = self.store.parser_at(line).parse(&text) else {
                return None;
            };
            let other = Message::of(&event, &self.rules).filter(|other| other.is_same(message))?;
            match message.compare(&other, search_for) {
                Relation::Delivery(delivery) => Some(Some((line, delivery))),
                Relation::OtherMessage => Some(None),
                Relation::Unrelated => None,
            }
        })?
    }
}

impl<'a> Message<'a> {
    pub(crate) fn is_same(&self, other: &Message<'_>) -> bool {
        (self.id, self.kind, self.from, self.to) == (other.id, other.kind, other.from, other.to)
    }

    /// The relation of another line about a message of the same kind, the same way, to this one.
    fn compare(&self, other: &Message<'_>, search_for: SearchFor) -> Relation {
        match (search_for, self.fate, other.fate) {
            (SearchFor::OtherEnd, Sent | Received | Answered, Lost(why)) => {
                Relation::Delivery(Delivery::Lost(safe_text(why)))
            }
            (SearchFor::OtherEnd, Sent | Answered, Received)
            | (SearchFor::OtherEnd, Received | Lost(_), Sent) => {
                Relation::Delivery(Delivery::Arrived)
            }
            (SearchFor::Answer, _, Answered) => Relation::Delivery(Delivery::Answered),
            // An answer to an earlier one.
            (SearchFor::OtherEnd, Sent | Received | Lost(_), Answered) => Relation::Unrelated,
            // With a number a second line of the same end is a copy of the message; without one
            // it is about the next message.
            _ if self.id.is_some() => Relation::Unrelated,
            _ => Relation::OtherMessage,
        }
    }

    /// Bytes that every line about this message contains.
    fn needle(&self) -> &'a [u8] {
        self.id.unwrap_or(self.kind)
    }
}

/// The target of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SearchFor {
    OtherEnd,
    Answer,
}

/// The relation of a line to a message.
enum Relation {
    Delivery(Delivery),
    /// Another message: no line beyond can be about this one.
    OtherMessage,
    Unrelated,
}

/// The delivery of a message.
pub(crate) enum Delivery {
    Arrived,
    Answered,
    /// It never arrived, and why.
    Lost(String),
}

/// The distance within which a counterpart is searched: a few milliseconds' work.
pub(crate) const LINES_MAX: usize = 100_000;
