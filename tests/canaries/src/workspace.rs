//! A second workspace, under `target/`, that is this one with all canaries in it.
//!
//! Files are written only where they differ, so that a build after the first one has little to do.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::canary::{Broken, Canary, Unfit};
use crate::compiler::{Compiled, Diagnostic, compile};
use crate::schema::{Edit, Rewritten, conflict, locate, rewrite};

/// The built workspace.
#[derive(Debug)]
pub(crate) struct Build {
    /// The directory of its programs.
    pub(crate) programs: PathBuf,
    /// Canaries that are not in it.
    pub(crate) broken: Vec<Broken>,
}

/// A failure to build any canary.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}", path.display())]
    Manifest { path: PathBuf, source: Box<toml::de::Error> },
    #[error("the workspace does not compile, and not because of a canary\n{0}")]
    Compiler(String),
}

/// Text files by their path from the root.
type Files = BTreeMap<String, String>;

/// Writes and builds the workspace, without the canaries that cannot be built. Canaries are numbered
/// by their place in the list, from 1.
///
/// # Errors
/// No canary can be built.
pub(crate) fn build(root: &Path, canaries: &[Canary]) -> Result<Build, BuildError> {
    let target = root.join("target/canaries");
    let mut sources = sources(root)?;
    let manifests = manifests(root)?;
    let mut plan = Plan::new(&sources, canaries);
    add_switch(&mut sources);
    loop {
        let rewritten = plan.rewrite(&sources);
        let mut files: BTreeMap<&str, &str> = BTreeMap::new();
        let originals = sources.iter().chain(&manifests);
        files.extend(originals.map(|(name, text)| (name.as_str(), text.as_str())));
        files.extend(rewritten.iter().map(|(name, file)| (*name, file.text.as_str())));
        write_all(&target, &files)?;
        match compile(root, &target)
            .map_err(|source| BuildError::Io { path: "cargo".into(), source })?
        {
            Compiled::Programs => {
                let programs = target.join("build/sim");
                return Ok(Build { programs, broken: plan.broken });
            }
            Compiled::Errors(errors, _) if plan.leave_out(&errors, &rewritten) => {}
            Compiled::Errors(errors, cargo) => {
                let texts = errors.iter().map(Diagnostic::text).chain([cargo.as_str()]);
                return Err(BuildError::Compiler(texts.collect::<Vec<_>>().join("\n")));
            }
        }
    }
}

/// The canaries that fit the sources, as edits of files.
struct Plan<'a> {
    canaries: &'a [Canary],
    edits: BTreeMap<&'a str, Vec<Edit<'a>>>,
    broken: Vec<Broken>,
}

impl<'a> Plan<'a> {
    fn new(sources: &Files, canaries: &'a [Canary]) -> Self {
        let mut plan = Self { canaries, edits: BTreeMap::new(), broken: Vec::new() };
        for (number, canary) in (1..).zip(canaries) {
            if let Err(why) = plan.add(sources, number, canary) {
                plan.broken.push(Broken::new(canary, why));
            }
        }
        plan
    }

    fn add(&mut self, sources: &Files, number: usize, canary: &'a Canary) -> Result<(), Unfit> {
        let mut added = Vec::new();
        for change in &canary.changes {
            let file = change.file.clone();
            let Some(source) = sources.get(&file) else { return Err(Unfit::NotCopied { file }) };
            let edit = Edit { place: locate(source, change)?, number, change };
            let others = self.edits.get(file.as_str()).into_iter().flatten();
            if let Some(other) = others.chain(&added).find(|it| conflict(it, &edit)) {
                let other = self.canaries[other.number - 1].name.clone();
                return Err(Unfit::Overlap { file, other });
            }
            added.push(edit);
        }
        for edit in added {
            self.edits.entry(&edit.change.file).or_default().push(edit);
        }
        Ok(())
    }

    /// The changed files.
    fn rewrite(&self, sources: &Files) -> BTreeMap<&'a str, Rewritten> {
        let mut files: BTreeMap<&str, Rewritten> = BTreeMap::new();
        for (file, edits) in &self.edits {
            let raft = file.starts_with("raft/");
            let on = if raft { "crate::canary::on" } else { "raft::canary::on" };
            files.insert(file, rewrite(&sources[*file], edits.clone(), on));
        }
        files
    }

    /// Takes canaries with these errors out of the sources; false if no error is about one.
    fn leave_out(&mut self, errors: &[Diagnostic], files: &BTreeMap<&str, Rewritten>) -> bool {
        let mut out: BTreeMap<usize, &Diagnostic> = BTreeMap::new();
        for error in errors {
            for number in error.canaries(files) {
                out.entry(number).or_insert(error);
            }
        }
        let found = !out.is_empty();
        for edits in self.edits.values_mut() {
            edits.retain(|edit| !out.contains_key(&edit.number));
        }
        self.broken.extend(out.into_iter().map(|(number, error)| {
            let why = Unfit::Compiler(error.text().to_owned());
            Broken::new(&self.canaries[number - 1], why)
        }));
        found
    }
}

