//! The origin of test programs: compiler, commit, machine.

use serde::{Deserialize, Serialize};

/// The origin of an archive's programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The version of dstest that wrote it.
    pub dstest: String,
    /// The time it was written (RFC 3339, UTC).
    pub created: String,
    /// The processor and system of its programs: `x86_64-linux`.
    pub architecture: String,
    /// The compiler's name of itself; absent for commands.
    pub toolchain: Option<String>,
    /// The commit; absent outside repositories.
    pub commit: Option<Commit>,
}

/// The commit that was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Its name.
    pub id: String,
    /// `true` if there were changes that are in no commit.
    pub modified: bool,
}

impl Commit {
    /// The beginning of its name.
    #[must_use]
    pub fn short(&self) -> String {
        self.id.chars().take(COMMIT_DIGITS).collect()
    }
}

impl Origin {
    /// The commit, toolchain and architecture, in a few words.
    #[must_use]
    pub fn words(&self) -> String {
        let commit = self.commit.as_ref().map(|commit| {
            let changes = if commit.modified { " with changes" } else { "" };
            format!("commit {}{changes}, ", commit.short())
        });
        let toolchain = self.toolchain.as_ref().map(|name| format!("{name}, "));
        let (commit, toolchain) = (commit.unwrap_or_default(), toolchain.unwrap_or_default());
        format!("{commit}{toolchain}{}", self.architecture)
    }
}

/// The processor and system of this machine.
#[must_use]
pub fn architecture() -> String {
    format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS)
}

/// As many digits as git shows.
const COMMIT_DIGITS: usize = 10;
