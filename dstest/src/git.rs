//! Questions to git about a directory.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::origin::Commit;

/// The commit that is checked out at a directory; `None` outside of repositories, or without git.
pub(crate) fn commit_at(dir: &Path) -> Option<Commit> {
    let id = output(dir, &["rev-parse", "--verify", "HEAD"])?;
    let changes =
        output(dir, &["--no-optional-locks", "status", "--porcelain", "--untracked-files=no"]);
    Some(Commit { id, modified: changes != Some(String::new()) })
}

/// The text that git prints; `None` if it fails, or is not there.
pub(crate) fn output(dir: &Path, args: &[&str]) -> Option<String> {
    said(command(dir).args(args))
}

/// Git about the repository of a directory, and not about that of a hook or an alias which has started dstest.
pub(crate) fn command(dir: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(dir);
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        git.env_remove(name);
    }
    git
}

/// The text that a tool prints; `None` if it fails, or is not there.
pub(crate) fn said(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
