//! Where an invocation works: the directory, what kind of project it is, its configuration and store.

use std::path::{Path, PathBuf};

use crate::cli::{LocationArgs, TargetArgs};
use crate::config::{Config, FILE_NAME};
use crate::discover::{DiscoverError, cargo, command, go};
use crate::error::Error;
use crate::plan::{BuildPlan, Race};
use crate::signals::Interrupts;
use crate::store::{DIR_NAME, Store};
use crate::suite::Suite;

/// Where an invocation works.
#[derive(Debug)]
pub(super) struct Project {
    /// The directory it works in, absolute.
    pub(super) dir: PathBuf,
    /// The directory of the configuration and, by default, of the store.
    pub(super) root: PathBuf,
    /// The project's defaults.
    pub(super) config: Config,
    kind: Kind,
}

/// The store that a command on stored campaigns means: that of `-o`, or the nearest one at or
/// above the directory.
pub(super) fn store_of(location: &LocationArgs) -> Result<Store, Error> {
    let wanted = location.store.output.as_deref();
    let dir = std::path::absolute(wanted.or(location.dir.as_deref()).unwrap_or(Path::new(".")))
        .map_err(Error::system("use the directory of --dir or -o"))?;
    if wanted.is_some() {
        return Ok(Store::at(dir));
    }
    let nearest = dir.ancestors().map(|above| above.join(DIR_NAME)).find(|store| store.is_dir());
    Ok(Store::at(nearest.unwrap_or_else(|| dir.join(DIR_NAME))))
}

/// What is run there.
#[derive(Debug)]
enum Kind {
    Cargo(cargo::Project),
    Go(go::Project),
    Command(Vec<String>),
}

impl Project {
    /// Finds out where `--dir` (or the current directory) is; a command needs no project. `env` is
    /// what `--env` sets.
    pub(super) fn open(
        target: &TargetArgs,
        command: &[String],
        env: &[(String, String)],
    ) -> Result<Self, Error> {
        let dir = std::path::absolute(target.dir.as_deref().unwrap_or(Path::new(".")))
            .and_then(|dir| dir.canonicalize())
            .map_err(Error::system("use the directory of --dir"))?;
        let (root, kind) = if !command.is_empty() {
            let above = dir.ancestors().find(|directory| directory.join(FILE_NAME).is_file());
            (above.unwrap_or(&dir).to_owned(), Kind::Command(command.to_vec()))
        } else if !target.go.is_empty() || is_go(&dir) {
            let project = go::Project::at(&dir);
            (project.root.clone(), Kind::Go(project))
        } else {
            let project = cargo::Project::find(&dir)?;
            (project.workspace_root.clone(), Kind::Cargo(project))
        };
        let environment = |name: &str| {
            let given = env.iter().rev().find(|(given, _)| given == name);
            given.map(|(_, value)| value.clone()).or_else(|| std::env::var(name).ok())
        };
        let config = Config::load(&root)?.with_preset(target.preset.as_deref(), environment)?;
        Ok(Self { dir, root, config, kind })
    }

    /// The store of `-o`, or the project's own.
    pub(super) fn store(&self, output: Option<&Path>) -> Result<Store, Error> {
        let root = match output {
            Some(output) => std::path::absolute(output).map_err(Error::system("use -o DIR"))?,
            None => self.root.join(DIR_NAME),
        };
        Ok(Store::at(root))
    }

    /// Builds what is to be built, once, and lists the tests.
    pub(super) fn suite(
        &self,
        plan: &BuildPlan,
        interrupts: &Interrupts,
    ) -> Result<Suite, DiscoverError> {
        if plan.race == Race::On && !matches!(self.kind, Kind::Go(_)) {
            return Err(DiscoverError::RaceOutsideGo);
        }
        match &self.kind {
            Kind::Go(project) => project.suite(&self.dir, plan, interrupts),
            Kind::Cargo(project) => project.suite(&self.dir, plan, interrupts),
            Kind::Command(words) => Ok(command::suite(words, &self.dir).unwrap_or_default()),
        }
    }

    /// Whether the programs were built here, and so may be built again at any time.
    pub(super) fn is_built_here(&self) -> bool {
        match self.kind {
            Kind::Cargo(_) | Kind::Go(_) => true,
            Kind::Command(_) => false,
        }
    }
}

/// Whether the nearest manifest at or above the directory is Go's; beside one of cargo's, that counts.
fn is_go(dir: &Path) -> bool {
    let has = |directory: &Path, name: &str| directory.join(name).is_file();
    let nearest = dir.ancestors().find(|dir| has(dir, "go.mod") || has(dir, "Cargo.toml"));
    nearest.is_some_and(|directory| !has(directory, "Cargo.toml"))
}
