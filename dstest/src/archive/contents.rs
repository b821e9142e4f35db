//! The files that go into an archive, found from the programs and their surroundings.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use memchr::memmem;
use walkdir::{DirEntry, WalkDir};

use super::manifest::{Entry, Place};
use super::{ArchiveError, io_error};
use crate::run::inputs_of;
use crate::store::program_hash;
use crate::suite::{Binary, Suite, Test};

/// The contents of an archive.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) places: Vec<Place>,
    pub(crate) files: Vec<Entry>,
    /// The place where each file is read.
    pub(crate) sources: Vec<PathBuf>,
    /// Remarks for the user.
    pub(crate) notes: Vec<String>,
}

/// The programs and files that are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// The project's directory.
    pub(crate) root: &'a Path,
    /// The programs and their tests.
    pub(crate) suite: &'a Suite,
    /// `true` if the programs were built, and are no working files.
    pub(crate) built: bool,
    /// Patterns of working files, from the project's directory.
    pub(crate) include: &'a [String],
}

impl Contents {
    /// Finds everything that the programs need.
    ///
    /// # Errors
    /// A pattern is wrong or matches nothing, or a file cannot be read.
    pub(crate) fn find(wanted: Wanted<'_>) -> Result<Self, ArchiveError> {
        let mut found = Collector::default();
        found.place(wanted.root, "root");
        let binaries = &wanted.suite.binaries;
        for binary in binaries {
            let is_inside = found.places.keys().any(|known| binary.cwd.starts_with(known));
            if !is_inside {
                found.numbered(&binary.cwd, "outside");
                let (dir, root) = (binary.cwd.display(), wanted.root.display());
                found.notes.push(format!(
                    "{dir} is outside of {root}: none of its working files is in the archive"
                ));
            }
        }
        if wanted.built {
            for binary in binaries {
                found.program(&binary.path)?;
            }
            found.surroundings(binaries)?;
        } else {
            wanted.suite.tests.iter().try_for_each(|test| {
                let binary = &binaries[test.binary];
                found.command(test, binary)
            })?;
        }
        for word in &wanted.suite.runner {
            found.inside(Path::new(word))?;
        }
        found.working_files(wanted)?;
        found.contents()
    }
}

/// Files and places by their paths, so that nothing is in it twice.
#[derive(Debug, Default)]
struct Collector {
    places: BTreeMap<PathBuf, String>,
    files: BTreeMap<String, PathBuf>,
    notes: Vec<String>,
}

impl Collector {
    fn place(&mut self, from: &Path, to: &str) {
        self.places.insert(from.to_owned(), to.to_owned());
    }

    /// The place of a directory of this kind: `lib/0`, `lib/1`, ….
    fn numbered(&mut self, dir: &Path, kind: &str) -> String {
        if let Some(known) = self.places.get(dir) {
            return known.clone();
        }
        let prefix = format!("{kind}/");
        let count = self.places.values().filter(|place| place.starts_with(&prefix)).count();
        let place = format!("{prefix}{count}");
        self.place(dir, &place);
        place
    }

    fn file(&mut self, path: String, source: &Path) {
        self.files.entry(path).or_insert_with(|| source.to_owned());
    }

    fn program(&mut self, path: &Path) -> Result<(), ArchiveError> {
        let name = text(Path::new(path.file_name().unwrap_or_default()))?;
        let hash = program_hash(path).ok_or_else(|| gone(path))?;
        let archived = format!("bin/{hash}/{name}");
        self.place(path, &archived);
        self.file(archived, path);
        Ok(())
    }

    /// A command's program and scripts.
    fn command(&mut self, test: &Test, binary: &Binary) -> Result<(), ArchiveError> {
        for input in inputs_of(&binary.path, &test.args, &binary.cwd) {
            if !self.inside(&input.path)? {
                let path = input.path.display();
                self.notes.push(format!("{path} is not in the archive: it is elsewhere"));
            }
        }
        Ok(())
    }

    /// Takes a file below a place; `false` if it is below none.
    fn inside(&mut self, path: &Path) -> Result<bool, ArchiveError> {
        let found = self.places.iter().rev().find_map(|(from, to)| {
            let rest = path.strip_prefix(from).ok().filter(|rest| !rest.as_os_str().is_empty())?;
            Some((rest.to_owned(), to.clone()))
        });
        let Some((rest, place)) = found.filter(|_| path.is_file()) else { return Ok(false) };
        let archived = format!("{place}/{}", text(&rest)?);
        self.file(archived, path);
        Ok(true)
    }