/// The sources that are copied, by their path from the root.
fn sources(root: &Path) -> Result<Files, BuildError> {
    let mut files = Files::new();
    for directory in PACKAGES.map(|name| root.join(name).join("src")) {
        collect(root, &directory, &mut files)?;
    }
    Ok(files)
}

/// Adds the module that tells whether a canary is on. What is there stays at its place.
fn add_switch(sources: &mut Files) {
    sources.insert("raft/src/canary.rs".to_owned(), SWITCH.to_owned());
    if let Some(library) = sources.get_mut("raft/src/lib.rs") {
        library.push_str("\n/// The canary that is on.\npub mod canary;\n");
    }
}

fn collect(root: &Path, directory: &Path, files: &mut Files) -> Result<(), BuildError> {
    let io = |source| BuildError::Io { path: directory.to_owned(), source };
    for entry in fs::read_dir(directory).map_err(io)? {
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

/// The packages that are copied.
const PACKAGES: [&str; 5] =
    ["raft", "tests", "tests/services", "tests/meta", "tests/linearizability"];

/// Sections of a manifest about what is not copied: lints, and targets outside `src`.
const NOT_NEEDED: [&str; 4] = ["lints", "example", "test", "bench"];

/// The manifests and the lock file, for the packages that are copied.
fn manifests(root: &Path) -> Result<Files, BuildError> {
    let mut workspace = manifest(&root.join("Cargo.toml"))?;
    let members = PACKAGES.map(|name| toml::Value::String(name.to_owned()));
    if let Some(workspace) = workspace.get_mut("workspace").and_then(toml::Value::as_table_mut) {
        workspace.insert("members".to_owned(), toml::Value::Array(members.to_vec()));
    }
    let mut files = Files::from([
        ("Cargo.toml".to_owned(), workspace.to_string()),
        ("Cargo.lock".to_owned(), read(&root.join("Cargo.lock"))?),
    ]);
    for package in PACKAGES {
        let name = format!("{package}/Cargo.toml");
        let mut package = manifest(&root.join(&name))?;
        for section in NOT_NEEDED {
            package.remove(section);
        }
        for kind in ["dependencies", "dev-dependencies"] {
            if let Some(dependencies) = package.get_mut(kind).and_then(toml::Value::as_table_mut) {
                dependencies.retain(|name, _| !NOT_COPIED.contains(&name));
            }
        }
        files.insert(name, package.to_string());
    }
    Ok(files)
}

fn manifest(path: &Path) -> Result<toml::Table, BuildError> {
    let error = |source| BuildError::Manifest { path: path.to_owned(), source: Box::new(source) };
    toml::from_str(&read(path)?).map_err(error)
}

/// Writes the workspace. A file that was moved since the last time leaves its old path.
fn write_all(target: &Path, files: &BTreeMap<&str, &str>) -> Result<(), BuildError> {
    let mut found = Files::new();
    for directory in ["raft", "tests"].map(|name| target.join(name)).iter().filter(|it| it.is_dir())
    {
        collect(target, directory, &mut found)?;
    }
    for name in found.keys().filter(|name| !files.contains_key(name.as_str())) {
        let path = target.join(name);
        fs::remove_file(&path).map_err(|source| BuildError::Io { path, source })?;
    }
    files.iter().try_for_each(|(name, text)| write(&target.join(name), text))
}

fn read(path: &Path) -> Result<String, BuildError> {
    fs::read_to_string(path).map_err(|source| BuildError::Io { path: path.to_owned(), source })
}

fn write(path: &Path, text: &str) -> Result<(), BuildError> {
    if fs::read_to_string(path).is_ok_and(|found| found == text) {
        return Ok(());
    }
    let directory = path.parent().unwrap_or(path);
    let written = fs::create_dir_all(directory).and_then(|()| fs::write(path, text));
    written.map_err(|source| BuildError::Io { path: path.to_owned(), source })
}

/// The environment variable with the number of the canary that is on in a built program.
pub(crate) const VARIABLE: &str = "RAFT_CANARY";

/// Packages of this repository that only tests need.
const NOT_COPIED: [&str; 2] = ["fuzz-loop", "pretty"];

/// The module of the copied core that tells whether a canary is on.
const SWITCH: &str = r#"use std::sync::LazyLock;

static ON: LazyLock<usize> = LazyLock::new(|| {
    std::env::var("RAFT_CANARY").ok().and_then(|text| text.parse().ok()).unwrap_or(0)
});

/// True if this canary is on.
pub fn on(number: usize) -> bool {
    *ON == number
}
"#;

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::canary::read_all;

    /// A change of the core that a canary does not follow fails here, before any canary is built.
    #[test]
    fn every_canary_fits_the_sources() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let canaries = read_all(&root).unwrap();
        let sources = sources(&root).unwrap();
        let plan = Plan::new(&sources, &canaries);
        let broken: String = plan.broken.iter().map(|broken| format!("{broken}\n")).collect();
        assert!(broken.is_empty(), "{broken}");
        let files = plan.rewrite(&sources);
        for (number, canary) in (1..).zip(&canaries) {
            let on = format!("canary::on({number})");
            let copies = files.values().filter(|file| file.text.contains(&on)).count();
            assert!(copies > 0, "{} is in no copy", canary.name);
        }
        let manifests = manifests(&root).unwrap();
        assert!(!manifests["tests/meta/Cargo.toml"].contains("pretty"), "the viewer is not copied");
        for (name, manifest) in &manifests {
            let manifest: toml::Table = toml::from_str(manifest).unwrap();
            let outside = ["example", "test", "bench"].map(|kind| manifest.contains_key(kind));
            assert_eq!(outside, [false; 3], "{name} has targets that are not copied");
        }
    }

    /// A workspace whose core adds one to a number and whose program prints the result for 1.
    fn small_workspace(root: &Path) {
        let package = |name: &str, rest: &str| {
            format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n{rest}")
        };
        for name in PACKAGES {
            let text = package(&name.replace('/', "-"), "");
            write(&root.join(name).join("Cargo.toml"), &text).unwrap();
            write(&root.join(name).join("src/lib.rs"), "").unwrap();
        }
        let files = [
            (
                "Cargo.toml",
                format!(
                    "[workspace]\nresolver = \"3\"\nmembers = {PACKAGES:?}\n[profile.sim]\ninherits = \"dev\"\n"
                ),
            ),
            ("Cargo.lock", "version = 4\n".to_owned()),
            ("raft/src/lib.rs", "pub fn next(n: u64) -> u64 {\n    n + 1\n}\n".to_owned()),
            (
                "tests/meta/Cargo.toml",
                package("meta-tests", "[dependencies]\nraft = { path = \"../../raft\" }\n"),
            ),
            (
                "tests/meta/src/bin/hunt.rs",
                "fn main() {\n    print!(\"{}\", raft::next(1));\n}\n".to_owned(),
            ),
        ];
        files.iter().for_each(|(name, text)| write(&root.join(name), text).unwrap());
    }

    fn small_canary(name: &str, right: &str, wrong: &str) -> Canary {
        let text = format!(
            "does = 'x'\nsource = 'x'\n[[change]]\nfile = 'raft/src/lib.rs'\nright = '''{right}'''\nwrong = '''{wrong}'''"
        );
        Canary { name: name.to_owned(), ..toml::from_str(&text).unwrap() }
    }

    #[test]
    fn a_broken_canary_is_named_and_the_others_are_built() {
        let root = tempfile::tempdir().unwrap();
        small_workspace(root.path());
        write(&root.path().join("target/canaries/raft/src/old.rs"), "moved since").unwrap();
        let canaries = [
            small_canary("of_another_type", "n + 1", "n == 2"),
            small_canary("adds_two", "n + 1", "n + 2"),
            small_canary("unknown_name", "n + 1", "m + 1"),
            small_canary("missing", "n - 1", "n"),
            small_canary("not_unique", "n", "1"),
            small_canary("overlapping", "1\n}", "2 }"),
            small_canary("adds_three", "n + 1", "n + 3"),
        ];
        let build = build(root.path(), &canaries).unwrap();
        let broken: Vec<String> = build.broken.iter().map(ToString::to_string).collect();
        for (name, why) in [
            ("missing", "`n - 1` must occur once in raft/src/lib.rs, occurs 0 times"),
            ("not_unique", "`n` must occur once in raft/src/lib.rs, occurs 4 times"),
            (
                "overlapping",
                "changes a piece of raft/src/lib.rs that overlaps one of canary of_another_type",
            ),
            ("of_another_type", "does not compile:\nerror[E0308]"),
            ("unknown_name", "does not compile:\nerror[E0425]"),
        ] {
            let line = format!("tests/canaries/bugs/{name}.toml: {why}");
            let found = broken.iter().filter(|broken| broken.starts_with(&line)).count();
            assert_eq!(found, 1, "{line} is not in {broken:#?}");
        }
        assert_eq!(broken.len(), 5, "{broken:#?}");
        for (number, printed) in [(0, "2"), (2, "3"), (7, "4")] {
            let mut hunt = Command::new(build.programs.join("hunt"));
            let output = hunt.env(VARIABLE, number.to_string()).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), printed, "canary {number}");
        }
        assert!(!root.path().join("target/canaries/raft/src/old.rs").exists());
    }

    #[test]
    fn an_error_beside_all_canaries_is_shown() {
        let root = tempfile::tempdir().unwrap();
        small_workspace(root.path());
        let library = "pub fn next(n: u64) -> u64 {\n    n + 1\n}\nfn f() { g() }\n";
        write(&root.path().join("raft/src/lib.rs"), library).unwrap();
        let error = build(root.path(), &[small_canary("adds_two", "n + 1", "n + 2")]);
        let error = error.expect_err("the workspace cannot be built").to_string();
        assert!(error.contains("cannot find function `g`"), "{error}");
    }
}
