//! Events that must not end a campaign: odd names, closed pipes, stores that cannot be written,
//! processes that stay.

use std::fs;
use std::io::{self, PipeReader, PipeWriter, Write};
use std::process::Stdio;

use crate::support::{Sandbox, called, is_alive, wait_until};
use crate::terminal::Terminal;

#[test]
fn an_odd_name_is_one_directory() {
    let sandbox = Sandbox::new();
    sandbox.write_program("a b%c", "#!/bin/sh\nexit 1\n");
    sandbox.call(&["-n", "1", "-o", "store", "--", "./a b%c"]).exits_with(1);
    assert_eq!(sandbox.logs(), ["a%20b%25c/1.log"]);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&["-n", "3", "-o", "store", "--", "sh", "-c", "exit 1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(sandbox.events().len(), 3, "the store has everything");
}

/// Each failure is of a kind of its own and shown in full: 60 of them overflow an [`almost_full_pipe`].
pub(crate) const VERBOSE_FAILURE: &str = "printf 'error: %0200d ' 0 | tr 0 x; \
    echo $DSTEST_ITER | tr 0123456789 abcdefghij; exit 1";

/// A pipe with room for 4 KiB.
pub(crate) fn almost_full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = io::pipe().unwrap();
    writer.write_all(&[b' '; 60 << 10]).unwrap();
    (reader, writer)
}

#[test]
fn a_reader_that_does_not_read_stops_nothing_but_the_view() {
    let sandbox = Sandbox::new();
    let args = ["-n", "60", "-o", "store", "--", "sh", "-c", VERBOSE_FAILURE];
    let (unread, pipe) = almost_full_pipe();
    let mut child = sandbox.command(&args).stdout(pipe).stderr(Stdio::null()).spawn().unwrap();
    let events = || fs::read_to_string(sandbox.path().join("store/latest/events.jsonl"));
    wait_until("all runs are stored", || events().is_ok_and(|text| text.lines().count() == 60));
    assert!(child.try_wait().unwrap().is_none(), "it still has its table to print");
    drop(unread);
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_store_that_cannot_be_written_is_named() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path().join("file"), "").unwrap();
    let called = sandbox.call(&["-n", "1", "-o", "file", "--", "true"]);
    called.exits_with(2).warns("cannot create").warns("-o DIR");
}

#[test]
fn an_export_that_can_no_longer_be_written_does_not_cost_the_table() {
    let sandbox = Sandbox::new();
    let script = "rm -r exports; true";
    fs::create_dir(sandbox.path().join("exports")).unwrap();
    let args = ["-n", "2", "-p", "1", "--export-json", "exports/out.json"];
    let called = sandbox.on_script(&args, script);
    called.exits_with(2).warns("cannot write exports/out.json").prints("No failure in 2 runs");
    assert_eq!(called.row("sh")[1..3], ["0", "2"]);
}

#[test]
fn a_grandchild_that_stays_is_found_ended_and_reported() {
    let sandbox = Sandbox::new();
    let called = sandbox.on_script(&["-n", "2"], "sleep 600 & echo $! >> pids");
    called.exits_with(0).prints("2 runs passed but left processes running (killed)");
    let pids = fs::read_to_string(sandbox.path().join("pids")).unwrap();
    assert!(pids.lines().count() == 2 && !pids.lines().any(is_alive));
}

#[test]
fn a_child_that_ends_on_its_own_is_not_a_leak() {
    // On a busy machine it may take longer than dstest is willing to wait.
    wait_until("three children have ended in time", || {
        let sandbox = Sandbox::new();
        sandbox.on_script(&["-n", "3"], "sleep 0.01 &").exits_with(0);
        sandbox.field("verdict") == ["passed", "passed", "passed"]
    });
}

#[test]
fn killing_dstest_leaves_a_store_that_can_be_read() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&["--until-fail", "-o", "store", "--", "true"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let events = || fs::read_to_string(sandbox.path().join("store/latest/events.jsonl"));
    wait_until("some runs are stored", || events().is_ok_and(|text| text.lines().count() > 20));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(sandbox.events().len() > 20);
    assert!(sandbox.latest().join("campaign.json").is_file());
}

#[test]
fn no_colours_unless_wanted() {
    let sandbox = Sandbox::new();
    let colours = |args: &[&str], env: &[(&str, &str)]| {
        let mut all = vec!["-n", "1", "-o", "store"];
        all.extend(args);
        all.extend(["--", "false"]);
        let mut command = sandbox.command(&all);
        command.envs(env.iter().copied());
        called(&mut command).stdout.contains('\u{1b}')
    };
    assert!(!colours(&[], &[]), "not a terminal");
    assert!(colours(&["--color", "always"], &[("NO_COLOR", "1")]), "the option wins");
    assert!(colours(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!colours(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}

#[test]
fn in_a_narrow_terminal_the_text_under_a_table_is_folded_between_words_and_commands_are_not() {
    let sandbox = Sandbox::new();
    let script = "echo error: the leader of the second term was never heard of again; exit 1";
    let args = ["-n", "2", "-p", "1", "-o", "store", "--", "sh", "-c", script];
    let mut terminal = Terminal::start(&sandbox, &args, 44, 50);
    let screen = terminal.wait_for("2 runs in ");
    let report = screen.split_once("2 failures of one kind:").unwrap().1;
    assert!(
        report.contains("    2 × sh: error: the leader of the second\n    term was never"),
        "{screen}"
    );
    assert!(report.contains("(2 of 2; 95 %\ninterval"), "{screen}");
    let mut rows = report.lines().skip_while(|row| !row.starts_with("        /"));
    let (command, further) = (rows.next().unwrap(), rows.next().unwrap());
    assert!(command.len() > 40 && !further.starts_with("  "), "{screen}");
}
