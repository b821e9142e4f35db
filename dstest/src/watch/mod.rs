//! Everything `dstest watch` needs beside the campaigns: changes of sources, known failures, keys.
//!
//! ```text
//! notify ─► SourceWatcher (settles for a moment) ─► Sources, gitignore ─► Saves
//! records of a campaign ─► KnownFailures ─► the first runs of the next one
//! ```

mod error;
mod gitignore;
mod keys;
mod known_failures;
mod saves;
mod source_watcher;
mod sources;

pub use self::error::WatchError;

pub(crate) use self::keys::{Key, Keys};
pub(crate) use self::known_failures::KnownFailures;
pub(crate) use self::saves::Saves;
pub(crate) use self::source_watcher::{Method, SourceWatcher};
pub(crate) use self::sources::Sources;
