//! The project that an invocation works on: its directory, kind, configuration and store.

use std::path::{Path, PathBuf};

use super::workspace::Workspace;
use super::{BuildError, BuildRequest, Built, cargo, command, go};
use crate::archive::Archive;
use crate::cli::TargetArgs;
use crate::config::{Config, FILE_NAME};
use crate::error::Error;
use crate::origin::Origin;
use crate::process::signals::Interrupts;
use crate::store::Store;
use crate::store::marker::nearest_root;
use crate::trust::Trust;

/// The project of an invocation.
#[derive(Debug)]
pub struct Project {
    /// The directory it works in, absolute.
    pub(crate) dir: PathBuf,
    /// The directory of the configuration and, by default, of the store.
    pub(crate) root: PathBuf,
    /// The project's defaults.
    pub(crate) config: Config,
    kind: Kind,
}

/// The kind of project.
#[derive(Debug)]
enum Kind {
    Cargo(Workspace),
    Go(go::Project),
    Command(Vec<String>),
    Archive(Box<Archive>, Store),
}

impl Project {
    /// Finds the project at `--dir` (or the current directory); a command needs none. `env` are the
    /// variables of `--env`.
    pub(crate) fn open(
        target: &TargetArgs,
        command: &[String],
        env: &[(String, String)],
    ) -> Result<Self, Error> {
        let dir = directory(target)?;
        let trust = Trust::of_option(target.trust);
        let (root, kind) = if !command.is_empty() {
            // Above the directory, a file of another user is not the user's.
            let counts = |directory: &&Path| {
                let file = directory.join(FILE_NAME);
                let counts = file.is_file() && trust.refuses(&file).is_none();
                counts || *directory == dir && file.exists()
            };
            let above = dir.ancestors().find(counts);
            (above.unwrap_or(&dir).to_owned(), Kind::Command(command.to_vec()))
        } else if !target.go.is_empty() || is_go(&dir) {
            let project = go::Project::at(&dir);
            (project.root.clone(), Kind::Go(project))
        } else {
            let project = Workspace::find(&dir)?;
            (project.root.clone(), Kind::Cargo(project))
        };
        if (target.lib || !target.test.is_empty()) && !matches!(kind, Kind::Cargo(_)) {
            return Err(BuildError::TargetsOutsideCargo.into());
        }
        let config =
            Config::load(&root, trust)?.with_preset(target.preset.as_deref(), environment(env))?;
        Ok(Self { dir, root, config, kind })
    }

    /// The project of an archive, whose files are unpacked into the store `unpacked` or, by default, into
    /// that of the campaign.
    pub(crate) fn of_archive(
        archive: Archive,
        target: &TargetArgs,
        env: &[(String, String)],
        output: Option<&Path>,
        unpacked: Option<&Path>,
    ) -> Result<Self, Error> {
        let dir = directory(target)?;
        // As `replay` looks for it.
        let root = nearest_root(&dir).to_owned();
        let config = Self::archived_config(&archive, target, env)?;
        let unpacked = store_at(&root, unpacked.or(output))?;
        Ok(Self { dir, root, config, kind: Kind::Archive(Box::new(archive), unpacked) })
    }

    /// The defaults of the project in an archive, with the preset that is asked for.
    pub(crate) fn archived_config(
        archive: &Archive,
        target: &TargetArgs,
        env: &[(String, String)],
    ) -> Result<Config, Error> {
        let text = archive.manifest.config.as_deref().unwrap_or_default();
        let config = Config::of_text(text, &archive.path.join(FILE_NAME))?;
        Ok(config.with_preset(target.preset.as_deref(), environment(env))?)
    }

    /// The store of `-o`, or the project's own.
    pub(crate) fn store(&self, output: Option<&Path>) -> Result<Store, Error> {
        store_at(&self.root, output)
    }

    /// Builds the test programs, once.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub(crate) fn build(
        &self,
        request: &BuildRequest<'_>,
        interrupts: &Interrupts,
    ) -> Result<Built, Error> {
        if request.plan.race && !matches!(self.kind, Kind::Go(_)) {
            return Err(BuildError::RaceOutsideGo.into());
        }
        match &self.kind {
            Kind::Go(project) => Ok(project.build(&self.dir, request.plan, interrupts)?),
            Kind::Cargo(project) => Ok(cargo::build(project, &self.dir, request, interrupts)?),
            Kind::Command(argv) => Ok(command::built(argv, &self.dir)),
            Kind::Archive(archive, unpacked) => Ok(Built::listed(archive.unpack(unpacked)?)),
        }
    }

    /// The cargo workspace, if it is one.
    pub(crate) fn workspace(&self) -> Option<&Workspace> {
        match &self.kind {
            Kind::Cargo(workspace) => Some(workspace),
            Kind::Go(_) | Kind::Command(_) | Kind::Archive(..) => None,
        }
    }

    /// The origin of the programs of an archive.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        match &self.kind {
            Kind::Archive(archive, _) => Some(&archive.manifest.origin),
            Kind::Cargo(_) | Kind::Go(_) | Kind::Command(_) => None,
        }
    }

    /// The command that prints the compiler's name.
    pub(crate) fn compiler(&self) -> Option<[&'static str; 2]> {
        match &self.kind {
            Kind::Cargo(_) => Some(["rustc", "--version"]),
            Kind::Go(_) => Some(["go", "version"]),
            Kind::Command(_) | Kind::Archive(..) => None,
        }
    }

    /// `true` if the programs were built here, and so may be rebuilt at any time.
    pub(crate) fn is_built_here(&self) -> bool {
        match self.kind {
            Kind::Cargo(_) | Kind::Go(_) => true,
            Kind::Command(_) | Kind::Archive(..) => false,
        }
    }
}

fn directory(target: &TargetArgs) -> Result<PathBuf, Error> {
    std::path::absolute(target.dir.as_deref().unwrap_or(Path::new(".")))
        .and_then(|dir| dir.canonicalize())
        .map_err(Error::system("use the directory of --dir"))
}

/// The variables that select presets: those of `--env`, or else of the environment.
fn environment(env: &[(String, String)]) -> impl Fn(&str) -> Option<String> {
    |name: &str| {
        let given = env.iter().rev().find(|(given, _)| given == name);
        given.map(|(_, value)| value.clone()).or_else(|| std::env::var(name).ok())
    }
}

fn store_at(root: &Path, output: Option<&Path>) -> Result<Store, Error> {
    match output {
        Some(output) => Store::named(output).map_err(Error::system("use -o DIR")),
        None => Ok(Store::beside(root)?),
    }
}

/// `true` if the nearest manifest at or above the directory is Go's and not cargo's.
fn is_go(dir: &Path) -> bool {
    let has = |directory: &Path, name: &str| directory.join(name).is_file();
    let nearest = dir.ancestors().find(|dir| has(dir, "go.mod") || has(dir, "Cargo.toml"));
    nearest.is_some_and(|directory| !has(directory, "Cargo.toml"))
}
