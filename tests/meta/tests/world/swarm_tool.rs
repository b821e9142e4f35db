//! The program `swarm` from outside: what it cannot do, it says.

use std::process::Command;

/// Its exit code, and what it says.
fn swarm(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_swarm")).args(arguments).output();
    let output = output.expect("it was built");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn runs_of_services_are_cases_too() {
    let (code, said) = swarm(&["case", "7", "1", "services"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("# services-case/1") && said.contains("\nseed 7\n"), "{said}");
    let (code, said) = swarm(&["shrink", "1", "1", "services"]);
    assert_eq!((code, said.trim()), (Some(0), "none of these runs fails"));
    let (code, said) = swarm(&["verify", "1", "1", "services"]);
    assert_eq!((code, said.trim()), (Some(0), "1 run in two processes: both traces are equal"));
    let (code, said) = swarm(&["steps", "1", "1", "services"]);
    assert_eq!(code, Some(2), "{said}");
}

#[test]
fn a_name_that_no_test_has_is_an_error() {
    for command in ["run", "verify", "shrink", "case"] {
        let (code, said) = swarm(&[command, "1", "1", "servces"]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("`servces`") && said.contains("swarm_services"), "{said}");
    }
}
