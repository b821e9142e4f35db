//! The lock of a data directory.

use std::fs::{File, TryLockError};
use std::io::{Read, Write as _};
use std::path::Path;

use super::directory::io_error;
use super::{StorageError, own_file};

pub(super) const LOCK: &str = "LOCK";

/// Exclusive use of a directory until it is dropped or the process ends.
///
/// Both the file and the directory are locked: a process that finds no file would make a new one,
/// and lock that. Earlier versions lock the file alone.
pub(super) struct Lock {
    file: File,
    directory: Option<File>,
}

impl Lock {
    pub(super) fn take(data_dir: &Path) -> Result<Self, StorageError> {
        let path = data_dir.join(LOCK);
        let failed = |source| io_error(format!("lock {}", path.display()))(source);
        let directory = lock_directory(data_dir);
        let mut file = own_file::open_or_create(&path).map_err(failed)?;
        let locked = match directory {
            Directory::Taken => Err(TryLockError::WouldBlock),
            Directory::Locked(_) | Directory::Unsupported => file.try_lock(),
        };
        match locked {
            Ok(()) => {}
            Err(TryLockError::Error(source)) => return Err(failed(source)),
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                // The owner may have written nothing yet.
                let _ = file.read_to_string(&mut owner);
                let directory = data_dir.display().to_string();
                return Err(StorageError::InUse { directory, owner: owner.trim().to_owned() });
            }
        }
        // Informative only, so errors such as a full disk are ignored.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        let directory = match directory {
            Directory::Locked(directory) => Some(directory),
            Directory::Taken | Directory::Unsupported => None,
        };
        Ok(Self { file, directory })
    }
}

impl Drop for Lock {
    /// Unlocks explicitly: closing the file does not suffice while a process being started by
    /// another thread holds a copy of it.
    fn drop(&mut self) {
        let _ = self.file.unlock();
        if let Some(directory) = &self.directory {
            let _ = directory.unlock();
        }
    }
}

/// Result of locking the directory itself.
enum Directory {
    Locked(File),
    /// Another store has it.
    Taken,
    /// Not every system, and not every network file system, has locks of directories.
    Unsupported,
}

fn lock_directory(data_dir: &Path) -> Directory {
    let Ok(directory) = File::open(data_dir) else { return Directory::Unsupported };
    match directory.try_lock() {
        Ok(()) => Directory::Locked(directory),
        Err(TryLockError::WouldBlock) => Directory::Taken,
        Err(TryLockError::Error(_)) => Directory::Unsupported,
    }
}
