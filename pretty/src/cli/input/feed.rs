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
use crate::parse::{Parser, SAMPLE_BYTES, sample_of};

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
        let before = lines.unread().len();
        let fill = lines.fill(&mut input.reader).map_err(RunError::Read)?;
        sink.follow_size()?;
        if sample.len() < SAMPLE_BYTES {
            sample.extend_from_slice(&lines.unread()[before..]);
            sink.look_at(0, sample_of(&sample));
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

#[cfg(test)]
mod tests {
    use std::io::{self, Read};

    use super::*;
    use crate::cli::input::pause::Pauses;

    /// Gives a few bytes at a time.
    struct Slow(&'static [u8]);

    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let mut few = &self.0[..self.0.len().min(3)];
            let count = few.read(buffer)?;
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    /// Keeps what it is given.
    #[derive(Default)]
    struct Kept {
        lines: Vec<Vec<u8>>,
        samples: Vec<Vec<u8>>,
    }

    impl Sink for &mut Kept {
        fn line(&mut self, line: &[u8]) -> Result<(), RunError> {
            self.lines.push(line.to_vec());
            Ok(())
        }

        fn look_at(&mut self, _: usize, sample: &[u8]) {
            self.samples.push(sample.to_vec());
        }

        fn finish(self) -> Result<(), RunError> {
            Ok(())
        }
    }

    #[test]
    fn a_log_that_comes_in_pieces_is_looked_at_as_it_is() {
        let log = b"1 | A | 0 | x\n2 | B | 1 | y\n";
        let mut kept = Kept::default();
        let input = Input { reader: Box::new(Slow(log)), pauses: Pauses::Never, plain: None };
        one(input, &mut &mut kept).unwrap();
        assert_eq!(kept.lines, [&log[..13], &log[14..27]]);
        assert!(kept.samples.len() > 5);
        for sample in kept.samples {
            assert!(log.starts_with(&sample), "{}", String::from_utf8_lossy(&sample));
        }
    }
}
