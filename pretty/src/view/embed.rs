//! The interface for programs that embed the view, beyond passing keys on: open a log, go to a
//! line, hide or mark lines, read lines and their facts.

use std::fs::File;
use std::io;
use std::num::NonZero;
use std::path::Path;
use std::thread::{self, ScopedJoinHandle};

use crate::line::{Event, Line};
use crate::meaning::facts::fact;
use crate::meaning::message::Message;
use crate::meaning::rule_set::Rules;
use crate::meaning::state::{STATE_KEYS, StateKey};
use crate::parse::Parser;
use crate::style::color::Depth;
use crate::style::theme::Background;
use crate::text::safe_text;
use crate::time::Time;
use crate::view::filter::state::HiddenLines;
use crate::view::history::selected_state;
use crate::view::log::bitmap::Bitmap;
use crate::view::log::blocks::Blocks;
use crate::view::log::chunk::Chunk;
use crate::view::log::source::{Part, Source};
use crate::view::log_view::{Follow, LogView};

impl LogView {
    /// A view of the whole log in `bytes`.
    #[must_use]
    pub fn of_bytes(bytes: Vec<u8>, background: Background, depth: Depth) -> Self {
        let mut view = Self::new(background, depth);
        view.append(Chunk::index(bytes, Parser::default()));
        view
    }

