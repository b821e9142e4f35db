//! A second workspace, under `target/`, that is this one with all canaries in it.
//!
//! Files are written only where they differ, so that a build after the first one has little to do.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::canary::Canary;
use crate::schema::{Numbered, SchemaError, rewrite};

/// The programs of the built workspace.
#[derive(Debug)]
pub(crate) struct Programs {
    folder: PathBuf,
}

/// What keeps the canaries from being built.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    #[error(transparent)]
    Schema(#[from] SchemaError),
    #[error("canary {canary} changes {file}, which is not copied: only raft/ and tests/src/ are")]
    NotCopied { canary: String, file: String },
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}", path.display())]
    Manifest { path: PathBuf, source: Box<toml::de::Error> },
    #[error("the code with the canaries in it does not compile; cargo's messages are above")]
    Compiler,
}

impl Programs {
    /// The folder they are in.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Writes and builds the workspace. Canaries are numbered by their place in the list, from 1.
///
/// # Errors
/// A canary does not fit the sources, or the result does not compile.
pub(crate) fn build(root: &Path, canaries: &[Canary]) -> Result<Programs, BuildError> {
    let target = root.join("target/canaries");
    let files = files(root, canaries)?;
    remove_what_is_gone(&target, &files)?;
    for (name, text) in &files {
        write(&target.join(name), text)?;
    }
    compile(&target)
}

/// A file that was moved since the last time must not stay at its old place, too.
fn remove_what_is_gone(target: &Path, files: &BTreeMap<String, String>) -> Result<(), BuildError> {
    let mut found = BTreeMap::new();
    for folder in ["raft", "tests"].map(|name| target.join(name)).iter().filter(|it| it.is_dir()) {
        collect(target, folder, &mut found)?;
    }
    for name in found.keys().filter(|name| !files.contains_key(*name)) {
        let path = target.join(name);
        fs::remove_file(&path).map_err(|source| BuildError::Io { path, source })?;
    }
    Ok(())
}

/// All files of the workspace, by their path in it.
fn files(root: &Path, canaries: &[Canary]) -> Result<BTreeMap<String, String>, BuildError> {
    let mut files = sources(root)?;
    insert(canaries, &mut files)?;
    files.insert("raft/src/canary.rs".to_owned(), SWITCH.to_owned());
    if let Some(library) = files.get_mut("raft/src/lib.rs") {
        library.push_str("\n/// Which canary is on.\npub mod canary;\n");
    }
    files.insert("Cargo.toml".to_owned(), root_manifest(root)?);
    files.insert("tests/Cargo.toml".to_owned(), tests_manifest(root)?);
    files.insert("raft/Cargo.toml".to_owned(), read(&root.join("raft/Cargo.toml"))?);
    files.insert("Cargo.lock".to_owned(), read(&root.join("Cargo.lock"))?);
    Ok(files)
}

/// The sources that are copied, by their path from the root.
fn sources(root: &Path) -> Result<BTreeMap<String, String>, BuildError> {
    let mut files = BTreeMap::new();
    for folder in ["raft/src", "tests/src", "tests/examples"] {
        collect(root, &root.join(folder), &mut files)?;
    }
    Ok(files)
}

fn collect(
    root: &Path,
    folder: &Path,
    files: &mut BTreeMap<String, String>,
) -> Result<(), BuildError> {
    let io = |source| BuildError::Io { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            files.insert(name, read(&path)?);
        }
    }
    Ok(())
}

fn insert(canaries: &[Canary], files: &mut BTreeMap<String, String>) -> Result<(), BuildError> {
    let mut by_file: BTreeMap<&str, Vec<Numbered<'_>>> = BTreeMap::new();
    for (place, canary) in canaries.iter().enumerate() {
        for change in &canary.changes {
            let of = Numbered { canary: &canary.name, number: place + 1, change };
            by_file.entry(&change.file).or_default().push(of);
        }
    }
    for (file, changes) in by_file {
        let Some(text) = files.get_mut(file) else {
            let canary = changes[0].canary.to_owned();
            return Err(BuildError::NotCopied { canary, file: file.to_owned() });
        };
        let on = if file.starts_with("raft/") { "crate::canary::on" } else { "raft::canary::on" };
        *text = rewrite(text, &changes, on)?;
    }
    Ok(())
}

