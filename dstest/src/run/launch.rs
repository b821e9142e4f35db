//! The start of a run's process: in its own group, with its output straight into a file.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use thiserror::Error;

use super::campaign::Campaign;
use super::scratch_dir::ScratchDir;
use crate::process::group::ProcessGroup;
use crate::process::survivors::RUN_DIR;
use crate::process::sys::Pid;
use crate::schedule::Job;
use crate::seed::Seed;
use crate::suite::Harness;

/// Starts the process of a job, attached to the group of its worker. The group, for which signals wait, is
/// locked for the start alone: the files of the run may be on a disk that is slow.
///
/// Nothing here may force `fork`: std then spawns without copying the page tables of dstest.
pub(super) fn start(
    group: &ProcessGroup,
    campaign: &Campaign,
    job: Job,
    attempt: u32,
    scratch: &mut ScratchDir,
) -> Result<Pid, StartError> {
    let outputs = scratch.prepare().and_then(|log| Ok((log.try_clone()?, log.try_clone()?)));
    let (output, errors) =
        outputs.map_err(|source| StartError::Output { path: scratch.log().to_owned(), source })?;
    let mut command = command(campaign, job, scratch);
    command.env("DSTEST_ATTEMPT", attempt.to_string());
    command.stdin(Stdio::null()).stdout(output).stderr(errors).process_group(0);
    group.attach(|| {
        let child = command.spawn().map_err(|source| {
            let program = campaign.binaries[campaign.tests[job.test].binary].path.clone();
            StartError::Program { program, source }
        })?;
        // The handle is dropped: waiting needs the process's resource usage too, which std does not give.
        let no_id = || StartError::Lost(io::Error::other("a child without an id"));
        Pid::of_child(child.id()).ok_or_else(no_id)
    })
}

/// Reasons why a run has no result.
#[derive(Debug, Error)]
pub(super) enum StartError {
    /// Its output files cannot be created.
    #[error("cannot write {}: {source}", path.display())]
    Output {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Its program cannot be run.
    #[error("cannot run {}: {source}", program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Its process cannot be waited for.
    #[error("cannot wait for the process: {0}")]
    Lost(io::Error),
}

/// The command line and environment of a job's process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Working directory.
    pub cwd: PathBuf,
    /// Variables set in addition to the environment.
    pub env: Vec<(String, String)>,
}

/// The command line and environment of a job's process, without its private directory.
#[must_use]
pub fn launch(campaign: &Campaign, job: Job) -> Launch {
    let test = &campaign.tests[job.test];
    let binary = &campaign.binaries[test.binary];
    let plan = &campaign.process;
    let seed = campaign.seed_of(job);
    let filled = |arg: &String| fill(arg, &test.name, job, seed);
    let mut args: Vec<String> = match test.harness {
        Harness::Opaque => test.args.iter().map(filled).collect(),
        // These hold the name that the harness gave, whatever is in it.
        Harness::Libtest | Harness::Go => test.args.clone(),
    };
    let is_end = |arg: &String| test.harness == Harness::Libtest && arg == "--";
    let end = args.iter().position(is_end).unwrap_or(args.len());
    args.splice(end..end, plan.test_args.iter().map(filled));
    let mut argv = campaign.runner.clone();
    argv.push(binary.path.to_string_lossy().into_owned());
    argv.extend(args);
    let mut env: Vec<(String, String)> = binary.env.iter().chain(&plan.env).cloned().collect();
    let own = [("DSTEST_SEED", seed.to_string()), ("DSTEST_ITER", job.iteration.to_string())];
    env.extend(own.map(|(name, value)| (name.to_owned(), value)));
    env.extend(plan.rules_of(&test.name).flat_map(|rule| rule.env.iter().cloned()));
    env.extend(plan.seed_env.iter().map(|name| (name.clone(), seed.to_string())));
    env.extend(plan.verbose.map(|level| ("VERBOSE".to_owned(), level.to_string())));
    Launch { argv, cwd: binary.cwd.clone(), env }
}

fn command(campaign: &Campaign, job: Job, scratch: &ScratchDir) -> Command {
    let Launch { argv, cwd, env } = launch(campaign, job);
    let (name, seed) = (&campaign.tests[job.test].name, campaign.seed_of(job));
    let run_dir = scratch.dir().to_string_lossy();
    let wrap = campaign.process.wrap.iter();
    let wrap = wrap.map(|word| fill(word, name, job, seed).replace("{run_dir}", &run_dir));
    let mut words = wrap.chain(argv);
    // A command line is never empty: its last part names the program.
    let mut command = Command::new(words.next().unwrap_or_default());
    // The user's own configuration counts, as everywhere.
    command.env("TMPDIR", scratch.temporary());
    command.args(words).current_dir(cwd).envs(env);
    command.env(RUN_DIR, scratch.dir()).env("DSTEST_SLOT", scratch.slot().to_string());
    command
}

/// Fills `{seed}`, `{iter}` and `{test}`; everything else in braces stays as it is.
fn fill(arg: &str, test: &str, job: Job, seed: Seed) -> String {
    if !arg.contains('{') {
        return arg.to_owned();
    }
    arg.replace("{seed}", &seed.to_string())
        .replace("{iter}", &job.iteration.to_string())
        .replace("{test}", test)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::run::ReplaySpec;
    use crate::seed::Iteration;
    use crate::store::LiveDir;
    use crate::store::campaign_file::tests::campaign_file;

    #[test]
    fn a_signal_does_not_wait_for_the_files_of_a_run() {
        let root = tempfile::tempdir().unwrap();
        let live = LiveDir::open(root.path()).unwrap();
        let mut scratch = ScratchDir::new(&live, 0);
        // It is opened once someone reads.
        let log = scratch.log().to_owned();
        assert!(Command::new("mkfifo").arg(&log).status().unwrap().success());
        let dir = scratch.dir().to_owned();
        let campaign =
            Campaign::new(&campaign_file(&["a"]), root.path().into(), ReplaySpec::default());
        let (campaign, group) = (campaign.unwrap(), ProcessGroup::default());
        let job = Job { test: 0, iteration: Iteration::FIRST };
        thread::scope(|scope| {
            let started = scope.spawn(|| start(&group, &campaign, job, 1, &mut scratch).err());
            while !dir.exists() {
                thread::yield_now();
            }
            let (done, is_done) = mpsc::channel();
            let group = &group;
            scope.spawn(move || done.send(group.process()));
            let process = is_done.recv_timeout(Duration::from_secs(60));
            drop(std::fs::File::open(&log));
            let error = started.join().unwrap().unwrap();
            assert_eq!(process, Ok(None), "no process yet");
            assert!(matches!(error, StartError::Output { .. }), "{error}");
        });
    }
}