    /// A view of the whole log in a plain file, indexed on all cores; its text stays in the file.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn of_file(path: &Path, background: Background, depth: Depth) -> io::Result<Self> {
        let source = Source::new(File::open(path)?);
        let end = source.file().metadata()?.len();
        let mut blocks = Blocks::new(source.clone());
        let mut parts = Vec::new();
        while let Some(part) = blocks.next(PART_BYTES, end)? {
            parts.push(part);
        }
        parts.extend(blocks.rest(end));
        let mut view = Self::new(background, depth);
        for chunk in index_all(&source, &parts)? {
            view.append(chunk);
        }
        Ok(view)
    }

    /// Selects a line, counted from 0, or the nearest one after it that is shown; the screen
    /// shows it with what surrounds it.
    pub fn select(&mut self, line: usize) {
        self.go_to_line(line);
        self.center();
    }

    /// Selects the last failure, panic or race that is shown, at its first line; else the last
    /// line.
    pub fn select_last_error(&mut self) {
        let last = self.errors().rev().find(|line| self.visible.contains(*line));
        let Some(mut first) = last else {
            return self.go_to_line(usize::MAX);
        };
        // A failure of several lines is read from its start.
        let errors = self.store.history.errors();
        while let Some(before) =
            self.visible.previous(first).and_then(|line| u32::try_from(line).ok())
            && errors.binary_search(&before).is_ok()
        {
            first = before as usize;
        }
        self.go_to_line(first);
        self.center();
    }

    /// Hides these lines, or no longer; the status line names by `label` what is left, with its
    /// count: `causal past: 37 of 12 403 lines`. Lines that come later are shown.
    pub fn set_hidden(&mut self, hidden: Option<Bitmap>, label: &str) {
        self.hidden_lines = hidden.map(|lines| HiddenLines { lines, label: label.to_owned() });
        self.refilter();
    }

    /// Shows the current work of the embedding program in the status line: `indexing 40 %`; nothing
    /// if that is empty. A view that was sent to the last line stays at the end until then.
    pub fn set_busy(&mut self, busy: &str) {
        self.busy = safe_text(busy.as_bytes());
        if self.busy.is_empty() && self.follow == Follow::UntilRead {
            self.stop_following();
        }
    }

    /// Marks these lines in the view, or none.
    pub fn set_highlight(&mut self, lines: Option<Bitmap>) {
        self.highlight = lines;
    }

    /// The source of a line, and its place there, both counted from 0.
    #[cfg(feature = "cli")]
    pub(crate) fn source_of(&self, line: usize) -> (usize, usize) {
        self.store.source_of(line)
    }

    /// Tells whether a line, counted from 0, is one of those shown.
    #[must_use]
    pub fn is_shown(&self, line: usize) -> bool {
        self.visible.contains(line)
    }

    /// The lines of failures, panics and races, in order.
    pub fn errors(&self) -> impl DoubleEndedIterator<Item = usize> + '_ {
        self.store.history.errors().iter().map(|line| *line as usize)
    }

    /// The lines of anomalies, in order, each with its description.
    pub fn anomalies(&self) -> impl DoubleEndedIterator<Item = (usize, &'static str)> + '_ {
        let anomalies = self.store.history.anomalies().iter();
        anomalies.map(|(line, anomaly)| (*line as usize, anomaly.description()))
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
        (line < self.len()).then(|| self.store.read(line, read))
    }

    /// The same for the facts of an event; `None` if the line is none.
    pub fn facts<T>(&self, line: usize, read: impl FnOnce(&Facts<'_>) -> T) -> Option<T> {
        self.read(line, |line| match line {
            Line::Event(event) => Some(read(&Facts::of(event, &self.rules))),
            Line::Header(_) | Line::Other(..) => None,
        })?
    }

    /// The leaders of the log with their terms, in the order of lines.
    pub fn leaders_by_term(&self) -> impl Iterator<Item = (u64, String)> + '_ {
        let leaders = self.store.history.leaders().iter();
        leaders.filter_map(|(line, peer)| {
            let state = self.store.history.state(*peer, *line as usize);
            let term = state[StateKey::Term as usize].as_ref()?.text.parse().ok()?;
            Some((term, self.store.peers.safe_name(peer.0)))
        })
    }

    /// The state of each peer at the selected line, as names and values.
    #[must_use]
    pub fn peer_states(&self) -> Vec<(String, Vec<(&'static str, String)>)> {
        let pairs = |values: selected_state::State| {
            let pairs = STATE_KEYS.into_iter().zip(values);
            pairs.filter_map(|(key, value)| Some((key, value?.text))).collect()
        };
        let states = self.state().into_iter();
        states.map(|(peer, state)| (self.store.peers.safe_name(peer.0), pairs(state))).collect()
    }
}

/// Indexes parts of a file on all cores. The first one goes ahead: it may name the unit of the
/// times.
fn index_all(source: &Source, parts: &[Part]) -> io::Result<Vec<Chunk>> {
    let index = |parts: &[Part], parser: &Parser| {
        let mut buffer = Vec::new();
        let rules = Rules::default();
        let mut one =
            |part: &Part| Chunk::index_file(source, *part, parser.clone(), &rules, &mut buffer);
        parts.iter().map(&mut one).collect::<io::Result<Vec<_>>>()
    };
    let (first, rest) = parts.split_at(parts.len().min(1));
    let mut chunks = index(first, &Parser::default())?;
    let parser = chunks.first().map_or_else(Parser::default, Chunk::parser_after);
    if parser.has_leads() {
        let mut parser = parser;
        for part in rest {
            let next = index(std::slice::from_ref(part), &parser)?;
            parser = next.last().map_or(parser, Chunk::parser_after);
            chunks.extend(next);
        }
        return Ok(chunks);
    }
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let shares = rest.chunks(rest.len().div_ceil(threads).max(1));
    let indexed = thread::scope(|scope| {
        let (index, parser) = (&index, &parser);
        let share = |share| scope.spawn(move || index(share, parser));
        let threads: Vec<_> = shares.map(share).collect();
        threads.into_iter().map(join).collect::<io::Result<Vec<_>>>()
    })?;
    chunks.extend(indexed.into_iter().flatten());
    Ok(chunks)
}

/// The result of a thread, or its panic.
fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Small enough for shares of all cores to be about equal.
const PART_BYTES: usize = 256 * 1024;

/// The facts of an event, in the bytes of its line: peer, time, and those that tie it to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts<'a> {
    /// The time, if the line has one.
    pub at: Option<Time>,
    /// The time as written.
    pub time: &'a [u8],
    /// The topic; empty if there is none.
    pub topic: &'a [u8],
    /// The peer; [`Event::NO_PEER`] if the line belongs to no single one.
    pub peer: &'a [u8],
    /// The text.
    pub text: &'a [u8],
    /// The value of `term=`, if it is a number.
    pub term: Option<u64>,
    /// The value of `id=`.
    pub id: Option<&'a [u8]>,
    /// The sender, of a message or by `from=`.
    pub from: Option<&'a [u8]>,
    /// The receiver, of a message or by `to=`.
    pub to: Option<&'a [u8]>,
    /// The message the line is about.
    pub message: Option<Message<'a>>,
}

impl<'a> Facts<'a> {
    /// The facts of an event; these rules recognise messages besides the built-in ones.
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
