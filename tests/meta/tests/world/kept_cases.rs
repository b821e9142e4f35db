//! Kept cases: failures of the past, shrunk; each replays and passes.

use std::path::Path;

use raft_tests::case::Case;
use raft_tests::harness::read_case;
use raft_tests::simulate_case;

fn cases() -> Vec<(String, Case)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases");
    let mut cases: Vec<(String, Case)> = std::fs::read_dir(&directory)
        .expect("the directory of cases exists")
        .map(|entry| entry.expect("an entry can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "case"))
        .map(|path| {
            let case = read_case(&path).unwrap_or_else(|error| panic!("{error}"));
            (path.display().to_string(), case)
        })
        .collect();
    cases.sort_by(|one, other| one.0.cmp(&other.0));
    cases
}

#[test]
fn kept_cases_pass() {
    let cases = cases();
    assert!(!cases.is_empty(), "there are kept cases");
    for (path, case) in cases {
        if let Err(report) = simulate_case(&case, None) {
            panic!("{path} fails again\n{report}");
        }
    }
}

#[test]
fn a_kept_case_round_trips() {
    for (path, case) in cases() {
        let again: Case =
            case.to_string().parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(case, again, "{path}");
    }
}
