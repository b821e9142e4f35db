//! `dstest report`: a stored campaign's table again, from its events alone.

use super::location::store_of;
use crate::campaign::{Output, StoredCampaign, check_exports, print_report};
use crate::cli::{LocationArgs, ReportArgs, StoredShowArgs};
use crate::error::Error;
use crate::exit::Exit;
use crate::plan::Columns;

/// Prints the report of a stored campaign, and writes the exports.
pub(super) fn run(args: &ReportArgs) -> Result<Exit, Error> {
    check_exports(&args.show.exports)?;
    let store = store_of(&args.location)?;
    let stored = StoredCampaign::open(&store, args.campaign.as_deref())?;
    print_report(&stored, output(&args.show, &args.location))
}

/// The output that these options ask for.
pub(super) fn output<'a>(show: &'a StoredShowArgs, location: &'a LocationArgs) -> Output<'a> {
    Output::new(&location.store, Columns::new(&show.columns), &show.exports)
}
