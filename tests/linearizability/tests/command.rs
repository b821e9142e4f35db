//! The program from outside: verdicts, pictures, exit codes, bad input.

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn run(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_linearizability"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it was built");
    let mut stdin = child.stdin.take().expect("it is a pipe");
    // Bad arguments end the program before it reads.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A stale read after a Put that overwrote its value, with an Append without an answer.
const STALE: &str = r#"{"client":1,"key":"x","op":"put","value":"a","call":10,"return":25}
{"client":2,"key":"x","op":"get","result":"a","call":12,"return":30}
{"client":3,"key":"x","op":"append","value":"b","call":14}
{"client":1,"key":"x","op":"put","value":"c","call":40,"return":45}
{"client":2,"key":"x","op":"get","result":"a","call":50,"return":60}
{"client":2,"key":"y","op":"get","result":"","call":50,"return":60}
"#;

#[test]
fn a_stale_read_is_drawn() {
    let output = run(&["-"], STALE);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(stdout(&output));
    let wide = run(&["-", "--width", "120"], STALE);
    assert!(stdout(&wide).lines().any(|line| line.chars().count() > 100));
    let narrow = stdout(&run(&["-", "--width", "40"], STALE));
    assert!(narrow.lines().skip(1).all(|line| line.chars().count() <= 40), "{narrow}");
    let quiet = stdout(&run(&["-", "--quiet"], STALE));
    assert_eq!(quiet, "-: not linearizable: 6 calls, 2 keys: 1 yes, 1 no, 0 unknown\n");
}

#[test]
fn the_order_of_lines_does_not_matter() {
    let mut lines: Vec<&str> = STALE.lines().collect();
    let expected = stdout(&run(&["-"], STALE));
    for _ in 0..lines.len() {
        lines.rotate_left(1);
        assert_eq!(stdout(&run(&["-"], &lines.join("\n"))), expected);
    }
    lines.reverse();
    assert_eq!(stdout(&run(&["-"], &lines.join("\n"))), expected);
}

