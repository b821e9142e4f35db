//! Paths of the machine that built an archive, and those of its files on this one.

use std::path::{Path, PathBuf};

use crate::suite::{Binary, Test};

/// Paths that are replaced by others, with everything below them.
#[derive(Debug, Default)]
pub(crate) struct Relocation {
    /// The longest first, so that the most exact one counts.
    pairs: Vec<(PathBuf, PathBuf)>,
}

impl Relocation {
    /// Each first path is replaced by the second.
    pub(crate) fn new(pairs: impl IntoIterator<Item = (PathBuf, PathBuf)>) -> Self {
        let mut pairs: Vec<_> = pairs.into_iter().collect();
        pairs.sort_by_key(|(from, _)| std::cmp::Reverse(from.as_os_str().len()));
        Self { pairs }
    }

    /// The new path; the same where no part of it is replaced.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        let found = self.pairs.iter().find_map(|(from, to)| {
            let rest = path.strip_prefix(from).ok()?;
            Some(if rest.as_os_str().is_empty() { to.clone() } else { to.join(rest) })
        });
        found.unwrap_or_else(|| path.to_owned())
    }

    /// A value of a variable: a path, or several with colons between them.
    fn value(&self, value: &str) -> String {
        let moved = |part: &str| self.path(Path::new(part)).to_string_lossy().into_owned();
        value.split(':').map(moved).collect::<Vec<_>>().join(":")
    }

    /// Replaces the paths of a program.
    pub(crate) fn apply(&self, binary: &mut Binary) {
        binary.path = self.path(&binary.path);
        binary.cwd = self.path(&binary.cwd);
        binary.env.iter_mut().for_each(|(_, value)| *value = self.value(value));
    }

    /// Replaces the paths among the arguments of a test.
    pub(crate) fn apply_to_args(&self, test: &mut Test) {
        test.args.iter_mut().for_each(|arg| *arg = self.word(arg));
    }

    /// A word of a command, if it is an absolute path.
    pub(crate) fn word(&self, word: &str) -> String {
        let path = Path::new(word);
        if path.is_absolute() {
            self.path(path).to_string_lossy().into_owned()
        } else {
            word.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_parts_of_paths_are_replaced_by_the_most_exact_rule() {
        let pair = |from: &str, to: &str| (PathBuf::from(from), PathBuf::from(to));
        let moved =
            Relocation::new([pair("/w", "/x/root"), pair("/w/target/debug", "/x/target/0")]);
        let rows = [
            ("/w", "/x/root"),
            ("/w/core", "/x/root/core"),
            ("/w/target/debug/kv", "/x/target/0/kv"),
            ("/workshop", "/workshop"),
            ("kv", "kv"),
            ("/w/target/debug/deps:/usr/lib:/w", "/x/target/0/deps:/usr/lib:/x/root"),
            ("", ""),
        ];
        for (value, want) in rows {
            assert_eq!(moved.value(value), want);
        }
        assert_eq!(moved.word("--data=/w"), "--data=/w", "only whole words are paths for certain");
    }
}
