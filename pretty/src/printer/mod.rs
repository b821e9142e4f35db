//! Lines in, rows out: ties parser, filter, layout and canvas together for a stream of lines.
//!
//! The first lines are held back for a moment, so that the first layout fits the peers in them.
//! After that every line is drawn when it comes; a peer, topic or time that does not fit the
//! layout makes a new one, with a new header. The printer never reads a clock or a terminal: its
//! caller reports pauses of the input and changes of the width.

use std::io::{self, Write};
use std::ops::Range;

use crate::class::{Class, Owner};
use crate::filter::Filter;
use crate::level::Level;
use crate::line::{Event, Line, Stamp};
use crate::name_usage::NameUsage;
use crate::parse::Parser;
use crate::peer::{Peers, Seen};
use crate::render::{AnsiTheme, Canvas, CellFrame, Code, FullWidth, RowBuffer};
use crate::style::theme::Theme;
use crate::text::make_safe;
use crate::time::Time;

mod context;
mod draw;
mod fold;
mod lookahead;
mod measure;
mod non_events;
mod options;
mod prefix;
mod topics;

use context::{Context, ContextAction};
use fold::{Folded, Folds};
use lookahead::Lookahead;
use measure::Measure;
pub use options::{Options, Repeats, TimeColumn};
#[cfg(feature = "view")]
pub(crate) use prefix::Prefix;
use topics::{TopicId, Topics};

/// Draws lines as they come. See the [crate] for an example.
#[derive(Debug)]
pub struct Printer<W> {
    rows: RowBuffer<W>,
    parser: Parser,
    source: usize,
    filter: Filter,
    /// Kept only if the filter has names.
    name_usage: Option<NameUsage>,
    ansi: AnsiTheme,
    topics: Topics,
    /// The styles of warnings, errors and fatal errors.
    level_sgrs: [Code; 3],
    peers: Peers,
    measure: Measure,
    /// The number of peers that have a column from the start.
    columns: Option<u16>,
    /// Rows after which the header is repeated.
    page_rows: Option<usize>,
    page: FullWidth,
    /// `None` until the first event, and again after each header line of the log.
    canvas: Option<Canvas>,
    fit: Fit,
    lookahead: Option<Lookahead>,
    context: Context,
    folds: Option<Folds>,
    /// The first date in a log with dates.
    origin: Option<Time>,
    run: Run,
    tally: Tally,
    /// The event that lines of its own may follow.
    owner: Owner,
    /// The day of the last event shown.
    day: Option<i64>,
    /// The first line that was not read.
    first_unread: Option<Vec<u8>>,
    /// The row of the last header of columns.
    header_row: usize,
    /// The row of the last title of unknown lines.
    output_title_row: Option<usize>,
    scratch: Scratch,
}

/// The room of the layout for everything seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    Good,
    Outgrown,
}

/// The kind of the last line, so that a run of lines that are not events is set off once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    Events,
    NonEvents(Class),
}

/// Numbers of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub events: u64,
    /// Those the filter let through, as matches or as their context.
    pub shown: u64,
    /// Lines that are not events and that nothing else explains: no output of tests, no stack.
    pub unread: u64,
}

/// Buffers that live as long as the printer, so that lines cost no allocation.
#[derive(Debug, Default)]
struct Scratch {
    text: String,
    time: String,
    peer: String,
    prefix: Vec<u8>,
    marks: Vec<Range<usize>>,
    frame: CellFrame,
}

impl<W: Write> Printer<W> {
    /// A printer that writes to `writer`, in large pieces.
    pub fn new(options: Options, writer: W) -> Self {
        let theme = Theme::with_palette(options.background, options.palette);
        let ansi = AnsiTheme::new(theme, options.depth);
        let level_sgrs = [Level::Warn, Level::Error, Level::Fatal]
            .map(|level| ansi.sgr(ansi.theme.event(b"", Some(level))));
        let mut printer = Self {
            rows: RowBuffer::new(writer),
            parser: options.parser,
            source: 0,
            name_usage: NameUsage::of(&options.filter),
            filter: options.filter,
            topics: Topics::default(),
            level_sgrs,
            peers: Peers::default(),
            measure: Measure::new(options.time),
            columns: options.columns,
            page_rows: options.page,
            page: FullWidth::new(options.width.max(1), &ansi),
            ansi,
            canvas: None,
            fit: Fit::Good,
            lookahead: None,
            context: Context::new(options.before, options.after),
            folds: (options.repeats == Repeats::Fold).then(Folds::default),
            origin: None,
            run: Run::Events,
            tally: Tally::default(),
            owner: Owner::None,
            day: None,
            first_unread: None,
            header_row: 0,
            output_title_row: None,
            scratch: Scratch::default(),
        };
        printer.start_run(None);
        printer
    }

