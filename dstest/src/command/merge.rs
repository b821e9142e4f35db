//! `dstest merge`: several campaigns, or several shares of one, as one.

use super::project::store_of;
use super::report;
use super::stored::Stored;
use crate::cli::MergeArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::export::json::Document;
use crate::store::{CampaignFile, Invocation, StoreError, write_atomically};
use crate::{summary, view};

/// Merges campaigns into a new one, and shows it.
pub(super) fn run(args: &MergeArgs, argv: Vec<String>) -> Result<Exit, Error> {
    let store = store_of(&args.location)?;
    let dirs = args.runs.iter().map(|run| store.find_campaign(Some(run)));
    let dirs = dirs.collect::<Result<Vec<_>, StoreError>>()?;
    let cwd = std::env::current_dir().map_err(Error::system("use the current directory"))?;
    let merged = store.merge(dirs, Invocation { args: argv, cwd })?;
    if merged.duplicates > 0 {
        let duplicates = summary::runs(merged.duplicates);
        view::note(&format!("dstest: {duplicates} left out: in several campaigns, or done again"));
    }
    let file = CampaignFile::read(&merged.dir.path)?;
    let stored = Stored { dir: merged.dir, file };
    let (tally, covered_s) = stored.tally()?;
    let document = Document::new(stored.head(&tally, covered_s), &tally);
    write_atomically(&stored.dir.path.join("summary.json"), document.text().as_bytes())?;
    report::show(&stored, &args.show, &args.location)
}
