//! The parts of cargo's own configuration that change the runs of tests: `[env]` and target runners.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use cargo_config2::{Config, TargetTripleRef};

use super::BuildError;
use super::workspace::text;

/// The settings of `.cargo/config.toml` (at or above the directory, and in `CARGO_HOME`) for runs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CargoSettings {
    /// Variables, but for those that the environment has and may keep.
    pub(super) env: Vec<(String, String)>,
    /// The command that runs a program of the target; empty without one.
    pub(super) runner: Vec<String>,
}

impl CargoSettings {
    /// Reads the settings that count for tests built in `dir` with these arguments for cargo.
    ///
    /// # Errors
    /// [`BuildError::BadProject`] if cargo could not read them either.
    pub(super) fn read(dir: &Path, build_args: &[OsString]) -> Result<Self, BuildError> {
        // Resolving them asks the compiler, which takes a tenth of a second.
        if !exist_for(dir) {
            return Ok(Self::default());
        }
        let bad = |error: cargo_config2::Error| BuildError::BadProject(error.to_string());
        let config = Config::load_with_cwd(dir).map_err(bad)?;
        let targets = config.build_target_for_cli(named_targets(build_args)).map_err(bad)?;
        let host = config.host_triple().map_err(bad)?;
        let target = targets.first().map_or(host, String::as_str);
        let runner = config.runner(TargetTripleRef::from(target)).map_err(bad)?;
        let runner = runner.map_or_else(Vec::new, |runner| {
            let args = runner.args.iter().map(|arg| arg.to_string_lossy().into_owned());
            std::iter::once(text(&runner.path)).chain(args).collect()
        });
        let counts = |name: &str, force: bool| force || std::env::var_os(name).is_none();
        let env = config.env.iter().filter(|(name, variable)| counts(name, variable.force));
        let env = env
            .map(|(name, variable)| (name.clone(), variable.value.to_string_lossy().into_owned()));
        Ok(Self { env: env.collect(), runner })
    }
}

/// `true` if there is any file or variable to be read.
fn exist_for(dir: &Path) -> bool {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let dirs = dir.ancestors().map(|above| above.join(".cargo")).chain(home);
    let is_there = |dir: PathBuf| dir.join("config.toml").is_file() || dir.join("config").is_file();
    let is_runner = |name: OsString| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_TARGET_") && name.ends_with("_RUNNER")
    };
    dirs.into_iter().any(is_there) || std::env::vars_os().any(|(name, _)| is_runner(name))
}

/// The targets that `--build-arg --target` names.
fn named_targets(args: &[OsString]) -> Vec<String> {
    let args: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let mut targets = Vec::new();
    for (at, arg) in args.iter().enumerate() {
        if let Some(target) = arg.strip_prefix("--target=") {
            targets.push(target.to_owned());
        } else if arg == "--target" {
            targets.extend(args.get(at + 1).map(|target| target.clone().into_owned()));
        }
    }
    targets
}
