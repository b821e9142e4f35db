//! `dstest merge`: several campaigns, or several shards of one, as one campaign.

use super::location::store_of;
use super::report::output;
use crate::campaign::{StoredCampaign, check_exports, print_report};
use crate::cli::MergeArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::report::json::Document;
use crate::report::summary;
use crate::store::{Invocation, StoreError, write_atomically};
use crate::text::console;

/// Merges campaigns into a new one, and prints its report.
pub(super) fn run(args: &MergeArgs, argv: Vec<String>) -> Result<Exit, Error> {
    check_exports(&args.show.exports)?;
    let store = store_of(&args.location)?;
    let dirs = args.campaigns.iter().map(|campaign| store.find_campaign(Some(campaign)));
    let dirs = dirs.collect::<Result<Vec<_>, StoreError>>()?;
    let cwd = std::env::current_dir().map_err(Error::system("use the current directory"))?;
    let merged = store.merge(dirs, Invocation { args: argv, cwd })?;
    if merged.duplicates > 0 {
        let runs = summary::runs(merged.duplicates);
        console::warn(&format!("{runs} left out: in several campaigns, or done again"));
    }
    let stored = StoredCampaign::read(merged.dir)?;
    let (tally, wall_s) = stored.tally()?;
    let document = Document::new(stored.head(&tally, wall_s), &tally);
    write_atomically(&stored.dir.path.join("summary.json"), document.text().as_bytes())?;
    print_report(&stored, output(&args.show, &args.location))
}
