//! Files and standard input as streams of bytes, decoded if needed.

use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use crate::cli::error::RunError;
use crate::cli::input::decode::{Decoder, Encoding};
use crate::cli::input::pause::Pauses;
use crate::cli::plan::InputSource;

/// An open input.
pub(crate) struct Input {
    pub(crate) reader: Box<dyn Read + Send>,
    pub(crate) pauses: Pauses,
    /// The same as a plain file, if it is one that can be read from its start at any place.
    pub(crate) plain: Option<File>,
}

/// The time at which a named pipe is opened, which takes until a program writes to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PipeOpening {
    Now,
    /// At the first read.
    AtRead,
}

impl Input {
    /// Opens a source.
    ///
    /// # Errors
    /// If it does not exist, may not be read, or is packed with a foreign program.
    pub(crate) fn open(source: &InputSource, opening: PipeOpening) -> Result<Self, RunError> {
        match source {
            InputSource::Stdin => Self::stdin().map_err(RunError::Read),
            InputSource::File(path) => Self::file(path, opening)
                .map_err(|error| RunError::Open { path: path.clone(), error }),
        }
    }

    fn stdin() -> io::Result<Self> {
        let mut file = unbuffered(io::stdin().as_fd())?;
        let pauses = Pauses::of(&file)?;
        let is_file = matches!(pauses, Pauses::Never) && file.stream_position()? == 0;
        Self::of(file, pauses, is_file, "standard input")
    }

    fn file(path: &Path, opening: PipeOpening) -> io::Result<Self> {
        let name = path.display().to_string();
        if opening == PipeOpening::AtRead && std::fs::metadata(path)?.file_type().is_fifo() {
            let reader = Named { name, reader: Decoder::new(LatePipe::Closed(path.to_owned())) };
            return Ok(Self { reader: Box::new(reader), pauses: Pauses::Unknown, plain: None });
        }
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let pauses = Pauses::of(&file)?;
        let is_file = matches!(pauses, Pauses::Never);
        Self::of(file, pauses, is_file, &name)
    }

    fn of(file: File, pauses: Pauses, is_file: bool, name: &str) -> io::Result<Self> {
        let encoding = if is_file { Some(Encoding::of_file(&file)?) } else { None };
        let plain = if encoding == Some(Encoding::Plain) { Some(file.try_clone()?) } else { None };
        // The decoder of a plain file would only be in the way.
        let reader: Box<dyn Read + Send> = match plain {
            Some(_) => Box::new(file),
            None => Box::new(Named { name: name.to_owned(), reader: Decoder::new(file) }),
        };
        Ok(Self { reader, pauses, plain })
    }
}

/// A reader whose errors name it.
struct Named<R> {
    name: String,
    reader: R,
}

impl<R: Read> Read for Named<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let name = &self.name;
        self.reader
            .read(buffer)
            .map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))
    }
}

/// A named pipe that is opened when it is read.
enum LatePipe {
    Closed(PathBuf),
    Open(File),
}

impl Read for LatePipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Self::Closed(path) = self {
            *self = Self::Open(File::open(path)?);
        }
        match self {
            Self::Open(file) => file.read(buffer),
            Self::Closed(_) => Ok(0),
        }
    }
}

/// A standard stream without the standard library's buffer: there is another here, and
/// its end has to be noticed.
pub(crate) fn unbuffered(stream: BorrowedFd<'_>) -> io::Result<File> {
    stream.try_clone_to_owned().map(File::from)
}
