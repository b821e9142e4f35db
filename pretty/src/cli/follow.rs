//! Files that grow, are cut back, or are replaced under their name.
//!
//! Looks at each file a few times a second instead of asking the system for events: those miss
//! changes on network and container file systems, and a log read by a person needs no more.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use super::Exit;
use super::lines::{Fill, Lines};
use super::merge::Clock;
use super::plan::Source;
use super::run::{RunError, Screen, Sink as _};
use crate::parse::Parser;

/// Shows the files and whatever is added to them, until the program is ended. What is there at one
/// look is merged by time; what comes later cannot stand before what has been shown.
///
/// # Errors
/// When a file cannot be read or the output not be written.
pub(super) fn show(
    sources: &[Source],
    parser: &Parser,
    screen: &mut Screen,
) -> Result<Exit, RunError> {
    let mut tails = Tails::open(sources, parser)?;
    loop {
        let news = tails.news(&mut |line| screen.line(line))?;
        screen.follow_size()?;
        if news == News::None {
            screen.pause()?;
            sleep(LOOK_EVERY);
        }
    }
}

/// Files that are followed.
pub(super) struct Tails(Vec<Tail>);

impl Tails {
    /// Opens those sources that are files.
    ///
    /// # Errors
    /// When one cannot be opened.
    pub(super) fn open(sources: &[Source], parser: &Parser) -> Result<Self, RunError> {
        let paths = sources.iter().filter_map(|source| match source {
            Source::File(path) => Some(path.clone()),
            Source::Stdin => None,
        });
        paths.map(|path| Tail::open(path, parser.clone())).collect::<Result<_, _>>().map(Self)
    }

    /// Passes on the lines that have been completed since the last look, merged by time.
    ///
    /// # Errors
    /// When a file cannot be read, or what `take` says.
    pub(super) fn news(
        &mut self,
        take: &mut impl FnMut(&[u8]) -> Result<(), RunError>,
    ) -> Result<News, RunError> {
        for tail in &mut self.0 {
            tail.advance()?;
        }
        let mut news = News::None;
        while let Some(next) = self.earliest() {
            if let Some(line) = next.line.take() {
                take(&line)?;
                news = News::Some;
            }
            next.advance()?;
        }
        Ok(news)
    }

    /// The file whose next line is the earliest, among those that have one.
    fn earliest(&mut self) -> Option<&mut Tail> {
        let ready = self.0.iter_mut().filter(|tail| tail.line.is_some());
        ready.min_by_key(|tail| tail.clock.time)
    }
}

/// How long to wait for news.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Whether a look at a file found anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    None,
    Some,
}

/// A file that is followed.
struct Tail {
    path: PathBuf,
    file: File,
    lines: Lines,
    clock: Clock,
    /// The next line, if it is complete.
    line: Option<Vec<u8>>,
}

impl Tail {
    fn open(path: PathBuf, parser: Parser) -> Result<Self, RunError> {
        match File::open(&path) {
            Ok(file) => {
                let (lines, clock) = (Lines::new(), Clock::new(parser));
                Ok(Self { path, file, lines, clock, line: None })
            }
            Err(error) => Err(RunError::Open { path, error }),
        }
    }

    /// Goes to the next line, if there is one by now.
    fn advance(&mut self) -> Result<(), RunError> {
        if self.line.is_none() {
            self.line = self.next_line().map_err(RunError::Read)?;
            if let Some(line) = &self.line {
                self.clock.see(line);
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
                if self.start_over()? == News::None {
                    return Ok(None);
                }
                // What the old file ended with will never get its line end.
                if let Some(rest) = self.lines.rest() {
                    return Ok(Some(rest.to_vec()));
                }
            }
        }
    }

    /// Goes to the beginning of a file that was cut back or replaced.
    fn start_over(&mut self) -> io::Result<News> {
        let read = self.file.stream_position()?;
        let own = self.file.metadata()?;
        if own.len() < read {
            self.file.seek(SeekFrom::Start(0))?;
            self.clock.time = None;
            return Ok(News::Some);
        }
        match replacement(&self.path, (own.dev(), own.ino())) {
            Some(file) => {
                self.file = file;
                self.clock.time = None;
                Ok(News::Some)
            }
            None => Ok(News::None),
        }
    }
}

/// The file that has the name now, if it is another one. While there is none, as in the middle of
/// a rotation, the old one goes on.
pub(super) fn replacement(path: &Path, old: (u64, u64)) -> Option<File> {
    let file = File::open(path).ok()?;
    let new = file.metadata().ok()?;
    ((new.dev(), new.ino()) != old).then_some(file)
}
