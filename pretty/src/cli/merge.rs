//! Several logs as one, by time.
//!
//! Invariant: the lines of one input keep their order. A line without a time belongs to the line
//! before it, and a time that runs backwards counts as the latest one before it.

use super::input::Input;
use super::lines::{Fill, Lines};
use super::run::RunError;
use crate::line::Line;
use crate::parse::Parser;
use crate::time::Time;

/// Passes on all lines of all inputs; at equal times those of the input named first come first.
///
/// # Errors
/// When an input cannot be read, or what `take` says.
pub(super) fn lines(
    inputs: Vec<Input>,
    parser: &Parser,
    mut take: impl FnMut(&[u8]) -> Result<(), RunError>,
) -> Result<(), RunError> {
    let mut tracks = Vec::new();
    for input in inputs {
        let mut track = Track::new(input, parser.clone());
        track.advance()?;
        tracks.push(track);
    }
    loop {
        // Few logs are merged at a time: looking at each is as fast as any queue.
        let open = tracks.iter_mut().filter(|track| track.state == State::Line);
        let Some(next) = open.min_by_key(|track| track.time) else {
            return Ok(());
        };
        take(&next.line)?;
        next.advance()?;
    }
}

/// One input and its next line.
struct Track {
    input: Input,
    lines: Lines,
    parser: Parser,
    line: Vec<u8>,
    /// The latest time in it so far; none yet sorts first.
    time: Option<Time>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// `line` is the next line.
    Line,
    /// The input has ended.
    End,
}

impl Track {
    fn new(input: Input, parser: Parser) -> Self {
        let (lines, line) = (Lines::new(), Vec::new());
        Self { input, lines, parser, line, time: None, state: State::Line }
    }

    fn advance(&mut self) -> Result<(), RunError> {
        self.state = self.read_line()?;
        if let Line::Event(event) = self.parser.parse(&self.line) {
            self.time = self.time.max(event.stamp.and_then(|stamp| stamp.at));
        }
        Ok(())
    }

    fn read_line(&mut self) -> Result<State, RunError> {
        self.line.clear();
        loop {
            if let Some(line) = self.lines.next() {
                self.line.extend_from_slice(line);
                return Ok(State::Line);
            }
            if self.lines.fill(&mut self.input.reader).map_err(RunError::Read)? == Fill::End {
                let Some(rest) = self.lines.rest() else {
                    return Ok(State::End);
                };
                self.line.extend_from_slice(rest);
                return Ok(State::Line);
            }
        }
    }
}
