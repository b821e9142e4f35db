//! Ctrl-C, SIGTERM and SIGHUP: the table so far, the right exit code, and no process left behind.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::robustness::{VERBOSE_FAILURE, almost_full_pipe};
use crate::support::{
    CallResult, Sandbox, is_alive, no_process_is_left, skip, state, wait_until, with_enough_time,
};

/// Starts a campaign of scripts that write their process id to a file before they hang.
fn hanging(sandbox: &Sandbox, script: &str, args: &[&str]) -> Child {
    let script = format!("echo $$ >> pids; {script}");
    let mut all = vec!["-p", "2", "-n", "4", "-o", "store"];
    all.extend(args);
    all.extend(["--", "sh", "-c", &script]);
    let mut command = sandbox.command(&all);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
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

/// The signals that end dstest. Where these tests themselves run under `nohup`, SIGHUP is none of them.
fn ending_signals(test: &str) -> &'static [&'static str] {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    if ignored.is_some_and(|mask| mask & 1 == 1) {
        skip(test, "SIGHUP is ignored here (nohup); the other signals are tried");
        return &["-INT", "-TERM"];
    }
    &["-INT", "-TERM", "-HUP"]
}

#[test]
fn the_first_signal_ends_everything_and_prints_the_table_once() {
    for name in ending_signals("the_first_signal_ends_everything_and_prints_the_table_once") {
        let sandbox = Sandbox::new();
        let child = hanging(&sandbox, "sleep 600 & echo $! >> pids; sleep 600", &["--grace", "30"]);
        wait_until("two runs are under way", || sandbox.lines("pids").len() == 4);
        signal(&child, name);
        let called = finish(child);
        called.exits_with(130).prints("2 runs cancelled").warns("interrupted; ending 2 runs");
        assert_eq!(called.row("sh")[1..3], ["0", "0"], "cancelled runs have not failed");
        assert_eq!(called.stdout.matches("┏━━").count(), 1, "one table: {called:#?}");
        assert_eq!(sandbox.field("verdict"), ["cancelled", "cancelled"]);
        assert!(sandbox.lines("pids").iter().all(|pid| !is_alive(pid)), "{name} leaves an orphan");
    }
}

#[test]
fn the_second_signal_kills_runs_that_ignore_the_first() {
    let sandbox = Sandbox::new();
    let child = hanging(&sandbox, "trap '' TERM; while :; do sleep 1; done", &["--grace", "600"]);
    wait_until("two runs are under way", || sandbox.lines("pids").len() == 2);
    signal(&child, "-INT");
    let mut child = child;
    let notes = BufReader::new(child.stderr.take().unwrap());
    let note = notes.lines().map(Result::unwrap).find(|line| line.contains("interrupted"));
    assert!(note.is_some(), "it says that it has seen the first one");
    signal(&child, "-INT");
    finish(child).exits_with(130).prints("2 runs cancelled");
    assert!(sandbox.lines("pids").iter().all(|pid| !is_alive(pid)));
}

#[test]
fn after_the_grace_time_a_run_that_ignores_sigterm_is_killed() {
    let script = "trap '' TERM; echo stubborn; while :; do sleep 1; done";
    with_enough_time(|time| {
        let sandbox = Sandbox::new();
        let called = sandbox.on_script(&["-n", "1", "-T", time, "--grace", "0.2"], script);
        called.exits_with(1).prints(&format!("timed out after {time} s"));
        let has_begun = called.stdout.contains("; last: stubborn");
        assert!(!has_begun || sandbox.field("signal") == ["9"], "{called:#?}");
        has_begun
    });
}

#[test]
fn a_run_that_handles_sigterm_may_print_a_last_line() {
    let script = "trap 'echo last words; exit 3' TERM; echo waiting; sleep 600 & wait";
    with_enough_time(|time| {
        let sandbox = Sandbox::new();
        sandbox.on_script(&["-n", "1", "-T", time, "--grace", "60"], script).exits_with(1);
        let log = fs::read_to_string(sandbox.latest().join("logs/sh/1.log")).unwrap();
        let has_begun = log.contains("waiting");
        let ended = (sandbox.field("signature"), sandbox.field("code"));
        let reason = format!("timed out after {time} s; last: last words");
        assert!(!has_begun || ended == (vec![reason], vec!["3".to_owned()]), "{ended:?}");
        has_begun
    });
}

