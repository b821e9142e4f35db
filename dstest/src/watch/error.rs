//! Reasons why a directory cannot be watched.

use std::fs;
use std::path::PathBuf;

use notify::ErrorKind;
use thiserror::Error;

/// Reasons why a directory cannot be watched.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WatchError {
    /// A limit of the kernel is reached.
    #[error(
        "cannot watch more {what}: the limit {name} ({value}) is reached; raise it \
         (sudo sysctl {name}={proposal}), or use --poll"
    )]
    Limit {
        /// Directories, or programs that watch.
        what: &'static str,
        /// The setting.
        name: &'static str,
        /// Its value, if it can be read.
        value: String,
        /// A value that is enough.
        proposal: u32,
    },
    /// The system refuses it.
    #[error("cannot watch {}: {reason}; --poll needs no support of the system", path.display())]
    Refused {
        /// The directory.
        path: PathBuf,
        /// The system's message.
        reason: String,
    },
}

impl WatchError {
    /// The error of a directory, or of the first of many.
    pub(super) fn new(path: PathBuf, error: &notify::Error) -> Self {
        match &error.kind {
            ErrorKind::MaxFilesWatch => {
                Self::limit("directories", "fs.inotify.max_user_watches", 524_288)
            }
            ErrorKind::Io(error) if error.raw_os_error() == Some(libc::EMFILE) => {
                Self::limit("files", "fs.inotify.max_user_instances", 1024)
            }
            ErrorKind::Io(error) => Self::Refused { path, reason: error.to_string() },
            ErrorKind::Generic(_)
            | ErrorKind::PathNotFound
            | ErrorKind::WatchNotFound
            | ErrorKind::InvalidConfig(_) => Self::Refused { path, reason: error.to_string() },
        }
    }

    fn limit(what: &'static str, name: &'static str, proposal: u32) -> Self {
        let value = fs::read_to_string(format!("/proc/sys/{}", name.replace('.', "/")));
        let value = value.map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned());
        Self::Limit { what, name, value, proposal }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_named_with_the_remedy() {
        let message = |kind| WatchError::new("/x".into(), &notify::Error::new(kind)).to_string();
        let watches = message(ErrorKind::MaxFilesWatch);
        assert!(watches.contains("the limit fs.inotify.max_user_watches ("), "{watches}");
        assert!(watches.contains("sysctl fs.inotify.max_user_watches=524288"), "{watches}");
        assert!(watches.ends_with("or use --poll"), "{watches}");
        let instances = std::io::Error::from_raw_os_error(libc::EMFILE);
        let instances = message(ErrorKind::Io(instances));
        assert!(instances.contains("fs.inotify.max_user_instances"), "{instances}");
        let refused = message(ErrorKind::Io(std::io::Error::from_raw_os_error(libc::EACCES)));
        assert!(refused.starts_with("cannot watch /x: Permission denied"), "{refused}");
    }
}
