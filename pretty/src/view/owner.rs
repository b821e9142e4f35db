//! What a program that embeds the view can do beyond passing keys on: open a log, lead the user
//! to a line, hide or mark lines of its own choice, and read what lines say.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::facts;
use super::message::Message;
use super::rules::Rules;
use super::told::{KEYS, Key, fact};
use super::{Bitmap, Chunk, LogView};
use crate::color::Depth;
use crate::line::{Event, Line};
use crate::parse::Parser;
use crate::theme::Background;
use crate::time::Time;

/// Lines the owner does not want to see now, and what it calls those that are left.
#[derive(Debug)]
pub(super) struct Veil {
    pub(super) lines: Bitmap,
    pub(super) label: String,
}

impl LogView {
    /// A view of the whole log in `bytes`.
    #[must_use]
    pub fn of_bytes(bytes: Vec<u8>, background: Background, depth: Depth) -> Self {
        let mut view = Self::new(background, depth);
        view.append(Chunk::index(bytes, Parser::default()));
        view
    }

    /// A view of the whole log in a plain file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of_file(path: &Path, background: Background, depth: Depth) -> io::Result<Self> {
        let mut bytes = Vec::new();
        File::open(path)?.read_to_end(&mut bytes)?;
        Ok(Self::of_bytes(bytes, background, depth))
    }

    /// Selects a line, counted from 0, or the nearest one after it that is shown; the screen
    /// shows it with what surrounds it.
    pub fn select(&mut self, line: usize) {
        self.go_to(self.shown.partition_point(|shown| (*shown as usize) < line));
        self.center();
    }

    /// Selects the last failure, panic or race that is shown, at its first line; else the last
    /// line.
    pub fn select_last_error(&mut self) {
        let errors = self.store.history.errors().iter().rev();
        let mut shown = errors.filter_map(|line| self.shown.binary_search(line).ok());
        let Some(mut at) = shown.next() else {
            return self.go_to(usize::MAX);
        };
        // A failure of several lines is read from its start.
        for before in shown {
            if before + 1 != at {
                break;
            }
            at = before;
        }
        self.go_to(at);
        self.center();
    }

    /// Hides these lines, or no longer; the status line names by `label` what is left, with its
    /// count: `causal past: 37 of 12 403 lines`. Lines that come later are shown.
    pub fn set_hidden(&mut self, hidden: Option<Bitmap>, label: &str) {
        self.veil = hidden.map(|lines| Veil { lines, label: label.to_owned() });
        self.refilter();
    }

    /// Marks these lines in the view, or none.
    pub fn set_highlight(&mut self, lines: Option<Bitmap>) {
        self.highlight = lines;
    }

    /// Whether a line, counted from 0, is one of those shown.
    #[must_use]
    pub fn is_shown(&self, line: usize) -> bool {
        u32::try_from(line).is_ok_and(|line| self.shown.binary_search(&line).is_ok())
    }

    /// Failures, panics and races: the lines that say so, in order.
    pub fn errors(&self) -> impl DoubleEndedIterator<Item = usize> + '_ {
        self.store.history.errors().iter().map(|line| *line as usize)
    }

    /// Reads a line, counted from 0; `None` if there is no such line.
    ///
    /// ```
    /// use pretty::view::{Facts, LogView, Rules};
    /// use pretty::{Background, Depth, Line};
    ///
    /// let log = b"150.003 | RPC | 1 | sends RequestVote term=3 to=0 id=1.1\nPASS\n".to_vec();
    /// let view = LogView::of_bytes(log, Background::Dark, Depth::True);
    /// let term = view.read(0, |line| match line {
    ///     Line::Event(event) => Facts::of(event, &Rules::default()).term,
    ///     Line::Header(_) | Line::Other(..) => None,
    /// });
    /// assert_eq!(term, Some(Some(3)));
    /// assert_eq!(view.facts(0, |facts| facts.to == Some(b"0")), Some(true));
    /// assert_eq!(view.facts(1, |_| ()), None);
    /// ```
    pub fn read<T>(&self, line: usize, read: impl FnOnce(&Line<'_>) -> T) -> Option<T> {
        (line < self.len()).then(|| read(&self.store.line(line)))
    }

    /// The same for the facts of an event; `None` if the line is none.
    pub fn facts<T>(&self, line: usize, read: impl FnOnce(&Facts<'_>) -> T) -> Option<T> {
        self.read(line, |line| match line {
            Line::Event(event) => Some(read(&Facts::of(event, &self.rules))),
            Line::Header(_) | Line::Other(..) => None,
        })?
    }

    /// Who became leader of which term, as far as the log says, in the order of lines.
    pub fn leaders_by_term(&self) -> impl Iterator<Item = (u64, String)> + '_ {
        let leaders = self.store.history.leaders().iter();
        leaders.filter_map(|(line, peer)| {
            let state = self.store.history.state(*peer, *line as usize);
            let term = state[Key::Term as usize].as_ref()?.parse().ok()?;
            Some((term, self.store.peers.safe_name(peer.0)))
        })
    }

    /// What each peer has last said of itself at the selected line, as names and values.
    #[must_use]
    pub fn peer_states(&self) -> Vec<(String, Vec<(&'static str, String)>)> {
        let told = |values: facts::State| {
            let pairs = KEYS.into_iter().zip(values);
            pairs.filter_map(|(key, value)| Some((key, value?))).collect()
        };
        let states = self.state().into_iter();
        states.map(|(peer, state)| (self.store.peers.safe_name(peer.0), told(state))).collect()
    }

    pub(super) fn center(&mut self) {
        let mut room = self.body_rows().saturating_sub(self.rows_of(self.cursor)) / 2;
        self.top = self.cursor;
        while self.top > 0 {
            let Some(less) = room.checked_sub(self.rows_of(self.top - 1)) else {
                break;
            };
            room = less;
            self.top -= 1;
        }
        self.fill_screen();
    }
}

/// What an event says, in the bytes of its line: who, when, and the facts that tie it to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts<'a> {
    /// When, if the line says so.
    pub at: Option<Time>,
    /// The time as written.
    pub time: &'a [u8],
    /// The topic; empty if there is none.
    pub topic: &'a [u8],
    /// The peer; [`Event::NO_PEER`] if the line belongs to no single one.
    pub peer: &'a [u8],
    /// What happened.
    pub text: &'a [u8],
    /// The value of `term=`, if it is a number.
    pub term: Option<u64>,
    /// The value of `id=`.
    pub id: Option<&'a [u8]>,
    /// The sender, of a message or by `from=`.
    pub from: Option<&'a [u8]>,
    /// The receiver, of a message or by `to=`.
    pub to: Option<&'a [u8]>,
    /// The message the line speaks of.
    pub message: Option<Message<'a>>,
}

impl<'a> Facts<'a> {
    /// The facts of an event; these rules tell messages besides the usual ones.
    #[must_use]
    pub fn of(event: &'a Event<'_>, rules: &Rules) -> Self {
        let word = |key: &str| fact(&event.text, key.as_bytes());
        let number = |value: &[u8]| std::str::from_utf8(value).ok()?.parse().ok();
        let message = Message::of(event, rules);
        Self {
            at: event.stamp.as_ref().and_then(|stamp| stamp.at),
            time: event.stamp.as_ref().map_or(b"", |stamp| &stamp.text),
            topic: &event.topic,
            peer: &event.peer,
            text: &event.text,
            term: word("term").and_then(number),
            id: message.map_or_else(|| word("id"), |message| message.id),
            from: message.map_or_else(|| word("from"), |message| Some(message.from)),
            to: message.map_or_else(|| word("to"), |message| Some(message.to)),
            message,
        }
    }
}