#[test]
fn a_program_that_hangs_while_it_lists_its_tests_is_ended_by_the_first_signal() {
    let sandbox = Sandbox::new();
    let write = |name: &str, text: &str| {
        let path = sandbox.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let manifest = "[package]\nname = \"hangs-listing\"\nedition = \"2024\"\n[workspace]\n\
        [[test]]\nname = \"t\"\nharness = false\n";
    write("Cargo.toml", manifest);
    write("src/lib.rs", "");
    let main = "fn main() { std::fs::write(\"pids\", std::process::id().to_string()).unwrap();\n\
        std::thread::sleep(std::time::Duration::from_secs(600)); }\n";
    write("tests/t.rs", main);
    let mut command = sandbox.command(&["-n", "1", "--test", "t"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("it lists", || sandbox.lines("pids").iter().any(|pid| !pid.is_empty()));
    signal(&child, "-TERM");
    finish(child).exits_with(130).warns("interrupted");
    assert!(no_process_is_left(&sandbox));
    assert!(!sandbox.path().join(".dstest").exists(), "nothing was run, nothing is stored");
}

#[test]
fn a_signal_during_setup_ends_all_of_it_and_what_was_set_up_is_torn_down() {
    for setup in [
        // It hangs; it ends when it is asked to; it ends just as dstest is interrupted.
        "echo $$ >> pids; sleep 600 & echo $! >> pids; touch ready; wait",
        "trap 'exit 0' TERM; touch ready; sleep 600 & echo $! >> pids; wait",
        "kill -TERM $PPID; touch ready",
    ] {
        let sandbox = Sandbox::new();
        let teardown = "echo undone >> order";
        let args = ["-n", "2", "-o", "store", "--setup", setup, "--teardown", teardown];
        let all = [&args[..], &["--", "sh", "-c", "touch ran; sleep 600"]].concat();
        let mut command = sandbox.command(&all);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        if !setup.starts_with("kill") {
            wait_until("it is under way", || sandbox.path().join("ready").exists());
            signal(&child, "-TERM");
        }
        finish(child).exits_with(130);
        assert_eq!(sandbox.lines("order"), ["undone"], "{setup}");
        assert!(no_process_is_left(&sandbox), "{setup}");
        let runs = sandbox.lines("store/latest/events.jsonl");
        assert!(runs.iter().all(|run| run.contains("\"cancelled\"")), "{setup}: {runs:?}");
    }
}

/// Runs and scripts send the signal themselves, at instants that a test could not hit from outside.
#[test]
fn a_signal_from_within_is_followed_by_one_table_and_the_teardown() {
    let interrupt = "kill -INT $(cat parent)";
    let rows = [
        // In the first run, as a run ends, in the repetition of a failure, and in the teardown.
        (format!("{interrupt}; sleep 600"), "true".to_owned(), Some(130)),
        (format!("[ $DSTEST_ITER != 3 ] || {interrupt}"), "true".to_owned(), None),
        (
            format!("echo trace=00000000000000aa; [ -z \"$VERBOSE\" ] || {interrupt}; exit 1"),
            "true".to_owned(),
            None,
        ),
        ("exit 1".to_owned(), interrupt.to_owned(), Some(1)),
    ];
    for (script, teardown, code) in rows {
        let sandbox = Sandbox::new();
        let setup = "echo $PPID > parent";
        let teardown = format!("echo undone >> order; {teardown}");
        let args = ["-n", "6", "-p", "1", "--setup", setup, "--teardown", &teardown];
        let called = sandbox.on_script(&args, &script);
        assert!(code.is_none_or(|code| called.code == Some(code)), "{script}: {called:#?}");
        // What was over when the signal came has the exit code of its results.
        assert!(matches!(called.code, Some(0 | 1 | 130)), "{script}: {called:#?}");
        assert_eq!(called.stdout.matches("┏━━").count(), 1, "{script}: {called:#?}");
        assert_eq!(sandbox.lines("order"), ["undone"], "{script}");
        assert!(!sandbox.latest().join("live").exists(), "{script}");
    }
}

#[test]
fn a_signal_at_any_instant_leaves_neither_a_process_nor_anything_set_up() {
    let names =
        ending_signals("a_signal_at_any_instant_leaves_neither_a_process_nor_anything_set_up");
    for (delay_ms, name) in (0..24).zip(names.iter().cycle()) {
        let sandbox = Sandbox::new();
        let (setup, teardown) = ("echo done >> order", "echo undone >> order");
        let script = "echo $$ >> pids; sleep 0.01 & echo $! >> pids; wait";
        let args = ["-n", "3", "-p", "1", "-o", "store", "--setup", setup, "--teardown", teardown];
        let mut command = sandbox.command(&[&args[..], &["--", "sh", "-c", script]].concat());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Whatever has happened by then: every instant must do.
        std::thread::sleep(Duration::from_millis(4 * delay_ms));
        signal(&child, name);
        let called = finish(child);
        let order = sandbox.lines("order");
        // Before it has a handler, the signal ends it as any program.
        assert!(matches!(called.code, None | Some(0 | 130)), "{delay_ms}: {called:#?}");
        assert!(order != ["done"] && order.len() <= 2, "{delay_ms}: {order:?} {called:#?}");
        assert!(no_process_is_left(&sandbox), "{delay_ms}: {called:#?}");
        assert!(called.stdout.matches("┏━━").count() <= 1, "{delay_ms}: {called:#?}");
        assert!(!called.stderr.contains("panicked"), "{delay_ms}: {called:#?}");
    }
}

#[test]
fn a_table_that_is_not_read_does_not_outlive_a_signal() {
    let sandbox = Sandbox::new();
    let args = ["-n", "60", "-o", "store", "--", "sh", "-c", VERBOSE_FAILURE];
    let (unread, pipe) = almost_full_pipe();
    let mut child = sandbox.command(&args).stdout(pipe).stderr(Stdio::null()).spawn().unwrap();
    let events = || fs::read_to_string(sandbox.path().join("store/latest/events.jsonl"));
    wait_until("all runs are stored", || events().is_ok_and(|text| text.lines().count() == 60));
    signal(&child, "-TERM");
    let mut code = None;
    wait_until("it has ended", || {
        code = child.try_wait().unwrap();
        code.is_some()
    });
    assert_eq!(code.and_then(|status| status.code()), Some(130));
    drop(unread);
    sandbox.call(&["report", "-o", "store"]).exits_with(1).prints("60 runs in ");
}

#[test]
fn under_nohup_the_end_of_the_terminal_ends_nothing() {
    let sandbox = Sandbox::new();
    let line = format!(
        "trap '' HUP; exec {} -n 1 -o store -- sh -c 'touch started; while [ ! -e go ]; do sleep 0.01; done'",
        env!("CARGO_BIN_EXE_dstest")
    );
    let mut shell = Command::new("sh");
    shell.args(["-c", &line]).current_dir(sandbox.path()).env("TMPDIR", sandbox.path());
    let child = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("the run is under way", || sandbox.path().join("started").exists());
    signal(&child, "-HUP");
    fs::write(sandbox.path().join("go"), "").unwrap();
    finish(child).exits_with(0).prints("No failure in 1 run");
}

#[test]
fn ctrl_z_stops_a_setup_script_too() {
    let sandbox = Sandbox::new();
    // It starts no process: a shell that is stopped between `vfork` and `exec` looks otherwise.
    let setup = "mkfifo go; echo $$ > pids; read line < go";
    let args = ["-n", "1", "-o", "store", "--setup", setup, "--", "true"];
    let mut command = sandbox.command(&args);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("it is under way", || sandbox.lines("pids").iter().any(|pid| !pid.is_empty()));
    signal(&child, "-TSTP");
    let is_stopped = |pid: &str| state(pid).starts_with('T');
    let own = child.id().to_string();
    wait_until("both stand still", || is_stopped(&own) && is_stopped(&sandbox.lines("pids")[0]));
    signal(&child, "-CONT");
    fs::write(sandbox.path().join("go"), "go\n").unwrap();
    finish(child).exits_with(0);
}
