//! The table of invariants is complete: each row has a check and a test that it fires, and each check
//! has a row. A failure says what to add where.

use std::path::{Path, PathBuf};

use raft_tests::invariants::Invariant;

/// Files beside the checks: what they have in common.
const SHARED: [&str; 5] = ["mod.rs", "checker.rs", "observed_log.rs", "table.rs", "violation.rs"];

/// The directory `tests` of the repository.
fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies below it")
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("the directory exists");
    let paths = entries.map(|entry| entry.expect("an entry can be read").path());
    let below = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
    let files = paths.flat_map(below);
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns whether a test asserts that this invariant is the broken one.
fn is_shown_to_fire(test: &str, invariant: &str) -> bool {
    let asserts = test.contains("fires(") || test.contains(".invariant, Invariant::");
    let ends = |rest: &str| !rest.starts_with(|next: char| next.is_alphanumeric());
    asserts && test.split(invariant).skip(1).any(ends)
}

#[test]
fn each_invariant_has_a_test_that_it_fires() {
    let directories = ["meta/tests", "src", "services/src"];
    let files = directories.map(|directory| sources(&package().join(directory))).concat();
    let texts: Vec<String> = files.iter().map(|path| read(path)).collect();
    let tests: Vec<&str> = texts.iter().flat_map(|text| text.split("#[test]").skip(1)).collect();
    for invariant in Invariant::ALL {
        let variant = format!("Invariant::{invariant:?}");
        assert!(
            tests.iter().any(|test| is_shown_to_fire(test, &variant)),
            "no test shows that the invariant `{}` fires: add one to tests/meta/tests/invariants/ that \
             breaks it by hand and calls `fires(check, {variant}, &[...])`",
            invariant.as_str()
        );
    }
}

#[test]
fn each_invariant_is_checked_in_the_file_of_its_row() {
    for invariant in Invariant::ALL {
        let (name, file) = (invariant.as_str(), invariant.file());
        let check = format!("Invariant::{invariant:?}");
        assert!(
            read(&package().join("src").join(file)).contains(&check),
            "the invariant `{name}` is not checked in tests/src/{file}: add the check there, or \
             correct the file in its row of tests/src/invariants/table.rs"
        );
    }
}

#[test]
fn each_file_of_checks_has_a_row() {
    for path in sources(&package().join("src/invariants")) {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name in UTF-8");
        let file = format!("invariants/{name}");
        assert!(
            SHARED.contains(&name) || Invariant::ALL.iter().any(|row| row.file() == file),
            "tests/src/{file} is in no row of tests/src/invariants/table.rs: add one with its name, \
             its source and this file"
        );
    }
}

#[test]
fn names_are_unique_and_former_ones_are_found() {
    for invariant in Invariant::ALL {
        assert_eq!(Invariant::find(invariant.as_str()), Some(*invariant));
        assert!(!invariant.source().is_empty(), "{invariant:?} has no source");
    }
    assert_eq!(Invariant::find("timer-rule"), Some(Invariant::ElectionTimer));
    assert_eq!(Invariant::find("unknown"), None);
}
