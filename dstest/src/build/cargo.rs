//! The adapter for cargo projects: one `cargo test --no-run`, then each test program is asked.
//!
//! Cargo's own words (progress, warnings, errors) go to standard error as they are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde::Deserialize;

use super::{BuildError, Built, doc_tests, tool};
use crate::plan::BuildPlan;
use crate::process::signals::Interrupts;
use crate::suite::{Binary, Harness, Note};

/// A workspace as described by `cargo metadata`.
#[derive(Debug, Deserialize)]
pub(super) struct Project {
    /// The directory of the workspace's manifest.
    pub(super) workspace_root: PathBuf,
    packages: Vec<Package>,
}

/// The parts of a manifest that cargo passes to tests as `CARGO_PKG_*`.
#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    manifest_path: PathBuf,
    #[serde(default)]
    authors: Vec<String>,
    description: Option<String>,
    homepage: Option<String>,
    repository: Option<String>,
    license: Option<String>,
    license_file: Option<String>,
    rust_version: Option<String>,
    readme: Option<String>,
    #[serde(default)]
    targets: Vec<ListedTarget>,
}

/// A target as the manifest describes it.
#[derive(Debug, Deserialize)]
struct ListedTarget {
    src_path: PathBuf,
    #[serde(default)]
    doctest: bool,
}

/// One line of `--message-format=json`; every kind of message in one, as far as it is used.
#[derive(Debug, Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    package_id: String,
    #[serde(default)]
    target: Target,
    #[serde(default)]
    profile: Profile,
    executable: Option<PathBuf>,
    #[serde(default)]
    out_dir: Option<PathBuf>,
    #[serde(default)]
    env: Vec<(String, String)>,
    #[serde(default)]
    linked_paths: Vec<String>,
    success: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
struct Target {
    #[serde(default)]
    kind: Vec<String>,
    #[serde(default)]
    name: String,
}

#[derive(Debug, Default, Deserialize)]
struct Profile {
    #[serde(default)]
    test: bool,
}

impl Project {
    /// Asks cargo about the project in `dir`.
    ///
    /// # Errors
    /// If there is none, or its manifest is wrong, or cargo cannot be started.
    pub(super) fn find(dir: &Path) -> Result<Self, BuildError> {
        if !dir.ancestors().any(|directory| directory.join("Cargo.toml").is_file()) {
            return Err(BuildError::NoProject(dir.to_owned()));
        }
        let output = cargo(dir)
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .stdin(Stdio::null())
            .output()
            .map_err(|source| BuildError::Tool { tool: "cargo".into(), source })?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(BuildError::BadProject(said));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| protocol(&error))
    }

    /// Builds the test programs once.
    ///
    /// # Errors
    /// [`BuildError::BuildFailed`] if cargo fails, [`BuildError::Interrupted`] if the
    /// user stopped it.
    pub(super) fn build(
        &self,
        dir: &Path,
        plan: &BuildPlan,
        interrupts: &Interrupts,
    ) -> Result<Built, BuildError> {
        // Both tools run at once: without anything to build, each takes about as long.
        let library_path = RustLibraries::ask(dir);
        let messages = build(dir, plan, interrupts)?;
        let binaries = self.binaries(&messages, library_path.answer().as_deref());
        let documented = self.with_doc_tests(&messages);
        let notes =
            if documented.is_empty() { Vec::new() } else { vec![Note::DocTests(documented)] };
        Ok(Built { binaries, harness: Harness::Libtest, args: Vec::new(), notes })
    }

    /// The packages built here whose libraries have examples that cargo would run.
    fn with_doc_tests(&self, messages: &[Message]) -> Vec<String> {
        let is_built = |package: &&Package| {
            messages.iter().any(|m| m.profile.test && m.package_id == package.id)
        };
        let has_some = |package: &&Package| {
            let mut libraries = package.targets.iter().filter(|target| target.doctest);
            libraries.any(|target| doc_tests::exist_in(&target.src_path))
        };
        let found = self.packages.iter().filter(is_built).filter(has_some);
        found.map(|package| package.name.clone()).collect()
    }

    fn binaries(&self, messages: &[Message], rust_libraries: Option<&Path>) -> Vec<Binary> {
        let tests = messages.iter().filter(|m| m.profile.test && m.executable.is_some());
        let mut binaries: Vec<Binary> =
            tests.filter_map(|message| self.binary(message, messages, rust_libraries)).collect();
        binaries.sort_by(|a, b| a.name.cmp(&b.name));
        binaries
    }

    fn binary(&self, test: &Message, all: &[Message], rust: Option<&Path>) -> Option<Binary> {
        let path = test.executable.clone()?;
        let package = self.packages.iter().find(|package| package.id == test.package_id)?;
        let cwd = package.manifest_path.parent()?.to_owned();
        let mut env = package.env();
        let of_package = |m: &&Message| m.package_id == test.package_id;
        for program in all.iter().filter(of_package).filter(|m| m.target.kind == ["bin"]) {
            if let (false, Some(exe)) = (program.profile.test, &program.executable) {
                env.insert(format!("CARGO_BIN_EXE_{}", program.target.name), text(exe));
            }
        }
        for script in all.iter().filter(of_package).filter(|m| m.out_dir.is_some()) {
            env.extend(script.env.iter().cloned());
            env.extend(script.out_dir.as_ref().map(|dir| ("OUT_DIR".to_owned(), text(dir))));
        }
        env.insert(LIBRARY_PATH.to_owned(), library_path(&path, all, rust));
        let name = format!("{}::{}", package.name, test.target.name);
        Some(Binary { name, path, cwd, env: env.into_iter().collect(), contents: None })
    }
}

