//! One suite against one canary, in a process of its own: a wrong version may loop for ever or take
//! all memory, and is stopped by the system then.

use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use crate::canary::Subject;
use crate::workspace::VARIABLE;

/// A suite as it is run against a canary.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Suite {
    pub(crate) name: &'static str,
    /// The canaries it hunts.
    pub(crate) subject: Subject,
    /// The program that runs it.
    pub(crate) program: &'static str,
    /// The number of seeds it may take; a model check takes one.
    pub(crate) seeds_max: u64,
}

/// All suites, in the order of the tables' columns: those of the library, the model check, and those
/// of the services.
pub(crate) fn suites() -> Vec<Suite> {
    let (library, services) = (raft_tests::suites::hunts(), services::suites::hunts());
    let hunt = |subject| {
        move |name: &'static str| {
            // A seed of the 40 scenarios of services takes a second, one of their swarm some milliseconds.
            let seeds_max = match name {
                "services" => 20,
                "swarm_services" => 400,
                _ => 100,
            };
            Suite { name, subject, program: "hunt", seeds_max }
        }
    };
    let model = Suite { name: "model", subject: Subject::Library, program: "model", seeds_max: 1 };
    let library = library.into_iter().map(hunt(Subject::Library));
    let services = services.into_iter().map(hunt(Subject::Services));
    library.chain([model]).chain(services).collect()
}

/// The verdict of a hunt.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// A run failed.
    Caught { seeds: u64, seconds: f64, rule: String, by: String },
    /// No run failed.
    Passed { seeds: u64 },
    /// The hunt ended without a verdict in this seed: nothing is known.
    Stopped { seed: u64, cause: Cause },
}

/// The reason why a hunt ended without a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It reached its limit.
    CpuTime,
    Signal(i32),
    ExitCode(i32),
}

/// Limits of a hunt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) seeds: u64,
    cpu_seconds: u64,
}

impl Limits {
    /// The limits of this suite, or those in proportion for another number of seeds.
    pub(crate) fn new(suite: Suite, seeds: Option<u64>) -> Self {
        let seeds = seeds.unwrap_or(suite.seeds_max);
        Self { seeds, cpu_seconds: CPU_SECONDS_MAX * seeds.div_ceil(suite.seeds_max) }
    }
}

impl Outcome {
    pub(crate) const fn is_caught(&self) -> bool {
        matches!(self, Self::Caught { .. })
    }

    /// The verdict on a canary whose bug shows by hanging.
    pub(crate) fn with_hang_caught(self, limits: Limits) -> Self {
        match self {
            Self::Stopped { seed, cause: Cause::CpuTime } => Self::Caught {
                seeds: seed,
                seconds: limits.cpu_seconds as f64,
                rule: "hang".to_owned(),
                by: "limit on CPU time".to_owned(),
            },
            other @ (Self::Caught { .. } | Self::Passed { .. } | Self::Stopped { .. }) => other,
        }
    }
}

/// As a cell of the table.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caught { seeds, seconds, rule, by } => {
                write!(f, "{seeds} · {seconds:.1} s · {rule} ({by})")
            }
            Self::Passed { seeds } => write!(f, "not in {seeds}"),
            Self::Stopped { seed, cause } => write!(f, "stopped in seed {seed}: {cause}"),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CpuTime => write!(f, "limit on CPU time"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
            Self::ExitCode(code) => write!(f, "exit code {code}"),
        }
    }
}

