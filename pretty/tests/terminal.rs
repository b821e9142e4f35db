//! The program on a pseudo-terminal.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail them")]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// The user's side of a terminal.
struct Screen {
    user: File,
    seen: String,
}

impl Screen {
    /// A terminal of this size, and a handle to it for the program.
    fn new(columns: u16, rows: u16) -> (Self, File) {
        let user: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&user).unwrap();
        unlockpt(&user).unwrap();
        let name = ptsname(&user, Vec::new()).unwrap().into_string().unwrap();
        let program = File::options().read(true).write(true).open(name).unwrap();
        let screen = Self { user: user.into(), seen: String::new() };
        screen.resize(columns, rows);
        (screen, program)
    }

    fn resize(&self, columns: u16, rows: u16) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.user, size).unwrap();
    }

    /// Reads until `text` has appeared since the last call; returns what has. What never comes
    /// must not be waited for for ever: after a minute the test fails with the text so far.
    fn wait_for(&mut self, text: &str) -> String {
        let mut bytes = [0; 4096];
        while !self.seen.contains(text) {
            assert!(self.has_more(), "{text:?} has not appeared in {:?}", self.seen);
            let count = self.user.read(&mut bytes).unwrap();
            self.seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
        std::mem::take(&mut self.seen)
    }

    /// The same for a whole frame: otherwise only what is new on the screen is drawn, and
    /// words come in pieces.
    fn wait_for_frame(&mut self, text: &str) -> String {
        let start = Instant::now();
        loop {
            self.press("\x0c");
            let all = self.wait_for("close");
            if all.contains(text) {
                return all;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "no {text:?} in {all:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits for something to read; a program that is silent for so long has stopped.
    fn has_more(&self) -> bool {
        let mut files = [PollFd::new(&self.user, PollFlags::IN)];
        let timeout = Timespec { tv_sec: 60, tv_nsec: 0 };
        poll(&mut files, Some(&timeout)).is_ok_and(|ready| ready > 0)
    }

    fn press(&mut self, keys: &str) {
        self.user.write_all(keys.as_bytes()).unwrap();
    }
}

fn pretty(arguments: &[&str], input: Stdio, terminal: &File) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pretty"));
    command.args(arguments).env_clear().env("TERM", "xterm-256color").env("COLORFGBG", "15;0");
    command.stdin(input).stdout(terminal.try_clone().unwrap()).stderr(Stdio::null());
    command.spawn().unwrap()
}

#[test]
fn the_layout_follows_the_terminal() {
    let (mut screen, terminal) = Screen::new(60, 24);
    let mut child = pretty(&["--color=never"], Stdio::piped(), &terminal);
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"000001 | VOTE | 0 | before\n").unwrap();
    let seen = screen.wait_for("before\r\n");
    assert!(seen.lines().any(|row| row.chars().count() == 60), "{seen}");
    screen.resize(40, 24);
    input.write_all(b"000002 | VOTE | 0 | after\n").unwrap();
    let seen = screen.wait_for("after\r\n");
    assert!(seen.lines().all(|row| row.chars().count() <= 40), "{seen}");
    assert!(seen.lines().any(|row| row.chars().count() == 40), "{seen}");
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_view_opens_and_leaves_the_screen_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.log");
    std::fs::write(&file, "000001 | VOTE | 0 | hello\npanic: y\n").unwrap();
    let (mut screen, terminal) = Screen::new(60, 10);
    let input = Stdio::from(terminal.try_clone().unwrap());
    let mut child = pretty(&["--tui", file.to_str().unwrap()], input, &terminal);
    assert!(screen.wait_for("hello").contains("\x1b[?1049h"));
    screen.press("?");
    // Only cells that change are written, so what to wait for must be new altogether.
    screen.wait_for("keys");
    screen.press("q");
    screen.wait_for("\x1b[?1049l");
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_terminal_is_asked_for_its_background() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.log");
    std::fs::write(&file, "000001 | VOTE | 0 | hello\n").unwrap();
    for (background, code) in
        [("0000/0000/0000", "38;2;103;160;178"), ("ffff/ffff/ffff", "38;2;71;124;140")]
    {
        let (mut screen, terminal) = Screen::new(60, 10);
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait", env!("CARGO_BIN_EXE_pretty"), "--no-config"]).arg(&file);
        command.env_clear().env("PATH", "/usr/bin:/bin");
        command.env("TERM", "xterm").env("COLORTERM", "truecolor").stderr(Stdio::null());
        command.stdin(terminal.try_clone().unwrap()).stdout(terminal);
        let mut child = command.spawn().unwrap();
        // The question every terminal answers comes last.
        let seen = screen.wait_for("\x1b[c");
        assert!(seen.contains("\x1b]11;?"), "{seen:?}");
        let text = if background.starts_with('0') { "ffff/ffff/ffff" } else { "0000/0000/0000" };
        screen.press(&format!("\x1b]10;rgb:{text}\x1b\\\x1b]11;rgb:{background}\x1b\\\x1b[?1;2c"));
        let seen = screen.wait_for("hello");
        assert!(seen.contains(code), "{background}: {seen:?}");
        assert!(child.wait().unwrap().success());
    }
}

/// Runs the program on a terminal with a log of a thousand lines and a pager.
fn page(pager: &str) -> (Screen, Child) {
    let (screen, terminal) = Screen::new(60, 10);
    let script = "seq -f '1 | VOTE | 0 | line %g' 1000 | \"$PRETTY\" --no-config --color=16";
    let mut command = Command::new("sh");
    command.args(["-c", script]).env_clear().env("PATH", "/usr/bin:/bin");
    command.env("TERM", "xterm").env("PRETTY", env!("CARGO_BIN_EXE_pretty"));
    command.env("PRETTY_PAGER", pager).stderr(terminal.try_clone().unwrap()).stdout(terminal);
    (screen, command.stdin(Stdio::null()).spawn().unwrap())
}

#[test]
fn a_pager_shows_the_output_when_asked_for() {
    let (mut screen, mut child) = page("tr a-z A-Z");
    let seen = screen.wait_for("LINE 1000");
    assert!(seen.contains("\x1b[36MVOTE"), "in colours, as on the terminal itself: {seen:?}");
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_pager_may_be_left_early() {
    let (mut screen, mut child) = page("head -n 3; echo that is all");
    let seen = screen.wait_for("that is all");
    assert!(seen.contains("line 2") && !seen.contains("line 3"), "{seen:?}");
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_pager_that_is_not_there_is_named() {
    let (mut screen, mut child) = page("no-such-pager");
    let seen = screen.wait_for("set --pager or PRETTY_PAGER");
    assert!(seen.contains("pretty: pager `no-such-pager`"), "{seen:?}");
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn without_a_command_there_is_no_pager() {
    let (mut screen, mut child) = page("");
    screen.wait_for("line 1000");
    assert!(child.wait().unwrap().success());
}

/// The view of a file of its own, and the program that shows it.
fn open_view(log: &str, editor: &str) -> (tempfile::TempDir, Screen, Child) {
    open_files(&[("a.log", log.as_bytes())], editor)
}

fn open_files(logs: &[(&str, &[u8])], editor: &str) -> (tempfile::TempDir, Screen, Child) {
    let directory = tempfile::tempdir().unwrap();
    let file = |(name, log): &(&str, &[u8])| {
        let file = directory.path().join(name);
        std::fs::write(&file, log).unwrap();
        file
    };
    let files: Vec<_> = logs.iter().map(file).collect();
    let (screen, terminal) = Screen::new(120, 10);
    let mut command = Command::new(env!("CARGO_BIN_EXE_pretty"));
    command
        .arg("--tui")
        .args(files)
        .env_clear()
        .env("TERM", "xterm-256color")
        .env("COLORFGBG", "15;0");
    command.env("PATH", "/usr/bin:/bin").env("EDITOR", editor).stderr(Stdio::null());
    command.stdin(terminal.try_clone().unwrap()).stdout(terminal);
    let child = command.spawn().unwrap();
    (directory, screen, child)
}

#[test]
fn suspended_it_gives_the_terminal_back() {
    let (_folder, mut screen, mut child) = open_view("000001 | VOTE | 0 | hello\n", "");
    screen.wait_for("hello");
    screen.press("\x1a");
    let seen = screen.wait_for("\x1b[?1049l");
    assert!(seen.contains("\x1b[?1000l"), "the mouse as well: {seen:?}");
    let stat = format!("/proc/{}/stat", child.id());
    while !std::fs::read_to_string(&stat).unwrap().contains(") T ") {
        std::thread::yield_now();
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-CONT", &id]).status().unwrap().success());
    assert!(screen.wait_for("hello").contains("\x1b[?1049h"));
    screen.press("q");
    screen.wait_for("\x1b[?1049l");
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_editor_gets_the_line_and_the_clipboard_the_text() {
    let log = "000001 | VOTE | 0 | hello\n000002 | VOTE | 0 | world\n";
    let (_folder, mut screen, mut child) = open_view(log, "echo opens");
    screen.wait_for("world");
    screen.press("jo");
    let seen = screen.wait_for("world");
    assert!(seen.contains("opens +2 /"), "{seen:?}");
    screen.press("y");
    // `000002 | VOTE | 0 | world` in base64.
    screen.wait_for("\x1b]52;c;MDAwMDAyIHwgVk9URSB8IDAgfCB3b3JsZA==\x1b\\");
    screen.press("q");
    assert!(child.wait().unwrap().success());
}

/// Of merged files the editor gets the one the line is from, and its place there.
#[test]
fn the_editor_gets_the_file_the_line_is_from() {
    let logs: [(&str, &[u8]); 2] = [
        ("a.log", b"000001 | VOTE | 0 | one\n000004 | VOTE | 0 | four\n"),
        ("b.log", b"000002 | VOTE | 1 | two\n000003 | VOTE | 1 | three\n"),
    ];
    let (_folder, mut screen, mut child) = open_files(&logs, "echo opens");
    screen.wait_for("four");
    screen.press("jjo");
    let seen = screen.wait_for("b.log");
    assert!(seen.contains("opens +2 /") && !seen.contains("a.log"), "{seen:?}");
    screen.press("q");
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_packed_file_is_not_opened_in_an_editor() {
    let mut encoder = Command::new("gzip");
    encoder.arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut encoder = encoder.spawn().unwrap();
    std::io::Write::write_all(&mut encoder.stdin.take().unwrap(), b"1 | VOTE | 0 | hello\n")
        .unwrap();
    let log = encoder.wait_with_output().unwrap().stdout;
    let (_folder, mut screen, mut child) = open_files(&[("a.log.gz", &log)], "echo opens");
    screen.wait_for("hello");
    screen.press("o");
    let seen = screen.wait_for("packed");
    assert!(!seen.contains("opens +"), "{seen:?}");
    screen.press("q");
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_pipe_can_be_browsed_on_a_screen_that_shrinks() {
    let (mut screen, terminal) = Screen::new(60, 20);
    let script =
        format!("seq -f '1 | VOTE | 0 | line %g' 50 | {} --tui", env!("CARGO_BIN_EXE_pretty"));
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait", "sh", "-c", &script]).env_clear();
    command.env("COLORFGBG", "15;0");
    command.env("PATH", "/usr/bin:/bin").env("TERM", "xterm-256color").stderr(Stdio::null());
    command.stdin(terminal.try_clone().unwrap()).stdout(terminal);
    let mut child = command.spawn().unwrap();
    screen.wait_for("line 12");
    screen.press("/line 44$\r");
    screen.wait_for("1/1");
    screen.resize(20, 5);
    let seen = screen.wait_for("44/50");
    assert!(!seen.contains("line 12"), "{seen:?}");
    screen.press("g");
    screen.wait_for("line");
    screen.press("q");
    screen.wait_for("\x1b[?1049l");
    assert!(child.wait().unwrap().success());
}

fn end(mut child: Child, screen: &mut Screen) {
    screen.press("q");
    screen.wait_for("\x1b[?1049l");
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_view_follows_a_file_that_grows_is_truncated_and_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.log");
    std::fs::write(&path, "000001 | VOTE | 0 | first\n000002 | VOTE | 0 | begun").unwrap();
    let (mut screen, terminal) = Screen::new(120, 10);
    let arguments = ["--tui", "-f", path.to_str().unwrap()];
    let child = pretty(&arguments, Stdio::from(terminal.try_clone().unwrap()), &terminal);
    screen.wait_for_frame("first");
    let append = |text: &str| {
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    };
    append(" and-ended\n");
    screen.wait_for_frame("and-ended");
    append("000003 | VOTE | 0 | not-ended");
    // Its writer may be gone: it is shown after a while nevertheless.
    screen.wait_for_frame("not-ended");
    std::fs::write(&path, "000004 | VOTE | 0 | anew\n").unwrap();
    let seen = screen.wait_for_frame("truncated");
    assert!(!seen.contains("no longer"), "{seen:?}");
    screen.wait_for_frame("anew");
    std::fs::rename(&path, directory.path().join("a.log.1")).unwrap();
    std::fs::write(&path, "000005 | VOTE | 0 | replaced\n").unwrap();
    screen.wait_for_frame("replaced");
    end(child, &mut screen);
}

#[test]
fn several_files_are_followed_in_the_view() {
    let directory = tempfile::tempdir().unwrap();
    let paths = ["a.log", "b.log"].map(|name| directory.path().join(name));
    for path in &paths {
        std::fs::write(path, "000001 | VOTE | 0 | begins\n").unwrap();
    }
    let (mut screen, terminal) = Screen::new(120, 10);
    let [a, b] = paths.each_ref().map(|path| path.to_str().unwrap());
    let input = Stdio::from(terminal.try_clone().unwrap());
    let child = pretty(&["--tui", "-f", a, b], input, &terminal);
    screen.wait_for("begins");
    let mut file = File::options().append(true).open(&paths[1]).unwrap();
    file.write_all(b"000002 | VOTE | 1 | from-the-second\n").unwrap();
    screen.wait_for_frame("from-the-second");
    end(child, &mut screen);
}

#[test]
fn lines_of_a_truncated_file_are_shown_as_gone() {
    let lines = (0..5000).map(|at| format!("{at:06} | VOTE | 0 | line-{at}\n"));
    let (directory, mut screen, child) = open_view(&lines.collect::<String>(), "");
    screen.wait_for_frame("/5000");
    File::options().write(true).open(directory.path().join("a.log")).unwrap().set_len(0).unwrap();
    screen.press("G");
    screen.wait_for_frame("longer");
    screen.press("gs%z/line\r");
    screen.wait_for_frame("/line –/0");
    end(child, &mut screen);
}

#[test]
fn a_signal_that_ends_the_view_gives_the_terminal_back() {
    use std::os::unix::process::ExitStatusExt as _;
    let (_folder, mut screen, mut child) = open_view("000001 | VOTE | 0 | hello\n", "");
    screen.wait_for("hello");
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let seen = screen.wait_for("\x1b[?1049l");
    assert!(seen.contains("\x1b[?1000l"), "the mouse as well: {seen:?}");
    assert_eq!(child.wait().unwrap().signal(), Some(15));
}

#[test]
fn later_lines_of_a_pipe_are_shown_as_they_come() {
    let directory = tempfile::tempdir().unwrap();
    let (mut screen, terminal) = Screen::new(120, 10);
    let script = format!(
        "(echo early; while [ ! -e go ]; do sleep 0.02; done; echo later) | {} --tui",
        env!("CARGO_BIN_EXE_pretty")
    );
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait", "sh", "-c", &script]).env_clear().current_dir(&directory);
    command.env("PATH", "/usr/bin:/bin").env("TERM", "xterm-256color").stderr(Stdio::null());
    command.stdin(terminal.try_clone().unwrap()).stdout(terminal);
    let child = command.spawn().unwrap();
    screen.wait_for("early");
    std::fs::write(directory.path().join("go"), "").unwrap();
    screen.wait_for("later");
    end(child, &mut screen);
}
