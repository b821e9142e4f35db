//! Ctrl-C, SIGTERM and SIGHUP: the table so far, the right exit code, and no process left behind.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::support::{CallResult, Sandbox, is_alive, wait_until};

/// Starts a campaign of scripts that write their process id to a file before they hang.
fn hanging(sandbox: &Sandbox, script: &str, args: &[&str]) -> Child {
    let script = format!("echo $$ >> pids; {script}");
    let mut all = vec!["-p", "2", "-n", "4", "-o", "store"];
    all.extend(args);
    all.extend(["--", "sh", "-c", &script]);
    let mut command = sandbox.command(&all);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn pids(sandbox: &Sandbox) -> Vec<String> {
    let text = fs::read_to_string(sandbox.path().join("pids")).unwrap_or_default();
    text.lines().map(ToOwned::to_owned).collect()
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn finish(child: Child) -> CallResult {
    let output = child.wait_with_output().unwrap();
    CallResult {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn the_first_signal_ends_everything_and_prints_the_table_once() {
    for name in ["-INT", "-TERM", "-HUP"] {
        let sandbox = Sandbox::new();
        let child = hanging(&sandbox, "sleep 600 & echo $! >> pids; sleep 600", &["--grace", "30"]);
        wait_until("two runs are under way", || pids(&sandbox).len() == 4);
        signal(&child, name);
        let called = finish(child);
        called.exits_with(130).prints("2 runs cancelled").warns("interrupted; ending 2 runs");
        assert_eq!(called.row("sh")[1..3], ["0", "0"], "cancelled runs have not failed");
        assert_eq!(called.stdout.matches("┏━━").count(), 1, "one table: {called:#?}");
        assert_eq!(sandbox.field("verdict"), ["cancelled", "cancelled"]);
        assert!(pids(&sandbox).iter().all(|pid| !is_alive(pid)), "{name} leaves an orphan");
    }
}

#[test]
fn the_second_signal_kills_runs_that_ignore_the_first() {
    let sandbox = Sandbox::new();
    let child = hanging(&sandbox, "trap '' TERM; while :; do sleep 1; done", &["--grace", "600"]);
    wait_until("two runs are under way", || pids(&sandbox).len() == 2);
    signal(&child, "-INT");
    let mut child = child;
    let notes = BufReader::new(child.stderr.take().unwrap());
    let note = notes.lines().map(Result::unwrap).find(|line| line.contains("interrupted"));
    assert!(note.is_some(), "it says that it has seen the first one");
    signal(&child, "-INT");
    finish(child).exits_with(130).prints("2 runs cancelled");
    assert!(pids(&sandbox).iter().all(|pid| !is_alive(pid)));
}

#[test]
fn after_the_grace_time_a_run_that_ignores_sigterm_is_killed() {
    let sandbox = Sandbox::new();
    let script = "trap '' TERM; echo stubborn; while :; do sleep 1; done";
    let args = ["-n", "1", "-T", "0.2", "--grace", "0.2"];
    sandbox.on_script(&args, script).exits_with(1).prints("timed out after 0.2 s; last: stubborn");
    assert_eq!(sandbox.field("signal"), ["9"]);
}

#[test]
fn a_run_that_handles_sigterm_may_print_a_last_line() {
    let sandbox = Sandbox::new();
    let script = "trap 'echo last words; exit 3' TERM; echo waiting; sleep 600 & wait";
    sandbox
        .on_script(&["-n", "1", "-T", "0.4", "--grace", "60"], script)
        .exits_with(1)
        .prints("last: last words");
    assert_eq!(sandbox.field("code"), ["3"]);
}
