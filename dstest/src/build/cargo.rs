//! The adapter for cargo projects: one `cargo test --no-run`, then each test program is asked.
//!
//! Cargo's own warnings and errors go to standard error as they are.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use super::cargo_config::CargoSettings;
use super::messages::{self, Message};
use super::target::{Target, TargetKind};
use super::workspace::{Workspace, cargo, protocol, text};
use super::{BuildError, BuildRequest, Built, Cost, doc_tests, tool};
use crate::process::signals::Interrupts;
use crate::suite::{Binary, Harness, Note};

/// Builds the test programs once.
///
/// # Errors
/// [`BuildError::BuildFailed`] if cargo fails, [`BuildError::Interrupted`] if the
/// user stopped it.
pub(super) fn build(
    workspace: &Workspace,
    dir: &Path,
    request: &BuildRequest<'_>,
    interrupts: &Interrupts,
) -> Result<Built, BuildError> {
    // Both tools run at once: without anything to build, each takes about as long.
    let library_path = RustLibraries::ask(dir);
    let start = Instant::now();
    let settings = CargoSettings::read(dir, &request.plan.args)?;
    let messages = run(dir, request, interrupts)?;
    let cost = cost(&messages, start);
    let mut programs = programs(workspace, &messages, library_path.answer().as_deref());
    // Cargo sets its own variables of a package after those of the configuration.
    programs.iter_mut().for_each(|(binary, _)| {
        binary.env.splice(..0, settings.env.iter().cloned());
    });
    let (binaries, targets) = programs.into_iter().unzip();
    let documented = with_doc_tests(workspace, &messages);
    let mut notes = Vec::new();
    if !documented.is_empty() {
        notes.push(Note::DocTests(documented));
    }
    let runner = settings.runner;
    if !runner.is_empty() {
        notes.push(Note::Runner(runner.join(" ")));
    }
    let (harness, args) = (Harness::Libtest, Vec::new());
    Ok(Built { binaries, targets, harness, args, runner, notes, cost, listed: None })
}

fn cost(messages: &[Message], start: Instant) -> Cost {
    let artifacts = || messages.iter().filter(|message| message.is_artifact());
    let is_fresh = artifacts().all(|message| message.fresh);
    Cost { units: artifacts().count() as u64, compile: (!is_fresh).then(|| start.elapsed()) }
}

/// The packages built here whose libraries have examples that cargo would run.
fn with_doc_tests(workspace: &Workspace, messages: &[Message]) -> Vec<String> {
    let mut found = Vec::new();
    for package in &workspace.packages {
        let is_built = messages.iter().any(|m| m.profile.test && m.package_id == package.id);
        let mut libraries = package.targets.iter().filter(|target| target.doctest);
        if is_built && libraries.any(|target| doc_tests::exist_in(&target.src_path)) {
            found.push(package.name.clone());
        }
    }
    found
}

fn programs(
    workspace: &Workspace,
    messages: &[Message],
    rust_libraries: Option<&Path>,
) -> Vec<(Binary, Target)> {
    let tests = messages.iter().filter(|m| m.profile.test && m.executable.is_some());
    let mut programs: Vec<(Binary, Target)> =
        tests.filter_map(|message| program(workspace, message, messages, rust_libraries)).collect();
    let order = |target: &Target| (target.package.clone(), target.name.clone(), target.kind);
    programs.sort_by_cached_key(|(_, target)| order(target));
    programs
}

fn program(
    workspace: &Workspace,
    test: &Message,
    all: &[Message],
    rust: Option<&Path>,
) -> Option<(Binary, Target)> {
    let path = test.executable.clone()?;
    let package = workspace.packages.iter().find(|package| package.id == test.package_id)?;
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
    let target = Target {
        package: package.name.clone(),
        kind: TargetKind::of(&test.target.kind),
        name: test.target.name.clone(),
        source: test.target.src_path.clone(),
    };
    let name = target.program_name();
    let env = env.into_iter().collect();
    Some((Binary { name, path, cwd, env, contents: None }, target))
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
fn run(
    dir: &Path,
    request: &BuildRequest<'_>,
    interrupts: &Interrupts,
) -> Result<Vec<Message>, BuildError> {
    let plan = request.plan;
    let mut command = cargo(dir);
    command.args(["test", "--no-run", "--message-format=json-render-diagnostics"]);
    // The packages and features stay the same for some targets: they decide what is compiled.
    let options = [("--package", &plan.packages), ("--features", &plan.features)];
    for (option, values) in options {
        command.args(values.iter().flat_map(|value| [option, value]));
    }
    match request.only {
        Some(targets) => {
            let is_lib = |target: &&Target| target.kind == TargetKind::Lib;
            // A flag, other than the options with a value, is given once.
            command.args(targets.iter().find(is_lib).iter().flat_map(|target| target.options()));
            let named = targets.iter().filter(|target| !is_lib(target));
            command.args(named.flat_map(Target::options));
        }
        None => {
            command.args(plan.tests.iter().flat_map(|name| ["--test", name]));
            command.args(plan.lib.then_some("--lib"));
        }
    }
    command.args(plan.profile.iter().flat_map(|profile| ["--profile", profile]));
    command.args(&plan.args);
    let output = tool::run(command, "cargo", request.progress, interrupts)?;
    let output = std::str::from_utf8(&output).map_err(|error| protocol(&error))?;
    let messages = messages::parse(output);
    let finished =
        |message: &Message| message.reason == "build-finished" && message.success == Some(true);
    if messages.iter().any(finished) { Ok(messages) } else { Err(BuildError::BuildFailed) }
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

const LIBRARY_PATH: &str =
    if cfg!(target_vendor = "apple") { "DYLD_FALLBACK_LIBRARY_PATH" } else { "LD_LIBRARY_PATH" };
