//! Sinks of lines: the printer of columns, the page for a browser, the diagram.
//!
//! ```text
//! lines → Printer, HtmlPage or DiagramBuilder (parse → filter → layout) → output
//! ```

use std::fs::File;
use std::io::{self, Write as _};

use crate::cli::error::{RunError, warn};
use crate::cli::output::terminal::Size;
use crate::cli::plan::Resize;
use crate::diagram::DiagramBuilder;
use crate::filter::Filter;
use crate::html::HtmlPage;
use crate::line::{Event, Line};
use crate::meaning::rule_set::Rules;
use crate::name_usage::{FilterList, NameUsage, UnknownName};
use crate::parse::Parser;
use crate::printer::{Options, Printer, Tally};
use crate::style::theme::Palette;
use crate::suggestion::suggestion;
use crate::text::safe_text;
use crate::time::Time;

/// A consumer of lines.
pub(crate) trait Sink {
    /// # Errors
    /// If it cannot be shown or kept.
    fn line(&mut self, line: &[u8]) -> Result<(), RunError>;

    /// The first lines of a source, from which its formats are found.
    fn look_at(&mut self, _source: usize, _sample: &[u8]) {}

    /// The next lines are of this source.
    fn set_source(&mut self, _source: usize) {}

    /// The input pauses: all lines so far are to be shown.
    ///
    /// # Errors
    /// If it cannot be shown.
    fn pause(&mut self) -> Result<(), RunError> {
        Ok(())
    }

    /// Follows the size of the screen, which may have changed.
    ///
    /// # Errors
    /// If it cannot be drawn again.
    fn follow_size(&mut self) -> Result<(), RunError> {
        Ok(())
    }

    /// Tells whether lines wait for others before they are shown.
    fn holds_lines(&self) -> bool {
        false
    }

    /// Reports a source that cannot be read to its end; others go on.
    fn source_failed(&mut self, error: &RunError) {
        warn(&error.to_string());
    }

    /// The input has ended, or broke: shows what is left.
    ///
    /// # Errors
    /// If it cannot be shown.
    fn finish(self) -> Result<(), RunError>;
}

/// A printer on standard output.
pub(crate) struct PrinterSink {
    printer: Printer<File>,
    resize: Resize,
}

impl PrinterSink {
    pub(crate) fn new(options: Options, output: File, resize: Resize) -> Self {
        Self { printer: Printer::new(options, output), resize }
    }
}

impl Sink for PrinterSink {
    #[inline]
    fn line(&mut self, line: &[u8]) -> Result<(), RunError> {
        self.printer.line(line).map_err(RunError::Write)
    }

    fn look_at(&mut self, source: usize, sample: &[u8]) {
        self.printer.look_at(source, sample);
    }

    fn set_source(&mut self, source: usize) {
        self.printer.set_source(source);
    }

    fn pause(&mut self) -> Result<(), RunError> {
        self.printer.pause().map_err(RunError::Write)
    }

    fn follow_size(&mut self) -> Result<(), RunError> {
        match (self.resize, Size::current()) {
            (Resize::Follow, Some(size)) => {
                let (columns, rows) = (usize::from(size.columns), usize::from(size.rows));
                self.printer.resize(columns, Some(rows)).map_err(RunError::Write)
            }
            (Resize::Follow, None) | (Resize::Fixed, _) => Ok(()),
        }
    }

    fn holds_lines(&self) -> bool {
        self.printer.holds_lines()
    }

    /// Shows what is left, and warns if filters have left nothing.
    fn finish(self) -> Result<(), RunError> {
        let mut printer = self.printer;
        printer.pause().map_err(RunError::Write)?;
        warn_unknown_names(printer.name_usage());
        let Tally { events, shown, unread } = printer.tally();
        if unread > events
            && let Some(first) = printer.first_unread()
        {
            warn(&format!(
                "{events} of {} lines are of a known format; not this one: {}; see `pretty --explain`",
                events + unread,
                safe_text(first)
            ));
        }
        if events > 0 && shown == 0 {
            warn(&format!("0 of {events} events passed the filters"));
        }
        printer.finish().map(drop).map_err(RunError::Write)
    }
}

/// A page for a browser.
pub(crate) struct PageSink(HtmlPage<Counted<io::BufWriter<File>>>);

impl PageSink {
    /// # Errors
    /// If the beginning of the page cannot be written.
    pub(crate) fn new(
        parser: Parser,
        filter: Filter,
        palette: Palette,
        rules: Rules,
        output: File,
    ) -> Result<Self, RunError> {
        let output = io::BufWriter::with_capacity(PAGE_BUFFER_BYTES, output);
        let output = Counted { writer: output, bytes: 0 };
        let page = HtmlPage::new(parser, filter, output).map_err(RunError::Write)?;
        Ok(Self(page.with_palette(palette).with_rules(rules)))
    }
}