#[test]
fn a_call_may_be_written_in_two_lines() {
    let lines = r#"{"id":1,"client":"a","key":"x","op":"put","value":"1","call":1}
{"id":2,"client":"b","key":"x","op":"get","call":3}
{"id":2,"return":4,"result":"1"}
"#;
    let output = run(&["-"], lines);
    assert_eq!(stdout(&output), "-: linearizable: 2 calls, 1 key: 1 yes, 0 no, 0 unknown\n");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn every_model_reads_its_calls() {
    for (model, lines, code) in [
        (
            "register",
            r#"{"op":"write","value":1,"call":1,"return":2}
{"op":"cas","from":1,"value":[2],"result":true,"call":3,"return":4}
{"op":"cas","from":1,"value":3,"result":false,"call":5,"return":6}
{"op":"read","result":[2],"call":7,"return":8}"#,
            0,
        ),
        (
            "register",
            r#"{"op":"write","value":1,"before":null,"call":1,"return":2}
{"op":"cas","from":1,"value":2,"before":1,"call":3,"return":4}"#,
            0,
        ),
        ("register", r#"{"op":"cas","from":1,"value":2,"before":1,"call":3,"return":4}"#, 1),
        ("register", r#"{"op":"read","result":null,"call":7,"return":8}"#, 0),
        ("register", r#"{"op":"read","result":0,"call":7,"return":8}"#, 1),
        (
            "kv",
            r#"{"op":"cas","from":"","value":"b","before":"","call":3,"return":4}
{"op":"get","result":"b","call":7,"return":8}"#,
            0,
        ),
        (
            "versioned",
            r#"{"op":"put","value":"a","version":0,"err":"OK","call":1,"return":2}
{"op":"put","value":"b","version":1,"err":"ErrMaybe","call":3,"return":4}
{"op":"put","value":"c","version":0,"err":"ErrVersion","call":5,"return":6}
{"op":"get","result":"b","version":2,"err":"OK","call":7,"return":8}"#,
            0,
        ),
        (
            "versioned",
            r#"{"op":"put","value":"a","version":1,"err":"ErrNoKey","call":1,"return":2}
{"op":"get","err":"ErrNoKey","call":7,"return":8}"#,
            0,
        ),
        (
            "versioned",
            r#"{"op":"put","value":"a","version":0,"err":"OK","call":1,"return":2}
{"op":"get","err":"ErrNoKey","call":7,"return":8}"#,
            1,
        ),
    ] {
        let output = run(&["--model", model, "-"], lines);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{lines}: {}{}",
            stdout(&output),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn what_is_not_found_out_is_said() {
    let line = |n: usize| {
        format!(r#"{{"client":{n},"op":"append","value":"{}","call":1,"return":100}}"#, n % 3)
    };
    let mut lines: Vec<String> = (0..30).map(line).collect();
    lines.push(format!(
        r#"{{"op":"get","result":"{}","call":101,"return":102}}"#,
        "012".repeat(9) + "222"
    ));
    let output = run(&["-", "--steps", "50"], &lines.join("\n"));
    assert_eq!(output.status.code(), Some(3));
    let text = stdout(&output);
    assert!(text.contains("0 yes, 0 no, 1 unknown") && text.contains("--steps"), "{text}");
    let nothing = run(&["-"], "");
    assert_eq!(nothing.status.code(), Some(4));
    assert_eq!(stdout(&nothing), "-: nothing checked: the history has no calls\n");
}

#[test]
fn bad_lines_are_named() {
    let good = r#"{"op":"get","result":"a","call":1,"return":2}"#;
    let mut errors = String::new();
    for bad in [
        "nonsense",
        "[1]",
        "{\"op\":",
        r#"{"call":1}"#,
        r#"{"op":"get","call":1,"return":2}"#,
        r#"{"op":"get","call":3,"return":2,"result":"a"}"#,
        r#"{"op":"get","call":1.5,"return":2,"result":"a"}"#,
        r#"{"op":"get","result":"a","call":1}"#,
        r#"{"op":"get","result":7,"call":1,"return":2}"#,
        r#"{"op":"put","value":"a","call":1,"retrun":2}"#,
        r#"{"op":"put","value":"a","call":1,"return":2,"result":"timeout"}"#,
        r#"{"op":"put","call":1,"return":2}"#,
        r#"{"op":"swap","value":"a","call":1}"#,
        r#"{"op":"put","value":"a","return":2}"#,
        r#"{"op":"put","value":"a","call":1,"key":[1]}"#,
        r#"{"mark":"crash","call":1}"#,
        "{\"id\":1,\"op\":\"put\",\"value\":\"a\",\"call\":1}\n{\"id\":1,\"op\":\"put\",\"value\":\"b\",\"call\":2}",
    ] {
        let output = run(&["-"], &format!("{good}\n{bad}\n"));
        assert_eq!(output.status.code(), Some(2), "{bad}");
        errors.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    let mut bytes = Command::new(env!("CARGO_BIN_EXE_linearizability"));
    let missing = bytes.arg("/nonexistent/history").output().expect("it was built");
    assert_eq!(missing.status.code(), Some(2));
    insta::assert_snapshot!(errors);
}

/// `true` without characters that move a cursor, colour a terminal or change the direction of a text.
fn is_harmless(text: &str) -> bool {
    let is_harmless =
        |c: char| c == '\n' || !(c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
    text.chars().all(is_harmless)
}

/// Errors name files, and quote what is wrong with them.
#[test]
fn names_and_lines_in_errors_are_harmless() {
    let directory = tempfile::tempdir().expect("a directory");
    let history = directory.path().join("it's \u{1b}[31m\u{202e}\u{9b}.jsonl");
    let name = history.to_string_lossy();
    let page = format!("{name}/page.html");
    for (lines, more, code) in [
        ("{\"op\":\"\u{202e}\u{9b}\",\"call\":1}", &[][..], 2),
        ("{\"op\":\"get\",\"call\":1,\"\u{202e}\u{9b}\":1}", &[], 2),
        (STALE, &["--html", &page], 2),
        (STALE, &[], 1),
    ] {
        std::fs::write(&history, lines).expect("it is written");
        let output = run(&[&[&*name], more].concat(), "");
        assert_eq!(output.status.code(), Some(code), "{lines}");
        let said = stdout(&output) + &String::from_utf8_lossy(&output.stderr);
        assert!(is_harmless(&said) && said.contains("it's "), "{said:?}");
    }
    let missing = run(&["/nonexistent/\u{1b}[2J"], "");
    assert!(is_harmless(&String::from_utf8_lossy(&missing.stderr)), "{missing:?}");
}

/// Names that would move the cursor, colour the terminal, or run in a browser.
#[test]
fn names_of_others_are_harmless() {
    let evil = r#"</title><script>alert(1)</script>\u001b[31m\u202e\" onload=\"x"#;
    let lines = STALE
        .replace(r#""client":2"#, &format!(r#""client":"{evil}""#))
        .replace(r#""key":"x""#, &format!(r#""key":"{evil}""#))
        .replace(r#"value":"c""#, &format!(r#"value":"{evil}","note":"{evil}""#));
    let lines = format!("{lines}{{\"mark\":\"{evil}\",\"at\":20}}\n");
    for arguments in [&["-"][..], &["-", "--html", "-"]] {
        let output = run(arguments, &lines);
        assert_eq!(output.status.code(), Some(1));
        let text = stdout(&output);
        assert!(is_harmless(&text), "{text:?}");
        if arguments.len() > 1 {
            assert!(!text.contains("<script>alert") && text.matches("<script>").count() == 1);
            assert!(!text.contains("onload=\"") && text.matches("</title>").count() > 1);
        }
    }
}

#[test]
fn the_page_has_all_that_the_picture_has() {
    let lines = format!("{STALE}{}\n", r#"{"mark":"crash of S1","at":26,"until":39}"#);
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("page.html");
    let output = run(&["-", "--html", &path.to_string_lossy()], &lines);
    assert_eq!(output.status.code(), Some(1));
    let page = std::fs::read_to_string(path).expect("it was written");
    for part in [
        "crash of S1",
        "cannot be next",
        "class=\"bar core culprit\"",
        "did not return",
        "key y",
        "linearizable",
        "1 linearizable, <span class=\"bad\">1 not</span>, 0 unknown",
    ] {
        assert!(page.contains(part), "{part} is missing");
    }
    assert!(!page.contains("://"), "it needs nothing from elsewhere");
    let nowhere = run(&["-", "--html", "/nonexistent/page.html"], &lines);
    assert_eq!(nowhere.status.code(), Some(2));
}

/// A pipe that nothing reads from hides no verdict.
#[test]
fn the_verdict_does_not_depend_on_its_reader() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("history.jsonl");
    std::fs::write(&path, STALE).expect("it is written");
    for more in [&[][..], &["--quiet"], &["--html", "-"], &["--html", "/dev/stdout"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_linearizability"));
        let status = command.arg(&path).args(more).stdout(writer).status().expect("it was built");
        assert_eq!(status.code(), Some(1), "{more:?}");
    }
}
