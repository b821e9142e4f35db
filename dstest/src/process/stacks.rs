//! Stacks of every thread of a run that hangs, written into its log before it is ended.
//!
//! A JVM and a program of Go print them by themselves on SIGQUIT. For all others a debugger is asked,
//! where one is installed.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::sys::{self, Pid, Signal};

/// The line before the stacks.
pub(crate) const HEADLINE: &str = "dstest: stacks of all threads at the timeout";

/// The line after them.
pub(crate) const END: &str = "dstest: end of the stacks";

/// Appends the stacks of every process in the group to the log, in `limit` at most.
pub(crate) fn write(group: Pid, log: &Path, limit: Duration) {
    let Ok(mut log) = OpenOptions::new().append(true).open(log) else { return };
    let end = Instant::now() + limit;
    let members = members(group);
    // The log is evidence, not the result: a line that cannot be written is only missing.
    let _ = writeln!(log, "\n{HEADLINE}");
    let is_shell = |member: &&Member| SHELLS.contains(&member.name.as_str());
    let programs: Vec<&Member> = members.iter().filter(|member| !is_shell(member)).collect();
    let shown = if programs.is_empty() { members.iter().collect() } else { programs };
    for member in shown.into_iter().take(PROCESSES_MAX) {
        let _ = writeln!(log, "process {} ({})", member.pid, member.name);
        if member.prints_stacks_itself() {
            sys::signal_process(member.pid, Signal::Dump);
            thread::sleep(PRINT_TIME.min(end.saturating_duration_since(Instant::now())));
        } else if !ask_debugger(member.pid, &log, end) {
            let _ = writeln!(log, "no stacks: neither gdb nor eu-stack (elfutils) can be run");
        }
    }
    let _ = writeln!(log, "{END}");
}

/// A process of the group.
struct Member {
    pid: Pid,
    name: String,
}

impl Member {
    fn prints_stacks_itself(&self) -> bool {
        self.name == "java" || is_go_program(self.pid)
    }
}

/// The processes of a group, as the kernel lists them; none where there is no `/proc`.
fn members(group: Pid) -> Vec<Member> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let member = |entry: fs::DirEntry| {
        let id: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // The name in parentheses may hold anything; state, parent and group follow it.
        let own_group = stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(2)?;
        if own_group != group.to_string() {
            return None;
        }
        let program = fs::read_link(entry.path().join("exe")).ok()?;
        let name = program.file_name()?.to_string_lossy().into_owned();
        Some(Member { pid: Pid::of_child(id)?, name })
    };
    entries.flatten().filter_map(member).collect()
}

/// `true` if the program carries the mark of Go's linker near its beginning.
fn is_go_program(pid: Pid) -> bool {
    let mut start = vec![0; GO_MARK_WITHIN];
    let program = File::open(format!("/proc/{pid}/exe"));
    let read = program.and_then(|mut program| program.read(&mut start)).unwrap_or(0);
    memchr::memmem::find(&start[..read], b"Go build ID:").is_some()
}

/// Lets the first debugger that can be started write; `false` if none can.
fn ask_debugger(pid: Pid, log: &File, end: Instant) -> bool {
    let pid = pid.to_string();
    let mut gdb = Command::new("gdb");
    gdb.args(["-nx", "-batch", "-p", &pid, "-ex", "thread apply all bt 40"]);
    let mut eu_stack = Command::new("eu-stack");
    eu_stack.args(["-p", &pid]);
    [gdb, eu_stack].into_iter().any(|mut debugger| {
        let (Ok(output), Ok(errors)) = (log.try_clone(), log.try_clone()) else { return false };
        let debugger = debugger.stdin(Stdio::null()).stdout(output).stderr(errors);
        debugger.spawn().map(|child| wait(child, end)).is_ok()
    })
}

/// Waits for a debugger, which must not hold up the end of the run.
fn wait(mut child: Child, end: Instant) {
    while let Ok(None) = child.try_wait() {
        if Instant::now() >= end {
            let _ = child.kill();
            let _ = child.wait();
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// The stacks of a shell that waits for its command say nothing.
const SHELLS: [&str; 5] = ["sh", "dash", "bash", "zsh", "busybox"];

/// More processes than this hide each other.
const PROCESSES_MAX: usize = 8;

/// A JVM prints its threads within this time.
const PRINT_TIME: Duration = Duration::from_millis(500);

/// The note with Go's mark is in the first page.
const GO_MARK_WITHIN: usize = 4096;
