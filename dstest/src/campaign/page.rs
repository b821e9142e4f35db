//! The page of `--export-html`: the results of a campaign, with the evidence of its failures.

use std::collections::HashMap;

use super::exports::Results;
use super::history::read_all;
use crate::browse::{Campaign, LogBudget, run_evidence};
use crate::report::completion::End;
use crate::report::page::{Evidence, Page, Past};
use crate::report::summary;
use crate::report::tally::Group;
use crate::seed::Iteration;
use crate::store::{CampaignDir, StoreError};
use crate::text::duration;
use crate::text::style::Paint;

impl Results<'_> {
    /// The campaign as a page for a browser.
    pub(super) fn page(&self) -> Result<String, StoreError> {
        let campaign = Campaign::open_failures(self.stored.dir.clone())?;
        // The last record of a run counts, as for `dstest show`.
        let runs: HashMap<(usize, Iteration), usize> = campaign
            .runs
            .iter()
            .enumerate()
            .map(|(at, (test, record))| ((*test, record.iter), at))
            .collect();
        let budget = LogBudget::of_many();
        let evidence = |kind: &Group, parts| {
            let run = runs.get(&(kind.test, kind.first));
            let of_run = |run: &usize| run_evidence(&campaign, *run, parts, Paint::Plain, &budget);
            run.map_or_else(Evidence::default, of_run)
        };
        let replay = |test, iter| self.replay(test, iter);
        let (file, wall_s) = (&self.stored.file, self.document.wall_s);
        let past = self.past();
        let page = Page {
            id: &self.stored.dir.short_id,
            document: self.document,
            tally: self.tally,
            facts: &self.facts(),
            missing: &self.missing(campaign.unreadable()),
            load: summary::load(self.tally, wall_s, file.cores, self.output.columns),
            replay: &replay,
            evidence: &evidence,
            past: past.as_ref(),
        };
        Ok(page.text())
    }

    /// This campaign and those of the store before it.
    fn past(&self) -> Option<Past> {
        let this = &self.stored.dir;
        let (mut dirs, older) = newest_before(this, this.store()?.campaigns());
        if !dirs.is_empty() {
            dirs.push(this.clone());
        }
        let (history, mut left_out) = read_all(dirs);
        if older > 0 {
            left_out.push(format!(
                "earlier campaigns that are left out here: {older}; `dstest history` has all"
            ));
        }
        Some(Past { history, this: this.short_id.clone(), left_out })
    }

    /// Facts on the campaign that a reader elsewhere cannot know. Variables and arguments are not
    /// among them: they may be secrets.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let (file, document) = (&self.stored.file, self.document);
        let wall = std::time::Duration::try_from_secs_f64(document.wall_s).unwrap_or_default();
        let cores = file.cores.map_or_else(String::new, |cores| format!(" on {cores} processors"));
        let mut facts = vec![
            ("Started", file.started.clone()),
            ("Duration", duration::human(wall)),
            ("Runs", document.runs()),
            ("Tests", file.tests.len().to_string()),
        ];
        if !file.patterns.is_empty() {
            facts.push(("Patterns", file.patterns.join(" ")));
        }
        facts.push(("Seed", file.seed.to_string()));
        facts.push(("Workers", format!("{}{cores}", file.workers)));
        let timeout = std::time::Duration::from_millis(file.limits.timeout_ms);
        facts.push(("Timeout of a run", duration::human(timeout)));
        if let Some(origin) = &file.origin {
            facts.push(("Programs", origin.words()));
        }
        facts.push(("Directory", self.hints.dir().to_owned()));
        facts.push(("Written by", format!("dstest {}", env!("CARGO_PKG_VERSION"))));
        facts
    }

    /// Sentences on what the campaign was to have and has not.
    fn missing(&self, unreadable: u64) -> Vec<String> {
        let completion = self.stored.completion(self.tally);
        let mut missing = vec![completion.remark(&self.hints.resume())];
        match completion.end {
            End::Interrupted if completion.is_interrupted() => {
                missing.push("The campaign was interrupted before its end".to_owned());
            }
            End::Running => missing.push("The campaign was still running".to_owned()),
            End::Stopped => {
                missing.push("The campaign was stopped, as it could not go on".to_owned());
            }
            End::Complete | End::Time | End::Failures | End::Interrupted => {}
        }
        if let Some(shard) = &self.stored.file.shard {
            missing.push(format!(
                "This is share {shard} of a campaign; its other shares are not on this page"
            ));
        }
        if unreadable > 0 {
            missing.push(format!("{unreadable} lines of the store cannot be read"));
        }
        missing.retain(|sentence| !sentence.is_empty());
        missing
    }
}

/// The campaigns before this one, as many of the newest as can be read in a moment, and the number
/// of the others. Those after it are no past of it.
fn newest_before(this: &CampaignDir, mut dirs: Vec<CampaignDir>) -> (Vec<CampaignDir>, usize) {
    let own = dirs.iter().position(|dir| dir.path.file_name() == this.path.file_name());
    dirs.truncate(own.unwrap_or(dirs.len()));
    let mut bytes = 0;
    let fits = |dir: &&CampaignDir| {
        bytes += dir.records_size();
        bytes <= PAST_BYTES_MAX
    };
    let count = dirs.iter().rev().take(PAST_MAX).take_while(fits).count();
    let older = dirs.len() - count;
    dirs.drain(..older);
    (dirs, older)
}

/// More points than these are hard to tell apart.
const PAST_MAX: usize = 60;

/// Records of this size are read in a second.
const PAST_BYTES_MAX: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::*;
    use crate::store::Store;

    #[test]
    fn the_past_of_a_campaign_ends_with_it_and_is_of_what_fits() {
        let (mib, many) = (1_u64 << 20, 2 * PAST_MAX);
        let rows = [
            ("no other", vec![1], 0, 0..0),
            ("all before it", vec![1; 5], 4, 0..4),
            ("none after it", vec![1; 5], 2, 0..2),
            ("so many after it", vec![1; many], 1, 0..1),
            ("so many before it", vec![1; many], many - 1, PAST_MAX - 1..many - 1),
            ("it is large itself", vec![1, 1, 65 * mib], 2, 0..2),
            ("a large one before it", vec![1, 65 * mib, 1, 1], 3, 2..3),
            ("all before it are large", vec![65 * mib, 1], 1, 1..1),
        ];
        for (story, sizes, this, want) in rows {
            let dir = tempfile::tempdir().unwrap();
            let path = |at: usize| dir.path().join(format!("runs/20260101T{at:06}Z-aaaa"));
            for (at, size) in sizes.iter().enumerate() {
                fs::create_dir_all(path(at)).unwrap();
                fs::write(path(at).join("campaign.json"), "{}").unwrap();
                File::create(path(at).join("events.jsonl")).unwrap().set_len(*size).unwrap();
            }
            let dirs = Store::at(dir.path().to_owned()).campaigns();
            let (before, older) = newest_before(&dirs[this].clone(), dirs);
            let paths: Vec<_> = before.into_iter().map(|dir| dir.path).collect();
            assert_eq!(older, want.start, "{story}");
            assert_eq!(paths, want.map(path).collect::<Vec<_>>(), "{story}");
        }
    }
}
