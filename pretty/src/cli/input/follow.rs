//! Files that grow, are truncated, or are replaced under their name.
//!
//! Looks at each file a few times a second instead of asking the system for events: those miss
//! changes on network and container file systems, and a log read by a person needs no more.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use crate::cli::error::RunError;
use crate::cli::exit::Exit;
use crate::cli::input::line_reader::{Fill, LineReader};
use crate::cli::input::merge::TimeOrder;
use crate::cli::output::sink::Sink;
use crate::cli::plan::InputSource;
use crate::parse::Parser;

/// Passes on the lines of the files and those added to them, without an end. Lines that are there
/// at one look are merged by time; later ones cannot come before those that have been shown.
///
/// # Errors
/// If a file cannot be read or the output not be written.
pub(crate) fn lines(
    sources: &[InputSource],
    parser: &Parser,
    sink: &mut impl Sink,
) -> Result<Exit, RunError> {
    let mut tails = Tails::open(sources, parser)?;
    loop {
        let new = tails.read_new_lines(&mut |line| sink.line(line))?;
        sink.follow_size()?;
        if new == NewLines::None {
            sink.pause()?;
            sleep(POLL_EVERY);
        }
    }
}

/// Files that are followed.
pub(crate) struct Tails(Vec<Tail>);

impl Tails {
    /// Opens those sources that are files.
    ///
    /// # Errors
    /// If one cannot be opened.
    pub(crate) fn open(sources: &[InputSource], parser: &Parser) -> Result<Self, RunError> {
        let paths = sources.iter().filter_map(|source| match source {
            InputSource::File(path) => Some(path.clone()),
            InputSource::Stdin => None,
        });
        paths.map(|path| Tail::open(path, parser.clone())).collect::<Result<_, _>>().map(Self)
    }

    /// Passes on the lines that have been completed since the last look, merged by time.
    ///
    /// # Errors
    /// Those of reading a file, and of `take`.
    pub(crate) fn read_new_lines(
        &mut self,
        take: &mut impl FnMut(&[u8]) -> Result<(), RunError>,
    ) -> Result<NewLines, RunError> {
        for tail in &mut self.0 {
            tail.advance()?;
        }
        let mut new = NewLines::None;
        while let Some(next) = self.earliest() {
            if let Some(line) = next.line.take() {
                take(&line)?;
                new = NewLines::Some;
            }
            next.advance()?;
        }
        Ok(new)
    }

    /// The file whose next line is the earliest, among those that have one.
    fn earliest(&mut self) -> Option<&mut Tail> {
        let ready = self.0.iter_mut().filter(|tail| tail.line.is_some());
        ready.min_by_key(|tail| tail.order.time)
    }
}

/// The time between two looks at a file.
pub(crate) const POLL_EVERY: Duration = Duration::from_millis(100);

/// The result of a look at a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NewLines {
    None,
    Some,
}

/// A file that is followed.
struct Tail {
    path: PathBuf,
    file: File,
    lines: LineReader,
    order: TimeOrder,
    /// The next line, if it is complete.
    line: Option<Vec<u8>>,
}

impl Tail {
    fn open(path: PathBuf, parser: Parser) -> Result<Self, RunError> {
        match File::open(&path) {
            Ok(file) => {
                let (lines, order) = (LineReader::new(), TimeOrder::new(parser));
                Ok(Self { path, file, lines, order, line: None })
            }
            Err(error) => Err(RunError::Open { path, error }),
        }
    }

    /// Goes to the next line, if there is one by now.
    fn advance(&mut self) -> Result<(), RunError> {
        if self.line.is_none() {
            self.line = self.next_line().map_err(RunError::Read)?;
            if let Some(line) = &self.line {
                self.order.record(line);
            }
        }
        Ok(())
    }

    fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(line) = self.lines.next() {
                return Ok(Some(line.to_vec()));
            }
            if self.lines.fill(&mut self.file)? == Fill::End {
                if self.reopen()? == NewLines::None {
                    return Ok(None);
                }
                // What the old file ended with will never get its line end.
                if let Some(rest) = self.lines.rest() {
                    return Ok(Some(rest.to_vec()));
                }
            }
        }
    }

    /// Goes to the beginning of a file that was truncated or replaced.
    fn reopen(&mut self) -> io::Result<NewLines> {
        let read = self.file.stream_position()?;
        let own = self.file.metadata()?;
        if own.len() < read {
            self.file.seek(SeekFrom::Start(0))?;
            self.order.time = None;
            return Ok(NewLines::Some);
        }
        match replacement(&self.path, (own.dev(), own.ino())) {
            Some(file) => {
                self.file = file;
                self.order.time = None;
                Ok(NewLines::Some)
            }
            None => Ok(NewLines::None),
        }
    }
}

/// The file that has the name now, if it is another one. While there is none, as in the middle of
/// a rotation, the old one stays.
pub(crate) fn replacement(path: &Path, old: (u64, u64)) -> Option<File> {
    let file = File::open(path).ok()?;
    let new = file.metadata().ok()?;
    ((new.dev(), new.ino()) != old).then_some(file)
}
