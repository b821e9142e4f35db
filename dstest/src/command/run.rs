//! `dstest run`: a campaign from the command line to the exit code.

use std::sync::Arc;

use super::archived;
use crate::archive::Archive;
use crate::bisect::Measurement;
use crate::build::Project;
use crate::campaign::{self, Detail, Output, Session, StoredCampaign};
use crate::cli::RunArgs;
use crate::discover::{Surroundings, discover};
use crate::error::Error;
use crate::exit::Exit;
use crate::plan::{Budget, Order, Plan, Rounds};
use crate::process::signals::Interrupts;
use crate::run::{Campaign, Inputs, ReplaySpec};
use crate::schedule::Schedule;
use crate::seed::Seed;
use crate::suite::SelectError;
use crate::text::{console, sink};
use crate::watch::KnownFailures;

/// Runs a campaign.
pub(super) fn run(
    args: RunArgs,
    argv: Vec<String>,
    interrupts: &Interrupts,
) -> Result<Exit, Error> {
    let (args, archive) = archived::resolve(args, &argv)?;
    run_campaign(&args, archive, argv, Purpose::Results, interrupts).map(|(_, exit)| exit)
}

/// The settings of one campaign of several.
pub(super) struct Repetition<'a> {
    /// The seed of all of them.
    pub(super) seed: Seed,
    /// The runs to come first.
    pub(super) known: &'a KnownFailures,
}

/// The measurement of one commit.
pub(super) struct Measured<'a> {
    /// The counts.
    pub(super) measurement: &'a mut Measurement,
    /// The key of the only test; all that are selected without it.
    pub(super) only: Option<&'a str>,
    /// The length of the report.
    pub(super) detail: Detail,
}

/// The purpose of a campaign.
pub(super) enum Purpose<'a> {
    /// Its results.
    Results,
    /// A comparison with the campaigns before it.
    Repetition(Repetition<'a>),
    /// A rate of failure.
    Measurement(Measured<'a>),
}

/// Runs a campaign: plan → build → list → schedule → run → record → report.
pub(super) fn run_campaign(
    args: &RunArgs,
    archive: Option<Archive>,
    argv: Vec<String>,
    purpose: Purpose<'_>,
    interrupts: &Interrupts,
) -> Result<(StoredCampaign, Exit), Error> {
    campaign::check_exports(&args.show.exports)?;
    let env = &args.process.env;
    let project = match archive {
        None => Project::open(&args.target, &args.command, env)?,
        Some(archive) => {
            console::note(&sink::screen(&archive.words()));
            let (store, unpacked) = (args.show.store.output.as_deref(), args.extract_to.as_deref());
            Project::of_archive(archive, &args.target, env, store, unpacked)?
        }
    };
    let mut plan = Plan::resolve(args, &project.config, campaign::cores())?;
    plan.notes.iter().for_each(|note| console::note(&format!("dstest: {note}")));
    campaign::resolve_case(&mut plan.process.env)?;
    let mut output = Output::new(&args.show.store, plan.columns, &args.show.exports);
    let (repetition, measured) = match purpose {
        Purpose::Results => (None, None),
        Purpose::Repetition(repetition) => (Some(repetition), None),
        Purpose::Measurement(measured) => (None, Some(measured)),
    };
    if let Some(repetition) = &repetition {
        plan.seed = repetition.seed;
        output.detail = Detail::Brief;
    }
    if let Some(measured) = &measured {
        // It ends once it has measured what it was to measure.
        plan.budget = Budget { duration: plan.budget.duration, ..Budget::of(Rounds::Endless) };
        plan.order = Order::Interleaved;
        output.detail = measured.detail;
    }
    let store = project.store(args.show.store.output.as_deref())?;

    let at = Surroundings { project: &project, store: &store, color: args.show.store.color };
    let found = discover(at, &plan.build, &plan.selection, interrupts)?;
    let (suite, mut tests) = (&found.suite, found.tests.clone());
    if let Some(only) = measured.as_ref().and_then(|measured| measured.only) {
        tests.retain(|test| test.key == only);
        if tests.is_empty() {
            let (pattern, hint) = (only.to_owned(), String::new());
            return Err(SelectError::NoMatch { pattern, hint }.into());
        }
    }
    suite.notes_on(&plan.selection, &tests).iter().for_each(|note| console::warn(note));

    let known_times = campaign::known_times(&store, &tests);
    let mut stored = campaign::create(&plan, argv, &project, &store, suite, tests)?;
    found.remember(&store);
    // The built programs have been copied, so their temporary directory may go.
    drop(project);
    let exit = campaign::with_scripts(&mut stored, interrupts, |stored| {
        let dir = stored.dir.path.clone();
        let mut campaign = Campaign::new(&stored.file, dir, ReplaySpec::default())?;
        // In a watch, a save ends the campaign anyway.
        if repetition.is_none() && !args.budget.allow_edits {
            campaign.inputs = Arc::new(Inputs::new(&stored.file));
        }
        let schedule = Schedule::new(campaign.tests.len(), plan.budget.rounds, plan.order)
            .of_shard(plan.shard);
        let mut session = Session::new(stored.clone(), campaign, schedule, plan.budget, output);
        session.known_times = known_times;
        session.retry = repetition.map_or_else(Vec::new, |it| it.known.jobs(&stored.file.tests));
        if let Some(Measured { measurement, .. }) = measured {
            measurement.begin(stored.file.tests.len());
            session.measurement = Some(measurement);
            return session.run(interrupts);
        }
        let exit = session.run(interrupts)?;
        campaign::follow_up(stored, exit, args.budget.verify, interrupts)
    })?;
    Ok((stored, exit))
}
