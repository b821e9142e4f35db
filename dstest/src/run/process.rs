//! One process: started in its own group, its output straight into a file, waited for, cleaned up.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use thiserror::Error;

use super::scratch_dir::ScratchDir;
use super::{Campaign, Job};
use crate::orphans::RUN_DIR;
use crate::seed::Seed;
use crate::sys::{self, GroupState, Pid, Signal};

/// Starts the process of a job.
///
/// Nothing here may force `fork`: std then spawns without copying the page tables of dstest.
pub(super) fn start(
    campaign: &Campaign,
    job: Job,
    scratch: &mut ScratchDir,
) -> Result<(Child, Pid), StartError> {
    let outputs = scratch.prepare().and_then(|log| Ok((log.try_clone()?, log.try_clone()?)));
    let (output, errors) =
        outputs.map_err(|source| StartError::Output { path: scratch.log().to_owned(), source })?;
    let mut command = command(campaign, job, scratch);
    command.stdin(Stdio::null()).stdout(output).stderr(errors).process_group(0);
    let child = command.spawn().map_err(|source| {
        let program = campaign.binaries[campaign.tests[job.test].binary].path.clone();
        StartError::Program { program, source }
    })?;
    let no_id = || StartError::Lost(io::Error::other("a child without an id"));
    let pid = Pid::of_child(child.id()).ok_or_else(no_id)?;
    Ok((child, pid))
}

/// Why nothing is known of a run.
#[derive(Debug, Error)]
pub(super) enum StartError {
    /// There is no place for its output.
    #[error("cannot write {}: {source}", path.display())]
    Output {
        /// The place.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Its program cannot be run.
    #[error("cannot run {}: {source}", program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system does not say what became of it.
    #[error("cannot wait for it: {0}")]
    Lost(io::Error),
}

/// How the process of a job is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Working directory.
    pub cwd: PathBuf,
    /// Variables set in addition to the environment.
    pub env: Vec<(String, String)>,
}

/// How the process of a job is called, apart from its private directory.
#[must_use]
pub fn launch(campaign: &Campaign, job: Job) -> Launch {
    let test = &campaign.tests[job.test];
    let binary = &campaign.binaries[test.binary];
    let plan = &campaign.process;
    let seed = campaign.seed_of(job);
    let mut argv = vec![binary.path.to_string_lossy().into_owned()];
    argv.extend(test.args.iter().map(|arg| fill(arg, &test.name, job, seed)));
    let mut env: Vec<(String, String)> = binary.env.iter().chain(&plan.env).cloned().collect();
    let own = [("DSTEST_SEED", seed.to_string()), ("DSTEST_ITER", job.iteration.to_string())];
    env.extend(own.map(|(name, value)| (name.to_owned(), value)));
    env.extend(plan.seed_env.iter().map(|name| (name.clone(), seed.to_string())));
    env.extend(plan.verbose.map(|level| ("VERBOSE".to_owned(), level.to_string())));
    Launch { argv, cwd: binary.cwd.clone(), env }
}

fn command(campaign: &Campaign, job: Job, scratch: &ScratchDir) -> Command {
    let launch = launch(campaign, job);
    let binary = &campaign.binaries[campaign.tests[job.test].binary];
    let mut command = Command::new(&binary.path);
    // The user's own configuration counts, as everywhere.
    command.env("TMPDIR", scratch.temporary());
    command.args(&launch.argv[1..]).current_dir(launch.cwd).envs(launch.env);
    command.env(RUN_DIR, scratch.dir());
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

/// What was found in the group of a process that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SurvivingProcesses {
    /// Nobody.
    None,
    /// Processes that have been killed.
    Killed,
}

/// Sees to it that nobody of the group is left. Processes that are just ending are given a moment.
pub(super) fn clean_up(group: Pid) -> SurvivingProcesses {
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
    while sys::reap_group(group) == GroupState::Alive {
        if start.elapsed() > limit {
            return false;
        }
        std::thread::sleep(pause);
        pause *= 2;
    }
    true
}

/// How long processes may outlive the one that started them before they count as left behind.
const LEAK_GRACE: Duration = Duration::from_millis(100);

/// After so many rounds a process is stuck in the kernel, and waiting longer helps nobody.
const KILL_ROUNDS_MAX: u32 = 10;
