//! `dstest replay`: one run again, by the same program with the same seed, and now in full detail.

use std::path::Path;

use super::location::store_of;
use super::target::{Target, find};
use crate::campaign::run_once;
use crate::cli::ReplayArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::plan::Keep;
use crate::process::signals::Interrupts;
use crate::record::{Class, RunRecord};
use crate::run::{self, Attempts, Campaign, LogNames, ReplaySpec, Seeds};
use crate::schedule::Job;
use crate::store::REPLAYS;
use crate::text::style::{Paint, TextStyle};
use crate::text::{console, shell, sink};
use crate::trust::Trust;

/// Repeats a run and compares.
pub(super) fn replay(args: &ReplayArgs, interrupts: &Interrupts) -> Result<Exit, Error> {
    let store = store_of(&args.location)?;
    let Target { stored, job, before } = find(&args.target, args.seed, &store)?;
    if !args.print {
        stored.check_owner(Trust::of_option(args.trust))?;
    }
    let spec = ReplaySpec {
        verbose: Some(args.verbose.max(1)),
        // The record's own seed: in a merged campaign it need not follow from the campaign's.
        seeds: args.seed.or(before.as_ref().map(|before| before.seed)).map(Seeds::Fixed),
        keep: Some(Keep::Everything),
        log_names: LogNames::OfReplay,
        attempts: Attempts::One,
    };
    let mut campaign = stored.campaign(Some(REPLAYS), spec)?;
    if args.print {
        console::print(&format!("{}\n", shell_line(&campaign, job)));
        return Ok(Exit::Success);
    }
    if let Some(words) = &args.wrap {
        campaign.process.wrap.clone_from(&words.0);
    }
    if let Some(script) = &stored.file.setup {
        console::warn(&format!("the campaign's --setup is not run again: {script}"));
    }
    let dir = campaign.dir.clone();
    let Some(after) = run_once(campaign, job, interrupts)? else {
        return Ok(Exit::Interrupted);
    };
    stored.record_replays(std::slice::from_ref(&after))?;
    let paint = Paint::choose(args.location.store.color, &std::io::stdout());
    console::print(&result(stored.file.name_of(&after), &after, &dir, paint));
    Ok(match &before {
        Some(before) => compare(before, &after, paint),
        None if after.verdict.class() == Class::Pass => Exit::Success,
        None => Exit::SomeFailed,
    })
}

fn result(name: &str, record: &RunRecord, dir: &Path, paint: Paint) -> String {
    let style =
        if record.verdict.class() == Class::Pass { TextStyle::Good } else { TextStyle::Bad };
    let verdict = paint.apply(style, record.verdict.label());
    let reason = record
        .signature
        .as_ref()
        .map_or_else(String::new, |reason| format!(": {}", sink::screen(reason)));
    let seed = record.seed;
    let log = record.log.as_ref().map(|log| sink::screen(&shell::relative(&dir.join(log))));
    let log = log.map_or_else(String::new, |log| format!("  log  {log}\n"));
    format!("{} #{}, seed {seed}, {verdict}{reason}\n{log}", sink::screen(name), record.iter)
}

/// Compares a run with its repetition: verdict, kind of failure, and trace where there is one.
fn compare(before: &RunRecord, after: &RunRecord, paint: Paint) -> Exit {
    let differences = before.differences(after);
    if differences.is_empty() {
        let trace = after.trace.map_or_else(String::new, |trace| format!(", trace {trace}"));
        console::print(&paint.apply(TextStyle::Good, &format!("same result as before{trace}\n")));
        return Exit::Success;
    }
    for difference in differences {
        let line = format!("the result differs: {}\n", sink::screen(&difference));
        console::print(&paint.apply(TextStyle::Warning, &line));
    }
    Exit::Differed
}

/// The run as a line for a shell.
fn shell_line(campaign: &Campaign, job: Job) -> String {
    let launch = run::launch(campaign, job);
    let words = launch.env.iter().map(|(name, value)| format!("{name}={}", shell::quote(value)));
    let words: Vec<String> = words.collect();
    let command: Vec<String> = launch.argv.iter().map(|word| shell::quote(word)).collect();
    let cwd = shell::quote(&launch.cwd.to_string_lossy());
    format!("cd {cwd} && env {} {}", words.join(" "), command.join(" "))
}
