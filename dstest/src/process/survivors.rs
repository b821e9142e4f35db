//! Processes that survive their run: those left in its group, and those that have left the group, as
//! daemons do by `setsid`.
//!
//! The latter are known by the private directory in their environment, and on Linux they become children
//! of dstest when their parents end. On other systems they cannot be found.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::process::sys::{self, Pid, Signal};

/// The variable that names a run's private directory.
pub(crate) const RUN_DIR: &str = "DSTEST_RUN_DIR";

/// Processes found in the group of a process that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SurvivingProcesses {
    /// None.
    None,
    /// Some, which have been killed.
    Killed,
}

/// Kills every process left in the group, after a moment for those that are just ending.
pub(crate) fn clean_up(group: Pid) -> SurvivingProcesses {
    if wait_until_empty(group, LEAK_GRACE) {
        return SurvivingProcesses::None;
    }
    // A process that forks while it is being killed can leave a child behind, so kill again.
    for _ in 0..KILL_ROUNDS_MAX {
        sys::signal_group(group, Signal::Kill);
        if wait_until_empty(group, LEAK_GRACE) {
            break;
        }
    }
    SurvivingProcesses::Killed
}

fn wait_until_empty(group: Pid, limit: Duration) -> bool {
    let start = Instant::now();
    let mut pause = Duration::from_micros(200);
    while sys::reap_group(group) {
        if start.elapsed() > limit {
            return false;
        }
        std::thread::sleep(pause);
        pause *= 2;
    }
    true
}

/// The children of dstest that do not belong to a run.
#[derive(Debug)]
pub(crate) struct EscapedProcesses {
    before: Vec<Pid>,
}

impl EscapedProcesses {
    /// Starts to collect orphans: new children of the main thread, since workers start theirs from
    /// threads of their own.
    pub(crate) fn watch() -> Self {
        sys::become_subreaper();
        Self { before: children() }
    }

    /// Kills the orphans with the private directory of a run that is over; returns their number.
    pub(crate) fn end_of_run(&self, dir: &Path) -> usize {
        self.end(|pid| is_of(pid, dir))
    }

    /// Kills every orphan; only when no run is running.
    pub(crate) fn end_all(&self) -> usize {
        self.end(|_| true)
    }

    fn end(&self, is_target: impl Fn(Pid) -> bool) -> usize {
        let start = Instant::now();
        let mut ended = Vec::new();
        // A killed process may leave children of its own, which are adopted then.
        while start.elapsed() < PATIENCE {
            let mut orphans = children();
            orphans.retain(|pid| !self.before.contains(pid) && !sys::reap_if_dead(*pid));
            orphans.retain(|pid| is_target(*pid) || ended.contains(pid));
            if orphans.is_empty() {
                break;
            }
            for pid in orphans {
                sys::signal_process(pid, Signal::Kill);
                if !ended.contains(&pid) {
                    ended.push(pid);
                }
            }
            std::thread::sleep(PAUSE);
        }
        ended.len()
    }
}

/// Kills every process, whatever its parent, whose private directory is below this one.
pub(crate) fn end_everywhere(live: &Path) {
    let start = Instant::now();
    // A process that is just being started has its environment only a moment later.
    let mut empty_rounds = 0;
    while empty_rounds < 3 && start.elapsed() < PATIENCE {
        let found: Vec<Pid> = all().into_iter().filter(|pid| is_of(*pid, live)).collect();
        empty_rounds = if found.is_empty() { empty_rounds + 1 } else { 0 };
        for pid in found {
            // The first process of a run leads its group.
            sys::signal_group(pid, Signal::Kill);
            sys::signal_process(pid, Signal::Kill);
        }
        std::thread::sleep(10 * PAUSE);
    }
}

/// `true` if the process was started with a private directory that is this one or below it.
fn is_of(pid: Pid, dir: &Path) -> bool {
    let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return false };
    let dir = dir.as_os_str().as_encoded_bytes();
    let value = |line: &[u8]| {
        let line = line.strip_prefix(RUN_DIR.as_bytes())?.strip_prefix(b"=")?;
        line.strip_prefix(dir).map(|rest| rest.is_empty() || rest[0] == b'/')
    };
    environment.split(|byte| *byte == 0).find_map(value).unwrap_or(false)
}

/// The children of the main thread, to which the kernel gives orphans.
fn children() -> Vec<Pid> {
    let this = std::process::id();
    let listed = fs::read_to_string(format!("/proc/self/task/{this}/children"));
    let listed = listed.unwrap_or_default();
    listed.split_whitespace().filter_map(pid).collect()
}

fn all() -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| pid(entry.file_name().to_str()?)).collect()
}

fn pid(text: &str) -> Option<Pid> {
    Pid::of_child(text.parse().ok()?)
}

/// The time to try; a process that survives it is stuck in the kernel.
const PATIENCE: Duration = Duration::from_secs(2);

const PAUSE: Duration = Duration::from_millis(1);

/// The time for which processes may outlive the one that started them.
const LEAK_GRACE: Duration = Duration::from_millis(100);

/// After so many rounds a process is stuck in the kernel.
const KILL_ROUNDS_MAX: u32 = 10;
