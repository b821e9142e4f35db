//! The messages of cargo (`--message-format=json`).

use std::path::PathBuf;

use serde::Deserialize;

/// One line of `--message-format=json`; every kind of message in one, as far as it is used.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    pub(super) reason: String,
    #[serde(default)]
    pub(super) package_id: String,
    #[serde(default)]
    pub(super) target: BuiltTarget,
    #[serde(default)]
    pub(super) profile: Profile,
    pub(super) executable: Option<PathBuf>,
    #[serde(default)]
    pub(super) out_dir: Option<PathBuf>,
    #[serde(default)]
    pub(super) env: Vec<(String, String)>,
    #[serde(default)]
    pub(super) linked_paths: Vec<String>,
    #[serde(default)]
    pub(super) fresh: bool,
    pub(super) success: Option<bool>,
}

/// The target of a message.
#[derive(Debug, Default, Deserialize)]
pub(super) struct BuiltTarget {
    #[serde(default)]
    pub(super) kind: Vec<String>,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) src_path: PathBuf,
}

/// The profile of a message.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Profile {
    #[serde(default)]
    pub(super) test: bool,
}

impl Message {
    /// `true` for a unit that was compiled, or was fresh.
    pub(super) fn is_artifact(&self) -> bool {
        self.reason == "compiler-artifact"
    }
}

/// The messages in cargo's output; other lines are output of build scripts and skipped.
pub(super) fn parse(output: &str) -> Vec<Message> {
    let lines = output.lines().filter(|line| line.starts_with('{'));
    lines.filter_map(|line| serde_json::from_str(line).ok()).collect()
}
