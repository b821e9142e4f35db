//! The page of `--export-html`: the results of a campaign, with the evidence of its failures.

use std::collections::HashMap;

use super::exports::Results;
use super::history::read_all;
use crate::browse::{Campaign, LogBudget, failure_diagram, run_report};
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
        let evidence = |kind: &Group| {
            let run = runs.get(&(kind.test, kind.first));
            run.map_or_else(Evidence::default, |run| evidence(&campaign, *run, kind, &budget))
        };
        let diagram = |kind: &Group| {
            let run = runs.get(&(kind.test, kind.first))?;
            failure_diagram(&campaign.log(*run)?, &budget)
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
            diagram: &diagram,
            past: past.as_ref(),
        };
        Ok(page.text())
    }

    /// The newest campaigns of the store, as many as can be read in a moment.
    fn past(&self) -> Option<Past> {
        let (mut bytes, mut dirs) = (0, self.stored.dir.store()?.campaigns());
        let fits = |dir: &&CampaignDir| {
            bytes += dir.records_size();
            bytes <= PAST_BYTES_MAX
        };
        let count = dirs.iter().rev().take(PAST_MAX).take_while(fits).count();
        let older = dirs.len() - count;
        dirs.drain(..older);
        if dirs.len() < 2 {
            // It would be read for nothing.
            dirs.clear();
        }
        let (history, mut left_out) = read_all(dirs);
        if older > 0 {
            left_out.push(format!(
                "{older} earlier or larger campaigns are left out; `dstest history` has all"
            ));
        }
        Some(Past { history, this: self.stored.dir.short_id.clone(), left_out })
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

fn evidence(campaign: &Campaign, run: usize, kind: &Group, budget: &LogBudget) -> Evidence {
    Evidence {
        report: run_report(campaign, run, Paint::Plain, budget),
        is_known: campaign.is_known(kind.test, &kind.signature),
    }
}

/// More points than these are hard to tell apart.
const PAST_MAX: usize = 60;

/// Records of this size are read in a second.
const PAST_BYTES_MAX: u64 = 64 << 20;
