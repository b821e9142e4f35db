//! `dstest merge`: several campaigns, or several shards of one, as one campaign.

use super::location::store_of;
use super::report::output;
use crate::campaign::{StoredCampaign, check_exports, print_report};
use crate::cli::MergeArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::report::completion::{Completion, End};
use crate::report::json::{Document, Head};
use crate::report::summary;
use crate::store::{Builds, Invocation, StoreError, write_atomically};
use crate::text::{console, sink};

/// Merges campaigns into a new one, and prints its report.
pub(super) fn run(args: &MergeArgs, argv: Vec<String>) -> Result<Exit, Error> {
    check_exports(&args.show.exports)?;
    let store = store_of(&args.location)?;
    let dirs = args.campaigns.iter().map(|campaign| store.find_campaign(Some(campaign)));
    let dirs = dirs.collect::<Result<Vec<_>, StoreError>>()?;
    let builds = if args.allow_different_builds { Builds::MayDiffer } else { Builds::Same };
    let cwd = std::env::current_dir().map_err(Error::system("use the current directory"))?;
    let merged = store.merge(dirs, builds, Invocation { args: argv, cwd })?;
    if merged.duplicates > 0 {
        let runs = summary::runs(merged.duplicates);
        console::warn(&format!("{runs} left out: in several campaigns, or done again"));
    }
    let stored = StoredCampaign::read(merged.dir)?;
    let (tally, wall_s) = stored.tally()?;
    let completion = Completion::of(&stored.file, &tally, End::Complete);
    let head = Head { completion, ..stored.head(&tally, wall_s) };
    let document = Document::new(head, &tally);
    write_atomically(&stored.dir.path.join("summary.json"), document.text().as_bytes())?;
    let exit = print_report(&stored, output(&args.show, &args.location))?;
    merged.differing.iter().for_each(|build| console::warn(&sink::screen(build)));
    merged.problems.iter().for_each(|problem| console::warn(&sink::screen(problem)));
    let is_whole = merged.problems.is_empty() && completion.is_complete();
    if exit != Exit::Success || is_whole || args.partial {
        return Ok(exit);
    }
    console::warn("the merged campaign is not complete (--partial accepts it)");
    Ok(Exit::Incomplete)
}
