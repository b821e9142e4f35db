//! The failure report of a run: the one it wrote itself, or else its reason, the last state of its
//! peers, and the end of its log.

use std::path::Path;

use pretty::view::LogView;
use pretty::{Background, Depth};

use super::campaign::{Attempt, Campaign};
use super::log_budget::LogBudget;
use crate::campaign::CommandHints;
use crate::record::{Retry, RunPicture, RunRecord, tail};
use crate::store::REPLAYS;
use crate::store::open_dir::read_end;
use crate::text::log_line::log_line;
use crate::text::style::Paint;
use crate::text::{shell, sink};

/// The report of a run, and commands for more; lines of its log have their own colours if `paint` has any.
pub(crate) fn text(campaign: &Campaign, run: usize, paint: Paint) -> String {
    report(campaign, run, paint, &LogBudget::unlimited()) + &commands(campaign, run)
}

/// The report of a run.
pub(crate) fn report(campaign: &Campaign, run: usize, paint: Paint, budget: &LogBudget) -> String {
    if let Some(text) = campaign.report(run).and_then(|reported| reported.text) {
        let lines: Vec<String> = text.trim_end().lines().map(sink::screen).collect();
        return format!("{}\n{}", lines.join("\n"), picture(campaign, run));
    }
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
    match campaign.log(run) {
        Some(log) => text.push_str(&of_log(&log, paint, budget)),
        None => text.push_str("LOG        not stored\n"),
    }
    text.push_str(&picture(campaign, run));
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

/// The last state of the peers in a log, if any, and its last lines.
fn of_log(path: &Path, paint: Paint, budget: &LogBudget) -> String {
    let whole = budget.admits(path);
    let Ok(bytes) = read_end(path, if whole { u64::MAX } else { END_BYTES }) else {
        return String::new();
    };
    let tail = tail(&bytes, TAIL_LINES).into_iter();
    let tail: Vec<String> = tail.map(|line| log_line(line, TAIL_COLUMNS, paint)).collect();
    let mut text = if whole {
        states(bytes)
    } else {
        "STATE      not read: the log is too large here\n".to_owned()
    };
    let title = match tail.len() {
        0 => "the log is empty".to_owned(),
        1 => "the last line of the log".to_owned(),
        count => format!("the last {count} lines of the log"),
    };
    text.push_str(&format!("TAIL       {title}\n"));
    tail.iter().for_each(|line| text.push_str(&format!("           {line}\n")));
    text
}

/// The last state of the peers.
fn states(log: Vec<u8>) -> String {
    let mut view = LogView::of_bytes(log, Background::Dark, Depth::None);
    view.select(usize::MAX);
    let mut text = String::new();
    let states = view.peer_states();
    let reported = states.iter().filter(|(_, state)| !state.is_empty());
    for (at, (peer, state)) in reported.enumerate() {
        let label = if at == 0 { "STATE     " } else { "          " };
        let facts: Vec<String> =
            state.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let (peer, facts) = (sink::screen(&peer.to_string()), sink::screen(&facts.join(" ")));
        text.push_str(&format!("{label} {peer:<4} {facts}\n"));
    }
    text
}

/// A screen has room for so many lines in addition to the rest.
const TAIL_LINES: usize = 20;

/// Enough for some pictures of a screen each.
const PICTURE_LINES: usize = 100;

/// As much of a log as its last lines can take.
const END_BYTES: u64 = 256 << 10;

/// Longer lines are data, not messages.
const TAIL_COLUMNS: usize = 200;
