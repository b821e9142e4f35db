//! Defects of this tool's predecessor. Each line is a defect and the test that would catch it here.
//!
//! | defect | test |
//! |---|---|
//! | exit code 0 although runs failed | `failures_are_failures_in_table_exit_code_and_store` |
//! | the timeout was for a group of tests, not for each | `a_timeout_is_for_each_run` |
//! | patterns were not anchored: a test ran together with those that begin like it | `a_test_runs_alone_even_if_others_have_its_name_in_theirs` |
//! | a pattern that matches nothing was a pass | `a_pattern_that_matches_nothing_is_an_error_with_a_suggestion` |
//! | built and linked for every run; edits in the middle of a campaign mixed versions | `edits_during_a_campaign_do_not_change_it` |
//! | build errors counted as failed tests | `a_build_error_is_not_a_test_failure` |
//! | logs were overwritten by later rounds and campaigns | `a_loop_overwrites_no_log_and_forgets_no_count` |
//! | counts of earlier rounds were forgotten, and a loop never stopped | `a_loop_overwrites_no_log_and_forgets_no_count` |
//! | a name with a slash ended everything | `any_test_name_is_a_valid_log_name` |
//! | an error of the runner (program gone, disk full) lost the table | `a_program_removed_in_the_middle_of_a_campaign_ends_it_with_its_table` |
//! | the same, disk full | `a_store_that_can_no_longer_be_written_stops_the_campaign_and_loses_nothing` |
//! | Ctrl-C printed a table for each worker | `the_first_signal_ends_everything_and_prints_the_table_once` |
//! | Ctrl-C waited for what was running | `the_first_signal_ends_everything_and_prints_the_table_once` |
//! | SIGTERM left processes running | `the_first_signal_ends_everything_and_prints_the_table_once` |
//! | an interrupt left temporary files, and lost the runs under way | `an_interrupt_keeps_what_ran_and_leaves_no_files` |
//! | no timeout: a stuck process or grandchild hung a worker for ever | `a_grandchild_that_stays_is_found_ended_and_reported` |
//! | runs could read the terminal | `standard_input_is_empty` |
//! | CPU times came from another program's output, and ten seconds were too many | `cpu_times_come_from_the_kernel` |
//! | an empty log, or one of a single line, was a crash | `a_silent_run_can_fail` |
//! | the deviation was that of a population, and 0.00 for a single run | `a_single_value_has_no_deviation` |
//! | times of passes and failures were mixed | `times_are_those_of_passed_runs` |
//! | a test named twice was counted twice | `a_test_that_is_named_twice_runs_once` |
//! | waiting runs were replaced while they were looked at | `nothing_comes_twice_and_shards_together_are_everything` |
//! | the table of Ctrl-C had not the columns that were asked for | `an_interrupt_keeps_what_ran_and_leaves_no_files` |
//! | processes were forked while other threads ran | `many_workers_beside_a_live_view_come_to_an_end` |

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Sandbox, called, skip, wait_until};

#[test]
fn every_test_in_the_list_exists() {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["tests/e2e", "src", "src/report"].map(|dir| fs::read_dir(crate_dir.join(dir)));
    let files = files.into_iter().flat_map(|entries| entries.unwrap().map(Result::unwrap));
    let sources: String = files
        .filter(|file| file.file_name().as_encoded_bytes().ends_with(b".rs"))
        .map(|file| fs::read_to_string(file.path()).unwrap())
        .collect();
    let rows = include_str!("predecessor.rs").lines().filter(|line| line.starts_with("//! | "));
    let names: Vec<&str> = rows.filter_map(|row| row.split('`').nth(1)).collect();
    assert!(names.len() >= 24, "{names:?}");
    for name in names {
        assert!(sources.contains(&format!("fn {name}(")), "{name} is not a test");
    }
}

#[test]
fn a_timeout_is_for_each_run() {
    let sandbox = Sandbox::new();
    let called =
        sandbox.on_fixture(&["hangs_2d", "quick_2a", "-n", "3", "-p", "1", "--grace", "0.1"]);
    called.exits_with(1);
    assert_eq!(called.row("hangs_2d")[1..3], ["3", "3"]);
    assert_eq!(called.row("quick_2a")[1..3], ["0", "3"], "1.2 s of hanging took nothing from it");
}

#[test]
fn a_test_runs_alone_even_if_others_have_its_name_in_theirs() {
    let sandbox = Sandbox::new();
    sandbox.on_fixture(&["^tests::unit$", "-n", "1", "-a"]).exits_with(0);
    let log = fs::read_to_string(sandbox.latest().join("logs/tests%3A%3Aunit/1.log")).unwrap();
    assert!(log.contains("running 1 test\n") && log.contains("1 passed; 0 failed"), "{log}");
}

