//! The program itself: pipes, signals, exit statuses.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail them")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

fn pretty(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pretty"));
    command.args(arguments).env_clear().stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = pretty(arguments).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn interrupt(child: &Child) {
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn a_pipe_is_shown_line_by_line() {
    let mut child = pretty(&["--width", "40"]).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut rows = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    // Each row arrives although the input stays open: reading would never end otherwise.
    input.write_all(b"000001 | VOTE | 0 | first\n").unwrap();
    assert_eq!(rows.next().unwrap(), "──10ms─────┬─0──────────────────────────");
    assert_eq!(rows.next().unwrap(), "     1 VOTE│first");
    input.write_all(b"000002 | VOTE | 0 | second\n").unwrap();
    assert_eq!(rows.next().unwrap(), "     2 VOTE│second");
    input.write_all(b"no line end").unwrap();
    drop(input);
    assert_eq!(
        rows.by_ref().collect::<Vec<_>>(),
        [format!("── output {}", "─".repeat(30)), "no line end".to_owned()]
    );
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_reader_that_has_enough_ends_it_quietly() {
    let mut child = pretty(&[]).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    drop(child.stdout.take());
    // Without an end of its own the loop would never stop: the program has to close the pipe.
    while input.write_all(b"000001 | VOTE | 0 | again and again\n").is_ok() {}
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{:?}", output.status);
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn an_interrupt_does_not_lose_what_comes_after_it() {
    let mut child = pretty(&["--width", "40"]).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    input.write_all(b"000001 | VOTE | 0 | before\n").unwrap();
    let mut row = String::new();
    while !row.contains("before") {
        row.clear();
        output.read_line(&mut row).unwrap();
    }
    interrupt(&child);
    input.write_all(b"000002 | VOTE | 0 | after\n").unwrap();
    drop(input);
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "     2 VOTE│after\n");
    assert!(child.wait().unwrap().success());
}

#[test]
fn who_insists_gets_an_end() {
    let mut child = pretty(&[]).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    input.write_all(b"000001 | VOTE | 0 | x\n").unwrap();
    output.read_line(&mut String::new()).unwrap();
    // Signals that arrive together count as one, hence a loop instead of a number.
    let status: ExitStatus = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        interrupt(&child);
    };
    assert_eq!(status.code(), Some(130));
}

#[test]
fn mistakes_in_the_arguments_name_the_option() {
    for (arguments, option) in [
        (&["--columns", "many"][..], "--columns"),
        (&["--width", "3"], "--width"),
        (&["--since", "yesterday"], "--since"),
        (&["--until", "5 parsec"], "--until"),
        (&["--grep", "("], "--grep"),
        (&["--format", "("], "--format"),
        (&["--format", "no groups"], "--format"),
        (&["--tick", "0ms"], "--tick"),
        (&["--color", "purple"], "--color"),
        (&["--theme", "purple"], "--theme"),
        (&["--nonsense"], "--nonsense"),
    ] {
        let output = pretty(arguments).stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(option), "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout), "");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let output = pretty(&["/nonexistent/x.log"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    assert!(message.starts_with("pretty: /nonexistent/x.log: No such file"), "{message}");
}

#[test]
fn files_are_shown_and_so_is_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.log");
    std::fs::write(&file, "000001 | VOTE | 0 | from the file\n").unwrap();
    let output =
        run(&["--width=50", file.to_str().unwrap(), "-"], b"000002 | VOTE | 0 | from the pipe\n");
    assert!(output.status.success());
    let shown = text(&output.stdout);
    assert!(shown.contains("from the file") && shown.contains("from the pipe"), "{shown}");
}

#[test]
fn colours_as_asked_for() {
    let log = b"000001 | VOTE | 0 | x\n";
    assert!(!text(&run(&[], log).stdout).contains('\x1b'));
    assert!(text(&run(&["--color=always"], log).stdout).contains("\x1b[38;5;"));
    assert!(text(&run(&["--color", "true"], log).stdout).contains("\x1b[38;2;"));
    assert!(!text(&run(&["--color=always", "--no-color"], log).stdout).contains('\x1b'));
}

#[test]
fn megabyte_lines_broken_text_and_zero_bytes() {
    let long = "x".repeat(1 << 20);
    let mut log = format!("000001 | VOTE | 0 | {long}\n").into_bytes();
    log.extend(b"000002 | VOTE | 0 | \0 \xff\xfe \xc3\n\xff\xff\xff\n\n");
    let output = run(&["--width", "200"], &log);
    assert!(output.status.success());
    let shown = text(&output.stdout);
    assert_eq!(shown.bytes().filter(|byte| *byte == b'x').count(), (1 << 20) + 7);
    assert!(shown.contains(r"│\x00 \xff\xfe \xc3"));
    assert!(shown.contains("\n\\xff\\xff\\xff\n"));
}

#[test]
fn nothing_in_nothing_out() {
    let output = run(&[], b"");
    assert!(output.status.success());
    assert_eq!(text(&output.stdout), "");
}
