//! The `VERBOSE` logger: protocol events as lines that a person reads and `pretty` lays out.
//!
//! ```text
//! # verbose/1 test=backup_2b seed=42 peers=5 unit=ms
//! 001234.567 | VOTE | 1 | grants vote to 2 term=3 role=follower vote=2 id=2.17 event=vote_granted
//! 001234.567 | RPC | 1 | sends RequestVoteReply in term 3: granted to=2 id=1.9 kind=RequestVoteReply event=sent
//! ```
//!
//! Four fields: time in milliseconds, topic, peer, text; `key=value` pairs at the end of the text
//! are its facts. A message has the same `id=` on both ends: its sender and the sender's number for
//! it, and `kind=`, the message's name. The last fact of every line is `event=`, the name of the
//! event ([`Event::name`] for those of the core): programs need not match sentences. With
//! `VERBOSE_FORMAT=json` each line is one JSON object with the same facts.
//!
//! Nothing in the core depends on this module: it is one more [`Sink`].

mod events;
mod line;
mod memory;
pub(crate) mod words;

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

pub use self::line::{Fact, Line, Topic};
pub use self::memory::MemoryLog;

use crate::trace::{Event, Sink, Source};
use crate::types::Instant;

/// The level of detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// `VERBOSE=1`: every protocol event but heartbeats and timer resets.
    Events,
    /// `VERBOSE=2`: those too.
    Routine,
    /// `VERBOSE=3`: with the contents of messages.
    Contents,
}

/// The format of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Fields separated by ` | `.
    Text,
    /// One JSON object a line.
    Json,
}

/// The settings in the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The level of detail.
    pub level: Level,
    /// The format of a line.
    pub format: Format,
}

/// A variable with an invalid value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}={value:?} is invalid; use {expected}")]
pub struct BadVariable {
    /// The variable.
    pub variable: &'static str,
    /// Its value.
    pub value: String,
    /// The valid values.
    pub expected: &'static str,
}

impl Settings {
    /// The settings in `VERBOSE` and `VERBOSE_FORMAT`; `None` for no log.
    ///
    /// # Errors
    /// The variable with an invalid value.
    pub fn from_env() -> Result<Option<Self>, BadVariable> {
        let read = |name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        Self::parse(read("VERBOSE").as_deref(), read("VERBOSE_FORMAT").as_deref())
    }

    /// The settings for these values of `VERBOSE` and `VERBOSE_FORMAT`; `None` for no log.
    ///
    /// # Errors
    /// The variable with an invalid value.
    ///
    /// ```
    /// use raft::verbose::{Format, Level, Settings};
    /// let settings = Settings { level: Level::Events, format: Format::Json };
    /// assert_eq!(Settings::parse(Some("1"), Some("json")), Ok(Some(settings)));
    /// assert_eq!(Settings::parse(None, None), Ok(None));
    /// let error = Settings::parse(Some("yes"), None).unwrap_err();
    /// assert_eq!(error.to_string(), "VERBOSE=\"yes\" is invalid; use 0, 1, 2 or 3");
    /// ```
    pub fn parse(verbose: Option<&str>, format: Option<&str>) -> Result<Option<Self>, BadVariable> {
        let bad = |variable, value: &str, expected| {
            Err(BadVariable { variable, value: value.to_owned(), expected })
        };
        let format = match format {
            None | Some("" | "text") => Format::Text,
            Some("json") => Format::Json,
            Some(value) => return bad("VERBOSE_FORMAT", value, "text or json"),
        };
        let level = match verbose {
            None | Some("" | "0") => return Ok(None),
            Some("1") => Level::Events,
            Some("2") => Level::Routine,
            Some("3") => Level::Contents,
            Some(value) => return bad("VERBOSE", value, "0, 1, 2 or 3"),
        };
        Ok(Some(Self { level, format }))
    }
}

/// Writes lines. Clones write to the same place, in the order in which they are called.
#[derive(Clone)]
pub struct Logger {
    settings: Settings,
    out: Arc<Mutex<Box<dyn Write + Send>>>,
}

impl Logger {
    /// A logger that writes to `out`.
    #[must_use]
    pub fn new(settings: Settings, out: Box<dyn Write + Send>) -> Self {
        Self { settings, out: Arc::new(Mutex::new(out)) }
    }

    /// The level of detail.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.settings.level
    }

    /// Writes the header of a run.
    pub fn header(&self, test: &str, seed: u64, peers: usize) {
        match self.settings.format {
            Format::Text => {
                self.write(&format!("# verbose/1 test={test} seed={seed} peers={peers} unit=ms\n"));
            }
            Format::Json => {
                let test = line::json_string(test);
                self.write(&format!(
                    "{{\"verbose\":1,\"test\":{test},\"seed\":{seed},\"peers\":{peers}}}\n"
                ));
            }
        }
    }

    /// Writes a line.
    pub fn line(&self, line: &Line<'_>) {
        self.write(&match self.settings.format {
            Format::Text => line.to_text(),
            Format::Json => line.to_json(),
        });
    }

    /// Errors are ignored: a log that cannot be written must not change the behaviour of the run.
    fn write(&self, text: &str) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = out.write_all(text.as_bytes());
    }
}

impl Sink for Logger {
    fn record(&mut self, at: Instant, source: Source, event: &Event<'_>) {
        if self.level() >= Level::Routine || !event.is_routine() {
            self.event(at, source, event);
        }
    }
}
