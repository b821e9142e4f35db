//! A campaign from the command line to the exit code.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::project::Project;
use super::recorder::{Links, Recorder};
use crate::cli::RunArgs;
use crate::duration;
use crate::error::Error;
use crate::exit::Exit;
use crate::export::json::{Document, Head};
use crate::model::Verdict;
use crate::plan::{Plan, Rounds};
use crate::run::{self, Campaign, Orders, Outcome, Schedule, Stop};
use crate::signals::Interrupts;
use crate::store::{
    CampaignFile, EventLog, Invocation, RunFolder, Store, StoreError, write_atomically,
};
use crate::style::Paint;
use crate::suite::{Binary, Suite, Test};
use crate::summary;
use crate::sys;
use crate::tally::Tally;
use crate::time::Utc;
use crate::view::{self, SharedTally, View, ViewContext};

/// Runs a campaign.
pub(super) fn run(
    args: &RunArgs,
    argv: Vec<String>,
    interrupts: &Interrupts,
) -> Result<Exit, Error> {
    let project = Project::open(args.target.dir.as_deref(), &args.command)?;
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let cores = cores.try_into().unwrap_or(std::num::NonZeroU32::MAX);
    let plan = Plan::resolve(args, &project.config, cores)?;
    let output = args.show.store.output.as_deref();
    let store = project.store(output)?;
    let suite = project.suite(&plan.build, interrupts)?;
    let tests = suite.select(&plan.selection)?;
    let started = Utc::now();
    let folder = store.create_run(started)?;
    let (tests, binaries) = settle(&project, &store, suite, tests)?;
    let file = campaign_file(&plan, started, argv, &project.dir, &binaries, &tests);
    file.write(&folder.path)?;
    let campaign = Arc::new(Campaign {
        tests,
        binaries,
        process: plan.process.clone(),
        seed: plan.seed,
        keep: plan.keep,
        folder: folder.path.clone(),
    });
    // Only from here on: orphans of the build are none of our business.
    sys::adopt_orphans();
    let session = Session { plan, campaign, folder, args, started };
    session.run(Links::new(&session.folder, output), interrupts)
}

/// Everything that is settled before the first run.
struct Session<'a> {
    plan: Plan,
    campaign: Arc<Campaign>,
    folder: RunFolder,
    args: &'a RunArgs,
    started: Utc,
}

impl Session<'_> {
    fn run(&self, links: Links, interrupts: &Interrupts) -> Result<Exit, Error> {
        let plan = &self.plan;
        let paint = Paint::choose(self.args.show.store.color, &std::io::stdout());
        let schedule = Schedule::new(self.campaign.tests.len(), plan.budget.rounds, plan.order);
        let context = ViewContext {
            total: schedule.total(),
            duration: plan.budget.duration,
            paint,
            color: self.args.show.store.color,
        };
        let log = EventLog::open(&self.folder.path)?;
        let names = self.campaign.tests.iter().map(|test| test.name.clone());
        let tally = SharedTally::new(Tally::new(names));
        let view = View::start(context, tally.clone()).map_err(Error::system("start a thread"))?;
        view.tell(view::Notice::Line(self.headline()));
        let mut recorder =
            Recorder { log, tally: tally.clone(), view: &view, links, trouble: None };
        let known = tally.clone();
        let orders = Orders {
            schedule,
            budget: plan.budget,
            workers: plan.workers.get() as usize,
            expectation: Arc::new(move |test| known.lock().tests()[test].expected_s()),
        };
        let outcome = run::dispatch(&self.campaign, orders, interrupts, &mut recorder);
        let Recorder { links, trouble, .. } = recorder;
        view.finish();
        let outcome = outcome.map_err(Error::system("start a thread"))?;
        let tally = tally.lock();
        self.say(&tally, outcome, paint, &links);
        let written = trouble.map_or(Ok(()), Err).and_then(|()| self.write(&tally, outcome));
        Ok(exit_code(&tally, outcome, written))
    }

    /// What is about to happen, in one line.
    fn headline(&self) -> String {
        let tests = match self.campaign.tests.as_slice() {
            [test] => test.name.clone(),
            tests => format!("{} tests", tests.len()),
        };
        let times = match self.plan.budget.rounds {
            Rounds::Fixed(count) => format!(" × {count}"),
            Rounds::Endless | Rounds::Growing { .. } => String::new(),
        };
        let workers = match self.plan.workers.get() {
            1 => "1 worker".to_owned(),
            count => format!("{count} workers"),
        };
        format!("{tests}{times}, {workers}, seed {}\n", self.plan.seed)
    }

    fn say(&self, tally: &Tally, outcome: Outcome, paint: Paint, links: &Links) {
        let name = |test: usize| tally.tests()[test].name.as_str();
        let replay = |test, iter| links.replay(name(test), iter);
        let mut text = summary::table(tally, self.plan.columns, paint);
        text.push_str(&summary::conclusions(tally, paint, replay));
        text.push_str(&closing(tally, outcome, links));
        view::print(&text);
    }

    fn write(&self, tally: &Tally, outcome: Outcome) -> Result<(), StoreError> {
        let head = Head {
            seed: self.plan.seed,
            started: self.started.rfc3339(),
            wall_s: outcome.wall.as_secs_f64(),
            interrupted: outcome.stop == Stop::Interrupted,
        };
        let text = Document::new(head, tally).text();
        write_atomically(&self.folder.path.join("summary.json"), text.as_bytes())?;
        self.plan
            .exports
            .json
            .as_deref()
            .map_or(Ok(()), |path| write_atomically(path, text.as_bytes()))
    }
}