    /// Takes one line, without its line end.
    ///
    /// # Errors
    /// Those of the writer.
    #[inline]
    pub fn line(&mut self, line: &[u8]) -> io::Result<()> {
        match &mut self.lookahead {
            None => self.show(line),
            Some(lookahead) => {
                lookahead.push(self.source, line);
                if lookahead.is_full() { self.release() } else { Ok(()) }
            }
        }
    }

    /// The next lines are of this source, counted from 0.
    pub fn set_source(&mut self, source: usize) {
        self.source = source;
        if self.lookahead.is_none() {
            self.parser.set_source(source);
        }
    }

    /// Finds out the formats of a source from its first lines; without this the first lines that
    /// come decide.
    pub fn look_at(&mut self, source: usize, sample: &[u8]) {
        self.parser.look_at_source(source, sample);
    }

    /// The input has nothing more for now: shows what was held back and hands everything on.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn pause(&mut self) -> io::Result<()> {
        while self.holds_lines() {
            self.release()?;
        }
        self.rows.flush()
    }

    /// Tells whether lines are held back until more of them are known.
    #[must_use]
    pub fn holds_lines(&self) -> bool {
        self.lookahead.as_ref().is_some_and(|lookahead| !lookahead.is_empty())
    }

    /// The number of events so far, without those held back.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// The first of [`Tally::unread`].
    #[must_use]
    pub fn first_unread(&self) -> Option<&[u8]> {
        self.first_unread.as_deref()
    }

    /// The names in the log so far, if the filter has any.
    #[must_use]
    pub fn name_usage(&self) -> Option<&NameUsage> {
        self.name_usage.as_ref()
    }

    /// The screen is now this wide, and this high if headers are to be repeated.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn resize(&mut self, width: usize, page: Option<usize>) -> io::Result<()> {
        self.page_rows = page;
        if self.page.width() == width.max(1) {
            return Ok(());
        }
        self.page = FullWidth::new(width.max(1), &self.ansi);
        if self.canvas.is_some() { self.lay_out() } else { Ok(()) }
    }

    /// The input has ended: shows what was held back and returns the writer.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(mut self) -> io::Result<W> {
        self.pause()?;
        for (_, first) in self.parser.take_unpaired_at_end() {
            self.show_non_event(Class::Plain, &first.text)?;
        }
        self.draw_all_repeats()?;
        self.rows.flush()?;
        Ok(self.rows.into_writer())
    }

    /// Forgets the peers: a new run begins. The next lines are held back to find its own.
    fn start_run(&mut self, peers: Option<u16>) {
        self.peers = Peers::default();
        self.measure = self.measure.start_run();
        self.canvas = None;
        self.lookahead = Some(Lookahead::default());
        for number in 0..self.columns.max(peers).unwrap_or(0) {
            let name = number.to_string();
            if self.filter.shows_peer(name.as_bytes()) {
                self.peers.insert(name.as_bytes());
            }
        }
    }

    /// Shows the lines held back, after looking through them for peers and widths.
    fn release(&mut self) -> io::Result<()> {
        let Some(lookahead) = self.lookahead.take() else {
            return Ok(());
        };
        let source = self.source;
        if !self.parser.has_looked() {
            self.parser.look_at(&lookahead.sample());
        }
        self.measure_ahead(&lookahead);
        for (source, line) in lookahead.lines() {
            self.set_source(source);
            self.line(line)?;
        }
        self.set_source(source);
        Ok(())
    }

    /// Measures the events up to the next header line, which starts over anyway.
    fn measure_ahead(&mut self, lookahead: &Lookahead) {
        let mut parser = self.parser.clone();
        for (source, line) in lookahead.lines() {
            parser.set_source(source);
            match parser.parse(line) {
                Line::Event(event) => {
                    self.record_origin(&event);
                    self.record_peer(&event);
                    if self.filter.shows(&event, self.origin) {
                        self.measure.record(&event);
                    }
                }
                Line::Other(..) => {}
                Line::Header(_) => return,
            }
        }
    }

    #[inline]
    fn show(&mut self, line: &[u8]) -> io::Result<()> {
        let read = self.parser.parse(line);
        for first in self.parser.take_unpaired().into_iter().flatten() {
            self.show_non_event(Class::Plain, &first.text)?;
        }
        match read {
            Line::Event(event) => self.show_event(&event, line),
            Line::Header(header) => self.show_header(header),
            Line::Other(class, line) => self.show_non_event(class, &line),
        }
    }

    /// Shows an event, keeps it as context, or neither.
    fn show_event(&mut self, event: &Event<'_>, line: &[u8]) -> io::Result<()> {
        self.record_origin(event);
        self.owner = Owner::event(false);
        self.tally.events += 1;
        if let Some(name_usage) = &mut self.name_usage {
            name_usage.record(event);
        }
        let topic = self.topics.id(&event.topic, &self.ansi, &self.filter);
        self.record_peer(event);
        if !self.passes(event, topic) {
            return Ok(());
        }
        if self.matches(event) {
            for (source, line) in self.context.on_match() {
                self.parser.set_source(source);
                self.show_context(&line)?;
            }
            self.parser.set_source(self.source);
            return self.lay_out_and_draw(event, topic);
        }
        let both = self.parser.last_first().map(|first| [first, b"\n", line].concat());
        match self.context.on_mismatch(self.source, both.as_deref().unwrap_or(line)) {
            ContextAction::Hide => Ok(()),
            ContextAction::Show => self.lay_out_and_draw(event, topic),
        }
    }

    /// Shows an event of one line or two.
    fn show_context(&mut self, lines: &[u8]) -> io::Result<()> {
        let mut lines = lines.split(|byte| *byte == b'\n');
        let last = lines.next_back().unwrap_or_default();
        lines.for_each(|first| drop(self.parser.parse(first)));
        match self.parser.parse(last) {
            Line::Event(event) => {
                let topic = self.topics.id(&event.topic, &self.ansi, &self.filter);
                self.lay_out_and_draw(&event, topic)
            }
            Line::Header(_) | Line::Other(..) => Ok(()),
        }
    }

    fn record_origin(&mut self, event: &Event<'_>) {
        let date = event.stamp.as_ref().filter(|stamp| stamp.unit.is_none());
        self.origin = self.origin.or_else(|| date?.at);
    }

    /// A peer has a column even if nothing of it is shown: a filter must not move the others.
    #[inline]
    fn record_peer(&mut self, event: &Event<'_>) {
        if self.filter.shows_peer(&event.peer) && self.peers.insert(&event.peer) == Seen::New {
            self.fit = Fit::Outgrown;
        }
    }

    fn passes(&mut self, event: &Event<'_>, topic: TopicId) -> bool {
        self.topics[topic].shown
            && self.filter.shows_peer(&event.peer)
            && self.filter.shows_level(event.level)
            && self.filter.shows_time(event.stamp.as_ref(), self.origin)
            && (self.filter.not_grep.is_empty() || {
                let text = make_safe(&event.text, &mut self.scratch.text).text();
                !self.filter.not_grep.iter().any(|not| not.is_match(text))
            })
    }

    fn matches(&mut self, event: &Event<'_>) -> bool {
        self.filter.grep.as_ref().is_none_or(|regex| {
            regex.is_match(make_safe(&event.text, &mut self.scratch.text).text())
        })
    }

    /// Draws an event in a layout that fits it, unless it is a repeat.
    fn lay_out_and_draw(&mut self, event: &Event<'_>, topic: TopicId) -> io::Result<()> {
        self.tally.shown += 1;
        self.owner = Owner::event(true);
        if self.measure.record(event) == Seen::New {
            self.fit = Fit::Outgrown;
        }
        if self.fit == Fit::Outgrown || self.canvas.is_none() {
            self.fit = Fit::Good;
            self.lay_out()?;
        }
        let repeats = match self.folds.as_mut().map(|folds| folds.take(event)) {
            Some(Folded::Repeat) => return Ok(()),
            Some(Folded::After(repeats)) => Some(repeats),
            Some(Folded::New) | None => None,
        };
        if let Some(repeats) = repeats {
            self.draw_repeats(&event.peer, repeats)?;
        }
        self.repeat_header()?;
        self.run = Run::Events;
        let day = event.stamp.as_ref().and_then(Stamp::day);
        if day.is_some() && self.day != day {
            self.day = day;
            self.draw_day(day.unwrap_or_default())?;
        }
        self.draw(event, topic)
    }
}

impl Run {
    /// The run a line of this class belongs to. An unknown line belongs to the one before it: the
    /// frames of a stack to their panic, the reasons to their failure.
    fn then(self, class: Class) -> Self {
        match (self, class) {
            (Self::NonEvents(current), Class::Plain) => Self::NonEvents(current),
            (Self::Events | Self::NonEvents(_), class) => Self::NonEvents(class),
        }
    }
}