impl Package {
    /// The variables cargo sets for a package's tests.
    fn env(&self) -> BTreeMap<String, String> {
        let (release, pre) = self.version.split_once('-').unwrap_or((&self.version, ""));
        let pre = pre.split('+').next().unwrap_or("");
        let mut numbers = release.split(['.', '+']);
        let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
        let directory = self.manifest_path.parent().map(text).unwrap_or_default();
        let pairs = [
            ("CARGO", std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())),
            ("CARGO_MANIFEST_DIR", directory),
            ("CARGO_MANIFEST_PATH", text(&self.manifest_path)),
            ("CARGO_PKG_NAME", self.name.clone()),
            ("CARGO_PKG_VERSION", self.version.clone()),
            ("CARGO_PKG_VERSION_MAJOR", numbers.next().unwrap_or("").to_owned()),
            ("CARGO_PKG_VERSION_MINOR", numbers.next().unwrap_or("").to_owned()),
            ("CARGO_PKG_VERSION_PATCH", numbers.next().unwrap_or("").to_owned()),
            ("CARGO_PKG_VERSION_PRE", pre.to_owned()),
            ("CARGO_PKG_AUTHORS", self.authors.join(":")),
            ("CARGO_PKG_DESCRIPTION", or_empty(&self.description)),
            ("CARGO_PKG_HOMEPAGE", or_empty(&self.homepage)),
            ("CARGO_PKG_REPOSITORY", or_empty(&self.repository)),
            ("CARGO_PKG_LICENSE", or_empty(&self.license)),
            ("CARGO_PKG_LICENSE_FILE", or_empty(&self.license_file)),
            ("CARGO_PKG_RUST_VERSION", or_empty(&self.rust_version)),
            ("CARGO_PKG_README", or_empty(&self.readme)),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// The directory of Rust's own shared libraries, queried while the build runs.
struct RustLibraries(Option<Child>);

impl RustLibraries {
    fn ask(dir: &Path) -> Self {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let mut command = Command::new(rustc);
        command.args(["--print", "target-libdir"]).current_dir(dir);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        Self(command.spawn().ok())
    }

    /// Only tests linked to a shared `std` need it, so no answer is not an error.
    fn answer(self) -> Option<PathBuf> {
        let output = self.0?.wait_with_output().ok()?;
        let said = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| PathBuf::from(said.trim()))
    }
}

/// Runs `cargo test --no-run` and takes its messages.
fn build(
    dir: &Path,
    plan: &BuildPlan,
    interrupts: &Interrupts,
) -> Result<Vec<Message>, BuildError> {
    let mut command = cargo(dir);
    command.args(["test", "--no-run", "--message-format=json-render-diagnostics"]);
    let options = [
        ("--package", &plan.packages),
        ("--features", &plan.features),
        ("--test", &plan.tests),
    ];
    for (option, values) in options {
        command.args(values.iter().flat_map(|value| [option, value]));
    }
    command.args(plan.lib.then_some("--lib"));
    command.args(plan.profile.iter().flat_map(|profile| ["--profile", profile]));
    command.args(&plan.args);
    let output = tool::run(command, "cargo", interrupts)?;
    let messages = messages(std::str::from_utf8(&output).map_err(|error| protocol(&error))?);
    let finished =
        |message: &Message| message.reason == "build-finished" && message.success == Some(true);
    if messages.iter().any(finished) { Ok(messages) } else { Err(BuildError::BuildFailed) }
}

/// The messages of cargo; other lines are output of build scripts and skipped.
fn messages(output: &str) -> Vec<Message> {
    let lines = output.lines().filter(|line| line.starts_with('{'));
    lines.filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The library path that cargo would set: directories linked by build scripts, those of the build,
/// Rust's own, and the user's.
fn library_path(executable: &Path, all: &[Message], rust: Option<&Path>) -> String {
    let deps = executable.parent();
    let profile = deps.and_then(Path::parent);
    let linked = all.iter().flat_map(|message| &message.linked_paths);
    let linked = linked.map(|path| path.split_once('=').map_or(path.as_str(), |(_, path)| path));
    let linked =
        linked.filter(|path| profile.is_some_and(|profile| Path::new(path).starts_with(profile)));
    let users = std::env::var(LIBRARY_PATH).ok();
    let parts = linked
        .map(ToOwned::to_owned)
        .chain([deps, profile, rust].into_iter().flatten().map(text))
        .chain(users);
    parts.collect::<Vec<_>>().join(":")
}

fn cargo(dir: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(dir);
    command
}

fn protocol(error: &impl ToString) -> BuildError {
    BuildError::Protocol { tool: "cargo", reason: error.to_string() }
}

fn text(path: &(impl AsRef<Path> + ?Sized)) -> String {
    path.as_ref().to_string_lossy().into_owned()
}

const LIBRARY_PATH: &str =
    if cfg!(target_vendor = "apple") { "DYLD_FALLBACK_LIBRARY_PATH" } else { "LD_LIBRARY_PATH" };
