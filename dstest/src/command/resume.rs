//! `dstest resume`: the runs that a campaign has not done yet.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::location::store_of;
use crate::campaign::{Output, Session, StoredCampaign, check_exports, with_scripts};
use crate::cli::ResumeArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::plan::{Budget, Columns, Order, Rounds};
use crate::process::signals::Interrupts;
use crate::run::{Inputs, ReplaySpec, change_of};
use crate::schedule::Schedule;
use crate::shard::Shard;
use crate::store::StoreError;
use crate::trust::Trust;

/// Runs the remaining runs of a campaign, with the same programs and seeds, into the same
/// directory.
pub(super) fn run(args: &ResumeArgs, interrupts: &Interrupts) -> Result<Exit, Error> {
    check_exports(&args.exports)?;
    let mut stored = StoredCampaign::open(&store_of(&args.location)?, args.campaign.as_deref())?;
    stored.check_owner(Trust::of_option(args.trust))?;
    stored.dir.own_store().open_marked()?;
    let count = args.iterations.or(stored.file.iterations).and_then(NonZeroU32::new);
    let rounds = Rounds::Fixed(count.ok_or_else(|| {
        StoreError::Unsuitable("the campaign had no fixed number of runs; give one with -n".into())
    })?);
    let shard = stored.file.shard.as_deref().and_then(Shard::parse).unwrap_or(Shard::WHOLE);
    let (done, tally) = stored.done()?;
    let earlier = Duration::try_from_secs_f64(stored.tally()?.1).unwrap_or_default();
    let inputs = Inputs::new(&stored.file);
    if let (Some(file), false) = (inputs.edited(), args.allow_edits) {
        let (change, path) = (change_of(file), file.display());
        let reason = match file.exists() {
            true => "further runs would be those of another program (--allow-edits goes on)",
            false => "put it back to go on",
        };
        let error = format!("{path} {change} since the campaign: {reason}");
        return Err(StoreError::Unsuitable(error).into());
    }
    // From now on, this is the plan.
    if args.iterations.is_some() {
        (stored.file.iterations, stored.file.planned) = (args.iterations, None);
    }
    stored.file.max_fail_per_test = None;
    stored.file.write(&stored.dir.path)?;
    with_scripts(&mut stored, interrupts, |stored| {
        let mut campaign = stored.campaign(None, ReplaySpec::default())?;
        campaign.earlier = earlier;
        if !args.allow_edits {
            campaign.inputs = Arc::new(inputs);
        }
        let schedule = Schedule::new(campaign.tests.len(), rounds, Order::Interleaved)
            .of_shard(shard)
            .without(done);
        let budget = Budget::of(rounds);
        let output = Output::new(&args.location.store, Columns::default(), &args.exports);
        let mut session = Session::new(stored.clone(), campaign, schedule, budget, output);
        session.workers = args.workers.unwrap_or(session.workers);
        session.tally = tally;
        session.earlier = earlier;
        session.run(interrupts)
    })
}
