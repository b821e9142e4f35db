//! `dstest browse` and `dstest show`: looking at what a campaign has left.

use std::io::IsTerminal;

use super::project::store_of;
use super::replay::recorded_run;
use crate::browse::{self, Browse, Campaign};
use crate::cli::{BrowseArgs, ShowRunArgs};
use crate::error::Error;
use crate::exit::Exit;
use crate::store::StoreError;
use crate::view;

/// Opens the browser.
pub(super) fn browse(args: &BrowseArgs) -> Result<Exit, Error> {
    let store = store_of(&args.location)?;
    let dir = store.find_campaign(args.run.as_deref())?;
    if !std::io::stdout().is_terminal() {
        let why = "dstest browse needs a terminal; `dstest report` and `dstest show` print";
        return Err(StoreError::Unsuitable(why.to_owned()).into());
    }
    let app = Browse::new(store, dir, browse::color_scheme(args.location.store.color))?;
    browse::run(app).map_err(Error::system("use the terminal"))?;
    Ok(Exit::Success)
}

/// Prints what there is to say of a run.
pub(super) fn show(args: &ShowRunArgs) -> Result<Exit, Error> {
    let store = store_of(&args.location)?;
    let (stored, record) = recorded_run(&store, &args.which)?;
    let campaign = Campaign::open(stored.dir)?;
    let is_it = |own: &crate::model::RunRecord| own.test == record.test && own.iter == record.iter;
    let Some(run) = campaign.runs.iter().rposition(|(_, own)| is_it(own)) else {
        return Err(StoreError::Unsuitable("that run is no longer in the store".to_owned()).into());
    };
    view::print(&browse::report_text(&campaign, run));
    Ok(Exit::Success)
}
