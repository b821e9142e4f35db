//! `dstest replay --neighbours`: whether a failure is that of one seed or of many.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::project::store_of;
use super::recorder::CommandHints;
use super::replay::recorded_run;
use super::session::Session;
use super::stored::{LogDir, ReplaySpec};
use crate::cli::{ExportArgs, ReplayArgs};
use crate::error::Error;
use crate::exit::Exit;
use crate::model::RunRecord;
use crate::plan::{Budget, Columns, Keep, Rounds};
use crate::run::{Campaign, Schedule, Seeds};
use crate::signals::Interrupts;
use crate::store::{CampaignFile, Invocation};
use crate::tally::Tally;
use crate::time::Utc;

/// Runs the test of a stored run with its seed and those after it, as a campaign of its own.
pub(super) fn run(
    args: &ReplayArgs,
    argv: Vec<String>,
    interrupts: &Interrupts,
) -> Result<Exit, Error> {
    let store = store_of(&args.location)?;
    let (stored, record) = recorded_run(&store, &args.which)?;
    let count = args.neighbours.and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
    let started = Utc::now();
    let verbose = (args.verbose > 0).then_some(args.verbose);
    let seeds = Some(Seeds::Following(record.seed));
    let whole = stored.campaign(ReplaySpec {
        verbose,
        seeds,
        keep: Keep::Failures,
        log_dir: LogDir::Campaign,
    })?;
    let dir = store.create_campaign(started)?;
    let campaign = only(whole, &record, dir.path.clone());
    let file = CampaignFile {
        started: started.rfc3339(),
        seed: record.seed,
        following: Some(record.seed),
        invocation: Invocation { args: argv, ..stored.file.invocation },
        iterations: Some(count.get()),
        shard: None,
        archive: false,
        verbose: verbose.or(stored.file.verbose),
        tests: campaign.tests.clone(),
        ..stored.file
    };
    file.write(&dir.path)?;
    let rounds = Rounds::Fixed(count);
    let session = Session {
        hints: CommandHints::new(&dir, args.location.store.output.as_deref()),
        seed: record.seed,
        started: file.started,
        schedule: Schedule::partly(
            1,
            rounds,
            crate::plan::Order::Interleaved,
            std::collections::HashSet::new(),
            crate::run::Shard::WHOLE,
        ),
        budget: Budget { rounds, duration: None, max_fail: None },
        workers: file.workers as usize,
        columns: Columns::default(),
        color: args.location.store.color,
        exports: &ExportArgs::default(),
        tally: Tally::new([record.test]),
        known_times: vec![0.0],
        cores: file.cores,
        campaign: Arc::new(campaign),
        dir,
    };
    session.run(interrupts)
}

/// The same campaign with one of its tests and another directory.
fn only(campaign: Campaign, record: &RunRecord, dir: std::path::PathBuf) -> Campaign {
    let tests = campaign.tests.into_iter().filter(|test| test.name == record.test).collect();
    Campaign { tests, dir, ..campaign }
}
