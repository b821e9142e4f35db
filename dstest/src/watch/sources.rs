//! The files of a project whose changes matter.
//!
//! Everything below its directory counts, as tests may read any file, but for: hidden files and
//! directories, build directories (`target` beside a Cargo.toml, or with a `CACHEDIR.TAG`), the
//! temporary files of editors, the results of dstest itself, and what git or the user ignores.

use std::fs;
use std::path::{Component, Path, PathBuf};

use regex::Regex;

use super::gitignore::without_ignored;

/// The files of a project whose changes matter.
#[derive(Debug)]
pub(crate) struct Sources {
    dir: PathBuf,
    /// Files and directories that dstest writes.
    own: Vec<PathBuf>,
    /// Patterns for paths below the directory.
    ignored: Vec<Regex>,
}

impl Sources {
    /// The sources below a directory.
    pub(crate) fn new(dir: &Path, own: &[PathBuf], ignored: Vec<Regex>) -> Self {
        let own = own.iter().map(|path| canonical(path)).collect();
        Self { dir: canonical(dir), own, ignored }
    }

    /// The project's directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// `true` if a change of this file or directory may matter.
    pub(super) fn includes(&self, path: &Path) -> bool {
        let Ok(relative) = path.strip_prefix(&self.dir) else { return false };
        let name = |part: Component<'_>| part.as_os_str().to_string_lossy().into_owned();
        let is_left_out = relative.components().map(name).any(|name| is_temporary(&name))
            || self.own.iter().any(|own| path.starts_with(own))
            || self.ignored.iter().any(|pattern| pattern.is_match(&relative.to_string_lossy()));
        let directories = path.ancestors().take_while(|above| *above != self.dir);
        !is_left_out && !directories.into_iter().any(is_build_directory)
    }

    /// The directories directly in these whose files may matter.
    pub(super) fn directories_in(&self, directories: &[PathBuf]) -> Vec<PathBuf> {
        let below = directories.iter().flat_map(|dir| directories_in(dir));
        without_ignored(&self.dir, below.filter(|dir| self.includes(dir)).collect())
    }

    /// The paths that matter, relative to the directory.
    pub(super) fn choose(&self, paths: Vec<PathBuf>) -> Vec<PathBuf> {
        let own = paths.into_iter().filter(|path| self.includes(path)).collect();
        let chosen = without_ignored(&self.dir, own).into_iter();
        chosen.map(|path| path.strip_prefix(&self.dir).unwrap_or(&path).to_owned()).collect()
    }
}

/// Hidden files, among them vim's and emacs's own, and files that editors and insta write.
fn is_temporary(name: &str) -> bool {
    let is_between = |mark: char| name.starts_with(mark) && name.ends_with(mark);
    name.starts_with('.')
        || name.ends_with('~')
        || is_between('#')
        || [".swp", ".swx", ".tmp", ".orig", ".rej", ".snap.new"]
            .iter()
            .any(|end| name.ends_with(end))
        || name.contains("___jb_")
}

fn is_build_directory(path: &Path) -> bool {
    let is_cargos = path.ends_with("target") && path.with_file_name("Cargo.toml").is_file();
    is_cargos || path.join("CACHEDIR.TAG").is_file()
}

/// Directories in a directory, symbolic links left out.
fn directories_in(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let directories =
        entries.filter(|entry| entry.file_type().is_ok_and(|file_type| file_type.is_dir()));
    directories.map(|entry| entry.path()).collect()
}

/// The path without symbolic links, as far as it exists.
fn canonical(path: &Path) -> PathBuf {
    let above = |path: &Path| Some(canonical(path.parent()?).join(path.file_name()?));
    path.canonicalize().ok().or_else(|| above(path)).unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> (tempfile::TempDir, Sources) {
        let dir = tempfile::tempdir().unwrap();
        for path in ["src", "store", "target/debug", "out/deep", ".git", "a/target"] {
            fs::create_dir_all(dir.path().join(path)).unwrap();
        }
        fs::write(dir.path().join("Cargo.toml"), "").unwrap();
        fs::write(dir.path().join("out/CACHEDIR.TAG"), "").unwrap();
        let own = vec![dir.path().join("store"), dir.path().join("result.json")];
        let sources = Sources::new(dir.path(), &own, vec![Regex::new("^docs/").unwrap()]);
        (dir, sources)
    }

    #[test]
    fn files_that_matter() {
        let (_dir, sources) = sources();
        let rows = [
            ("src/lib.rs", true),
            ("Cargo.lock", true),
            ("fixtures/any.bin", true),
            ("a/target/x.rs", true),
            ("target/debug/x", false),
            ("target", false),
            ("out/deep/x", false),
            (".git/index", false),
            ("src/.lib.rs.swp", false),
            ("src/lib.rs~", false),
            ("src/#lib.rs#", false),
            ("src/lib.rs___jb_tmp___", false),
            ("store/latest", false),
            ("result.json", false),
            ("result.json.42.tmp", false),
            ("docs/page.md", false),
        ];
        for (path, want) in rows {
            assert_eq!(sources.includes(&sources.dir.join(path)), want, "{path}");
        }
        assert!(!sources.includes(Path::new("/elsewhere/lib.rs")));
    }

    #[test]
    fn directories_with_files_that_matter() {
        let (_dir, sources) = sources();
        let below = |dirs: &[PathBuf]| {
            let found = sources.directories_in(dirs);
            let name =
                |dir: &PathBuf| dir.strip_prefix(sources.dir()).unwrap().display().to_string();
            let mut names: Vec<_> = found.iter().map(name).collect();
            names.sort_unstable();
            names
        };
        assert_eq!(below(std::slice::from_ref(&sources.dir)), ["a", "src"]);
        assert_eq!(below(&[sources.dir.join("a"), sources.dir.join("src")]), ["a/target"]);
    }
}
