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
use super::plan::Source;
use super::run::{RunError, Screen};

/// Shows the files and whatever is added to them, until the program is ended.
///
/// # Errors
/// When a file cannot be read or the output not be written.
pub(super) fn show(sources: &[Source], screen: &mut Screen) -> Result<Exit, RunError> {
    let mut tails = Tails::open(sources)?;
    loop {
        if tails.news(&mut |line| screen.line(line))? == News::None {
            screen.pause()?;
            screen.follow_size()?;
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
    pub(super) fn open(sources: &[Source]) -> Result<Self, RunError> {
        let paths = sources.iter().filter_map(|source| match source {
            Source::File(path) => Some(path.clone()),
            Source::Stdin => None,
        });
        paths.map(Tail::open).collect::<Result<_, _>>().map(Self)
    }

    /// Passes on the lines that have been completed since the last look.
    ///
    /// # Errors
    /// When a file cannot be read, or what `take` says.
    pub(super) fn news(
        &mut self,
        take: &mut impl FnMut(&[u8]) -> Result<(), RunError>,
    ) -> Result<News, RunError> {
        let mut news = News::None;
        for tail in &mut self.0 {
            news = news.or(tail.news(take)?);
        }
        Ok(news)
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

impl News {
    fn or(self, other: Self) -> Self {
        if self == Self::Some { self } else { other }
    }
}

/// A file that is followed.
struct Tail {
    path: PathBuf,
    file: File,
    lines: Lines,
}

impl Tail {
    fn open(path: PathBuf) -> Result<Self, RunError> {
        match File::open(&path) {
            Ok(file) => Ok(Self { path, file, lines: Lines::new() }),
            Err(error) => Err(RunError::Open { path, error }),
        }
    }

    fn news(
        &mut self,
        take: &mut impl FnMut(&[u8]) -> Result<(), RunError>,
    ) -> Result<News, RunError> {
        match self.lines.fill(&mut self.file).map_err(RunError::Read)? {
            Fill::Some => {
                while let Some(line) = self.lines.next() {
                    take(line)?;
                }
                Ok(News::Some)
            }
            Fill::End => match self.start_over().map_err(RunError::Read)? {
                News::None => Ok(News::None),
                News::Some => {
                    // What the old file ended with will never get its line end.
                    self.lines.rest().map_or(Ok(()), take)?;
                    Ok(News::Some)
                }
            },
        }
    }

    /// Goes to the beginning of a file that was cut back or replaced.
    fn start_over(&mut self) -> io::Result<News> {
        let read = self.file.stream_position()?;
        let own = self.file.metadata()?;
        if own.len() < read {
            self.file.seek(SeekFrom::Start(0))?;
            return Ok(News::Some);
        }
        match replacement(&self.path, (own.dev(), own.ino())) {
            Some(file) => {
                self.file = file;
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
