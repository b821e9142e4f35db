//! A log in memory, for tests and for reports of failed runs.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Logger, Settings};

/// A log in memory. Clones share it.
///
/// ```
/// use raft::verbose::{Format, Level, MemoryLog, Settings};
/// let log = MemoryLog::default();
/// let logger = log.logger(Settings { level: Level::Events, format: Format::Text });
/// logger.header("example", 7, 3);
/// assert_eq!(log.text(), "# verbose/1 test=example seed=7 peers=3 unit=ms\n");
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryLog(Arc<Mutex<Vec<u8>>>);

impl MemoryLog {
    /// A logger that writes to it.
    #[must_use]
    pub fn logger(&self, settings: Settings) -> Logger {
        Logger::new(settings, Box::new(self.clone()))
    }

    /// The text written so far.
    #[must_use]
    pub fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for MemoryLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
