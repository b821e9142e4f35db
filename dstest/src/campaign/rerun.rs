//! A few runs again, in a directory of their own below the campaign's.

use std::num::NonZeroU32;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::live_session::LiveSession;
use crate::error::Error;
use crate::plan::{Budget, Rounds};
use crate::process::signals::Interrupts;
use crate::record::RunRecord;
use crate::run::{self, Campaign, DispatchOptions, Observer, Outcome, RunEvent, Stop};
use crate::schedule::{Job, Schedule};

/// Collects the records of a few runs.
#[derive(Default)]
struct Collector(Vec<RunRecord>);

impl Observer for Collector {
    fn event(&mut self, event: &RunEvent<'_>) -> ControlFlow<Stop> {
        if let RunEvent::Finished { record, .. } = event {
            self.0.push((*record).clone());
        }
        ControlFlow::Continue(())
    }
}

/// Repeats one run; `None` if it was interrupted.
pub(crate) fn run_once(
    campaign: Campaign,
    job: Job,
    interrupts: &Interrupts,
) -> Result<Option<RunRecord>, Error> {
    let records = run_listed(campaign, vec![job], 1, interrupts)?;
    Ok(records.and_then(|mut records| records.pop()))
}

/// Repeats these runs; `None` if they were interrupted.
pub(crate) fn run_listed(
    campaign: Campaign,
    jobs: Vec<Job>,
    workers: u32,
    interrupts: &Interrupts,
) -> Result<Option<Vec<RunRecord>>, Error> {
    let live_session = LiveSession::replay(&campaign.dir)?;
    let rounds = Rounds::Fixed(NonZeroU32::MIN);
    let options = DispatchOptions {
        schedule: Schedule::listed(jobs),
        budget: Budget::of(rounds),
        workers: workers as usize,
        expected_duration: Arc::new(|_| 0.0),
        live: &live_session.live,
    };
    let mut records = Collector::default();
    let outcome = run::dispatch(&Arc::new(campaign), options, interrupts, &mut records);
    let Outcome { stop, .. } = outcome.map_err(Error::system("start the run"))?;
    Ok((!stop.is_sudden()).then_some(records.0))
}
