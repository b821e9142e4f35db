//! The failure report of a run: the one it wrote itself, or else its reason, the last state of its
//! peers, and the end of its log.

use std::io;

use super::campaign::{Attempt, Campaign};
use super::log_budget::LogBudget;
use super::run_log::RunLog;
use crate::campaign::CommandHints;
use crate::record::{Retry, RunPicture, RunRecord};
use crate::report::page::{Drawing, Evidence, Parts};
use crate::store::REPLAYS;
use crate::text::style::Paint;
use crate::text::{shell, sink};

/// The report of a run, and commands for more; lines of its log have their own colours if `paint` has any.
pub(crate) fn text(campaign: &Campaign, run: usize, paint: Paint) -> String {
    let evidence = evidence(campaign, run, Parts::Report, paint, &LogBudget::unlimited());
    evidence.report + &commands(campaign, run)
}

/// These parts of the evidence of a run, for which its log is read at most once.
pub(crate) fn evidence(
    campaign: &Campaign,
    run: usize,
    parts: Parts,
    paint: Paint,
    budget: &LogBudget,
) -> Evidence {
    let (test, record) = &campaign.runs[run];
    let own = campaign.report(run).and_then(|reported| reported.text);
    let log = campaign.log(run).filter(|_| own.is_none() || parts == Parts::All);
    let mut log = log.map(|path| RunLog::read(&path, paint, budget));
    let report = match own {
        Some(text) => {
            let lines: Vec<String> = text.trim_end().lines().map(sink::screen).collect();
            format!("{}\n", lines.join("\n"))
        }
        None => composed(campaign, run, &mut log),
    };
    let drawing = match (parts, log) {
        (Parts::All, Some(Ok(mut log))) => log.drawing(),
        _ => Drawing::Nothing,
    };
    let is_known = campaign.is_known(*test, record.reason());
    Evidence { report: report + &picture(campaign, run), is_known, drawing }
}

/// The report of a run that wrote none itself.
fn composed(campaign: &Campaign, run: usize, log: &mut Option<io::Result<RunLog>>) -> String {
    let (_, record) = &campaign.runs[run];
    let mut text = format!(
        "{} {}   seed={}   {:.3} s\n",
        record.verdict.label().to_uppercase(),
        sink::screen(&campaign.name(run)),
        record.seed,
        record.wall_s()
    );
    if let Some(signature) = &record.signature {
        text.push_str(&format!("FAILURE    {}\n", sink::screen(signature)));
    }
    text.push_str(&attempts(record));
    if let Some(trace) = record.trace {
        text.push_str(&format!("TRACE      {trace}\n"));
    }
    match log {
        Some(Ok(log)) => text.push_str(&log.text()),
        Some(Err(error)) => text.push_str(&format!("LOG        cannot be read: {error}\n")),
        None => text.push_str("LOG        not stored\n"),
    }
    text
}

/// The picture that the run left.
fn picture(campaign: &Campaign, run: usize) -> String {
    let Some(RunPicture { text, page }) = campaign.picture(run) else { return String::new() };
    let mut picture = String::new();
    if let Some(text) = text {
        picture.push_str("PICTURE    of the run\n");
        let mut lines = text.trim_end().lines();
        for line in lines.by_ref().take(PICTURE_LINES) {
            picture.push_str(&format!("{}\n", sink::screen(line)));
        }
        match lines.count() {
            0 => {}
            more => picture.push_str(&format!("… and {more} lines more in picture.txt\n")),
        }
    }
    if let Some(page) = page {
        let page = sink::screen(&shell::relative(&page));
        picture.push_str(&format!("PAGE       {page}\n"));
    }
    picture
}

/// The command that repeats a run.
pub(super) fn replay_command(campaign: &Campaign, run: usize) -> String {
    let test = &campaign.file.tests[campaign.runs[run].0].name;
    CommandHints::new(&campaign.dir).replay(test, campaign.runs[run].1.iter)
}

/// Commands for more details.
fn commands(campaign: &Campaign, run: usize) -> String {
    let mut text = format!("REPLAY     {}\n", replay_command(campaign, run));
    if let Some(log) = campaign.log(run) {
        text.push_str(&format!("LOG        {}\n", sink::screen(&shell::relative(&log))));
    }
    text.push_str(&replays(campaign, run));
    text.push_str(&format!("BROWSE     {}\n", CommandHints::new(&campaign.dir).browse()));
    text
}

/// The further attempts of a run that failed at first, each with its own result.
fn attempts(record: &RunRecord) -> String {
    let line = |(number, retry): (u64, &Retry)| {
        let label = if number == 2 { "ATTEMPTS" } else { "" };
        let reason = retry.signature.as_ref().map(|reason| format!(": {}", sink::screen(reason)));
        let log = retry.log.as_ref().map(|log| format!("   {}", sink::screen(log)));
        let (reason, log) = (reason.unwrap_or_default(), log.unwrap_or_default());
        format!("{label:<10} {number}: {}{reason}{log}\n", retry.verdict.label())
    };
    (2..).zip(&record.retries).map(line).collect()
}

/// The replays of the run, each with its own result.
fn replays(campaign: &Campaign, run: usize) -> String {
    let original = &campaign.runs[run].1;
    let line = |(number, attempt): (u64, Attempt<'_>)| {
        let label = if number == 1 { "REPLAYS" } else { "" };
        let differences = original.differences(attempt.record);
        let result = match differences.as_slice() {
            [] => format!("{}, same result", attempt.record.verdict.label()),
            _ => format!("the result differs: {}", sink::screen(&differences.join("; "))),
        };
        let log =
            attempt.record.log.as_ref().map(|log| sink::screen(&format!("   {REPLAYS}/{log}")));
        format!("{label:<10} {number}: {result}{}\n", log.unwrap_or_default())
    };
    (1..).zip(campaign.attempts_of(run)).map(line).collect()
}

/// Enough for some pictures of a screen each.
const PICTURE_LINES: usize = 100;
