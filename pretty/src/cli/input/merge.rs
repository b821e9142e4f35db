//! Several files as one log, by time.
//!
//! Invariant: the lines of one input keep their order. A line without a time belongs to the line
//! before it, and a time that runs backwards counts as the latest one before it.

use crate::class::Class;
use crate::cli::error::RunError;
use crate::cli::exit::Exit;
use crate::cli::input::line_reader::{Fill, LineReader};
use crate::cli::input::open::Input;
use crate::cli::output::sink::Sink;
use crate::line::Line;
use crate::parse::{Parser, sample_of};
use crate::time::Time;

/// Passes on all lines of all inputs; at equal times those of the input named first come first.
///
/// # Errors
/// Those of reading an input, and of `sink`.
pub(crate) fn lines(
    inputs: Vec<Input>,
    parser: &Parser,
    sink: &mut impl Sink,
) -> Result<Exit, RunError> {
    let inputs = inputs.into_iter().enumerate();
    let inputs = inputs.map(|(source, input)| MergeInput::new(input, source, parser.clone()));
    let mut inputs: Vec<_> = inputs.collect();
    inputs.iter_mut().try_for_each(|input| input.advance(sink))?;
    loop {
        // Few logs are merged at a time: looking at each is as fast as any queue.
        let open = inputs.iter_mut().filter(|input| input.state == State::Line);
        let Some(next) = open.min_by_key(|input| input.order.time) else {
            return Ok(Exit::Done);
        };
        sink.set_source(next.order.source);
        sink.line(&next.line)?;
        next.advance(sink)?;
    }
}

/// The time that orders the lines of one log among those of others.
pub(crate) struct TimeOrder {
    parser: Parser,
    /// The number of the log.
    pub(crate) source: usize,
    /// The latest time so far; none yet sorts first.
    pub(crate) time: Option<Time>,
}

impl TimeOrder {
    pub(crate) fn new(mut parser: Parser, source: usize) -> Self {
        parser.set_source(source);
        Self { parser, source, time: None }
    }

    /// Finds out the formats of the log from its first lines, here and in a sink.
    pub(crate) fn look_at(&mut self, sample: &[u8], sink: &mut impl Sink) {
        if !self.parser.has_looked() {
            let sample = sample_of(sample);
            self.parser.look_at(sample);
            sink.look_at(self.source, sample);
        }
    }

    /// Takes the next line into account.
    pub(crate) fn record(&mut self, line: &[u8]) {
        let time = match self.parser.parse(line) {
            Line::Event(event) => event.stamp.and_then(|stamp| stamp.at),
            Line::Other(Class::Lead, _) => self.parser.lead_time(),
            Line::Header(_) | Line::Other(..) => None,
        };
        self.time = self.time.max(time);
    }
}

/// One input and its next line.
struct MergeInput {
    input: Input,
    lines: LineReader,
    order: TimeOrder,
    line: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// `line` is the next line.
    Line,
    /// The input has ended.
    End,
}

impl MergeInput {
    fn new(input: Input, source: usize, parser: Parser) -> Self {
        let (lines, line) = (LineReader::new(), Vec::new());
        Self { input, lines, order: TimeOrder::new(parser, source), line, state: State::Line }
    }

    /// Goes to the next line.
    fn advance(&mut self, sink: &mut impl Sink) -> Result<(), RunError> {
        self.line.clear();
        loop {
            if let Some(line) = self.lines.next() {
                self.line.extend_from_slice(line);
                break;
            }
            let fill = self.lines.fill(&mut self.input.reader).map_err(RunError::Read)?;
            // A packed file may give a few bytes first.
            let sample = self.lines.unread();
            if fill == Fill::End || memchr::memchr(b'\n', sample).is_some() {
                self.order.look_at(sample, sink);
            }
            if fill == Fill::End {
                match self.lines.rest() {
                    Some(rest) => self.line.extend_from_slice(rest),
                    None => self.state = State::End,
                }
                break;
            }
        }
        self.order.record(&self.line);
        Ok(())
    }
}
