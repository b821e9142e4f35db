//! `dstest report`: a stored campaign's table again, from its events alone.

use std::io::IsTerminal as _;

use super::location::store_of;
use crate::campaign::{Output, StoredCampaign, check_exports, print_report};
use crate::cli::{LocationArgs, ReportArgs, StoredShowArgs};
use crate::error::Error;
use crate::exit::Exit;
use crate::plan::Columns;
use crate::text::console;

/// Prints the report of a stored campaign, and writes the exports.
pub(super) fn run(mut args: ReportArgs) -> Result<Exit, Error> {
    let store = store_of(&args.location)?;
    let stored = StoredCampaign::open(&store, args.campaign.as_deref())?;
    let mut written = None;
    if let Some(format) = args.export {
        let file = args.show.exports.file_mut(format);
        let name = format!("dstest-{}.{}", stored.dir.short_id, format.extension());
        // A terminal has no use for a page.
        let is_terminal = std::io::stdout().is_terminal();
        let file = file.get_or_insert_with(|| if is_terminal { &name } else { "-" }.into());
        written = is_terminal.then(|| file.display().to_string());
    }
    check_exports(&args.show.exports)?;
    let exit = print_report(&stored, output(&args.show, &args.location))?;
    if let Some(file) = written {
        console::print(&format!("Written: {file}\n"));
    }
    Ok(exit)
}

/// The output that these options ask for.
pub(super) fn output<'a>(show: &'a StoredShowArgs, location: &'a LocationArgs) -> Output<'a> {
    Output::new(&location.store, Columns::new(&show.columns), &show.exports)
}
