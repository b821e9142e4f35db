//! `dstest replay --seeds`: the rate of a failure over the seeds after its own.

use std::num::NonZeroU32;

use super::location::store_of;
use super::target::recorded_run;
use crate::campaign::{Output, Session, StoredCampaign};
use crate::cli::{ExportArgs, ReplayArgs};
use crate::error::Error;
use crate::exit::Exit;
use crate::plan::{Budget, Columns, Order, Rounds};
use crate::process::signals::Interrupts;
use crate::run::ReplaySpec;
use crate::schedule::Schedule;
use crate::store::{CampaignFile, Invocation};
use crate::text::utc::Utc;
use crate::trust::Trust;

/// Runs the test of a stored run with its seed and those after it, as a campaign of its own.
pub(super) fn run(
    args: &ReplayArgs,
    count: u32,
    argv: Vec<String>,
    interrupts: &Interrupts,
) -> Result<Exit, Error> {
    let store = store_of(&args.location)?;
    let (old, record) = recorded_run(&store, &args.target)?;
    old.check_owner(Trust::of_option(args.trust))?;
    let count = NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
    let started = Utc::now();
    let mut file = CampaignFile {
        started: started.rfc3339(),
        seed: record.seed,
        following: Some(record.seed),
        invocation: Invocation { args: argv, ..old.file.invocation },
        iterations: Some(count.get()),
        planned: None,
        shard: None,
        store: Some(store.root().to_owned()),
        archive: false,
        verbose: (args.verbose > 0).then_some(args.verbose).or(old.file.verbose),
        ..old.file
    };
    file.tests.retain(|test| test.key == record.test);
    let mut stored = StoredCampaign { dir: old.dir, file };
    let mut campaign = stored.campaign(None, ReplaySpec::default())?;
    stored.dir = store.create_campaign(started)?;
    campaign.dir.clone_from(&stored.dir.path);
    stored.file.write(&stored.dir.path)?;
    let rounds = Rounds::Fixed(count);
    let schedule = Schedule::new(1, rounds, Order::Interleaved);
    let budget = Budget::of(rounds);
    let exports = ExportArgs::default();
    let output = Output::new(&args.location.store, Columns::default(), &exports);
    Session::new(stored, campaign, schedule, budget, output).run(interrupts)
}
