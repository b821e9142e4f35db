//! A campaign from the command line to its first run.

use std::collections::HashSet;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::project::Project;
use super::recorder::CommandHints;
use super::replay;
use super::session::Session;
use super::stored::{Stored, known_times};
use crate::cli::RunArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::plan::{Keep, Plan, ProcessPlan, Rounds};
use crate::run::{Campaign, FirstPasses, Schedule, Seeds, Shard};
use crate::signals::Interrupts;
use crate::store::{CampaignFile, Invocation, Limits, Store, StoreError, contents};
use crate::suite::{Binary, Suite, Test};
use crate::tally::Tally;
use crate::time::Utc;
use crate::view;

/// Runs a campaign.
pub(super) fn run(
    args: &RunArgs,
    argv: Vec<String>,
    interrupts: &Interrupts,
) -> Result<Exit, Error> {
    let project = Project::open(&args.target, &args.command, &args.process.env)?;
    let plan = Plan::resolve(args, &project.config, cores())?;
    let output = args.show.store.output.as_deref();
    let store = project.store(output)?;
    let suite = project.suite(&plan.build, interrupts)?;
    let tests = suite.select(&plan.selection)?;
    let notes = suite.notes_on(&plan.selection, &tests);
    notes.iter().for_each(|note| view::note(&format!("dstest: {note}")));
    let started = Utc::now();
    let known_times = known_times(&store, &tests);
    let directory = store.create_campaign(started)?;
    let (tests, binaries) = copy_binaries(&project, &store, &suite, tests)?;
    let file = campaign_file(&plan, started, argv, &project.dir, &binaries, &tests);
    file.write(&directory.path)?;
    // What was built has been copied: whatever it was built in may go.
    drop(project);
    let names = tests.iter().map(|test| test.name.clone());
    let session = Session {
        hints: CommandHints::new(&directory, output),
        seed: plan.seed,
        started: started.rfc3339(),
        schedule: Schedule::partly(
            tests.len(),
            plan.budget.rounds,
            plan.order,
            HashSet::new(),
            plan.shard,
        ),
        budget: plan.budget,
        workers: plan.workers.get() as usize,
        columns: plan.columns,
        color: args.show.store.color,
        exports: &args.show.exports,
        tally: Tally::new(names),
        known_times,
        cores: file.cores,
        campaign: Arc::new(Campaign {
            passes: FirstPasses::none(tests.len()),
            tests,
            binaries,
            process: plan.process,
            seeds: Seeds::Derived(plan.seed),
            keep: plan.keep,
            dir: directory.path.clone(),
        }),
        dir: directory,
    };
    let workers = session.workers;
    let stored = Stored { dir: session.dir.clone(), file };
    let exit = session.run(interrupts)?;
    let is_over = matches!(exit, Exit::Success | Exit::SomeFailed);
    if is_over { follow_up(args, &stored, workers, exit, interrupts) } else { Ok(exit) }
}

/// What is run again after a campaign: what failed, in full detail, and a share of what passed.
fn follow_up(
    args: &RunArgs,
    stored: &Stored,
    workers: usize,
    exit: Exit,
    interrupts: &Interrupts,
) -> Result<Exit, Error> {
    if exit == Exit::SomeFailed && stored.file.verbose.is_none() {
        let detailed = replay::detail(stored, workers, interrupts)?;
        if detailed != Exit::Success {
            return Ok(detailed);
        }
    }
    if args.budget.verify {
        let verified = replay::verify(stored, workers, interrupts)?;
        return Ok(if verified == Exit::Success { exit } else { verified });
    }
    Ok(exit)
}

/// Puts the programs the tests need where no rebuild can reach them, and drops the others.
fn copy_binaries(
    project: &Project,
    store: &Store,
    suite: &Suite,
    mut tests: Vec<Test>,
) -> Result<(Vec<Test>, Vec<Binary>), StoreError> {
    let mut place_of = vec![None; suite.binaries.len()];
    let mut binaries = Vec::new();
    for test in &mut tests {
        let from = test.binary;
        test.binary = *place_of[from].get_or_insert_with(|| {
            binaries.push(suite.binaries[from].clone());
            binaries.len() - 1
        });
    }
    if project.is_built_here() {
        for binary in &mut binaries {
            binary.path = store.keep_binary(&binary.path)?;
        }
    } else {
        // It may be edited at any time; at least that can be noticed.
        binaries.iter_mut().for_each(|binary| binary.contents = contents(&binary.path));
    }
    Ok((tests, binaries))
}

fn campaign_file(
    plan: &Plan,
    started: Utc,
    args: Vec<String>,
    dir: &Path,
    binaries: &[Binary],
    tests: &[Test],
) -> CampaignFile {
    CampaignFile {
        schema: CampaignFile::SCHEMA,
        dstest: env!("CARGO_PKG_VERSION").to_owned(),
        started: started.rfc3339(),
        seed: plan.seed,
        following: None,
        invocation: Invocation { args, cwd: dir.to_owned() },
        iterations: match plan.budget.rounds {
            Rounds::Fixed(count) => Some(count.get()),
            Rounds::Endless | Rounds::Growing { .. } => None,
        },
        shard: (plan.shard != Shard::WHOLE).then(|| plan.shard.to_string()),
        archive: plan.keep == Keep::Everything,
        workers: plan.workers.get(),
        cores: Some(cores().get()),
        verbose: plan.process.verbose,
        limits: limits(&plan.process),
        env: plan.process.env.clone(),
        seed_env: plan.process.seed_env.clone(),
        binaries: binaries.to_vec(),
        tests: tests.to_vec(),
    }
}

fn limits(plan: &ProcessPlan) -> Limits {
    let exceptions = plan.timeouts.iter();
    Limits {
        timeout_ms: millis(plan.timeout),
        grace_ms: millis(plan.grace),
        max_output: plan.max_output,
        exceptions: exceptions.map(|(p, timeout)| (p.to_string(), millis(*timeout))).collect(),
        fail_regex: plan.fail_regex.as_ref().map(ToString::to_string),
    }
}

fn cores() -> NonZeroU32 {
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    cores.try_into().unwrap_or(NonZeroU32::MAX)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
