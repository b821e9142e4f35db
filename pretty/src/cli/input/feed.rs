//! Inputs → lines: one input as it is read, several merged by time, followed ones without an end.

use crate::cli::error::RunError;
use crate::cli::exit::Exit;
use crate::cli::input::line_reader::{Fill, LineReader};
use crate::cli::input::open::Input;
use crate::cli::input::signal::Wait;
use crate::cli::input::{follow, merge};
use crate::cli::output::sink::Sink;
use crate::cli::plan::{Follow, InputSource};
use crate::parse::Parser;

/// Inputs, and the way their lines become one sequence.
pub(crate) struct Feed {
    pub(crate) inputs: Vec<Input>,
    /// The names of the inputs, for those that are followed.
    pub(crate) sources: Vec<InputSource>,
    pub(crate) follow: Follow,
    /// Reads the times of lines that are merged.
    pub(crate) parser: Parser,
}

impl Feed {
    /// Passes all lines to a sink, and finishes it.
    ///
    /// # Errors
    /// If something cannot be read or written.
    pub(crate) fn into_sink(self, mut sink: impl Sink) -> Result<Exit, RunError> {
        let fed = match (self.follow, <[Input; 1]>::try_from(self.inputs)) {
            (Follow::No, Ok([input])) => one(input, &mut sink),
            (Follow::No, Err(inputs)) => merge::lines(inputs, &self.parser, &mut sink),
            (Follow::Yes, _) => follow::lines(&self.sources, &self.parser, &mut sink),
        };
        match fed {
            Err(RunError::Write(_)) | Ok(Exit::Interrupted) => fed,
            // The lines before an input broke are worth seeing.
            Ok(_) | Err(_) => sink.finish().and(fed),
        }
    }
}

fn one(mut input: Input, sink: &mut impl Sink) -> Result<Exit, RunError> {
    let mut lines = LineReader::new();
    loop {
        if input.pauses.until_input(sink)? == Wait::RepeatedInterrupt {
            return Ok(Exit::Interrupted);
        }
        let fill = lines.fill(&mut input.reader).map_err(RunError::Read)?;
        sink.follow_size()?;
        while let Some(line) = lines.next() {
            sink.line(line)?;
        }
        if fill == Fill::End {
            lines.rest().map_or(Ok(()), |line| sink.line(line))?;
            return Ok(Exit::Done);
        }
    }
}
