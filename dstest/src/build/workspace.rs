//! The packages and targets of a cargo workspace, as described by `cargo metadata`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::BuildError;
use super::target::{Target, TargetKind};

/// A workspace as described by `cargo metadata`.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    /// The directory of the workspace's manifest.
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    pub(super) packages: Vec<Package>,
}

/// The parts of a manifest that cargo passes to tests as `CARGO_PKG_*`.
#[derive(Debug, Deserialize)]
pub(super) struct Package {
    pub(super) id: String,
    pub(super) name: String,
    version: String,
    pub(super) manifest_path: PathBuf,
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
    pub(super) targets: Vec<ListedTarget>,
}

/// A target as the manifest describes it.
#[derive(Debug, Deserialize)]
pub(super) struct ListedTarget {
    name: String,
    kind: Vec<String>,
    pub(super) src_path: PathBuf,
    #[serde(default)]
    pub(super) doctest: bool,
    /// `true` if plain `cargo test` builds its tests.
    #[serde(default)]
    test: bool,
    #[serde(default, rename = "required-features")]
    required_features: Vec<String>,
}

impl Workspace {
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

    /// The targets with tests of all packages, each with `true` if it needs features.
    pub(crate) fn test_targets(&self) -> impl Iterator<Item = (Target, bool)> {
        let all = self.packages.iter().flat_map(|package| {
            package.targets.iter().map(move |target| (package.name.clone(), target))
        });
        all.filter(|(_, target)| target.test).map(|(package, target)| {
            let kind = TargetKind::of(&target.kind);
            let (name, source) = (target.name.clone(), target.src_path.clone());
            (Target { package, kind, name, source }, !target.required_features.is_empty())
        })
    }

    /// The files, beside the lock file, that decide about targets and dependencies, whether or not they exist.
    pub(crate) fn manifests(&self) -> Vec<PathBuf> {
        let of_workspace = [
            "Cargo.toml",
            ".cargo/config.toml",
            ".cargo/config",
            "rust-toolchain",
            "rust-toolchain.toml",
        ];
        let of_workspace = of_workspace.iter().map(|name| self.root.join(name));
        let of_packages = self.packages.iter().map(|package| package.manifest_path.clone());
        let targets = self.packages.iter().flat_map(|package| &package.targets);
        let scripts = targets.filter(|target| target.kind == ["custom-build"]);
        of_workspace
            .chain(of_packages)
            .chain(scripts.map(|script| script.src_path.clone()))
            .collect()
    }

    /// The directories with the sources of the workspace's libraries.
    pub(crate) fn library_dirs(&self) -> impl Iterator<Item = &Path> {
        let targets = self.packages.iter().flat_map(|package| &package.targets);
        let libraries = targets.filter(|target| TargetKind::of(&target.kind) == TargetKind::Lib);
        libraries.filter_map(|target| target.src_path.parent())
    }
}

impl Package {
    /// The variables cargo sets for a package's tests.
    pub(super) fn env(&self) -> BTreeMap<String, String> {
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

/// A command line of cargo in this directory.
pub(super) fn cargo(dir: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(dir);
    command
}

/// The error for output of cargo that cannot be parsed.
pub(super) fn protocol(error: &impl ToString) -> BuildError {
    BuildError::Protocol { tool: "cargo", reason: error.to_string() }
}

/// A path as text.
pub(super) fn text(path: &(impl AsRef<Path> + ?Sized)) -> String {
    path.as_ref().to_string_lossy().into_owned()
}
