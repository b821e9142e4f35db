//! The adapter for Go packages: one `go test -c` for each, then each test program is asked.
//!
//! Go's own words (downloads, errors) go to standard error as they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::DiscoverError;
use super::capture::capture;
use super::listing::{LIST_TIMEOUT, give_short_names};
use super::tool;
use crate::names;
use crate::plan::{BuildPlan, Race};
use crate::signals::Interrupts;
use crate::suite::{Binary, Harness, Mark, Note, Suite, Test};

/// A Go module, or a directory that is to be taken as a Go package.
#[derive(Debug)]
pub struct Project {
    /// The directory of the module's `go.mod`; without one, the directory itself.
    pub root: PathBuf,
    scratch: Scratch,
}

impl Project {
    /// The module that `dir` is in.
    #[must_use]
    pub fn at(dir: &Path) -> Self {
        let root = dir.ancestors().find(|directory| directory.join("go.mod").is_file());
        Self { root: root.unwrap_or(dir).to_owned(), scratch: Scratch::new() }
    }

    /// Builds each package's tests once and lists them. The programs are gone as soon as this
    /// project is: whoever needs them longer copies them.
    ///
    /// # Errors
    /// [`DiscoverError::BuildFailed`] if go says so, [`DiscoverError::Interrupted`] if the user
    /// stopped it.
    pub fn suite(
        &self,
        dir: &Path,
        plan: &BuildPlan,
        interrupts: &Interrupts,
    ) -> Result<Suite, DiscoverError> {
        let mut suite = Suite::default();
        for package in packages(dir, plan, interrupts)? {
            if let Some(binary) = self.build(dir, package, plan, interrupts)? {
                add(&mut suite, binary);
            }
        }
        give_short_names(&mut suite);
        Ok(suite)
    }

    /// The test program of a package; `None` where it has no tests.
    fn build(
        &self,
        dir: &Path,
        package: Package,
        plan: &BuildPlan,
        interrupts: &Interrupts,
    ) -> Result<Option<Binary>, DiscoverError> {
        let base = package.import_path.rsplit('/').next().unwrap_or("main");
        let path = self.scratch.directory()?.join(format!("{}.test", names::file_name(base)));
        let mut command = go(dir);
        command.args(["test", "-c"]).arg("-o").arg(&path);
        command.args((plan.race == Race::On).then_some("-race"));
        command.args(&plan.args).arg(&package.import_path);
        tool::run(command, "go", interrupts)?;
        let (name, cwd, env) = (package.import_path, package.dir, Vec::new());
        Ok(path.is_file().then_some(Binary { name, path, cwd, env, contents: None }))
    }
}

/// What `go list` says of a package.
struct Package {
    import_path: String,
    dir: PathBuf,
}

/// The packages that are meant: those named, or the one in the directory, or all below it.
fn packages(
    dir: &Path,
    plan: &BuildPlan,
    interrupts: &Interrupts,
) -> Result<Vec<Package>, DiscoverError> {
    let mut command = go(dir);
    command.args(["list", "-f", "{{.ImportPath}}\t{{.Dir}}"]);
    if plan.go_packages.is_empty() {
        command.arg(if has_tests(dir) { "." } else { "./..." });
    } else {
        command.arg("--").args(&plan.go_packages);
    }
    let output = tool::run(command, "go", interrupts)?;
    let package = |line: &str| {
        let (import_path, dir) = line.split_once('\t')?;
        Some(Package { import_path: import_path.to_owned(), dir: PathBuf::from(dir) })
    };
    Ok(String::from_utf8_lossy(&output).lines().filter_map(package).collect())
}

fn has_tests(dir: &Path) -> bool {
    let is_test = |entry: fs::DirEntry| entry.file_name().as_encoded_bytes().ends_with(b"_test.go");
    fs::read_dir(dir).is_ok_and(|entries| entries.flatten().any(is_test))
}

fn go(dir: &Path) -> Command {
    let mut command = Command::new("go");
    command.current_dir(dir);
    command
}

/// Adds a program and its tests; one that does not list them is one test as a whole.
fn add(suite: &mut Suite, binary: Binary) {
    let index = suite.binaries.len();
    match list(&binary) {
        Some(ids) => suite.tests.extend(ids.into_iter().map(|id| test(index, id))),
        None => {
            let name = binary.name.clone();
            suite.notes.push(Note::Opaque(index));
            suite.tests.push(whole(index, name));
        }
    }
    suite.binaries.push(binary);
}

fn list(binary: &Binary) -> Option<Vec<String>> {
    let mut command = Command::new(&binary.path);
    command.args(["-test.list", "."]).current_dir(&binary.cwd);
    let answer = capture(&mut command, LIST_TIMEOUT).ok()?;
    answer.status.success().then(|| parse(&answer.stdout))
}

/// The tests, examples and fuzz targets in a list; whatever else a `TestMain` prints is not one,
/// and benchmarks are no tests.
fn parse(output: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(output);
    let is_name = |line: &&str| {
        KINDS.iter().any(|kind| line.starts_with(kind))
            && line.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    text.lines().map(str::trim_end).filter(is_name).map(ToOwned::to_owned).collect()
}

fn test(binary: usize, id: String) -> Test {
    let mut args = vec![format!("-test.run=^{id}$")];
    args.extend(FLAGS.map(ToOwned::to_owned));
    Test { name: String::new(), id, binary, args, harness: Harness::Go, mark: Mark::Normal }
}

fn whole(binary: usize, id: String) -> Test {
    let args = FLAGS.map(ToOwned::to_owned).to_vec();
    Test { name: String::new(), id, binary, args, harness: Harness::Opaque, mark: Mark::Normal }
}

/// A directory for programs that are built and then copied; it goes with its owner.
#[derive(Debug)]
struct Scratch {
    root: PathBuf,
    used: AtomicU32,
}

impl Scratch {
    fn new() -> Self {
        let name = format!("dstest-go-{}", std::process::id());
        Self { root: std::env::temp_dir().join(name), used: AtomicU32::new(0) }
    }

    /// A directory that nothing else is in: packages may share the last part of their names.
    fn directory(&self) -> Result<PathBuf, DiscoverError> {
        let path = self.root.join(self.used.fetch_add(1, Ordering::Relaxed).to_string());
        match fs::create_dir_all(&path) {
            Ok(()) => Ok(path),
            Err(source) => Err(DiscoverError::Scratch { path, source }),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Where nothing was built, there is nothing to remove.
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// What Go takes for a test when it is asked to run one.
const KINDS: [&str; 3] = ["Test", "Example", "Fuzz"];

/// Every event is printed, `os.Exit(0)` is no pass, and only dstest has a timeout.
const FLAGS: [&str; 4] = ["-test.v", "-test.count=1", "-test.paniconexit0", "-test.timeout=0"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_holds_tests_examples_and_fuzz_targets() {
        let output =
            b"setting up\nTestA\nTestBackup2B\nBenchmarkX\nExampleY\nFuzzZ\nTest of all\nok\n";
        assert_eq!(parse(output), ["TestA", "TestBackup2B", "ExampleY", "FuzzZ"]);
    }

    #[test]
    fn one_test_is_one_anchored_pattern() {
        let test = test(0, "TestA".to_owned());
        assert_eq!(test.args[0], "-test.run=^TestA$");
        assert!(test.args.contains(&"-test.paniconexit0".to_owned()));
    }
}