/// The root's manifest, with the two packages that are copied.
fn root_manifest(root: &Path) -> Result<String, BuildError> {
    let mut manifest = manifest(&root.join("Cargo.toml"))?;
    let members = ["raft", "tests"].map(|name| toml::Value::String(name.to_owned()));
    if let Some(workspace) = manifest.get_mut("workspace").and_then(toml::Value::as_table_mut) {
        workspace.insert("members".to_owned(), toml::Value::Array(members.to_vec()));
    }
    Ok(manifest.to_string())
}

/// The manifest of the tests, without what is not copied and what is not needed.
fn tests_manifest(root: &Path) -> Result<String, BuildError> {
    let mut manifest = manifest(&root.join("tests/Cargo.toml"))?;
    // Its targets are found by where they are, those that were copied.
    manifest.remove("test");
    for kind in ["dependencies", "dev-dependencies"] {
        if let Some(dependencies) = manifest.get_mut(kind).and_then(toml::Value::as_table_mut) {
            dependencies.remove(NOT_COPIED);
        }
    }
    Ok(manifest.to_string())
}

fn manifest(path: &Path) -> Result<toml::Table, BuildError> {
    let error = |source| BuildError::Manifest { path: path.to_owned(), source: Box::new(source) };
    toml::from_str(&read(path)?).map_err(error)
}

fn compile(target: &Path) -> Result<Programs, BuildError> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--profile", "sim", "-p", "raft-tests", "--examples"]);
    // Warnings are for code that people read.
    cargo.env("RUSTFLAGS", "--cap-lints allow").env("CARGO_TARGET_DIR", target.join("build"));
    let status = cargo.current_dir(target).status();
    let status = status.map_err(|source| BuildError::Io { path: "cargo".into(), source })?;
    if !status.success() {
        return Err(BuildError::Compiler);
    }
    Ok(Programs { folder: target.join("build/sim/examples") })
}

fn read(path: &Path) -> Result<String, BuildError> {
    fs::read_to_string(path).map_err(|source| BuildError::Io { path: path.to_owned(), source })
}

fn write(path: &Path, text: &str) -> Result<(), BuildError> {
    if fs::read_to_string(path).is_ok_and(|found| found == text) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(path);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, text));
    written.map_err(|source| BuildError::Io { path: path.to_owned(), source })
}

/// The variable that tells a built program which canary is on.
pub(crate) const VARIABLE: &str = "RAFT_CANARY";

/// A package of this repository that examples do without.
const NOT_COPIED: &str = "pretty";

/// The module that the copied core asks.
const SWITCH: &str = r#"use std::sync::LazyLock;

static ON: LazyLock<usize> = LazyLock::new(|| {
    std::env::var("RAFT_CANARY").ok().and_then(|text| text.parse().ok()).unwrap_or(0)
});

/// Whether this canary is on.
pub fn on(number: usize) -> bool {
    *ON == number
}
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::read_all;

    /// Whoever changes the core hears of it here, before any canary is built.
    #[test]
    fn every_canary_fits_the_sources() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let canaries = read_all(&root.join("tests/canaries/bugs")).unwrap_or_else(|e| panic!("{e}"));
        let files = files(&root, &canaries).unwrap_or_else(|error| panic!("{error}"));
        for (place, canary) in canaries.iter().enumerate() {
            let on = format!("canary::on({})", place + 1);
            let copies = files.values().filter(|text| text.contains(&on)).count();
            assert!(copies > 0, "{} is nowhere in the copy", canary.name);
        }
        let target = tempfile::tempdir().expect("a folder of its own");
        for name in ["raft/src/old.rs", "raft/src/lib.rs"] {
            write(&target.path().join(name), "").unwrap_or_else(|error| panic!("{error}"));
        }
        remove_what_is_gone(target.path(), &files).unwrap_or_else(|error| panic!("{error}"));
        assert!(!target.path().join("raft/src/old.rs").exists());
        assert!(target.path().join("raft/src/lib.rs").exists());
        assert!(!files["tests/Cargo.toml"].contains("pretty"), "the viewer is not copied");
    }
}
