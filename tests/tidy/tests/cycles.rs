//! No files of one crate need each other in a circle, so that each can be read after those it uses.

use std::fs;
use std::path::{Path, PathBuf};

use tidy::cycles::{cycles, needs, roots};
use tidy::sources::{files, relative, workspace};

/// The directories of the workspace with a `Cargo.toml` and sources of their own.
fn packages() -> Vec<PathBuf> {
    let manifests = files(&workspace(), &["Cargo.toml"]);
    let directories = manifests.iter().filter_map(|manifest| manifest.parent());
    directories.filter(|directory| !roots(directory).is_empty()).map(Path::to_owned).collect()
}

#[test]
fn no_file_needs_a_file_that_needs_it() {
    let packages = packages();
    assert!(packages.len() > 4, "only {packages:?} found");
    let mut found = String::new();
    for root in packages.iter().flat_map(|package| roots(package)) {
        for cycle in cycles(&needs(&root)) {
            found +=
                &format!("\ncycle in the crate {}:\n  {}\n", relative(&root), cycle.join("\n  "));
        }
    }
    assert!(
        found.is_empty(),
        "{found}\nmove what both sides need into a file of its own, below both"
    );
}

#[test]
fn a_cycle_is_found_through_a_re_export_and_a_nested_import() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cycles");
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(directory.join("room")).unwrap();
    for (name, text) in [
        ("lib.rs", "mod room;\nmod alone;\nmod user;\n"),
        ("room/mod.rs", "mod plan;\npub use plan::Plan;\npub struct Shared;\n"),
        (
            "room/plan.rs",
            "use super::Shared;\nuse crate::user::{self, run};\npub struct Plan(Shared);\n",
        ),
        ("user.rs", "use crate::{alone, room::Plan};\npub fn run(_: Plan) { alone::help() }\n"),
        ("alone.rs", "pub fn help() {}\n#[cfg(test)]\nmod tests { use crate::user::run; }\n"),
    ] {
        fs::write(directory.join(name), text).unwrap();
    }
    let found = cycles(&needs(&directory.join("lib.rs")));
    let [cycle] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(cycle.len(), 2, "{cycle:?}");
    assert!(cycle[0].ends_with("user.rs: run"), "{cycle:?}");
    assert!(cycle[1].ends_with("room/plan.rs: Plan"), "{cycle:?}");
    fs::write(directory.join("room/plan.rs"), "use super::Shared;\npub struct Plan(Shared);\n")
        .unwrap();
    assert_eq!(cycles(&needs(&directory.join("lib.rs"))), Vec::<Vec<String>>::new());
}
