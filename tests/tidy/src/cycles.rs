//! Cycles between the files of a crate.
//!
//! A file needs another if it names something that the other defines; a name that a parent module
//! only re-exports is counted where it is defined, and is nothing the parent itself needs. A module's use of its own ancestors
//! (`use super::View`) is not counted: a parent and its children are one room, and the arrow down
//! is there already.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::modules::Crate;
use crate::sources::{files, relative};

/// The files that each file needs, with the names it takes from them.
pub type Needs = BTreeMap<PathBuf, BTreeMap<PathBuf, BTreeSet<String>>>;

/// The root files of a package's crates: library, programs, tests, examples.
#[must_use]
pub fn roots(package: &Path) -> Vec<PathBuf> {
    let mut roots = Vec::new();
    for path in files(package, &[".rs"]) {
        let below = path.strip_prefix(package).expect("the file lies in the package");
        let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["src", "lib.rs" | "main.rs"]
            | ["src", "bin", _]
            | ["src", "bin", _, "main.rs"]
            | ["tests" | "examples" | "benches", _]
            | ["tests" | "examples" | "benches", _, "main.rs"] => roots.push(path),
            _ => {}
        }
    }
    roots
}

/// Reads the files of a crate and what they need of each other.
#[must_use]
pub fn needs(root: &Path) -> Needs {
    let found = Crate::read(root);
    let mut needs = Needs::new();
    for (id, module) in found.modules.iter().enumerate() {
        for path in &module.paths {
            let Some(definition) = found.definition(id, path) else { continue };
            let file = &found.modules[definition].file;
            if *file != module.file && !found.is_above(file, id) {
                let names = needs.entry(module.file.clone()).or_default();
                let name = path.last().cloned().unwrap_or_default();
                names.entry(file.clone()).or_default().insert(name);
            }
        }
    }
    needs
}

/// Groups of files that need each other in a circle, each as lines `file -> file: names`.
#[must_use]
pub fn cycles(needs: &Needs) -> Vec<Vec<String>> {
    let reach: BTreeMap<&Path, BTreeSet<&Path>> =
        needs.keys().map(|file| (file.as_path(), reachable(needs, file))).collect();
    let both = |a: &Path, b: &Path| {
        let reaches = |from: &Path, to: &Path| reach.get(from).is_some_and(|all| all.contains(to));
        reaches(a, b) && reaches(b, a)
    };
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for file in reach.keys().copied().filter(|file| both(file, file)) {
        let group: Vec<&Path> = reach.keys().copied().filter(|other| both(file, other)).collect();
        if seen.insert(group.clone()) {
            found.push(arrows(needs, &group));
        }
    }
    found
}

fn reachable<'a>(needs: &'a Needs, from: &Path) -> BTreeSet<&'a Path> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        for next in needs.get(file).into_iter().flat_map(BTreeMap::keys) {
            if found.insert(next.as_path()) {
                open.push(next);
            }
        }
    }
    found
}

fn arrows(needs: &Needs, group: &[&Path]) -> Vec<String> {
    let inside = |file: &Path| group.contains(&file);
    let mut lines = Vec::new();
    for (from, all) in needs.iter().filter(|(from, _)| inside(from)) {
        for (to, names) in all.iter().filter(|(to, _)| inside(to)) {
            let names = names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            lines.push(format!("{} -> {}: {names}", relative(from), relative(to)));
        }
    }
    lines
}
