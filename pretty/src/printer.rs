//! Lines in, rows out: ties parser, filter, layout and canvas together for a stream of lines.
//!
//! The first lines are held back for a moment, so that the first layout fits the peers in them.
//! After that every line is drawn when it comes; a peer, topic or time that does not fit the
//! layout makes a new one, with a new header. The printer never reads a clock or a terminal: its
//! owner says when the input pauses and when the width changes.

use std::io::{self, Write};
use std::mem;
use std::ops::Range;

use crate::class::Class;
use crate::color::Depth;
use crate::filter::Filter;
use crate::layout::{Layout, Shape};
use crate::line::{Event, Header, Line};
use crate::parse::{Format, Parser};
use crate::peer::{Peers, Seen};
use crate::render::{Canvas, Lead, Page, Paint, Piece, Sink};
use crate::text::make_safe;
use crate::theme::Background;
use crate::time::Tick;

mod front;
mod held;
mod measure;
mod topics;

use front::Front;
use held::Held;
use measure::Measure;
use topics::{TopicId, Topics};

/// How a log is shown.
#[derive(Clone, Debug)]
pub struct Options {
    /// Columns of the screen; at least 1.
    pub width: usize,
    /// Rows of the screen, if the header is to be repeated every so many rows.
    pub page: Option<usize>,
    /// How many peers have a column from the start, named `0`, `1`, …
    pub columns: Option<u16>,
    /// Whether times are shown.
    pub time: TimeColumn,
    /// Which background the colours are for.
    pub background: Background,
    /// How many colours there are.
    pub depth: Depth,
    /// Which events are shown.
    pub filter: Filter,
    /// Which lines are events.
    pub format: Format,
    /// The unit of whole-number times, if it is not the usual one.
    pub tick: Option<Tick>,
}

/// Whether the time column is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeColumn {
    /// It is.
    #[default]
    Shown,
    /// It is not; the room goes to the peers.
    Hidden,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            width: 100,
            page: None,
            columns: None,
            time: TimeColumn::Shown,
            background: Background::Dark,
            depth: Depth::None,
            filter: Filter::default(),
            format: Format::Auto,
            tick: None,
        }
    }
}

/// Draws lines as they come. See the [crate] for an example.
#[derive(Debug)]
pub struct Printer<W> {
    sink: Sink<W>,
    parser: Parser,
    filter: Filter,
    paint: Paint,
    topics: Topics,
    peers: Peers,
    measure: Measure,
    /// How many peers have a column from the start.
    columns: Option<u16>,
    /// Rows after which the header is repeated.
    page_rows: Option<usize>,
    page: Page,
    /// `None` until the first event, and again after each header line of the log.
    canvas: Option<Canvas>,
    held: Option<Held>,
    run: Run,
    /// Where the last header of columns was drawn.
    header_row: usize,
    scratch: Scratch,
}

/// What the last line was, so that a run of lines that are no events is set off once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    Events,
    Others(Class),
}

/// Buffers that live as long as the printer, so that lines cost no allocation.
#[derive(Debug, Default)]
struct Scratch {
    text: String,
    time: String,
    peer: String,
    front: Vec<u8>,
    marks: Vec<Range<usize>>,
}

impl<W: Write> Printer<W> {
    /// A printer that writes to `writer`, in large pieces.
    pub fn new(options: Options, writer: W) -> Self {
        let paint = Paint::new(options.background, options.depth);
        let mut printer = Self {
            sink: Sink::new(writer),
            parser: Parser::new(options.format, options.tick),
            filter: options.filter,
            topics: Topics::default(),
            peers: Peers::default(),
            measure: Measure::new(options.time),
            columns: options.columns,
            page_rows: options.page,
            page: Page::new(options.width.max(1), &paint),
            paint,
            canvas: None,
            held: None,
            run: Run::Events,
            header_row: 0,
            scratch: Scratch::default(),
        };
        printer.start_over(None);
        printer
    }

    /// Takes one line, without its line end.
    ///
    /// # Errors
    /// Those of the writer.
    #[inline]
    pub fn line(&mut self, line: &[u8]) -> io::Result<()> {
        match &mut self.held {
            None => self.show(line),
            Some(held) => {
                held.push(line);
                if held.is_full() { self.release() } else { Ok(()) }
            }
        }
    }

