//! Files that git ignores, as git itself says.

use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::git;

/// The paths that git does not ignore; all, where there is no repository or no git.
pub(super) fn without_ignored(dir: &Path, mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    if paths.is_empty() {
        return paths;
    }
    let answer = ask(dir, &paths).unwrap_or_default();
    let ignored: Vec<&[u8]> = answer.split(|byte| *byte == 0).collect();
    paths.retain(|path| !ignored.contains(&path.as_os_str().as_bytes()));
    paths
}

/// The ignored paths, each ended by a zero byte.
fn ask(dir: &Path, paths: &[PathBuf]) -> Option<Vec<u8>> {
    let mut git = git::command(dir)
        .args(["check-ignore", "-z", "--stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut input = git.stdin.take()?;
    let lines: Vec<&[u8]> = paths.iter().map(|path| path.as_os_str().as_bytes()).collect();
    let lines = lines.join(&0);
    std::thread::scope(|scope| {
        // Written aside, since git answers before it has read everything. It may end early.
        scope.spawn(move || input.write_all(&lines));
        git.wait_with_output().ok().map(|output| output.stdout)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gits_rules_count_where_there_is_a_repository() {
        let dir = tempfile::tempdir().unwrap();
        let paths = |names: &[&str]| names.iter().map(|name| dir.path().join(name)).collect();
        let all: Vec<PathBuf> = paths(&["a.log", "out/b", "keep.log", "src.rs"]);
        assert_eq!(without_ignored(dir.path(), all.clone()), all, "no repository");
        let init = git::command(dir.path()).args(["init", "-q"]).status();
        if !init.is_ok_and(|status| status.success()) {
            return;
        }
        std::fs::write(dir.path().join(".gitignore"), "*.log\n!keep.log\n/out\n").unwrap();
        std::fs::create_dir(dir.path().join("out")).unwrap();
        let kept: Vec<PathBuf> = paths(&["keep.log", "src.rs"]);
        assert_eq!(without_ignored(dir.path(), all), kept);
    }
}
