//! Reads archives, and unpacks them: a file at a time, and none that the manifest does not expect.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ruzstd::decoding::StreamingDecoder;
use tar::EntryType;
use xxhash_rust::xxh3::xxh3_128;

use super::manifest::{BYTES_MAX, Entry, Manifest, NAME};
use super::pack::Hashing;
use super::{ArchiveError, io_error};
use crate::relocation::Relocation;
use crate::store::Store;
use crate::suite::Suite;
use crate::text::size;

/// An archive whose manifest has been read.
#[derive(Debug)]
pub(crate) struct Archive {
    pub(crate) path: PathBuf,
    pub(crate) manifest: Manifest,
    /// The hash of the manifest, which has the hashes of all files.
    pub(crate) id: String,
}

type Unpacked = StreamingDecoder<BufReader<File>, ruzstd::decoding::FrameDecoder>;

impl Archive {
    /// Reads the manifest of an archive.
    ///
    /// # Errors
    /// See [`ArchiveError`]; the file is another one, damaged, or not for this dstest or machine.
    pub(crate) fn open(path: &Path) -> Result<Self, ArchiveError> {
        let mut tar = unpacked(path)?;
        let no_archive =
            |reason: String| ArchiveError::NotAnArchive { path: path.to_owned(), reason };
        let nothing = |error: io::Error| no_archive(error.to_string());
        let text = {
            let first = tar.entries().map_err(nothing)?.raw(true).next();
            let first = first.ok_or_else(|| no_archive("it is empty".to_owned()))?;
            let mut first = first.map_err(nothing)?;
            let (is_named, bytes) = (*first.path_bytes() == *NAME.as_bytes(), first.size());
            if !is_named || first.header().entry_type() != EntryType::Regular {
                return Err(no_archive(format!("it does not begin with {NAME}")));
            }
            if bytes > BYTES_MAX {
                return Err(no_archive(format!("{NAME} has {bytes} bytes")));
            }
            let mut text = Vec::new();
            first.read_to_end(&mut text).map_err(nothing)?;
            text
        };
        let manifest = Manifest::parse(&text, path)?;
        let id = format!("{:032x}", xxh3_128(&text));
        Ok(Self { path: path.to_owned(), manifest, id })
    }

    /// A line about it: file, commit, toolchain, architecture.
    pub(crate) fn words(&self) -> String {
        format!("{}: {}", self.path.display(), self.manifest.origin.words())
    }

    /// The programs and tests with paths of this machine. The files are unpacked into the store, unless
    /// they are there already.
    ///
    /// # Errors
    /// See [`ArchiveError`]; nothing is left of an archive that is not what its manifest says.
    pub(crate) fn unpack(&self, store: &Store) -> Result<Suite, ArchiveError> {
        let dir = store.archive_dir(&self.id, |dir| self.unpack_into(dir))?;
        let moved = self.moved(&dir);
        let mut listing = self.manifest.listing.clone();
        listing.binaries.iter_mut().for_each(|binary| moved.apply(binary));
        listing.tests.iter_mut().for_each(|test| moved.apply_to_args(test));
        listing.runner.iter_mut().for_each(|word| *word = moved.word(word));
        Ok(listing)
    }

    /// The paths of the machine that built it, and those of its files in this directory.
    fn moved(&self, dir: &Path) -> Relocation {
        let places = self.manifest.places.iter();
        Relocation::new(places.map(|place| (place.from.clone(), dir.join(&place.to))))
    }

    fn damaged(&self, reason: impl Into<String>) -> ArchiveError {
        ArchiveError::Damaged { path: self.path.clone(), reason: reason.into() }
    }

    fn unpack_into(&self, dir: &Path) -> Result<(), ArchiveError> {
        self.check_space(dir)?;
        let broken = |error: io::Error| self.damaged(error.to_string());
        let mut tar = unpacked(&self.path)?;
        let mut expected = self.manifest.files.iter();
        for (number, found) in tar.entries().map_err(broken)?.raw(true).enumerate() {
            let mut found = found.map_err(broken)?;
            if number == 0 {
                self.check_manifest(&mut found)?;
                continue;
            }
            let name = String::from_utf8_lossy(&found.path_bytes()).escape_debug().to_string();
            let Some(entry) = expected.next() else {
                return Err(self.damaged(format!("`{name}` is not in its list")));
            };
            if found.header().entry_type() != EntryType::Regular {
                let kind = found.header().entry_type();
                return Err(self.damaged(format!("`{name}` is not a file but {kind:?}")));
            }
            self.unpack_one(entry, &mut found, dir)?;
        }
        if let Some(entry) = expected.next() {
            return Err(self.damaged(format!("it ends before `{}`", entry.path.escape_debug())));
        }
        self.check_end(tar.into_inner())?;
        let moved = self.moved(dir);
        for binary in &self.manifest.listing.binaries {
            let cwd = moved.path(&binary.cwd);
            if cwd.starts_with(dir) {
                fs::create_dir_all(&cwd).map_err(io_error("create", &cwd))?;
            }
        }
        Ok(())
    }

