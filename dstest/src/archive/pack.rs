//! Writes archives.

use std::fs::{self, File};
use std::io::{self, BufWriter, PipeReader, PipeWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;

use ruzstd::encoding::{CompressionLevel, FrameCompressor};
use tar::{Builder, EntryType, Header};
use xxhash_rust::xxh3::Xxh3;

use super::manifest::{Entry, Manifest, NAME};
use super::{ArchiveError, io_error};
use crate::store::unused_beside;

/// Writes an archive whose files are read from `sources`, in the order of the manifest; returns its
/// size. There is no part of it at `file` before it is whole.
pub(crate) fn write(
    file: &Path,
    manifest: &Manifest,
    sources: &[PathBuf],
) -> Result<u64, ArchiveError> {
    let fresh = unused_beside(file);
    let written = write_whole(&fresh, manifest, sources)
        .and_then(|()| fs::rename(&fresh, file).map_err(io_error("write", file)))
        .and_then(|()| Ok(fs::metadata(file).map_err(io_error("read", file))?.len()));
    if written.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    written
}

fn write_whole(file: &Path, manifest: &Manifest, sources: &[PathBuf]) -> Result<(), ArchiveError> {
    let packed = File::create_new(file).map_err(io_error("write", file))?;
    let (reader, writer) = io::pipe().map_err(io_error("write", file))?;
    thread::scope(|scope| {
        let tar = scope.spawn(move || write_tar(writer, manifest, sources));
        let compressed = compress(reader, packed).map_err(io_error("write", file));
        let written = tar.join().unwrap_or_else(|_| Err(io_error("write", file)(broken())));
        written.and(compressed)
    })
}

/// Compresses everything that comes through the pipe.
fn compress(input: PipeReader, file: File) -> io::Result<()> {
    // The compressor panics at an error of either side: they are kept from it, and given on.
    let mut compressor = FrameCompressor::new(CompressionLevel::Fastest);
    compressor.set_source(Latch::new(input));
    compressor.set_drain(Latch::new(BufWriter::new(file)));
    compressor.compress();
    let input = compressor.take_source().ok_or_else(broken)?;
    let output = compressor.take_drain().ok_or_else(broken)?;
    let (input, output) = (input.error, output.result());
    input.map_or(Ok(()), Err).and(output)?.into_inner().map_err(|error| error.into_error())?;
    Ok(())
}

fn broken() -> io::Error {
    io::Error::from(io::ErrorKind::BrokenPipe)
}

/// A reader or writer that keeps its first error, and goes on as if there was none.
struct Latch<T> {
    inner: T,
    error: Option<io::Error>,
}

impl<T> Latch<T> {
    fn new(inner: T) -> Self {
        Self { inner, error: None }
    }

    fn result(self) -> io::Result<T> {
        self.error.map_or(Ok(self.inner), Err)
    }
}

impl<R: Read> Read for Latch<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.error.get_or_insert(error);
                Ok(0)
            }
            count => count,
        }
    }
}

impl<W: Write> Write for Latch<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.error.is_none()
            && let Err(error) = self.inner.write_all(bytes)
        {
            self.error = Some(error);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_tar(
    pipe: PipeWriter,
    manifest: &Manifest,
    sources: &[PathBuf],
) -> Result<(), ArchiveError> {
    let pipe_error = |error| io_error("write", Path::new("the archive"))(error);
    let mut tar = Builder::new(BufWriter::new(pipe));
    let text = serde_json::to_vec(manifest).map_err(io::Error::from).map_err(pipe_error)?;
    let head = header(NAME, text.len() as u64, false, 0);
    tar.append(&head, text.as_slice()).map_err(pipe_error)?;
    for (number, (entry, source)) in manifest.files.iter().zip(sources).enumerate() {
        append(&mut tar, number, entry, source)?;
    }
    let mut pipe = tar.into_inner().map_err(pipe_error)?;
    pipe.flush().map_err(pipe_error)
}

fn append(
    tar: &mut Builder<impl Write>,
    number: usize,
    entry: &Entry,
    source: &Path,
) -> Result<(), ArchiveError> {
    let file = File::open(source).map_err(io_error("read", source))?;
    let mut file = Hashing::new(file.take(entry.bytes));
    let header = header(&entry.path, entry.bytes, entry.executable, number);
    tar.append(&header, &mut file).map_err(io_error("read", source))?;
    let is_same = file.bytes == entry.bytes && file.text() == entry.hash;
    if is_same { Ok(()) } else { Err(ArchiveError::Changed(source.to_owned())) }
}

fn header(path: &str, bytes: u64, executable: bool, number: usize) -> Header {
    let mut header = Header::new_ustar();
    // The manifest has the path itself, and files are known by their order.
    if header.set_path(path).is_err() {
        let _ = header.set_path(format!("long-names/{number}"));
    }
    header.set_entry_type(EntryType::Regular);
    header.set_size(bytes);
    header.set_mode(if executable { 0o755 } else { 0o644 });
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    header
}

/// A reader that knows the hash of what has been read.
pub(super) struct Hashing<R> {
    inner: R,
    hash: Xxh3,
    /// Bytes read.
    pub(super) bytes: u64,
}

impl<R> Hashing<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, hash: Xxh3::new(), bytes: 0 }
    }

    /// The hash, as the store writes it.
    pub(super) fn text(&self) -> String {
        format!("{:032x}", self.hash.digest128())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}
