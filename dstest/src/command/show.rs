//! `dstest show`: a run's failure report.

use super::location::store_of;
use super::target::recorded_run;
use crate::browse::{Campaign, report_text};
use crate::cli::ShowRunArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::record::RunRecord;
use crate::store::StoreError;
use crate::text::console;
use crate::text::style::Paint;

/// Prints the report of a run.
pub(super) fn run(args: &ShowRunArgs) -> Result<Exit, Error> {
    let store = store_of(&args.location)?;
    let (stored, record) = recorded_run(&store, &args.target)?;
    let campaign = Campaign::open(stored.dir)?;
    let is_it = |own: &RunRecord| own.test == record.test && own.iter == record.iter;
    let Some(run) = campaign.runs.iter().rposition(|(_, own)| is_it(own)) else {
        return Err(StoreError::Unsuitable("that run is no longer in the store".to_owned()).into());
    };
    let paint = Paint::choose(args.location.store.color, &std::io::stdout());
    let text = report_text(&campaign, run, paint);
    let is_copied = |line: &str| {
        ["REPLAY ", "LOG ", "BROWSE "].iter().any(|label| line.starts_with(label))
            || line.contains('\u{1b}')
    };
    console::print(&console::folded(&text, is_copied));
    Ok(Exit::Success)
}
