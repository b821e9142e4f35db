//! The lock of a data directory.

use std::fs::{File, TryLockError};
use std::io::{Read, Write as _};
use std::path::Path;

use super::StorageError;
use super::directory::io_error;

pub(super) const LOCK: &str = "LOCK";

/// Exclusive use of a directory until it is dropped or the process ends.
pub(super) struct Lock(File);

impl Lock {
    pub(super) fn take(data_dir: &Path) -> Result<Self, StorageError> {
        let path = data_dir.join(LOCK);
        let failed = |source| io_error(format!("lock {}", path.display()))(source);
        let mut options = File::options();
        let mut file = options.read(true).write(true).create(true).open(&path).map_err(failed)?;
        match file.try_lock() {
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
        Ok(Self(file))
    }
}

impl Drop for Lock {
    /// Unlocks explicitly: closing the file does not suffice while a process being started by
    /// another thread holds a copy of it.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}
