//! The source files of a test target.

use std::fs;
use std::path::{Path, PathBuf};

/// The Rust files at or below a directory.
pub(crate) fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(dir, DIRS_MAX, &mut files);
    files.sort();
    files
}

fn collect(dir: &Path, depth: u32, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 => collect(&path, depth - 1, files),
            Ok(_) if path.extension().is_some_and(|extension| extension == "rs") => {
                files.push(path);
            }
            Ok(_) | Err(_) => {}
        }
    }
}

/// The files that a program's own crate was compiled from, as the compiler wrote them down beside
/// the program; paths are relative to `root`, in which cargo compiles. Empty if there is no such
/// list.
pub(crate) fn compiled_from(program: &Path, root: &Path) -> Vec<PathBuf> {
    let Ok(listed) = fs::read_to_string(program.with_extension("d")) else { return Vec::new() };
    let first = listed.lines().find_map(|line| line.split_once(": "));
    first.map(|(_, files)| words(files).map(|file| root.join(file)).collect()).unwrap_or_default()
}

/// The words of a line of a makefile, in which a backslash stands before a space of a name.
fn words(line: &str) -> impl Iterator<Item = String> {
    let line = line.replace("\\ ", "\0");
    let words: Vec<String> = line.split_whitespace().map(|word| word.replace('\0', " ")).collect();
    words.into_iter()
}

/// Deeper than any sources; ends loops of links.
const DIRS_MAX: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compilers_list_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("sim-0a");
        assert!(compiled_from(&program, Path::new("/w")).is_empty());
        let list = "/t/sim-0a.d: tests/a.rs tests/b\\ c.rs /x/d.rs\n\ntests/a.rs:\n# env-dep:A\n";
        fs::write(dir.path().join("sim-0a.d"), list).unwrap();
        let want = ["/w/tests/a.rs", "/w/tests/b c.rs", "/x/d.rs"].map(PathBuf::from);
        assert_eq!(compiled_from(&program, Path::new("/w")), want);
    }
}
