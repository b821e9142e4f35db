//! Copies of tested programs: a rebuild changes nothing for a campaign or a later replay.
//!
//! A copy is named by the hash of its contents, so that campaigns on the same build share one.
//! It is a copy and not a hard link, because linkers may write into the file they replace.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use super::{Store, StoreError, io_error, unused_beside};

impl Store {
    /// Copies the program into the store unless it is present already; returns the copy's path.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn keep_binary(&self, program: &Path) -> Result<PathBuf, StoreError> {
        let hash = copy(program, &mut io::sink()).map_err(io_error("read", program))?;
        let kept = self.place_of(program, hash);
        if kept.is_file() {
            return Ok(kept);
        }
        self.create_place(&kept)?;
        let fresh = unused_beside(&kept);
        let copied = copy_program(program, &fresh).map_err(|error| {
            let _ = fs::remove_file(&fresh);
            io_error("write", &fresh)(error)
        })?;
        // The program may have been rebuilt since it was hashed: the hash of the copy counts.
        let kept = self.place_of(program, copied);
        self.create_place(&kept)?;
        fs::rename(&fresh, &kept).map_err(io_error("write", &kept))?;
        Ok(kept)
    }

    /// Creates the directory of a copy, of which no part may be a link.
    fn create_place(&self, kept: &Path) -> Result<(), StoreError> {
        let dir = kept.parent().unwrap_or(&self.root);
        let hash = dir.file_name().unwrap_or_default();
        let created = self.claim()?.create_dir("bin").and_then(|bin| bin.create_dir(hash));
        created.map(drop).map_err(io_error("create", dir))
    }

    fn place_of(&self, program: &Path, hash: u128) -> PathBuf {
        let name = program.file_name().unwrap_or_default();
        self.root.join("bin").join(format!("{hash:032x}")).join(name)
    }
}

/// The hash of a program's contents; `None` where it cannot be read.
#[must_use]
pub fn program_hash(program: &Path) -> Option<String> {
    copy(program, &mut io::sink()).ok().map(|hash| format!("{hash:032x}"))
}

/// Copies a program, executable and read-only; returns its hash.
fn copy_program(from: &Path, to: &Path) -> io::Result<u128> {
    let mut file = File::create_new(to)?;
    let hash = copy(from, &mut file)?;
    file.set_permissions(fs::Permissions::from_mode(0o555))?;
    Ok(hash)
}

fn copy(from: &Path, to: &mut impl Write) -> io::Result<u128> {
    let mut input = File::open(from)?;
    let mut hasher = Xxh3::new();
    let mut buffer = vec![0; COPY_BUFFER_BYTES];
    loop {
        let count = input.read(&mut buffer)?;
        if count == 0 {
            return Ok(hasher.digest128());
        }
        hasher.update(&buffer[..count]);
        to.write_all(&buffer[..count])?;
    }
}

/// Large enough that system calls do not show, small enough to stay in a cache.
const COPY_BUFFER_BYTES: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_programs_share_one_copy_and_a_rebuild_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path().join("store"));
        let program = dir.path().join("prog");
        fs::write(&program, "one").unwrap();
        let first = store.keep_binary(&program).unwrap();
        assert_eq!(store.keep_binary(&program).unwrap(), first);
        fs::write(&program, "two").unwrap();
        let second = store.keep_binary(&program).unwrap();
        assert_ne!(first, second);
        assert_eq!(fs::read(&first).unwrap(), b"one");
        assert_eq!(fs::metadata(&second).unwrap().permissions().mode() & 0o777, 0o555);
        assert_eq!(second.file_name(), program.file_name());
    }
}