    /// Programs that tests start, shared libraries, files of build scripts.
    fn surroundings(&mut self, binaries: &[Binary]) -> Result<(), ArchiveError> {
        let mut libraries: Vec<PathBuf> = Vec::new();
        for binary in binaries {
            for (name, value) in &binary.env {
                let path = Path::new(value);
                if name.starts_with("CARGO_BIN_EXE_") && path.is_file() {
                    let place = self.numbered(path.parent().unwrap_or(path), "target");
                    let file = text(Path::new(path.file_name().unwrap_or_default()))?;
                    self.file(format!("{place}/{file}"), path);
                } else if name == "OUT_DIR" && path.is_dir() {
                    self.numbered(path, "out");
                    for file in files_below(path, |_| true) {
                        self.inside(&file)?;
                    }
                } else if name.ends_with("LIBRARY_PATH") {
                    libraries.extend(value.split(':').map(PathBuf::from));
                }
            }
        }
        libraries.sort();
        libraries.dedup();
        self.libraries(&libraries)?;
        self.note_compiled_paths(binaries);
        Ok(())
    }

    /// The shared libraries of these directories that a program, or another library, names.
    fn libraries(&mut self, dirs: &[PathBuf]) -> Result<(), ArchiveError> {
        let mut known: Vec<PathBuf> = dirs.iter().flat_map(|dir| shared_libraries(dir)).collect();
        let mut to_read: Vec<PathBuf> = self.files.values().cloned().collect();
        while let Some(file) = to_read.pop().filter(|_| !known.is_empty()) {
            let bytes = fs::read(&file).map_err(io_error("read", &file))?;
            let is_named = |library: &PathBuf| {
                // A name in the table of strings of an executable ends with a zero byte.
                let mut name = library.file_name().unwrap_or_default().as_encoded_bytes().to_vec();
                name.push(0);
                memmem::find(&bytes, &name).is_some()
            };
            let (needed, rest): (Vec<_>, Vec<_>) = known.into_iter().partition(is_named);
            known = rest;
            for library in needed {
                let place = self.numbered(library.parent().unwrap_or(&library), "lib");
                let name = text(Path::new(library.file_name().unwrap_or_default()))?;
                self.file(format!("{place}/{name}"), &library);
                to_read.push(library);
            }
        }
        Ok(())
    }

    /// Notes programs that a compiler has written into tests by their paths.
    fn note_compiled_paths(&mut self, binaries: &[Binary]) {
        for binary in binaries {
            let Ok(bytes) = fs::read(&binary.path) else { continue };
            for (name, value) in &binary.env {
                let is_program = name.starts_with("CARGO_BIN_EXE_");
                if is_program && memmem::find(&bytes, value.as_bytes()).is_some() {
                    self.notes.push(format!(
                        "{} has the path of a program compiled in (env!(\"{name}\")); elsewhere, \
                         only std::env::var(\"{name}\") has its new path",
                        binary.name
                    ));
                }
            }
        }
    }

    fn working_files(&mut self, wanted: Wanted<'_>) -> Result<(), ArchiveError> {
        let mut patterns = Vec::new();
        for pattern in wanted.include {
            patterns.push((pattern, matcher(pattern)?, false));
        }
        for file in files_below(wanted.root, is_searched) {
            let below = file.strip_prefix(wanted.root).unwrap_or(&file).to_owned();
            let mut is_wanted = is_fixture(&below) && is_of_a_program(&file, wanted);
            for (_, matcher, is_used) in &mut patterns {
                if matcher.is_match(&below) {
                    (is_wanted, *is_used) = (true, true);
                }
            }
            if is_wanted {
                self.inside(&file)?;
            }
        }
        let unused = patterns.into_iter().find(|(_, _, is_used)| !is_used);
        unused.map_or(Ok(()), |(pattern, _, _)| {
            Err(ArchiveError::NoFile { pattern: pattern.clone(), root: wanted.root.to_owned() })
        })
    }

    fn contents(self) -> Result<Contents, ArchiveError> {
        let mut contents = Contents { notes: self.notes, ..Contents::default() };
        let place = |(from, to): (PathBuf, String)| text(&from).map(|_| Place { from, to });
        contents.places = self.places.into_iter().map(place).collect::<Result<_, _>>()?;
        for (path, source) in self.files {
            let facts = fs::metadata(&source).map_err(io_error("read", &source))?;
            let hash = program_hash(&source).ok_or_else(|| gone(&source))?;
            let executable = facts.permissions().mode() & 0o111 != 0;
            contents.files.push(Entry { path, bytes: facts.len(), hash, executable });
            contents.sources.push(source);
        }
        Ok(contents)
    }
}

fn gone(path: &Path) -> ArchiveError {
    let error = fs::File::open(path).err().unwrap_or_else(|| std::io::ErrorKind::NotFound.into());
    io_error("read", path)(error)
}

