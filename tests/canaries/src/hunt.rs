//! One suite against one canary, in a process of its own: a wrong version may loop for ever or eat
//! all memory, and is stopped by the system then.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::workspace::VARIABLE;

/// A suite as it is run against a canary.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Suite {
    /// The suite's name.
    pub(crate) name: &'static str,
    /// The example that runs it.
    pub(crate) program: &'static str,
    /// How many seeds it may take; a model check takes one.
    pub(crate) seeds_max: u64,
}

/// All suites that canaries are shown to.
pub(crate) const SUITES: [Suite; 4] = [
    Suite { name: "scenarios", program: "hunt", seeds_max: 50 },
    Suite { name: "storms", program: "hunt", seeds_max: 100 },
    Suite { name: "swarm", program: "hunt", seeds_max: 50 },
    Suite { name: "model", program: "model", seeds_max: 1 },
];

/// What came of a hunt.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// Some run failed, as it should.
    Caught { seeds: u64, seconds: f64, rule: String, by: String },
    /// No run failed.
    Passed { seeds: u64 },
}

/// A hunt that came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HuntError {
    #[error("the program cannot be started: {0}")]
    Start(#[from] io::Error),
    #[error("the program ended without a result; its output was:\n{0}")]
    NoResult(String),
}

impl Outcome {
    pub(crate) const fn is_caught(&self) -> bool {
        matches!(self, Self::Caught { .. })
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
        }
    }
}

/// Runs a suite against the canary of this number.
///
/// # Errors
/// The program does not start, or says nothing that is understood.
pub(crate) fn hunt(
    programs: &Path,
    suite: Suite,
    seeds: u64,
    number: usize,
) -> Result<Outcome, HuntError> {
    let output = Command::new("sh")
        .args(["-c", &limited(r#"exec "$0" "$@""#)])
        .arg(programs.join(suite.program))
        .args([suite.name, &seeds.to_string()])
        .env(VARIABLE, number.to_string())
        .stderr(Stdio::null())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    match (read(&text), output.status.code()) {
        (Some(outcome), _) => Ok(outcome),
        // The system stopped it, or it could not get memory.
        (None, None) => Ok(stopped(&text)),
        (None, Some(_)) => Err(HuntError::NoResult(text.into_owned())),
    }
}

/// A command of the shell under limits. Not every shell takes two of them at once.
fn limited(command: &str) -> String {
    format!("set -e; ulimit -t {CPU_SECONDS_MAX}; ulimit -v {MEMORY_KIB_MAX}; {command}")
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

/// A run that never ended is a failure of the seed it was at.
fn stopped(text: &str) -> Outcome {
    let seeds = text.lines().filter(|line| line.starts_with("seed ")).count() as u64;
    let seconds = f64::from(CPU_SECONDS_MAX);
    Outcome::Caught { seeds, seconds, rule: "hang".to_owned(), by: "the system".to_owned() }
}

/// Several times what the longest hunt takes.
const CPU_SECONDS_MAX: u32 = 60;

/// A run takes a few megabytes.
const MEMORY_KIB_MAX: u32 = 2 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_hold_for_what_the_shell_runs() {
        let script = limited("ulimit -t; ulimit -v");
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(said, format!("{CPU_SECONDS_MAX}\n{MEMORY_KIB_MAX}\n"));
    }

    #[test]
    fn a_hunt_is_read_from_its_last_line() {
        let caught =
            "seed 1\nseed 2\nINVARIANT  x\ncaught seeds=2 seconds=0.25 by=a_2b rule=applier";
        let expected = Outcome::Caught {
            seeds: 2,
            seconds: 0.25,
            rule: "applier".to_owned(),
            by: "a_2b".to_owned(),
        };
        assert_eq!(read(caught), Some(expected.clone()));
        assert_eq!(expected.to_string(), "2 · 0.2 s · applier (a_2b)");
        assert_eq!(read("seed 1\npassed seeds=1 seconds=0.10"), Some(Outcome::Passed { seeds: 1 }));
        for text in ["", "seed 1", "caught seeds=many", "caught seeds=1 seconds=1 by=a"] {
            assert_eq!(read(text), None, "{text:?}");
        }
        assert!(stopped("seed 1\nseed 2\n").to_string().starts_with("2 · 60.0 s · hang"));
    }
}
