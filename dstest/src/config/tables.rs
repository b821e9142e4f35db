//! The tables of `dstest.toml`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::text::duration;

/// `[cargo]`.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CargoConfig {
    /// Packages whose tests are built; all of the workspace's default members when empty.
    pub package: Vec<String>,
    /// More packages, each built too if a PATTERN that was typed matches this regex, case ignored.
    #[serde(rename = "package-if", deserialize_with = "regexes")]
    pub package_if: BTreeMap<String, String>,
    /// Integration tests that are built; all test targets when empty.
    pub tests: Vec<String>,
    /// Cargo profile.
    pub profile: Option<String>,
    /// Features.
    pub features: Vec<String>,
}

/// `[go]`.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GoConfig {
    /// Packages whose tests are built, as `go` takes them.
    pub package: Vec<String>,
    /// `true` to build with the race detector.
    pub race: Option<bool>,
}

/// `[archive]`.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ArchiveConfig {
    /// Patterns of working files, from the project's directory.
    pub include: Vec<String>,
}

/// `[run]`.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct RunConfig {
    /// `-n`.
    pub iterations: Option<std::num::NonZeroU32>,
    /// `-p`.
    pub workers: Option<std::num::NonZeroU32>,
    /// `-T`.
    #[serde(deserialize_with = "optional_duration")]
    pub timeout: Option<Duration>,
    /// `--grace`.
    #[serde(deserialize_with = "optional_duration")]
    pub grace: Option<Duration>,
    /// A further environment variable that carries the seed, for suites that read another.
    pub seed_env: Option<String>,
}

/// `[group.NAME]`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GroupConfig {
    /// Runs of its tests at once.
    pub max_concurrency: std::num::NonZeroU32,
}

impl GroupConfig {
    /// Runs of its tests at once.
    #[must_use]
    pub const fn limit(self) -> u32 {
        self.max_concurrency.get()
    }
}

/// `[[test]]`.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestConfig {
    /// A pattern as on the command line.
    #[serde(rename = "match", alias = "pattern")]
    pub pattern: String,
    /// The group whose limit counts for the tests it matches.
    #[serde(default)]
    pub group: Option<String>,
    /// Workers that each of their runs takes.
    #[serde(default)]
    pub threads: Option<std::num::NonZeroU32>,
    /// Further attempts of a run that failed; one that then passes is flaky.
    #[serde(default)]
    pub retries: Option<u32>,
    /// Variables set for their runs.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Timeout of the tests it matches.
    #[serde(deserialize_with = "optional_duration", default)]
    pub timeout: Option<Duration>,
}

/// The values of a preset; its tables are those of the file itself.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Preset {
    /// The preset is also selected where this variable has the value that `env` gives it.
    #[serde(rename = "when-env")]
    pub when_env: Option<String>,
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
}

/// Regular expressions by name.
fn regexes<'de, D: Deserializer<'de>>(input: D) -> Result<BTreeMap<String, String>, D::Error> {
    let regexes = BTreeMap::<String, String>::deserialize(input)?;
    for (name, regex) in &regexes {
        regex::Regex::new(regex).map_err(|error| {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default();
            serde::de::Error::custom(format!("`{name}` is not a regular expression: {reason}"))
        })?;
    }
    Ok(regexes)
}

fn optional_duration<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(input)?;
    duration::parse(&text).map(Some).map_err(serde::de::Error::custom)
}
