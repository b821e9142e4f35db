//! Files and standard input as streams of bytes, decompressed if needed.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::Path;

use crate::cli::error::RunError;
use crate::cli::input::pause::Pauses;
use crate::cli::plan::InputSource;

/// An open input.
pub(crate) struct Input {
    pub(crate) reader: Box<dyn Read + Send>,
    pub(crate) pauses: Pauses,
    /// The same as a plain file, if it is one that can be read from its start at any place.
    pub(crate) plain: Option<File>,
}

impl Input {
    /// Opens a source.
    ///
    /// # Errors
    /// If it does not exist, may not be read, or is packed but broken from the start.
    pub(crate) fn open(source: &InputSource) -> Result<Self, RunError> {
        match source {
            InputSource::Stdin => Self::stdin().map_err(RunError::Read),
            InputSource::File(path) => {
                Self::file(path).map_err(|error| RunError::Open { path: path.clone(), error })
            }
        }
    }

    fn stdin() -> io::Result<Self> {
        let mut file = unbuffered(io::stdin().as_fd())?;
        let pauses = Pauses::of(&file)?;
        let is_plain = matches!(pauses, Pauses::Never) && file.stream_position()? == 0;
        let plain = if is_plain { Some(file.try_clone()?) } else { None };
        Ok(Self { pauses, reader: Box::new(file), plain })
    }

    fn file(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let pauses = Pauses::of(&file)?;
        let packing = packing(&mut file, &pauses)?;
        let is_plain = matches!(pauses, Pauses::Never) && packing == Packing::None;
        let plain = if is_plain { Some(file.try_clone()?) } else { None };
        Ok(Self { reader: unpack(packing, file)?, pauses, plain })
    }
}

/// A standard stream without the standard library's buffer: there is another here, and
/// its end has to be noticed.
pub(crate) fn unbuffered(stream: BorrowedFd<'_>) -> io::Result<File> {
    stream.try_clone_to_owned().map(File::from)
}

/// The compression of a file, by its first bytes: its name may mislead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    None,
    Gzip,
    Zstd,
}

fn packing(file: &mut File, pauses: &Pauses) -> io::Result<Packing> {
    // Only a plain file can be read twice.
    if !matches!(pauses, Pauses::Never) {
        return Ok(Packing::None);
    }
    let mut magic = Vec::new();
    file.by_ref().take(4).read_to_end(&mut magic)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(match &magic[..] {
        [0x1f, 0x8b, ..] => Packing::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd] => Packing::Zstd,
        _ => Packing::None,
    })
}

fn unpack(packing: Packing, file: File) -> io::Result<Box<dyn Read + Send>> {
    Ok(match packing {
        Packing::None => Box::new(file),
        Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(file)),
        Packing::Zstd => Box::new(zstd(file)?),
    })
}

fn zstd(file: File) -> io::Result<impl Read + Send> {
    let file = io::BufReader::new(file);
    ruzstd::decoding::StreamingDecoder::new(file)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
}