/// Puts the programs the tests need where no rebuild can reach them, and drops the others.
fn settle(
    project: &Project,
    store: &Store,
    suite: Suite,
    mut tests: Vec<Test>,
) -> Result<(Vec<Test>, Vec<Binary>), StoreError> {
    let mut binaries = Vec::new();
    for (index, mut binary) in suite.binaries.into_iter().enumerate() {
        let mut users = tests.iter_mut().filter(|test| test.binary == index).peekable();
        if users.peek().is_none() {
            continue;
        }
        users.for_each(|test| test.binary = binaries.len());
        if project.is_built_here() {
            binary.path = store.keep_binary(&binary.path)?;
        }
        binaries.push(binary);
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
        invocation: Invocation { args, cwd: dir.to_owned() },
        iterations: match plan.budget.rounds {
            Rounds::Fixed(count) => Some(count.get()),
            Rounds::Endless | Rounds::Growing { .. } => None,
        },
        workers: plan.workers.get(),
        verbose: plan.process.verbose,
        timeout_ms: millis(plan.process.timeout),
        env: plan.process.env.clone(),
        seed_env: plan.process.seed_env.clone(),
        binaries: binaries.to_vec(),
        tests: tests.to_vec(),
    }
}

/// The last line: how much, how long, why it stopped, and where everything is.
fn closing(tally: &Tally, outcome: Outcome, links: &Links) -> String {
    let ended = tally.ended();
    let rate = ended as f64 / outcome.wall.as_secs_f64().max(1e-6);
    let stop = match outcome.stop {
        Stop::Complete => "",
        Stop::Time => ", stopped by --for",
        Stop::Failures => ", stopped by the failure limit",
        Stop::Interrupted => ", interrupted",
    };
    let took = duration::words(outcome.wall);
    format!(
        "{} in {took} ({rate:.0}/s){stop}; results in {}\n",
        summary::runs(ended),
        links.folder()
    )
}

fn exit_code(tally: &Tally, outcome: Outcome, written: Result<(), StoreError>) -> Exit {
    let written = written.inspect_err(|error| view::note(&format!("dstest: {error}")));
    if outcome.stop == Stop::Interrupted {
        Exit::Interrupted
    } else if tally.failed() > 0 || tally.count(Verdict::NotStarted) > 0 {
        Exit::SomeFailed
    } else if written.is_err() {
        Exit::Usage
    } else {
        Exit::Success
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
