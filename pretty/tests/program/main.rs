//! The program itself: pipes, signals, exit statuses.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail them")]

mod layers;

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
fn d13_a_reader_that_has_enough_ends_it_quietly() {
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
fn d12_an_interrupt_does_not_lose_what_comes_after_it() {
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

/// Signals that arrive together count as one, hence a loop instead of a number.
fn interrupt_until_it_ends(child: &mut Child) -> ExitStatus {
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        interrupt(child);
    }
}

#[test]
fn d12_who_insists_gets_an_end() {
    let mut child = pretty(&[]).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    input.write_all(b"000001 | VOTE | 0 | x\n").unwrap();
    output.read_line(&mut String::new()).unwrap();
    assert_eq!(interrupt_until_it_ends(&mut child).code(), Some(130));
}

#[test]
fn mistakes_in_the_arguments_name_the_option() {
    for (arguments, option) in [
        (&["--columns", "many"][..], "--columns"),
        (&["--width", "3"], "--width"),
        (&["--since", "tomorrow"], "--since"),
        (&["--until", "5 parsec"], "--until"),
        (&["--grep", "("], "--grep"),
        (&["--format", "("], "--format"),
        (&["--format", "no groups"], "--format"),
        (&["--tick", "0ms"], "--tick"),
        (&["--color", "purple"], "--color"),
        (&["--theme", "purple"], "--theme"),
        (&["--window", "soon"], "--window"),
        (&["--tui"], "--tui"),
        (&["--export", "pdf"], "--export"),
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

/// A file with these contents in a directory of its own.
struct TestFile {
    directory: tempfile::TempDir,
}

impl TestFile {
    fn new(contents: impl AsRef<[u8]>) -> Self {
        let file = Self { directory: tempfile::tempdir().unwrap() };
        std::fs::write(file.path(), contents).unwrap();
        file
    }

    fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("a.log")
    }

    fn name(&self) -> String {
        self.path().to_str().unwrap().to_owned()
    }

    fn append(&self, text: &str) {
        let mut file = std::fs::OpenOptions::new().append(true).open(self.path()).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
}

#[test]
fn d20_several_logs_are_merged_by_time() {
    let a = TestFile::new(
        "1 | A | 0 | a1\nwords of a\n5 | A | 0 | a5\n2 | A | 0 | a late\n9 | A | 0 | a9\n",
    );
    let b = TestFile::new("3 | A | 1 | b3\n5 | A | 1 | b5\n6 | A | 1 | b6\n");
    let input = b"4 | A | 2 | pipe4";
    let output = run(&["--width=50", "--no-time", &a.name(), &b.name(), "-"], input);
    assert!(output.status.success());
    let words: Vec<_> = text(&output.stdout)
        .lines()
        .filter_map(|row| row.split('│').map(str::trim).rfind(|cell| !cell.is_empty()))
        .filter(|cell| !cell.contains('─'))
        .collect();
    assert_eq!(words, ["a1", "words of a", "b3", "pipe4", "a5", "a late", "b5", "b6", "a9"]);
}

#[test]
fn a_pipe_among_files_is_shown_as_it_comes() {
    let file = TestFile::new("1 | A | 0 | first\n3 | A | 0 | third\n5 | A | 0 | fifth\n");
    let mut child =
        pretty(&["--no-time", "--width=40", "--window=1h", &file.name(), "-"]).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut rows = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    // What the pipe says next could come before everything: within the window it is waited for.
    input.write_all(b"2 | A | 0 | second\n").unwrap();
    assert!(rows.next().unwrap().contains("─0─"));
    assert_eq!(rows.next().unwrap(), "A│first");
    assert_eq!(rows.next().unwrap(), "A│second");
    interrupt(&child);
    input.write_all(b"4 | A | 0 | fourth\n").unwrap();
    assert_eq!(rows.next().unwrap(), "A│third");
    assert_eq!(rows.next().unwrap(), "A│fourth");
    drop(input);
    assert_eq!(rows.collect::<Vec<_>>(), ["A│fifth"]);
    assert!(child.wait().unwrap().success());
}

#[test]
fn repeated_interrupts_end_a_merge_too() {
    let file = TestFile::new("1 | A | 0 | first\n");
    let mut child = pretty(&[&file.name(), "-"]).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    input.write_all(b"2 | A | 0 | second\n").unwrap();
    output.read_line(&mut String::new()).unwrap();
    assert_eq!(interrupt_until_it_ends(&mut child).code(), Some(130));
}

#[test]
fn followed_files_are_merged_by_time() {
    let a = TestFile::new("1 | A | 0 | a1\n4 | A | 0 | a4\n");
    let b = TestFile::new("2 | A | 1 | b2\n3 | A | 1 | b3\n9 | A | 1 | b");
    let arguments = ["--follow", "--no-time", "--width=40", &a.name(), &b.name()];
    let mut child = pretty(&arguments).spawn().unwrap();
    let rows = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut rows = rows.map(|row| row.trim_matches(['A', '│', ' ']).to_owned());
    let mut next = |count| rows.by_ref().take(count).collect::<Vec<_>>();
    assert_eq!(next(5)[1..], ["a1", "b2", "b3", "a4"]);
    b.append("9\n");
    assert_eq!(next(1), ["b9"]);
    a.append("5 | A | 0 | late\n");
    assert_eq!(next(1), ["late"]);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn d20_packed_files_are_unpacked_whatever_they_are_called() {
    let log = "000001 | VOTE | 0 | from afar\n".repeat(1000);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(log.as_bytes()).unwrap();
    let zstd = ruzstd::encoding::compress_to_vec(
        log.as_bytes(),
        ruzstd::encoding::CompressionLevel::Fastest,
    );
    let plain = run(&[&TestFile::new(&log).name()], b"");
    for packed in [gzip.finish().unwrap(), zstd] {
        let output = run(&[&TestFile::new(&packed).name()], b"");
        assert!(output.status.success());
        assert!(output.stdout == plain.stdout);
        let torn = run(&[&TestFile::new(&packed[..packed.len() - 9]).name()], b"");
        assert_eq!(torn.status.code(), Some(1));
        assert!(text(&torn.stderr).starts_with("pretty: cannot read: "));
    }
}

#[test]
fn d20_a_followed_file_may_grow_shrink_and_be_replaced() {
    let file = TestFile::new("000001 | VOTE | 0 | first\n");
    let mut child = pretty(&["--follow", "--width=40", &file.name()]).spawn().unwrap();
    let mut rows = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut next = || rows.next().unwrap().replace(['─', '┬'], "");
    assert_eq!(next(), "10ms0");
    assert_eq!(next(), "     1 VOTE│first");
    file.append("000002 | VOTE | 0 | sec");
    file.append("ond\n");
    assert_eq!(next(), "     2 VOTE│second");
    std::fs::write(file.path(), "000003 | VOTE | 0 | cut\n").unwrap();
    assert_eq!(next(), "     3 VOTE│cut");
    std::fs::rename(file.path(), file.directory.path().join("a.log.1")).unwrap();
    std::fs::write(file.path(), "000004 | VOTE | 0 | a new file\n").unwrap();
    assert_eq!(next(), "     4 VOTE│a new file");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn d01_nothing_has_to_be_asked_for() {
    let output = run(&[], b"000001 | VOTE | 2 | x\n");
    assert!(output.status.success());
    assert!(text(&output.stdout).contains("VOTE│x") && output.stderr.is_empty());
}

#[test]
fn d02_the_switches_switch() {
    let log = b"000123 | VOTE | 0 | term=3\n";
    let row = |arguments: &[&str]| {
        let output = run(&[&["--width=40"], arguments].concat(), log);
        assert!(output.status.success());
        text(&output.stdout).lines().last().unwrap().to_owned()
    };
    assert!(row(&["--color=16"]).contains('\x1b'));
    assert_eq!(row(&["--color=16", "--no-color"]), "   123 VOTE│term=3");
    assert_eq!(row(&["--no-time"]), "VOTE│term=3");
    assert_eq!(row(&["--no-time", "--no-color"]), "VOTE│term=3");
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
fn the_manual_and_the_completions_know_the_options() {
    for (what, start) in [("man", ".ie"), ("bash", "_pretty()"), ("zsh", "#compdef pretty")] {
        let output = run(&["--generate", what], b"");
        assert!(output.status.success());
        let text = text(&output.stdout);
        assert!(text.starts_with(start), "{what}: {text:.100}");
        assert!(text.contains("follow") && text.contains("print"), "{what}");
    }
    let manual = run(&["--generate=man"], b"");
    assert!(text(&manual.stdout).contains("columns while the test runs"), "the examples as well");
}

#[test]
fn nothing_in_nothing_out() {
    let output = run(&[], b"");
    assert!(output.status.success());
    assert_eq!(text(&output.stdout), "");
}

#[test]
fn a_page_for_a_browser() {
    let output = run(&["--export", "html"], b"000001 | VOTE | 0 | 1 < 2\n");
    assert!(output.status.success());
    let page = text(&output.stdout);
    assert!(
        page.starts_with("<!doctype html>") && page.contains("1\tVOTE\t0\t1 &lt; 2\n"),
        "{page}"
    );
}

#[test]
fn filters_that_leave_nothing_are_mentioned() {
    let log = b"000001 | VOTE | 0 | x\nPASS\n";
    let output = run(&["--grep", "y"], log);
    assert!(output.status.success());
    assert_eq!(text(&output.stderr), "pretty: 0 of 1 events passed the filters\n");
    assert_eq!(text(&run(&["--just", "vote"], log).stderr), "");
    assert_eq!(text(&run(&["--just", "vote"], b"PASS\n").stderr), "");
}

#[test]
fn names_the_log_does_not_have_are_mentioned() {
    let log = b"1 | VOTE | 0 | x\n2 | LEAD | C10 | y\n3 | TEST | - | z\nPASS\n";
    for (arguments, mentioned) in [
        (&["-j", "votes,lead"][..], "--just: the log has no topic votes; did you mean VOTE?"),
        (&["-i", "NOPE"], "--ignore: the log has no topic NOPE; topics: LEAD, TEST, VOTE"),
        (&["--peers", "S0,S7"], "--peers: the log has no peer S7; peers: 0, -, C10"),
        (
            &["--peers", "c11", "--export=html"],
            "--peers: the log has no peer c11; did you mean C10?",
        ),
    ] {
        let output = run(arguments, log);
        assert!(output.status.success());
        let first = text(&output.stderr).lines().next();
        assert_eq!(first, Some(&*format!("pretty: {mentioned}")), "{arguments:?}");
    }
    for met in [&["-j", "VOTE,lead", "-i", "test"][..], &["--peers", "s0,-,c10"], &["-j", "x"]] {
        let log = if met[1] == "x" { &b"PASS\n"[..] } else { log };
        assert_eq!(text(&run(met, log).stderr), "", "{met:?}");
    }
}

#[test]
fn a_diagram_of_a_range() {
    let log = "\
        000100.000 | STATE | 1 | becomes leader term=3 role=leader\n\
        000150.000 | RPC | 1 | sends AppendEntries to=0 id=1.1\n\
        000151.000 | RPC | 0 | receives AppendEntries from=1 id=1.1\n\
        --- FAIL: it broke\n\
        000300.000 | CMIT | 1 | far later\n";
    let output = run(&["--export", "svg", "-s", "120ms", "-u", "200ms"], log.as_bytes());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let svg = text(&output.stdout);
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
    assert!(svg.contains("AppendEntries 1 → 0") && svg.contains("it broke"), "{svg}");
    assert!(svg.contains(">L3</text>"), "the state before the range holds in it: {svg}");
    assert!(!svg.contains("far later") && !svg.contains("becomes leader"), "{svg}");
    let long: String = (0..500).map(|at| format!("{at}.0 | A | 0 | x\n")).collect();
    let output = run(&["--export", "svg"], long.as_bytes());
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(error.contains("500 events") && error.contains("-s, -u"), "{error}");
    assert_eq!(text(&output.stdout), "");
}