    /// The input has nothing more for now: shows what was held back and hands everything on.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn pause(&mut self) -> io::Result<()> {
        while self.holds_lines() {
            self.release()?;
        }
        self.sink.flush()
    }

    /// Whether lines are held back until more of them are known.
    #[must_use]
    pub fn holds_lines(&self) -> bool {
        self.held.as_ref().is_some_and(|held| !held.is_empty())
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
        self.page = Page::new(width.max(1), &self.paint);
        if self.canvas.is_some() { self.lay_out() } else { Ok(()) }
    }

    /// The input has ended: shows what was held back and returns the writer.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(mut self) -> io::Result<W> {
        self.pause()?;
        Ok(self.sink.into_writer())
    }

    /// Forgets the peers: a new run begins. The next lines are held back to find its own.
    fn start_over(&mut self, peers: Option<u16>) {
        self.peers = Peers::default();
        self.measure = self.measure.start_over();
        self.canvas = None;
        self.held = Some(Held::default());
        for number in 0..self.columns.max(peers).unwrap_or(0) {
            let name = number.to_string();
            if self.filter.shows_peer(name.as_bytes()) {
                self.peers.see(name.as_bytes());
            }
        }
    }

    /// Shows the held lines, after looking through them for peers and widths.
    fn release(&mut self) -> io::Result<()> {
        let Some(held) = self.held.take() else {
            return Ok(());
        };
        self.survey(&held);
        held.lines().try_for_each(|line| self.line(line))
    }

    /// Measures the events up to the next header line, which starts over anyway.
    fn survey(&mut self, held: &Held) {
        let mut parser = self.parser.clone();
        for line in held.lines() {
            match parser.parse(line) {
                Line::Event(event) if self.filter.shows(&event) => {
                    self.measure(&event);
                }
                Line::Event(_) | Line::Other(..) => {}
                Line::Header(_) => return,
            }
        }
    }

    #[inline]
    fn show(&mut self, line: &[u8]) -> io::Result<()> {
        match self.parser.parse(line) {
            Line::Event(event) => self.show_event(&event),
            Line::Header(header) => self.show_header(header),
            Line::Other(class, line) => self.show_other(class, line),
        }
    }

    fn show_event(&mut self, event: &Event<'_>) -> io::Result<()> {
        let topic = self.topics.id(&event.topic, &self.paint, &self.filter);
        if !self.shows(event, topic) {
            return Ok(());
        }
        if self.measure(event) == Seen::New || self.canvas.is_none() {
            self.lay_out()?;
        }
        self.repeat_header()?;
        self.run = Run::Events;
        self.draw(event, topic)
    }

    fn shows(&mut self, event: &Event<'_>, topic: TopicId) -> bool {
        self.topics[topic].shown
            && self.filter.shows_peer(&event.peer)
            && self.filter.shows_time(event.stamp.as_ref())
            && self.filter.grep.as_ref().is_none_or(|regex| {
                regex.is_match(make_safe(&event.text, &mut self.scratch.text).text())
            })
    }

    fn measure(&mut self, event: &Event<'_>) -> Seen {
        let grown = self.measure.see(event);
        match self.peers.see(&event.peer) {
            Seen::New => Seen::New,
            Seen::Before => grown,
        }
    }

    fn draw(&mut self, event: &Event<'_>, topic: TopicId) -> io::Result<()> {
        let Some(canvas) = &self.canvas else {
            return Ok(());
        };
        let Scratch { text, time, peer, front, marks } = &mut self.scratch;
        let topic = &self.topics[topic];
        let fields = Front::of(event, canvas.layout());
        let text = make_safe(fields.before(&event.text, front), text);
        if let Some(regex) = &self.filter.grep {
            marks.clear();
            marks.extend(regex.find_iter(text.text()).map(|found| found.range()));
        }
        let stamp = event.stamp.as_ref().filter(|_| fields.time.is_none());
        let lead = Lead {
            time: stamp.map_or("", |stamp| make_safe(&stamp.text, time).text()),
            topic: if fields.topic.is_some() { "" } else { &topic.label },
        };
        let piece = Piece { text, ink: &topic.ink, marks };
        if let Shape::Tagged(_) = canvas.layout().shape {
            let name = if fields.peer.is_some() { b"" } else { &*event.peer };
            let frame = canvas.tagged(make_safe(name, peer).text());
            return canvas.event(&mut self.sink, lead, &frame, piece);
        }
        let frame = canvas.frame(self.peers.column(&event.peer));
        canvas.event(&mut self.sink, lead, frame, piece)
    }

    /// Makes the layout that fits what has been seen, and says what it looks like.
    fn lay_out(&mut self) -> io::Result<()> {
        let columns = self.measure.columns(self.peers.len());
        let layout = Layout::new(self.page.width(), columns);
        let side_by_side = |canvas: &Canvas| matches!(canvas.layout().shape, Shape::Columns(_));
        let was_narrow = self.canvas.as_ref().is_some_and(|canvas| !side_by_side(canvas));
        let canvas = self.canvas.insert(Canvas::new(layout, &self.paint));
        if side_by_side(canvas) {
            return self.draw_header();
        }
        if was_narrow {
            return Ok(());
        }
        let notice = format!(
            "{} columns are too few for {} peers side by side ({} needed): one below the other",
            self.page.width(),
            columns.peers,
            Layout::width_needed(columns)
        );
        let text = make_safe(notice.as_bytes(), &mut self.scratch.text);
        let ink = self.paint.ink(self.paint.theme.time);
        self.page.rule(&mut self.sink, Piece { text, ink: &ink, marks: &[] })
    }

    fn draw_header(&mut self) -> io::Result<()> {
        self.header_row = self.sink.rows();
        let unit = self.measure.unit().map(|unit| unit.to_string()).unwrap_or_default();
        match &self.canvas {
            Some(canvas) => canvas.header(&mut self.sink, &unit, &self.peers.arrange()),
            None => Ok(()),
        }
    }

    /// Draws the header anew once it has left the screen.
    #[inline]
    fn repeat_header(&mut self) -> io::Result<()> {
        let Some(page) = self.page_rows else {
            return Ok(());
        };
        // One row is the header's own, one the prompt's.
        if self.sink.rows() - self.header_row + 2 > page.max(PAGE_ROWS_MIN) {
            return self.draw_header();
        }
        Ok(())
    }

    fn show_header(&mut self, header: Header<'_>) -> io::Result<()> {
        let ink = self.paint.bold_ink(self.paint.theme.title);
        let text = make_safe(header.text, &mut self.scratch.text);
        self.page.rule(&mut self.sink, Piece { text, ink: &ink, marks: &[] })?;
        self.run = Run::Events;
        self.start_over(header.peers);
        Ok(())
    }

    fn show_other(&mut self, class: Class, line: &[u8]) -> io::Result<()> {
        let ink = match class {
            Class::Blank => return self.sink.end_row(),
            Class::Plain => Box::default(),
            Class::Test => self.paint.bold_ink(self.paint.theme.title),
            Class::Passed => self.paint.bold_ink(self.paint.theme.good),
            Class::Failed | Class::Panic | Class::Race => self.paint.bold_ink(self.paint.theme.bad),
        };
        let run = self.run.then(class);
        let before = mem::replace(&mut self.run, run);
        let text = make_safe(line, &mut self.scratch.text);
        let piece = Piece { text, ink: &ink, marks: &[] };
        if before == run {
            return self.page.line(&mut self.sink, piece);
        }
        if matches!(class, Class::Test | Class::Passed | Class::Failed) {
            return self.page.rule(&mut self.sink, piece);
        }
        let mut title = String::new();
        let text = make_safe(class.title().as_bytes(), &mut title);
        self.page.rule(&mut self.sink, Piece { text, ..piece })?;
        self.page.line(&mut self.sink, piece)
    }
}

impl Run {
    /// The run a line of this class belongs to. What is not known belongs to what it follows: the
    /// frames of a stack to their panic, the reasons to their failure.
    fn then(self, class: Class) -> Self {
        match (self, class) {
            (Self::Others(current), Class::Plain) => Self::Others(current),
            (Self::Events | Self::Others(_), class) => Self::Others(class),
        }
    }
}

/// A screen lower than this would show hardly more than headers.
const PAGE_ROWS_MIN: usize = 10;
