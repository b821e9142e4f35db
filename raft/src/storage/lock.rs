//! The lock of a data directory.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;

use super::directory::io_error;
use super::{StorageError, own_file};

pub(super) const LOCK: &str = "LOCK";

/// Exclusive use of a directory until it is dropped or the process ends.
///
/// Both the file and the directory are locked: a process that finds no file would make a new one,
/// and lock that. Earlier versions lock the file alone.
pub(super) struct Lock(Vec<File>);

impl Lock {
    pub(super) fn take(data_dir: &Path) -> Result<Self, StorageError> {
        let path = data_dir.join(LOCK);
        let failed = |source| io_error(format!("lock {}", path.display()))(source);
        let directory = lock_directory(data_dir, Use::Owning);
        let mut file = own_file::open_or_create(&path).map_err(failed)?;
        let locked = match directory {
            Directory::Taken => Err(TryLockError::WouldBlock),
            Directory::Locked(_) | Directory::Unsupported => file.try_lock(),
        };
        match locked {
            Ok(()) => {}
            Err(TryLockError::Error(source)) => return Err(failed(source)),
            Err(TryLockError::WouldBlock) => return Err(in_use(data_dir, Some(&mut file))),
        }
        // Informative only, so errors such as a full disk are ignored.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        let mut locked = vec![file];
        locked.extend(directory.locked());
        Ok(Self(locked))
    }

    /// Keeps processes out while a directory is read, and changes nothing in it. Several may read.
    pub(super) fn take_for_reading(data_dir: &Path) -> Result<Self, StorageError> {
        let path = data_dir.join(LOCK);
        let failed = |source| io_error(format!("lock {}", path.display()))(source);
        let directory = lock_directory(data_dir, Use::Reading);
        let mut file = match own_file::open(&path, File::options().read(true)) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        let locked = match (&directory, &file) {
            (Directory::Taken, _) => Err(TryLockError::WouldBlock),
            (Directory::Locked(_) | Directory::Unsupported, Some(file)) => file.try_lock_shared(),
            (Directory::Locked(_) | Directory::Unsupported, None) => Ok(()),
        };
        match locked {
            Ok(()) => Ok(Self(file.into_iter().chain(directory.locked()).collect())),
            Err(TryLockError::Error(source)) => Err(failed(source)),
            Err(TryLockError::WouldBlock) => Err(in_use(data_dir, file.as_mut())),
        }
    }
}

impl Drop for Lock {
    /// Unlocks explicitly: closing the file does not suffice while a process being started by
    /// another thread holds a copy of it.
    fn drop(&mut self) {
        for file in &self.0 {
            let _ = file.unlock();
        }
    }
}

fn in_use(data_dir: &Path, file: Option<&mut File>) -> StorageError {
    let mut owner = String::new();
    if let Some(file) = file {
        // The owner may have written nothing yet.
        let _ = file.read_to_string(&mut owner);
    }
    let directory = data_dir.display().to_string();
    StorageError::InUse { directory, owner: owner.trim().to_owned() }
}

/// The use of a locked directory.
#[derive(Clone, Copy)]
enum Use {
    Owning,
    Reading,
}

/// Result of locking the directory itself.
enum Directory {
    Locked(File),
    /// Another store has it.
    Taken,
    /// Not every system, and not every network file system, has locks of directories.
    Unsupported,
}

impl Directory {
    fn locked(self) -> Option<File> {
        match self {
            Self::Locked(directory) => Some(directory),
            Self::Taken | Self::Unsupported => None,
        }
    }
}

fn lock_directory(data_dir: &Path, purpose: Use) -> Directory {
    let Ok(directory) = File::open(data_dir) else { return Directory::Unsupported };
    let locked = match purpose {
        Use::Owning => directory.try_lock(),
        Use::Reading => directory.try_lock_shared(),
    };
    match locked {
        Ok(()) => Directory::Locked(directory),
        Err(TryLockError::WouldBlock) => Directory::Taken,
        Err(TryLockError::Error(_)) => Directory::Unsupported,
    }
}