/// Runs a suite against the canary of this number.
///
/// # Errors
/// The program cannot be started.
pub(crate) fn hunt(
    programs: &Path,
    suite: Suite,
    limits: Limits,
    number: usize,
) -> io::Result<Outcome> {
    let program = programs.join(suite.program);
    if !program.exists() {
        return Err(io::Error::other(format!("{} is missing", program.display())));
    }
    let output = Command::new("sh")
        .args(["-c", &limited(limits.cpu_seconds, r#"exec "$0" "$@""#)])
        .arg(program)
        .args([suite.name, &limits.seeds.to_string()])
        .env(VARIABLE, number.to_string())
        .stderr(Stdio::null())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(read(&text).unwrap_or_else(|| stopped(&text, output.status)))
}

/// A command of the shell under limits, one at a time, which every shell accepts. The soft limit ends
/// a process by SIGXCPU.
fn limited(cpu_seconds: u64, command: &str) -> String {
    let hard = cpu_seconds + 5;
    format!(
        "set -e; ulimit -S -t {cpu_seconds}; ulimit -H -t {hard}; ulimit -v {MEMORY_KIB_MAX}; {command}"
    )
}

/// Reads the last line.
fn read(text: &str) -> Option<Outcome> {
    let mut words = text.lines().last()?.split(' ');
    let kind = words.next()?;
    let mut value = |key: &str| words.next()?.strip_prefix(key)?.strip_prefix('=');
    let seeds = value("seeds")?.parse().ok()?;
    let seconds = value("seconds")?.parse().ok()?;
    match kind {
        "caught" => {
            let by = value("by")?.to_owned();
            Some(Outcome::Caught { seeds, seconds, rule: value("rule")?.to_owned(), by })
        }
        "passed" => Some(Outcome::Passed { seeds }),
        _ => None,
    }
}

/// The verdict on a hunt whose output ends without one.
fn stopped(text: &str, status: ExitStatus) -> Outcome {
    let seed = text.lines().filter(|line| line.starts_with("seed ")).count() as u64;
    let cause = match (status.signal(), status.code()) {
        (Some(SIGXCPU), _) => Cause::CpuTime,
        (Some(signal), _) => Cause::Signal(signal),
        (None, code) => Cause::ExitCode(code.unwrap_or_default()),
    };
    Outcome::Stopped { seed, cause }
}

/// The system's signal for a process that has used up its CPU time.
const SIGXCPU: i32 = 24;

/// Several times what the longest hunt takes.
const CPU_SECONDS_MAX: u64 = 60;

/// A run takes a few megabytes.
const MEMORY_KIB_MAX: u32 = 2 << 20;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const SUITE: Suite =
        Suite { name: "swarm", subject: Subject::Library, program: "hunt", seeds_max: 100 };

    /// The verdict on a program that is this script.
    fn verdict(script: &str) -> Outcome {
        let programs = tempfile::tempdir().unwrap();
        let program = programs.path().join(SUITE.program);
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let limits = Limits { cpu_seconds: 1, ..Limits::new(SUITE, None) };
        hunt(programs.path(), SUITE, limits, 7).unwrap()
    }

    #[test]
    fn the_limits_hold_for_what_the_shell_runs() {
        let script = limited(60, "ulimit -t; ulimit -v");
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(printed, format!("60\n{MEMORY_KIB_MAX}\n"));
        assert_eq!(Limits::new(SUITE, None).cpu_seconds, 60);
        assert_eq!(Limits::new(SUITE, Some(5)).cpu_seconds, 60);
        assert_eq!(Limits::new(SUITE, Some(1000)).cpu_seconds, 600);
    }

    #[test]
    fn a_hunt_is_read_from_its_last_line() {
        let caught = verdict(
            "echo seed 1; echo \"caught seeds=1 seconds=0.25 by=$1_$2_$RAFT_CANARY rule=applier\"; exit 1",
        );
        let expected = Outcome::Caught {
            seeds: 1,
            seconds: 0.25,
            rule: "applier".to_owned(),
            by: "swarm_100_7".to_owned(),
        };
        assert_eq!(caught, expected);
        assert_eq!(caught.to_string(), "1 · 0.2 s · applier (swarm_100_7)");
        let passed = verdict("echo seed 1; echo passed seeds=1 seconds=0.10");
        assert_eq!(passed, Outcome::Passed { seeds: 1 });
        for text in ["", "seed 1", "caught seeds=many", "caught seeds=1 seconds=1 by=a"] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_hunt_without_a_verdict_is_not_caught() {
        for (script, cause, text) in [
            ("while :; do :; done", Cause::CpuTime, "limit on CPU time"),
            ("kill -6 $$", Cause::Signal(6), "signal 6"),
            ("exit 101", Cause::ExitCode(101), "exit code 101"),
        ] {
            let outcome = verdict(&format!("echo seed 1; echo seed 2; {script}"));
            assert_eq!(outcome, Outcome::Stopped { seed: 2, cause });
            assert_eq!(outcome.to_string(), format!("stopped in seed 2: {text}"));
            assert!(!outcome.is_caught());
            let hangs = outcome.with_hang_caught(Limits::new(SUITE, None));
            assert_eq!(hangs.is_caught(), cause == Cause::CpuTime, "{text}");
        }
    }
}