    fn unpack_one(
        &self,
        entry: &Entry,
        found: &mut impl Read,
        dir: &Path,
    ) -> Result<(), ArchiveError> {
        let path = dir.join(&entry.path);
        let parent = path.parent().unwrap_or(dir);
        fs::create_dir_all(parent).map_err(io_error("create", parent))?;
        let mode = if entry.executable { 0o755 } else { 0o644 };
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&path)
            .map_err(io_error("write", &path))?;
        let limit = entry.bytes.saturating_add(1);
        let mut contents = Hashing::new(found.take(limit));
        io::copy(&mut contents, &mut file).map_err(|error| {
            let name = entry.path.escape_debug();
            self.damaged(format!("`{name}` is cut short or cannot be written: {error}"))
        })?;
        if contents.bytes != entry.bytes || contents.text() != entry.hash {
            let name = entry.path.escape_debug();
            return Err(self.damaged(format!("`{name}` is not what its list says")));
        }
        if entry.path.starts_with("bin/") {
            let fixed = fs::Permissions::from_mode(0o555);
            file.set_permissions(fixed).map_err(io_error("write", &path))?;
        }
        Ok(())
    }

    /// The file may have been replaced since its manifest was read.
    fn check_manifest(&self, found: &mut impl Read) -> Result<(), ArchiveError> {
        let mut text = Vec::new();
        let read = found.take(BYTES_MAX).read_to_end(&mut text);
        let is_same = read.is_ok() && format!("{:032x}", xxh3_128(&text)) == self.id;
        if is_same { Ok(()) } else { Err(ArchiveError::Changed(self.path.clone())) }
    }

    /// Reads what follows the last file, a few zeros, and compares the checksum of everything.
    fn check_end(&self, mut rest: Unpacked) -> Result<(), ArchiveError> {
        let mut end = Vec::new();
        let read = rest.by_ref().take(END_BYTES_MAX).read_to_end(&mut end);
        read.map_err(|error| self.damaged(error.to_string()))?;
        if end.iter().any(|byte| *byte != 0) || end.len() as u64 == END_BYTES_MAX {
            return Err(self.damaged("more follows its last file"));
        }
        let decoder = rest.into_frame_decoder();
        let (stored, found) = (decoder.get_checksum_from_data(), decoder.get_calculated_checksum());
        if stored.is_some() && stored != found {
            return Err(self.damaged("its checksum is wrong"));
        }
        Ok(())
    }

    fn check_space(&self, dir: &Path) -> Result<(), ArchiveError> {
        let place = dir.parent().unwrap_or(dir).to_owned();
        let system = rustix::fs::statvfs(dir).map_err(io::Error::from);
        let system = system.map_err(io_error("read", dir))?;
        let free = system.f_bavail.saturating_mul(system.f_frsize);
        match self.manifest.bytes() {
            Some(needed) if needed <= free => Ok(()),
            needed => Err(ArchiveError::NoSpace {
                path: self.path.clone(),
                place,
                needed: size::human(needed.unwrap_or(u64::MAX)),
                free: size::human(free),
            }),
        }
    }
}

fn unpacked(path: &Path) -> Result<tar::Archive<Unpacked>, ArchiveError> {
    // A pipe would block without a writer.
    let facts = fs::metadata(path).map_err(io_error("read", path))?;
    let no_archive = |reason: String| ArchiveError::NotAnArchive { path: path.to_owned(), reason };
    if !facts.is_file() {
        return Err(no_archive("it is not a file".to_owned()));
    }
    let file = File::open(path).map_err(io_error("read", path))?;
    let decoder = StreamingDecoder::new(BufReader::new(file));
    let decoder =
        decoder.map_err(|error| no_archive(format!("it is not a zstd file ({error})")))?;
    Ok(tar::Archive::new(decoder))
}

/// A tar file ends with zeros, up to a multiple of some blocks.
const END_BYTES_MAX: u64 = 1 << 20;
