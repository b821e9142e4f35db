//! Sources that come as they like: pipes, files that grow, are not there yet, or are packed.
//!
//! Nothing here depends on the speed of the machine: a window is so short that its end is only
//! waited for, or so long that it never ends.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail them")]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

use tempfile::TempDir;

/// A directory for the sources of a test, and the program that reads them.
struct Sources(TempDir);

impl Sources {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn pipes(&self, names: &[&str]) {
        let paths = names.iter().map(|name| self.path(name));
        assert!(Command::new("mkfifo").args(paths).status().unwrap().success());
    }

    /// Opens a pipe for writing, which takes until the program reads it.
    fn write_to(&self, name: &str) -> File {
        File::options().write(true).open(self.path(name)).unwrap()
    }

    fn append(&self, name: &str, text: &str) {
        let path = self.path(name);
        let mut file = File::options().append(true).create(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    /// Starts the program in the directory.
    fn start(&self, arguments: &str) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pretty"));
        command.args(["--no-time", "--width=40", "--no-config"]).args(arguments.split(' '));
        command.current_dir(self.0.path()).env_clear().stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let rows = BufReader::new(child.stdout.take().unwrap());
        let errors = BufReader::new(child.stderr.take().unwrap());
        Running { child, rows, errors }
    }
}

struct Running {
    child: Child,
    rows: BufReader<ChildStdout>,
    errors: BufReader<ChildStderr>,
}

impl Running {
    /// The text of the next event.
    fn next(&mut self) -> String {
        loop {
            let mut row = String::new();
            assert!(self.rows.read_line(&mut row).unwrap() > 0, "the output has ended");
            if !row.contains('─') {
                return row.trim_matches(['A', '│', ' ', '\n']).to_owned();
            }
        }
    }

    fn next_error(&mut self) -> String {
        let mut row = String::new();
        self.errors.read_line(&mut row).unwrap();
        row
    }

    fn interrupt(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    }

