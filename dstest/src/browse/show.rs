//! The failure report of a run: the one it wrote itself, or else its reason, the last state of its
//! peers, and the end of its log.

use std::fs;
use std::path::Path;

use pretty::view::LogView;
use pretty::{Background, Depth};

use super::campaign::{Attempt, Campaign};
use crate::store::REPLAYS;
use crate::text::shell;

/// The report of a run.
pub(crate) fn text(campaign: &Campaign, run: usize) -> String {
    if let Some(text) = campaign.report(run).and_then(|reported| reported.text) {
        return format!("{}\n{}", text.trim_end(), commands(campaign, run));
    }
    let (_, record) = &campaign.runs[run];
    let mut text = format!(
        "{} {}   seed={}   {:.3} s\n",
        record.verdict.label().to_uppercase(),
        campaign.name(run),
        record.seed,
        record.wall_s()
    );
    if let Some(signature) = &record.signature {
        text.push_str(&format!("FAILURE    {signature}\n"));
    }
    if let Some(trace) = record.trace {
        text.push_str(&format!("TRACE      {trace}\n"));
    }
    match campaign.log(run) {
        Some(log) => text.push_str(&of_log(&log)),
        None => text.push_str("LOG        not stored\n"),
    }
    text.push_str(&commands(campaign, run));
    text
}

/// Commands for more details.
fn commands(campaign: &Campaign, run: usize) -> String {
    let program = shell::this_program();
    let (id, name) = (&campaign.dir.short_id, shell::quote(&campaign.name(run)));
    let mut text = format!("REPLAY     {program} replay {id} {name}\n");
    if let Some(log) = campaign.log(run) {
        text.push_str(&format!("LOG        {}\n", shell::relative(&log)));
    }
    text.push_str(&replays(campaign, run));
    text.push_str(&format!("BROWSE     {program} browse {id}\n"));
    text
}

/// The replays of the run, each with its own result.
fn replays(campaign: &Campaign, run: usize) -> String {
    let original = &campaign.runs[run].1;
    let line = |(number, attempt): (u64, Attempt<'_>)| {
        let label = if number == 1 { "REPLAYS" } else { "" };
        let differences = original.differences(attempt.record);
        let result = match differences.as_slice() {
            [] => format!("{}, same result", attempt.record.verdict.label()),
            _ => format!("the result differs: {}", differences.join("; ")),
        };
        let log = attempt.record.log.as_ref().map(|log| format!("   {REPLAYS}/{log}"));
        format!("{label:<10} {number}: {result}{}\n", log.unwrap_or_default())
    };
    (1..).zip(campaign.attempts_of(run)).map(line).collect()
}

/// The last state of the peers in a log, if any, and its last lines.
fn of_log(path: &Path) -> String {
    let Ok(bytes) = fs::read(path) else { return String::new() };
    let tail: Vec<String> = tail(&bytes);
    let mut view = LogView::of_bytes(bytes, Background::Dark, Depth::None);
    view.select(usize::MAX);
    let mut text = String::new();
    let states = view.peer_states();
    let reported = states.iter().filter(|(_, state)| !state.is_empty());
    for (at, (peer, state)) in reported.enumerate() {
        let label = if at == 0 { "STATE     " } else { "          " };
        let facts: Vec<String> =
            state.iter().map(|(key, value)| format!("{key}={value}")).collect();
        text.push_str(&format!("{label} {peer:<4} {}\n", facts.join(" ")));
    }
    let shown = tail.len().min(TAIL_LINES);
    text.push_str(&format!("TAIL       last {shown} lines of the log\n"));
    for line in &tail[tail.len() - shown..] {
        text.push_str(&format!("           {line}\n"));
    }
    text
}

/// The last lines that are not blank, safe for any terminal and cut to its width.
fn tail(bytes: &[u8]) -> Vec<String> {
    let start = bytes.len().saturating_sub(TAIL_BYTES);
    let safe = |line: &[u8]| {
        let mut text = pretty::make_safe(line, &mut String::new()).text().to_owned();
        if let Some((cut, _)) = text.char_indices().nth(TAIL_COLUMNS) {
            text.truncate(cut);
            text.push('…');
        }
        text
    };
    let lines = bytes[start..].split(|byte| *byte == b'\n');
    lines.map(safe).filter(|line| !line.trim().is_empty()).collect()
}

/// A screen has room for so many lines in addition to the rest.
const TAIL_LINES: usize = 20;

/// Longer lines are data, not messages.
const TAIL_COLUMNS: usize = 200;

/// Enough for so many lines of any log that is for people.
const TAIL_BYTES: usize = 64 * 1024;
