//! `dstest.toml`: a project's defaults, in the directory of its workspace's manifest or `go.mod`.
//!
//! ```toml
//! [cargo]                      # what plain `dstest` builds; -P, --test, --profile, --features override
//! package = ["raft-tests"]
//! package-if.more = "stress"    # built, too, if a PATTERN on the command line matches this regex
//! tests = ["lab2"]              # only tests/lab2.rs; without this line, all test targets
//! profile = "sim"
//! features = []
//!
//! [go]                         # the same for Go; --go, --race override
//! package = ["./raft"]
//! race = false
//!
//! [run]                        # each has an option of the same meaning
//! iterations = 10
//! workers = 8
//! timeout = "120"              # seconds, or 2m, 500ms
//! grace = "2"
//! seed-env = "MADSIM_TEST_SEED" # a further variable that carries the seed
//!
//! [env]                        # set for every run
//! RUST_BACKTRACE = "1"
//!
//! [[test]]                     # exceptions for some tests; the first match counts
//! match = "figure8"
//! timeout = "5m"
//! threads = 2                  # workers that a run of it takes
//! group = "ports"
//! retries = 2                  # further attempts of a run that failed; one that passes is "flaky"
//! env.LISTEN = "127.0.0.1"
//!
//! [group.ports]                # tests that must not all run at once
//! max-concurrency = 1
//!
//! [preset.nightly.run]         # overrides with --preset nightly; any table from above
//! iterations = 1000
//!
//! [preset.race]                # is also selected, without --preset, if the environment (or --env)
//! when-env = "SANITIZE"        # has this variable with the value that the preset gives it
//! env.SANITIZE = "thread"
//! cargo.profile = "race"
//!
//! [archive]                    # working files for `dstest archive`; --include adds more
//! include = ["core/data", "**/*.golden"]
//! ```
//!
//! Unknown keys and unreadable values are errors that name the line.

mod preset;
mod tables;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use serde::Deserialize;
use thiserror::Error;

use crate::trust::Trust;

pub use self::tables::{
    ArchiveConfig, CargoConfig, GoConfig, GroupConfig, Preset, RunConfig, TestConfig,
};

/// The name of the file.
pub const FILE_NAME: &str = "dstest.toml";

/// The whole file; everything is optional.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Build of a cargo project.
    pub cargo: CargoConfig,
    /// Build of a Go module.
    pub go: GoConfig,
    /// Defaults of the options with the same meaning.
    pub run: RunConfig,
    /// Variables set for every run.
    pub env: BTreeMap<String, String>,
    /// Exceptions for some tests.
    pub test: Vec<TestConfig>,
    /// Groups of tests that must not all run at once, by name.
    pub group: BTreeMap<String, GroupConfig>,
    /// Contents of archives.
    pub archive: ArchiveConfig,
    /// Other defaults, by name.
    pub preset: BTreeMap<String, Preset>,
}

/// Reasons why the file cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// It is there but cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// It belongs to another user.
    #[error(
        "{} belongs to another user (id {owner}) and could set variables of your runs; --trust uses it",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The id of its owner.
        owner: u32,
    },
    /// It is not as documented; the message shows the line.
    #[error("{}: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The parser's message, with line and column.
        message: String,
    },
    /// `when-env` names a variable that the preset does not set.
    #[error(
        "{FILE_NAME}: [preset.{preset}] has when-env = \"{variable}\", but no env.{variable}: set the value that selects it"
    )]
    NoValue {
        /// The preset.
        preset: String,
        /// The variable.
        variable: String,
    },
    /// The environment selects more than one preset.
    #[error("the environment selects two presets, {first} and {second}; choose one with --preset")]
    TwoPresets {
        /// One of them.
        first: String,
        /// Another one.
        second: String,
    },
    /// `--preset` names an unknown preset.
    #[error("unknown preset `{name}`{hint}")]
    NoPreset {
        /// As typed.
        name: String,
        /// The known presets.
        hint: String,
    },
}

impl Config {
    /// Reads the file in `directory`; without one, everything is at its default. It can set variables
    /// of every run, so that a file of another user, root excepted, counts only with `trust`.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn load(dir: &Path, trust: Trust) -> Result<Self, ConfigError> {
        let path = dir.join(FILE_NAME);
        let unreadable = |source| ConfigError::Unreadable { path: path.clone(), source };
        if let Some(owner) = trust.refuses(&path) {
            return Err(ConfigError::Foreign { path, owner });
        }
        // A pipe would block without a writer.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::open(&path, flags, Mode::empty()).map_err(io::Error::from) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            opened => File::from(opened.map_err(unreadable)?),
        };
        let found = file.metadata().map_err(unreadable)?;
        if !found.is_file() || found.len() > BYTES_MAX {
            let reason = format!("not a file of at most {BYTES_MAX} bytes");
            return Err(unreadable(io::Error::other(reason)));
        }
        let mut text = String::new();
        file.take(BYTES_MAX).read_to_string(&mut text).map_err(unreadable)?;
        Self::of_text(&text, &path)
    }

    /// Reads the text of the file at `path`, where it is or was.
    ///
    /// # Errors
    /// [`ConfigError::Malformed`].
    pub fn of_text(text: &str, path: &Path) -> Result<Self, ConfigError> {
        Self::parse(text).map_err(|error| {
            let (path, message) = (path.to_owned(), error.to_string());
            ConfigError::Malformed { path, message }
        })
    }

    fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

/// No file of settings is larger.
const BYTES_MAX: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_documented_example_is_read() {
        let source = include_str!("mod.rs");
        let example: String = source
            .lines()
            .skip_while(|line| *line != "//! ```toml")
            .skip(1)
            .take_while(|line| *line != "//! ```")
            .map(|line| format!("{}\n", line.trim_start_matches("//!")))
            .collect();
        let config = Config::parse(&example).unwrap();
        assert_eq!(config.cargo.tests, ["lab2"]);
        assert_eq!(config.cargo.profile.as_deref(), Some("sim"));
        assert_eq!(config.run.timeout, Some(Duration::from_secs(120)));
        assert_eq!(config.preset["nightly"].run.iterations, std::num::NonZeroU32::new(1000));
        assert_eq!(config.archive.include, ["core/data", "**/*.golden"]);
        assert_eq!(config.test[0].timeout, Some(Duration::from_secs(300)));
        assert_eq!(config.preset["race"].when_env.as_deref(), Some("SANITIZE"));
    }

    #[test]
    fn mistakes_are_shown_with_their_line() {
        let rows = [
            ("[run]\niterations = 5\nspeed = 9\n", "line 3", "unknown field `speed`"),
            ("[cargoo]\n", "line 1", "unknown field `cargoo`"),
            ("[run]\ntimeout = \"soon\"\n", "line 2", "not a duration"),
            ("[run]\niterations = 0\n", "line 2", "nonzero"),
            ("[preset.a.run]\nspeed = 9\n", "line 2", "unknown field `speed`"),
            ("[[test]]\ntimeout = \"1\"\n", "line 1", "missing field `match`"),
            ("[cargo]\npackage-if.x = \"(\"\n", "line 2", "`x` is not a regular expression"),
        ];
        for (text, line, what) in rows {
            let message = Config::parse(text).unwrap_err().to_string();
            assert!(message.contains(line) && message.contains(what), "{message}");
        }
    }
}