    /// Waits for the end: the texts that are left, and the exit status.
    fn end(mut self) -> (Vec<String>, Option<i32>) {
        drop(self.child.stdin.take());
        let mut rest = String::new();
        self.rows.read_to_string(&mut rest).unwrap();
        let rows = rest.lines().filter(|row| !row.contains('─'));
        let rows = rows.map(|row| row.trim_matches(['A', '│', ' ']).to_owned()).collect();
        (rows, self.child.wait().unwrap().code())
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn a_silent_source_holds_nothing_back() {
    for follow in ["", "-f "] {
        let sources = Sources::new();
        sources.pipes(&["a", "silent", "unopened"]);
        sources.append("file", "3 | A | 0 | from the file\n");
        let mut running = sources.start(&format!("{follow}--window=20ms a silent unopened file"));
        let mut a = sources.write_to("a");
        let _silent = sources.write_to("silent");
        assert_eq!(running.next(), "from the file");
        a.write_all(b"4 | A | 0 | first\n").unwrap();
        assert_eq!(running.next(), "first");
        a.write_all(b"5 | A | 0 | second\n").unwrap();
        assert_eq!(running.next(), "second");
        running.kill();
    }
}

#[test]
fn within_the_window_lines_come_in_the_order_of_time() {
    let sources = Sources::new();
    sources.pipes(&["a", "b"]);
    let mut running = sources.start("--window=1h a b");
    let (mut a, mut b) = (sources.write_to("a"), sources.write_to("b"));
    a.write_all(b"2 | A | 0 | two\n4 | A | 0 | four\n").unwrap();
    b.write_all(b"1 | A | 1 | one\n").unwrap();
    assert_eq!(running.next(), "one");
    b.write_all(b"3 | A | 1 | three\n9 | A | 1 | nine\n").unwrap();
    assert_eq!([running.next(), running.next(), running.next()], ["two", "three", "four"]);
    // A source that has ended is not waited for.
    drop(a);
    assert_eq!(running.next(), "nine");
    drop(b);
    assert_eq!(running.end(), (Vec::new(), Some(0)));
}

/// Pipes that are written without a pause, as by `zcat`.
#[test]
fn pipes_of_whole_logs_are_merged_exactly() {
    let sources = Sources::new();
    sources.pipes(&["a", "b"]);
    let running = sources.start("--window=1h a b");
    let log = |from: u32| -> String {
        (from..30_000).step_by(2).map(|at| format!("{at} | A | 0 | line {at}\n")).collect()
    };
    let writers = ["a", "b"].into_iter().zip(0..).map(|(name, from)| {
        let mut pipe = sources.write_to(name);
        std::thread::spawn(move || pipe.write_all(log(from).as_bytes()).unwrap())
    });
    let writers: Vec<_> = writers.collect();
    let (rows, status) = running.end();
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    assert_eq!(status, Some(0));
    let expected: Vec<_> = (0..30_000).map(|at| format!("line {at}")).collect();
    assert!(rows == expected, "{} rows", rows.len());
}

#[test]
fn a_file_that_is_not_there_yet_is_waited_for() {
    let sources = Sources::new();
    sources.append("a", "1 | A | 0 | here\n");
    let mut running = sources.start("-f --window=20ms later a");
    assert_eq!(running.next_error(), "pretty: later is not there yet: waiting for it\n");
    assert_eq!(running.next(), "here");
    sources.append("later", "2 | A | 1 | came ");
    sources.append("later", "later\n");
    assert_eq!(running.next(), "came later");
    // It is replaced, and the next one comes later again.
    fs::rename(sources.path("later"), sources.path("old")).unwrap();
    sources.append("a", "5 | A | 0 | meanwhile\n");
    assert_eq!(running.next(), "meanwhile");
    sources.append("later", "3 | A | 1 | another\n");
    assert_eq!(running.next(), "another");
    running.kill();
}

#[test]
fn a_named_pipe_may_have_one_writer_after_the_other() {
    let sources = Sources::new();
    sources.pipes(&["a"]);
    let mut running = sources.start("-f --window=20ms a");
    for text in ["first", "second", "third"] {
        let mut pipe = sources.write_to("a");
        pipe.write_all(format!("1 | A | 0 | {text}\n").as_bytes()).unwrap();
        drop(pipe);
        assert_eq!(running.next(), text);
    }
    running.kill();
}

/// Standard input, packed files, what a shell's `<(…)` gives.
#[test]
fn what_has_an_end_ends_also_when_it_is_followed() {
    let sources = Sources::new();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(b"1 | A | 0 | packed\n").unwrap();
    fs::write(sources.path("a.gz"), gzip.finish().unwrap()).unwrap();
    let mut running = sources.start("-f --window=1h a.gz -");
    running.child.stdin.as_mut().unwrap().write_all(b"2 | A | 1 | typed").unwrap();
    assert_eq!(running.end(), (vec!["packed".to_owned(), "typed".to_owned()], Some(0)));
}

#[test]
fn a_source_that_breaks_is_named_and_the_others_go_on() {
    let sources = Sources::new();
    fs::write(sources.path("broken.gz"), b"\x1f\x8b\x08\0\0\0\0\0\0\0broken").unwrap();
    let mut running = sources.start("--window=1h broken.gz -");
    let error = running.next_error();
    assert!(error.starts_with("pretty: cannot read: broken.gz: "), "{error}");
    let input = running.child.stdin.as_mut().unwrap();
    input.write_all(b"2 | A | 1 | goes on\n").unwrap();
    assert_eq!(running.end(), (vec!["goes on".to_owned()], Some(1)));
}

#[test]
fn an_interrupt_shows_what_waits_for_other_lines() {
    let sources = Sources::new();
    sources.pipes(&["a", "b"]);
    let mut running = sources.start("-f --window=1h a b");
    let (mut a, mut b) = (sources.write_to("a"), sources.write_to("b"));
    a.write_all(b"2 | A | 0 | two\n").unwrap();
    b.write_all(b"1 | A | 0 | one\n").unwrap();
    assert_eq!(running.next(), "one");
    running.interrupt();
    assert_eq!(running.end(), (vec!["two".to_owned()], Some(130)));
}

#[test]
fn packed_by_foreign_programs_or_in_utf_16() {
    let sources = Sources::new();
    fs::write(sources.path("a.xz"), b"\xfd7zXZ\0\0\x04").unwrap();
    let mut running = sources.start("a.xz");
    let error = running.next_error();
    assert_eq!(
        error,
        "pretty: cannot read: a.xz: packed with xz; unpack it: xz -dc FILE | pretty\n"
    );
    assert_eq!(running.end().1, Some(1));
    let text = "\u{feff}1 | A | 0 | from Windows é\r\n";
    let bytes: Vec<_> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(sources.path("wide.log"), &bytes).unwrap();
    for source in ["wide.log", "-", "wide.log wide.log", "-f -"] {
        let mut running = sources.start(source);
        running.child.stdin.as_mut().unwrap().write_all(&bytes).unwrap();
        assert_eq!(running.end().0[0], "from Windows é", "{source}");
    }
}
