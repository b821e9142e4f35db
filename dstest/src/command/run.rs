//! `dstest run`: a campaign from the command line to the exit code.

use crate::build::Project;
use crate::campaign::{self, Output, Session};
use crate::cli::RunArgs;
use crate::discover::{Surroundings, discover};
use crate::error::Error;
use crate::exit::Exit;
use crate::plan::Plan;
use crate::process::signals::Interrupts;
use crate::run::{Campaign, ReplaySpec};
use crate::schedule::Schedule;
use crate::text::console;

/// Runs a campaign: plan → build → list → schedule → run → record → report.
pub(super) fn run(
    args: &RunArgs,
    argv: Vec<String>,
    interrupts: &Interrupts,
) -> Result<Exit, Error> {
    let project = Project::open(&args.target, &args.command, &args.process.env)?;
    let mut plan = Plan::resolve(args, &project.config, campaign::cores())?;
    campaign::resolve_case(&mut plan.process.env)?;
    let output = Output::new(&args.show.store, plan.columns, &args.show.exports);
    let store = project.store(output.store)?;

    let at = Surroundings { project: &project, store: &store, color: args.show.store.color };
    let found = discover(at, &plan.build, &plan.selection, interrupts)?;
    let (suite, tests) = (&found.suite, found.tests.clone());
    suite.notes_on(&plan.selection, &tests).iter().for_each(|note| console::warn(note));

    let known_times = campaign::known_times(&store, &tests);
    let stored = campaign::create(&plan, argv, &project, &store, suite, tests)?;
    found.remember(&store);
    // The built programs have been copied, so their temporary directory may go.
    drop(project);
    let campaign = Campaign::new(&stored.file, stored.dir.path.clone(), ReplaySpec::default())?;
    let schedule =
        Schedule::new(campaign.tests.len(), plan.budget.rounds, plan.order).of_shard(plan.shard);
    let mut session = Session::new(stored.clone(), campaign, schedule, plan.budget, output);
    session.known_times = known_times;
    let exit = session.run(interrupts)?;
    campaign::follow_up(&stored, exit, args.budget.verify, interrupts)
}