impl Sink for PageSink {
    fn line(&mut self, line: &[u8]) -> Result<(), RunError> {
        self.0.line(line).map_err(RunError::Write)
    }

    fn look_at(&mut self, source: usize, sample: &[u8]) {
        self.0.parser_mut().look_at_source(source, sample);
    }

    fn set_source(&mut self, source: usize) {
        self.0.parser_mut().set_source(source);
    }

    fn finish(self) -> Result<(), RunError> {
        warn_unknown_names(self.0.name_usage());
        let written = self.0.finish().map_err(RunError::Write)?;
        if written.bytes > PAGE_BYTES_LARGE {
            let megabytes = written.bytes / 1_000_000;
            warn(&format!(
                "the page has {megabytes} MB, and a browser needs several times as much memory; \
                 leave lines out by -s, -u, --peers, -j or -g"
            ));
        }
        Ok(())
    }
}

/// A writer that knows how much it has written.
struct Counted<W> {
    writer: W,
    bytes: u64,
}

impl<W: io::Write> io::Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.writer.write(bytes)?;
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Opened by browsers within a few seconds.
const PAGE_BYTES_LARGE: u64 = 50_000_000;

/// A diagram, written at the end.
pub(crate) struct DiagramSink {
    parser: Parser,
    filter: Filter,
    builder: DiagramBuilder,
    title: String,
    output: File,
    origin: Option<Time>,
    name_usage: Option<NameUsage>,
    /// The side the last event was on: lines without a time follow it.
    window: Window,
}

/// The side of a window of time a line is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Window {
    Inside,
    Outside,
}

impl DiagramSink {
    pub(crate) fn new(
        parser: Parser,
        filter: Filter,
        palette: Palette,
        rules: Rules,
        title: String,
        output: File,
    ) -> Self {
        let window = if filter.since.is_none() { Window::Inside } else { Window::Outside };
        let builder = DiagramBuilder::with_rules(rules).with_palette(palette);
        let name_usage = NameUsage::of(&filter);
        Self { name_usage, parser, filter, builder, title, output, origin: None, window }
    }

    fn passes(&mut self, event: &Event<'_>) -> bool {
        if let Some(name_usage) = &mut self.name_usage {
            name_usage.record(event);
        }
        let stamp = event.stamp.as_ref();
        let date = stamp.filter(|stamp| stamp.unit.is_none());
        self.origin = self.origin.or_else(|| date?.at);
        let inside = self.filter.shows_time(stamp, self.origin);
        self.window = if inside { Window::Inside } else { Window::Outside };
        self.filter.shows(event, self.origin) && self.filter.shows_text(&safe_text(&event.text))
    }
}

impl Sink for DiagramSink {
    fn line(&mut self, line: &[u8]) -> Result<(), RunError> {
        let line = self.parser.parse(line);
        let is_drawn = match &line {
            Line::Event(event) => self.passes(event),
            Line::Header(_) | Line::Other(..) => self.window == Window::Inside,
        };
        match is_drawn {
            true => self.builder.draw(&line),
            false => self.builder.observe(&line),
        }
        Ok(())
    }

    fn look_at(&mut self, source: usize, sample: &[u8]) {
        self.parser.look_at_source(source, sample);
    }

    fn set_source(&mut self, source: usize) {
        self.parser.set_source(source);
    }

    fn finish(mut self) -> Result<(), RunError> {
        warn_unknown_names(self.name_usage.as_ref());
        let diagram = self.builder.finish().map_err(RunError::Diagram)?;
        self.output.write_all(diagram.svg(&self.title).as_bytes()).map_err(RunError::Write)
    }
}

const PAGE_BUFFER_BYTES: usize = 64 * 1024;

/// Warns of names in filters that the log does not have, with suggestions.
pub(super) fn warn_unknown_names(name_usage: Option<&NameUsage>) {
    for UnknownName { list, name, known } in name_usage.map(NameUsage::unknown).unwrap_or_default()
    {
        let (option, kind) = match list {
            FilterList::Just => ("--just", "topic"),
            FilterList::Ignore => ("--ignore", "topic"),
            FilterList::Peers => ("--peers", "peer"),
            FilterList::NotPeers => ("--not-peers", "peer"),
        };
        let suggestion = suggestion(&format!("{kind}s"), &name, known.iter().map(String::as_str));
        warn(&format!("{option}: the log has no {kind} {name}; {suggestion}"));
    }
}
