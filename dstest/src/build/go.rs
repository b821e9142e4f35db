//! The adapter for Go packages: one `go test -c` for each, then each test program is asked.
//!
//! Go's own words (downloads, errors) go to standard error as they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{BuildError, Built, Cost, tool};
use crate::plan::BuildPlan;
use crate::process::signals::Interrupts;
use crate::suite::{Binary, Harness};
use crate::text::names;

/// A Go module, or a directory treated as a Go package.
#[derive(Debug)]
pub(super) struct Project {
    /// The directory of the module's `go.mod`; without one, the directory itself.
    pub(super) root: PathBuf,
    scratch: Scratch,
}

impl Project {
    /// The module that `dir` is in.
    pub(super) fn at(dir: &Path) -> Self {
        let root = dir.ancestors().find(|directory| directory.join("go.mod").is_file());
        Self { root: root.unwrap_or(dir).to_owned(), scratch: Scratch::new() }
    }

    /// Builds each package's test program once. The programs are removed with this project; copy
    /// them to keep them.
    ///
    /// # Errors
    /// [`BuildError::BuildFailed`] if go fails, [`BuildError::Interrupted`] if the user
    /// stopped it.
    pub(super) fn build(
        &self,
        dir: &Path,
        plan: &BuildPlan,
        interrupts: &Interrupts,
    ) -> Result<Built, BuildError> {
        let mut binaries = Vec::new();
        for package in packages(dir, plan, interrupts)? {
            binaries.extend(self.build_package(dir, package, plan, interrupts)?);
        }
        Ok(Built {
            binaries,
            targets: Vec::new(),
            harness: Harness::Go,
            args: Vec::new(),
            runner: Vec::new(),
            notes: Vec::new(),
            cost: Cost::default(),
            listed: None,
        })
    }

    /// The test program of a package; `None` where it has no tests.
    fn build_package(
        &self,
        dir: &Path,
        package: Package,
        plan: &BuildPlan,
        interrupts: &Interrupts,
    ) -> Result<Option<Binary>, BuildError> {
        let base = package.import_path.rsplit('/').next().unwrap_or("main");
        let path = self.scratch.directory()?.join(format!("{}.test", names::file_name(base)));
        let mut command = go(dir);
        command.args(["test", "-c"]).arg("-o").arg(&path);
        command.args(plan.race.then_some("-race"));
        command.args(&plan.args).arg(&package.import_path);
        tool::run(command, "go", None, interrupts)?;
        let (name, cwd, env) = (package.import_path, package.dir, Vec::new());
        Ok(path.is_file().then_some(Binary { name, path, cwd, env, contents: None }))
    }
}

/// A package as described by `go list`.
struct Package {
    import_path: String,
    dir: PathBuf,
}

/// The packages to test: those named, or the one in the directory, or all below it.
fn packages(
    dir: &Path,
    plan: &BuildPlan,
    interrupts: &Interrupts,
) -> Result<Vec<Package>, BuildError> {
    let mut command = go(dir);
    command.args(["list", "-f", "{{.ImportPath}}\t{{.Dir}}"]);
    if plan.go_packages.is_empty() {
        command.arg(if has_tests(dir) { "." } else { "./..." });
    } else {
        command.arg("--").args(&plan.go_packages);
    }
    let output = tool::run(command, "go", None, interrupts)?;
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

/// A directory for programs that are built and then copied; removed with its owner.
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

    /// A new, empty directory: packages may share the last part of their names.
    fn directory(&self) -> Result<PathBuf, BuildError> {
        let path = self.root.join(self.used.fetch_add(1, Ordering::Relaxed).to_string());
        match fs::create_dir_all(&path) {
            Ok(()) => Ok(path),
            Err(source) => Err(BuildError::Scratch { path, source }),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Without a build there is nothing to remove.
        let _ = fs::remove_dir_all(&self.root);
    }
}
