//! The table of suites is complete: each suite has a test program, and each name means one scenario.
//! A failure says what to add where.

use std::path::Path;

use raft_tests::case::Case;
use raft_tests::suites::{SUITES, find, scenarios};

#[test]
fn each_suite_has_a_test_program() {
    for suite in SUITES {
        let name = suite.name;
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/{name}.rs"));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            text.contains(&format!("raft_tests::{name}_tests!();")),
            "the suite `{name}` of tests/src/suites.rs has no test program: add tests/tests/{name}.rs \
             with the line `raft_tests::{name}_tests!();`"
        );
        for scenario in suite.scenarios {
            assert_eq!(
                scenario.part.program(),
                name,
                "{}: `Part::program` in tests/src/scenario.rs names another test program",
                scenario.name
            );
        }
    }
}

#[test]
fn each_name_means_one_scenario() {
    let mut names: Vec<&str> = scenarios().map(|scenario| scenario.name).collect();
    names.extend(scenarios().filter_map(|scenario| scenario.former_name));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "a name or a former name occurs twice in tests/src/suites.rs");
    assert!(scenarios().count() > 60, "the table has its scenarios");
}

#[test]
fn cases_with_former_names_are_read() {
    let text = "test deaf_peer_4_2_3\nfails kept-promise\nseed 7\npeers 3\nend 100\n";
    let case: Case = text.parse().expect("the case is well written");
    assert_eq!(case.fails.as_deref(), Some("acknowledged-entries"));
    let scenario = find(&case.test).expect("it has another name now");
    assert_eq!(scenario.name, "one_way_partition_4_2_3");
}