#[test]
fn edits_during_a_campaign_do_not_change_it() {
    let sandbox = Sandbox::new();
    let write = |name: &str, text: &str| {
        let path = sandbox.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let test = |body: &str| format!("#[test]\nfn edited() {{ {body} }}\n");
    write("Cargo.toml", "[package]\nname = \"a\"\nedition = \"2024\"\n[workspace]\n");
    write("src/lib.rs", &test("println!(\"the first version\"); panic!(\"as it was\")"));
    let target = sandbox.path().join("target");
    let call = |args: &[&str]| called(sandbox.command(args).env("CARGO_TARGET_DIR", &target));
    call(&["-n", "2"]).exits_with(1).prints("as it was");
    write("src/lib.rs", &test("println!(\"the second version\")"));
    call(&["replay"]).exits_with(0).prints("same result as before");
    fs::remove_dir_all(&target).unwrap();
    call(&["resume", "-n", "4"]).exits_with(1).prints("4 failures of one kind");
    call(&["-n", "1"]).exits_with(0);
}

#[test]
fn any_test_name_is_a_valid_log_name() {
    let sandbox = Sandbox::new();
    let called = sandbox.on_fixture(&["sub/one", "up", "with space", "-n", "2"]);
    called.exits_with(1).prints("error: ../up never passes");
    for name in ["sub/one", "../up", "with space and 100%"] {
        assert_eq!(called.row(name)[1..3], ["2", "2"], "{name}");
    }
    assert_eq!(sandbox.logs().len(), 6, "{:?}", sandbox.logs());
    sandbox
        .call(&["replay", "-o", "store", "sub/one#2"])
        .exits_with(0)
        .prints("same result as before");
}

#[test]
fn an_interrupt_keeps_what_ran_and_leaves_no_files() {
    let sandbox = Sandbox::new();
    let script = "echo half way; touch $TMPDIR/x started.$DSTEST_ITER; sleep 600";
    let args = ["-n", "4", "-p", "2", "-t", "-o", "store", "--", "sh", "-c", script];
    let mut command = sandbox.command(&args);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let has_started = |run: u32| sandbox.path().join(format!("started.{run}")).exists();
    wait_until("two runs have started", || has_started(1) && has_started(2));
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("p95") && table.contains("Memory"), "{table}");
    assert!(table.contains("2 runs cancelled"), "they are counted, apart: {table}");
    assert_eq!(sandbox.logs().len(), 2, "and their logs are kept");
    let left = fs::read_dir(sandbox.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut left: Vec<_> = left.map(|name| name.into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["started.1", "started.2", "store"], "no temporary file is left");
    assert!(!sandbox.latest().join("live").exists());
}

#[test]
fn standard_input_is_empty() {
    let sandbox = Sandbox::new();
    let args = ["-n", "1", "-o", "store", "--", "sh", "-c", "read line && exit 1; cat"];
    let mut command = sandbox.command(&args);
    // Were it handed on, the run would wait for this end for ever.
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let _open = child.stdin.take();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn cpu_times_come_from_the_kernel() {
    let sandbox = Sandbox::new();
    let called =
        sandbox.on_script(&["-n", "1", "-t"], "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done");
    called.exits_with(0).prints("CPU load of the runs: ");
    let number = |cell: &str| cell.split(' ').next().unwrap().parse::<f64>().unwrap();
    let row = called.row("sh");
    let (user, memory) = (number(&row[7]), number(&row[9]));
    assert!(user > 0.0 && memory > 0.0, "{row:?}");
    let user_us: f64 = sandbox.field("user_us")[0].parse().unwrap();
    assert!(user_us >= 1000.0, "a hundred thousand rounds take a while: {user_us} µs");
}

#[test]
fn a_silent_run_can_fail() {
    let rows = [
        ("exit 7", "exit code 7, no output"),
        ("echo; exit 7", "exit code 7"),
        ("printf one; exit 7", "one"),
    ];
    for (script, want) in rows {
        let sandbox = Sandbox::new();
        let called = sandbox.on_script(&["-n", "2"], script);
        called.exits_with(1).prints(want).prints("2 failures of one kind");
    }
}

#[test]
fn times_are_those_of_passed_runs() {
    let sandbox = Sandbox::new();
    let called = sandbox.on_fixture(&["hangs_2d", "-n", "2", "--grace", "0.1"]);
    assert_eq!(called.exits_with(1).row("hangs_2d")[3], "–", "no mean of what was cut off");
}

#[test]
fn a_test_that_is_named_twice_runs_once() {
    let sandbox = Sandbox::new();
    let called = sandbox.on_fixture(&["quick", "quick_2a", "QUICK", "-n", "2"]);
    called.exits_with(0).prints("quick_2a × 2, ");
    assert_eq!(called.row("quick_2a")[1..3], ["0", "2"]);
    assert_eq!(called.stdout.matches("│ quick_2a").count(), 1);
}

#[test]
fn many_workers_beside_a_live_view_come_to_an_end() {
    let test = "many_workers_beside_a_live_view_come_to_an_end";
    if Command::new("script").arg("--version").output().is_err() {
        return skip(test, "there is no `script` to make a terminal");
    }
    let sandbox = Sandbox::new();
    let program = env!("CARGO_BIN_EXE_dstest");
    let line = format!("{program} -n 400 -p 48 -o store -- true");
    let mut terminal = Command::new("script");
    terminal.args(["-qec", &line, "/dev/null"]).current_dir(sandbox.path()).stdin(Stdio::null());
    terminal.env("TERM", "xterm").env("TMPDIR", sandbox.path());
    called(&mut terminal).exits_with(0).prints("No failure in 400 runs");
    assert_eq!(sandbox.events().len(), 400);
}
