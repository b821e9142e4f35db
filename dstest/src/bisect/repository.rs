//! The commits of a repository, as git knows them.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::BisectError;

/// The repository of a checkout.
#[derive(Debug)]
pub(crate) struct Repository {
    /// The directory that the user works in.
    dir: PathBuf,
    /// The directory below the checkout's root.
    pub(crate) prefix: PathBuf,
    /// The repository's own directory, the same for all of its worktrees.
    pub(crate) common: PathBuf,
}

/// The next commit to be tested.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It is this.
    Test(String),
    /// The bad commit is the first one.
    Found,
    /// All others were skipped: it is one of these, or the bad one.
    Unclear(Vec<String>),
}

impl Repository {
    /// The repository of a directory.
    ///
    /// # Errors
    /// There is none, or git is missing.
    pub(crate) fn at(dir: &Path) -> Result<Self, BisectError> {
        let line = |option: &str| git(dir, &["rev-parse", "--path-format=absolute", option]);
        let common = PathBuf::from(line("--git-common-dir")?);
        let prefix = PathBuf::from(line("--show-prefix")?);
        Ok(Self { dir: dir.to_owned(), prefix, common })
    }

    /// The full name of a commit.
    ///
    /// # Errors
    /// There is no such commit.
    pub(crate) fn commit(&self, name: &str) -> Result<String, BisectError> {
        let wanted = format!("{name}^{{commit}}");
        let found =
            git(&self.dir, &["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted]);
        found.map_err(|_| BisectError::NoCommit(name.to_owned()))
    }

    /// Makes sure that one commit comes before another.
    ///
    /// # Errors
    /// [`BisectError::NotAnAncestor`].
    pub(crate) fn check_order(&self, good: &str, bad: &str) -> Result<(), BisectError> {
        let base = git(&self.dir, &["merge-base", good, bad]).unwrap_or_else(|_| "(none)".into());
        if base == good && good != bad {
            return Ok(());
        }
        let [good, bad, base] = [good, bad, &base].map(short);
        Err(BisectError::NotAnAncestor { good, bad, base })
    }

    /// The beginning of a commit's name, and its first line.
    pub(crate) fn words(&self, commit: &str) -> String {
        let subject = git(&self.dir, &["show", "--no-patch", "--format=%s", commit]);
        format!("{} {}", short(commit), subject.unwrap_or_default())
    }

    /// The author and the date of a commit.
    pub(crate) fn author(&self, commit: &str) -> String {
        let format = "--format=%an, %ad";
        git(&self.dir, &["show", "--no-patch", format, "--date=short", commit]).unwrap_or_default()
    }

    /// The parents of a commit.
    pub(crate) fn parents(&self, commit: &str) -> Vec<String> {
        let text = git(&self.dir, &["show", "--no-patch", "--format=%P", commit]);
        text.unwrap_or_default().split(' ').map(str::to_owned).collect()
    }

    /// The commits that are reached from `bad` and from none of `good`, those first that divide the others
    /// best; with `is_straight` only first parents.
    ///
    /// # Errors
    /// Git fails.
    pub(crate) fn candidates(
        &self,
        good: &[&str],
        bad: &str,
        is_straight: bool,
    ) -> Result<Vec<String>, BisectError> {
        let mut args = vec!["rev-list", "--bisect-all"];
        args.extend(is_straight.then_some("--first-parent"));
        args.extend([bad, "--not"]);
        args.extend(good);
        let text = git(&self.dir, &args)?;
        Ok(text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
    }

    /// The next commit to be tested.
    ///
    /// # Errors
    /// Git fails.
    pub(crate) fn next(
        &self,
        good: &[&str],
        bad: &str,
        skipped: &[&str],
        is_straight: bool,
    ) -> Result<Next, BisectError> {
        let mut candidates = self.candidates(good, bad, is_straight)?;
        candidates.retain(|commit| commit != bad);
        let untested = candidates.iter().find(|commit| !skipped.contains(&commit.as_str()));
        Ok(match untested {
            Some(commit) => Next::Test(commit.clone()),
            None if candidates.is_empty() => Next::Found,
            None => Next::Unclear(candidates),
        })
    }

    /// Checks a commit out in a worktree, which is made if it is not there. Whatever was changed in it is
    /// lost; files that git ignores, such as those of builds, stay.
    ///
    /// # Errors
    /// Git fails.
    pub(crate) fn check_out(&self, tree: &Path, commit: &str) -> Result<(), BisectError> {
        if !tree.join(".git").is_file() {
            let tree = tree.to_string_lossy();
            let args = ["worktree", "add", "--quiet", "--force", "--detach", &tree, commit];
            return git(&self.dir, &args).map(drop);
        }
        let try_it =
            || git(tree, &["checkout", "--quiet", "--detach", "--force", commit]).map(drop);
        let mut done = try_it();
        let start = Instant::now();
        while matches!(&done, Err(error) if error.is_locked()) && start.elapsed() < LOCKED_FOR {
            std::thread::sleep(Duration::from_millis(50));
            done = try_it();
        }
        match done {
            Err(error) if error.is_locked() => {
                let lock = git(
                    tree,
                    &["rev-parse", "--path-format=absolute", "--git-path", "index.lock"],
                )?;
                let _ = std::fs::remove_file(lock);
                try_it()
            }
            done => done,
        }
    }

    /// Removes a worktree.
    ///
    /// # Errors
    /// Git fails.
    pub(crate) fn remove(&self, tree: &Path) -> Result<(), BisectError> {
        if tree.exists() {
            git(&self.dir, &["worktree", "remove", "--force", &tree.to_string_lossy()])?;
        }
        git(&self.dir, &["worktree", "prune"]).map(drop)
    }
}

/// The time that a git of a killed dstest is waited for in the worktree, which is dstest's alone; then its lock is
/// taken for one that was left.
const LOCKED_FOR: Duration = Duration::from_secs(3);

/// The beginning of a commit's name.
pub(super) fn short(commit: &str) -> String {
    commit.chars().take(SHORT_DIGITS).collect()
}

/// As many digits as histories show.
const SHORT_DIGITS: usize = 10;

/// Runs git; its output.
fn git(dir: &Path, args: &[&str]) -> Result<String, BisectError> {
    let action = args.first().copied().unwrap_or_default().to_owned();
    let fails = |message: String| BisectError::Git { action: action.clone(), message };
    let mut command = crate::git::command(dir);
    // A hook of the user's is for the user's checkout.
    command.args(["-c", "core.hooksPath=/dev/null"]).args(args);
    // Ctrl-C at the terminal ends dstest, which lets git come to its end.
    command.process_group(0).stdin(Stdio::null()).env("LC_ALL", "C");
    let output = command.output().map_err(|error| fails(error.to_string()))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        return Err(fails(message.trim().to_owned()));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.trim_end().to_owned())
}