fn text(path: &Path) -> Result<String, ArchiveError> {
    path.to_str().map(ToOwned::to_owned).ok_or_else(|| ArchiveError::Path(path.to_owned()))
}

/// A pattern of paths; a directory means everything in it.
fn matcher(pattern: &str) -> Result<GlobMatcher, ArchiveError> {
    let trimmed = pattern.trim_start_matches("./").trim_end_matches('/');
    let is_root = pattern.starts_with('.') && ["", "."].contains(&trimmed);
    let either = if is_root { "**".into() } else { format!("{{{trimmed},{trimmed}/**}}") };
    let glob = GlobBuilder::new(&either).literal_separator(true).build();
    glob.map(|glob| glob.compile_matcher()).map_err(|error| ArchiveError::Pattern {
        pattern: pattern.to_owned(),
        reason: error.kind().to_string(),
    })
}

/// `true` for files in directories of names that mean files of tests.
fn is_fixture(below: &Path) -> bool {
    let parents = below.parent().into_iter().flat_map(Path::components);
    let mut names = parents.map(|part| part.as_os_str());
    names.any(|name| FIXTURES.iter().any(|known| name == *known))
}

/// `true` for files at or below the working directory of a program.
fn is_of_a_program(file: &Path, wanted: Wanted<'_>) -> bool {
    wanted.suite.binaries.iter().any(|binary| file.starts_with(&binary.cwd))
}

/// Directories whose files go along without a pattern.
pub(crate) const FIXTURES: [&str; 4] = ["fixtures", "fixture", "testdata", "test-data"];

/// The files at or below a directory, in the order of their names, links to files included.
fn files_below(dir: &Path, is_searched: impl Fn(&DirEntry) -> bool) -> Vec<PathBuf> {
    let entries = WalkDir::new(dir).sort_by_file_name().max_depth(DEPTH_MAX).into_iter();
    let entries = entries.filter_entry(|entry| entry.depth() == 0 || is_searched(entry));
    entries.flatten().map(DirEntry::into_path).filter(|path| path.is_file()).collect()
}

/// `false` for hidden directories, and those that tools mark as caches, such as cargo's builds.
fn is_searched(entry: &DirEntry) -> bool {
    let is_dir = entry.file_type().is_dir();
    let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
    !is_dir || !is_hidden && !entry.path().join("CACHEDIR.TAG").is_file()
}

fn shared_libraries(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let is_library = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.contains(".so") || name.ends_with(".dylib")
    };
    let mut libraries: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(is_library).collect();
    libraries.sort();
    libraries
}

/// Deeper than any fixtures.
const DEPTH_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_working_files() {
        let rows = [
            ("core/data/*.json", "core/data/a.json", true),
            ("core/data/*.json", "core/data/deep/a.json", false),
            ("core/**/*.json", "core/data/deep/a.json", true),
            ("core/data", "core/data/deep/a.json", true),
            ("./core/data/", "core/data/a", true),
            ("core/data", "core/data2/a", false),
            ("Cargo.toml", "core/Cargo.toml", false),
            ("**/Cargo.toml", "Cargo.toml", true),
            (".", "core/data/a", true),
            ("./", "a", true),
            ("./.", "a", true),
            ("/", "a", false),
            ("", "a", false),
        ];
        for (pattern, file, want) in rows {
            assert_eq!(matcher(pattern).unwrap().is_match(file), want, "{pattern} {file}");
        }
        assert!(matcher("a[").is_err());
        assert!(is_fixture(Path::new("core/testdata/x")) && !is_fixture(Path::new("testdata")));
    }

    #[test]
    fn a_package_outside_of_the_project_is_noted_once() {
        let dir = tempfile::tempdir().unwrap();
        let (root, outside) = (dir.path().join("project"), dir.path().join("beside"));
        fs::create_dir_all(&root).unwrap();
        fs::create_dir_all(outside.join("testdata")).unwrap();
        fs::write(outside.join("testdata/a"), "a").unwrap();
        let binary = |cwd: &Path| Binary {
            name: "a".into(),
            path: "a".into(),
            cwd: cwd.to_owned(),
            env: Vec::new(),
            contents: None,
        };
        let binaries = vec![binary(&root), binary(&outside), binary(&outside)];
        let suite = Suite { binaries, ..Suite::default() };
        let wanted = Wanted { root: &root, suite: &suite, built: false, include: &[] };
        let found = Contents::find(wanted).unwrap();
        assert_eq!(found.notes.len(), 1, "{:?}", found.notes);
        assert!(found.notes[0].contains("beside is outside of") && found.files.is_empty());
    }
}
