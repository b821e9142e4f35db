//! Helpers of the end-to-end tests: a directory, calls of dstest, checks of results.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A directory of its own for one test, with a store in it.
pub(crate) struct Sandbox {
    dir: TempDir,
}

/// The result of one call of dstest.
#[derive(Debug)]
pub(crate) struct CallResult {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A command line of dstest in this directory, with nothing of the tester's surroundings.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dstest"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        command.env("TMPDIR", self.path());
        command.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixture"));
        for name in [
            "VERBOSE",
            "NO_COLOR",
            "CLICOLOR_FORCE",
            "RUST_BACKTRACE",
            "DSTEST_SEED",
            "DSTEST_CASE",
        ] {
            command.env_remove(name);
        }
        // These tests may be run by a job themselves.
        let is_of_engine = |name: &String| ENGINES.iter().any(|start| name.starts_with(start));
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        for name in names.filter(is_of_engine) {
            command.env_remove(name);
        }
        command
    }

    pub(crate) fn call(&self, args: &[&str]) -> CallResult {
        called(&mut self.command(args))
    }

    /// Calls dstest on the fixture project; the store stays in this directory.
    pub(crate) fn on_fixture(&self, args: &[&str]) -> CallResult {
        let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixture");
        let mut all = vec!["-o", "store", "--dir", fixture];
        all.extend(args);
        self.call(&all)
    }

    /// Calls dstest on a script for `sh`.
    pub(crate) fn on_script(&self, args: &[&str], script: &str) -> CallResult {
        let mut all = args.to_vec();
        all.extend(["-o", "store", "--", "sh", "-c", script]);
        self.call(&all)
    }

    /// Writes a program of this text into this directory.
    pub(crate) fn write_program(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs a line that dstest has printed, as if it had been pasted into a shell in this directory.
    pub(crate) fn pasted(&self, line: &str) -> CallResult {
        called(Command::new("sh").args(["-c", line]).current_dir(self.path()))
    }

    /// The lines of a file in this directory; none if it is missing.
    pub(crate) fn lines(&self, file: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path().join(file)).unwrap_or_default();
        text.lines().map(ToOwned::to_owned).collect()
    }

    /// The newest run's directory.
    pub(crate) fn latest(&self) -> PathBuf {
        self.path().join("store/latest").canonicalize().unwrap()
    }

    /// The newest run's records.
    pub(crate) fn events(&self) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.latest().join("events.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// One field of each record, as text.
    pub(crate) fn field(&self, name: &str) -> Vec<String> {
        self.events().iter().map(|event| event[name].to_string().replace('"', "")).collect()
    }

    /// The test of each record, without its program.
    pub(crate) fn tests(&self) -> Vec<String> {
        let short = |key: String| key.rsplit(['$', ':']).next().unwrap_or_default().to_owned();
        self.field("test").into_iter().map(short).collect()
    }

    /// The logs that were kept, as `test/file`.
    pub(crate) fn logs(&self) -> Vec<String> {
        let mut logs = Vec::new();
        let Ok(tests) = fs::read_dir(self.latest().join("logs")) else { return logs };
        for test in tests {
            let test = test.unwrap().path();
            for log in fs::read_dir(&test).unwrap() {
                let log = log.unwrap().path();
                logs.push(
                    log.strip_prefix(self.latest().join("logs")).unwrap().display().to_string(),
                );
            }
        }
        logs.sort();
        logs
    }
}

/// The beginnings of the variables of engines that dstest knows.
const ENGINES: [&str; 7] =
    ["SLURM_", "JOB_COMPLETION", "CI", "GITLAB_", "BUILDKITE", "GITHUB_", "STRATEGY_"];

impl CallResult {
    #[track_caller]
    pub(crate) fn exits_with(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn prints(&self, words: &str) -> &Self {
        assert!(self.stdout.contains(words), "no `{words}` in {self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn warns(&self, words: &str) -> &Self {
        assert!(self.stderr.contains(words), "no `{words}` in {self:#?}");
        self
    }

    /// The cells of a test's row in the table: name, failed, total, ….
    #[track_caller]
    pub(crate) fn row(&self, test: &str) -> Vec<String> {
        let is_row = |line: &&str| {
            line.starts_with('│') && line.split('│').nth(1).is_some_and(|name| name.trim() == test)
        };
        let line = self.stdout.lines().find(is_row);
        let line = line.unwrap_or_else(|| panic!("no row of {test} in {self:#?}"));
        line.trim_matches('│').split('│').map(|cell| cell.trim().to_owned()).collect()
    }
}

pub(crate) fn called(command: &mut Command) -> CallResult {
    let output = command.output().unwrap();
    CallResult {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Waits until something is so; gives up only after a time in which any machine has done it.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(300), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Tries a timeout in seconds, and longer ones until a run has got as far as it should before it was
/// ended: on a busy machine it may be over its time before it has done anything.
#[track_caller]
pub(crate) fn with_enough_time(has_got_there: impl FnMut(&str) -> bool) {
    assert!(["0.3", "2", "10", "60"].into_iter().any(has_got_there), "a minute was not enough");
}

/// `true` if a program is installed that tells its version.
pub(crate) fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|said| said.status.success())
}

/// Prints that a test checks nothing here, and the reason, past the harness.
pub(crate) fn skip(test: &str, why: &str) {
    let line = format!("SKIPPED {test}: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// The state letters of a process, as `ps` gives them; empty if there is none.
pub(crate) fn state(pid: &str) -> String {
    let mut ps = Command::new("ps");
    called(ps.args(["-o", "stat=", "-p", pid.trim()])).stdout.trim().to_owned()
}

/// `true` if a process exists and is not a zombie.
pub(crate) fn is_alive(pid: &str) -> bool {
    let state = state(pid);
    !state.is_empty() && !state.starts_with('Z')
}

/// `true` if none of the processes whose ids are in the file `pids` lives. On a busy machine the id
/// may be another's by now, so its surroundings count too.
pub(crate) fn no_process_is_left(sandbox: &Sandbox) -> bool {
    let is_ours = |pid: &str| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let environment = String::from_utf8_lossy(&environment).into_owned();
        environment.contains(&*sandbox.path().to_string_lossy()) && is_alive(pid)
    };
    !sandbox.lines("pids").iter().any(|pid| is_ours(pid))
}
