//! Inputs → lines: one input as it is read, several merged by time, followed ones without an end.

use std::time::Duration;

use crate::cli::error::RunError;
use crate::cli::exit::Exit;
use crate::cli::input::line_reader::{Fill, LineReader};
use crate::cli::input::live::{LiveMerge, LiveSource, open_followed};
use crate::cli::input::merge;
use crate::cli::input::open::{Input, PipeOpening};
use crate::cli::input::pause::Pauses;
use crate::cli::input::signal::{Interrupts, Wait};
use crate::cli::output::sink::Sink;
use crate::cli::plan::{Follow, InputSource};
use crate::parse::{Parser, SAMPLE_BYTES};

/// Inputs, and the way their lines become one sequence.
pub(crate) struct Feed {
    pub(crate) inputs: Inputs,
    /// Reads the times of lines that are merged.
    pub(crate) parser: Parser,
    /// The longest time a line waits for those of other sources.
    pub(crate) window: Duration,
}

/// The inputs, opened.
pub(crate) enum Inputs {
    /// One input, to its end.
    One(Input),
    /// Files, to their ends.
    Files(Vec<Input>),
    /// Sources that come as they like.
    Live(Follow, Vec<LiveSource>),
}

impl Inputs {
    /// Opens sources; `pipes` tells when a single one that is a named pipe is opened.
    ///
    /// # Errors
    /// If one cannot be read.
    pub(crate) fn open(
        sources: &[InputSource],
        follow: Follow,
        pipes: PipeOpening,
    ) -> Result<Self, RunError> {
        if follow == Follow::Yes {
            return open_followed(sources).map(|all| Self::Live(Follow::Yes, all));
        }
        let pipes = if sources.len() > 1 { PipeOpening::AtRead } else { pipes };
        let inputs = sources.iter().map(|source| Input::open(source, pipes));
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        Ok(match <[Input; 1]>::try_from(inputs) {
            Ok([input]) => Self::One(input),
            Err(all) if all.iter().all(|own| matches!(own.pauses, Pauses::Never)) => {
                Self::Files(all)
            }
            Err(all) => Self::Live(Follow::No, all.into_iter().map(LiveSource::Once).collect()),
        })
    }
}

impl Feed {
    /// Passes all lines to a sink, and finishes it.
    ///
    /// # Errors
    /// If something cannot be read or written.
    pub(crate) fn into_sink(self, mut sink: impl Sink) -> Result<Exit, RunError> {
        let Self { inputs, parser, window } = self;
        let fed = match inputs {
            Inputs::One(input) => one(input, &mut sink),
            Inputs::Files(files) => merge::lines(files, &parser, &mut sink),
            Inputs::Live(follow, sources) => {
                let interrupts = Some(Interrupts::count().map_err(RunError::Wait)?);
                LiveMerge { follow, parser, window, interrupts }.lines(sources, &mut sink)
            }
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
    let mut sample = Vec::new();
    loop {
        if input.pauses.until_input(sink)? == Wait::RepeatedInterrupt {
            return Ok(Exit::Interrupted);
        }
        let fill = lines.fill(&mut input.reader).map_err(RunError::Read)?;
        sink.follow_size()?;
        if sample.len() < SAMPLE_BYTES {
            sample.extend_from_slice(lines.unread());
            sink.look_at(0, &sample[..sample.len().min(SAMPLE_BYTES)]);
        }
        while let Some(line) = lines.next() {
            sink.line(line)?;
        }
        if fill == Fill::End {
            lines.rest().map_or(Ok(()), |line| sink.line(line))?;
            return Ok(Exit::Done);
        }
    }
}
