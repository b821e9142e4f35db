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
    said(Command::new("git").args(args).current_dir(dir))
}

/// The text that a tool prints; `None` if it fails, or is not there.
pub(crate) fn said(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
