//! Every cause of every exit code, in the middle of a campaign too.

use std::fs;
use std::process::{Command, Stdio};

use crate::support::{CallResult, Sandbox, called, wait_until};

/// Options, a script for `sh`, and the code that is to come out.
type Row = (&'static [&'static str], &'static str, i32);

#[test]
fn results_of_runs_decide_the_exit_code() {
    let rows: [Row; 14] = [
        (&["-n", "3"], "true", 0),
        (&["-n", "3"], "sleep 600 & exit 0", 0),
        (&["-n", "2", "--for", "1h"], "true", 0),
        (&["--for", "100ms"], "true", 0),
        (&["-n", "3"], "exit 1", 1),
        (&["-n", "3"], "exit 130", 1),
        (&["-n", "3"], "exit 4", 1),
        (&["-n", "5", "-p", "1"], "[ $DSTEST_ITER != 3 ]", 1),
        (&["-n", "1"], "kill -SEGV $$", 1),
        (&["-n", "1", "-T", "0.2"], "sleep 600", 1),
        (&["-n", "1", "--max-output", "1k"], "head -c 5000 /dev/zero; sleep 600", 1),
        (&["-n", "1", "--fail-regex", "race"], "echo RACE", 1),
        (&["-n", "9", "--max-fail", "1"], "exit 1", 1),
        (&["--until-fail", "-p", "1"], "[ $DSTEST_ITER != 3 ]", 1),
    ];
    for (args, script, code) in rows {
        let called = Sandbox::new().on_script(args, script);
        assert_eq!(called.code, Some(code), "{args:?} {script}: {called:#?}");
        assert!(called.stdout.contains("┏━━"), "{args:?} {script}: no table");
    }
}

#[test]
fn start_errors_differ_from_failures() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path().join("dstest.toml"), "nonsense = 1").unwrap();
    sandbox.call(&["--", "true"]).exits_with(2);
    fs::remove_file(sandbox.path().join("dstest.toml")).unwrap();
    sandbox.call(&["--", "./nothing"]).exits_with(1);
    sandbox.call(&["-n", "1", "--export-json", "no/directory.json", "--", "true"]).exits_with(2);
    sandbox.call(&["--no-such-option"]).exits_with(2);
    sandbox.call(&["--dir", "nowhere"]).exits_with(2);
    sandbox.call(&["report", "-o", "nowhere"]).exits_with(2);
    sandbox.call(&["--help"]).exits_with(0);
    sandbox.call(&["replay", "--help"]).exits_with(0);
    sandbox.call(&["--version"]).exits_with(0);
    sandbox.on_fixture(&["no_such_test"]).exits_with(4);
    sandbox.on_fixture(&["quick", "--skip", "quick"]).exits_with(4);
    sandbox.on_fixture(&["--features", "broken"]).exits_with(101);
    sandbox.on_fixture(&["--build-arg", "--no-such-option"]).exits_with(101);
}

#[test]
fn results_that_can_no_longer_be_recorded_are_two_and_one_where_runs_failed_before() {
    for (script, code) in [("true", 2), ("[ $DSTEST_ITER != 1 ]", 1)] {
        let sandbox = Sandbox::new();
        let program = env!("CARGO_BIN_EXE_dstest");
        let line = format!("ulimit -f 8; exec {program} -n 200 -p 1 -o store -- sh -c '{script}'");
        let mut shell = Command::new("bash");
        shell.args(["-c", &line]).current_dir(sandbox.path()).env("TMPDIR", sandbox.path());
        called(&mut shell).exits_with(code).prints("┏━━").warns("events.jsonl: File too large");
    }
}

#[test]
fn a_differing_replay_exits_with_3() {
    let sandbox = Sandbox::new();
    let deterministic = "printf 'trace=%016x\\n' $DSTEST_ITER; exit 1";
    sandbox.on_script(&["-n", "1"], deterministic).exits_with(1);
    sandbox.call(&["replay", "-o", "store"]).exits_with(0);
    sandbox.on_script(&["-n", "1"], "[ -e go ]").exits_with(1);
    sandbox.call(&["report", "-o", "store"]).exits_with(1);
    fs::write(sandbox.path().join("go"), "").unwrap();
    sandbox.call(&["replay", "-o", "store"]).exits_with(3);
    let nondeterministic = "printf 'trace=%016x\\n' $$";
    sandbox.on_script(&["-n", "4", "--verify"], nondeterministic).exits_with(3);
}

/// Interrupts a campaign as soon as its runs have made the file `started`.
fn interrupted(sandbox: &Sandbox, args: &[&str], script: &str) -> CallResult {
    let all = [args, &["-o", "store", "--", "sh", "-c", script]].concat();
    let mut command = sandbox.command(&all);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("a run has started", || sandbox.path().join("started").exists());
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    CallResult {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn interrupted_is_130_whatever_has_failed_before_and_whenever_it_comes() {
    let after_failures = "[ $DSTEST_ITER -gt 3 ] || exit 1; touch started; sleep 600";
    let called = interrupted(&Sandbox::new(), &["-n", "9", "-p", "1"], after_failures);
    called.exits_with(130);
    assert_eq!(called.row("sh")[1..3], ["3", "3"]);
    let in_the_repetition = "echo trace=00000000000000aa; [ -z \"$VERBOSE\" ] && exit 1; \
                             touch started; sleep 600";
    interrupted(&Sandbox::new(), &["-n", "1"], in_the_repetition).exits_with(130);
    let in_verify = "echo trace=00000000000000aa; [ -e ran ] || { touch ran; exit 0; }; \
                     touch started; sleep 600";
    interrupted(&Sandbox::new(), &["-n", "1", "--verify"], in_verify).exits_with(130);
}

#[test]
fn interrupted_while_it_builds_is_130() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path().join("Cargo.toml"), "[package]\nname = \"a\"\n").unwrap();
    let script =
        "case $1 in metadata) exec \"$REAL\" \"$@\";; test) touch started; exec sleep 600;; esac";
    let cargo = sandbox.path().join("cargo");
    fs::write(&cargo, format!("#!/bin/sh\n{script}\n")).unwrap();
    called(Command::new("chmod").arg("+x").arg(&cargo)).exits_with(0);
    fs::create_dir(sandbox.path().join("src")).unwrap();
    fs::write(sandbox.path().join("src/lib.rs"), "").unwrap();
    let mut command = sandbox.command(&[]);
    command.env("CARGO", &cargo).env("REAL", env!("CARGO"));
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("the build has started", || sandbox.path().join("started").exists());
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    assert!(!sandbox.path().join(".dstest").exists());
}
