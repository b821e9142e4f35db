//! A campaign as a trace for Perfetto or `chrome://tracing`: workers as tracks, runs as slices, failures
//! as marks on them and as a counter.
//!
//! The format is Chrome's Trace Event Format (JSON), times in microseconds. Slices of a track must not
//! overlap, or readers drop them.

use serde_json::{Value, json};

use crate::record::{Class, RunRecord, Verdict};

/// An attempt of a run, on its track.
struct Slice {
    start_us: u64,
    wall_us: u64,
    track: usize,
    name: String,
    class: Class,
    args: Value,
}

/// The tracks of all workers.
#[derive(Default)]
struct Tracks {
    /// The worker of each track, and the end of the last slice on it.
    tracks: Vec<(Option<u32>, u64)>,
}

/// The runs of a campaign as a trace; each record comes with the name of its test.
#[must_use]
pub fn text<'a>(title: &str, runs: impl IntoIterator<Item = (&'a str, &'a RunRecord)>) -> String {
    let mut runs: Vec<_> = runs.into_iter().collect();
    runs.sort_by_key(|(_, record)| (record.start_ms, record.end_ms()));
    let (mut tracks, mut failures) = (Tracks::default(), Vec::new());
    let mut out = String::from("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n");
    // A line for each event: readers do not mind, and people can search.
    let mut event = |event: Value| out.push_str(&format!("{event},\n"));
    for (name, record) in runs {
        let (track, start_us) = tracks.place(record);
        for slice in attempts(name, record, track, start_us) {
            failures.extend((slice.class == Class::Fail).then_some(slice.end_us()));
            slice.events().for_each(&mut event);
        }
    }
    counter(failures).for_each(&mut event);
    tracks.metadata().for_each(&mut event);
    let process = metadata("process_name", 0, &json!({"name": title}));
    out + &format!("{process}\n]}}\n")
}

impl Tracks {
    /// The track of a run and its start there. Starts are stored in milliseconds, so that a run may seem to
    /// start before the end of the one before, and is moved behind it.
    fn place(&mut self, record: &RunRecord) -> (usize, u64) {
        let start_us = record.start_ms * 1000;
        let is_free = |(slot, end): &(Option<u32>, u64)| {
            *slot == record.slot && *end < start_us.saturating_add(1000)
        };
        let track = self.tracks.iter().position(is_free).unwrap_or_else(|| {
            self.tracks.push((record.slot, 0));
            self.tracks.len() - 1
        });
        let (_, end) = &mut self.tracks[track];
        let start_us = start_us.max(*end);
        *end = start_us.saturating_add(record.wall_us_of_all());
        (track, start_us)
    }

    fn metadata(&self) -> impl Iterator<Item = Value> {
        self.tracks.iter().enumerate().flat_map(|(track, (slot, _))| {
            let name = slot.map_or("runs".to_owned(), |slot| format!("worker {slot}"));
            let order = json!({"sort_index": slot});
            [
                metadata("thread_name", track, &json!({"name": name})),
                metadata("thread_sort_index", track, &order),
            ]
        })
    }
}

impl Slice {
    fn end_us(&self) -> u64 {
        self.start_us + self.wall_us
    }

    /// The slice and, if the attempt failed, a mark at its end.
    fn events(&self) -> impl Iterator<Item = Value> {
        let (category, colour) = match self.class {
            Class::Pass => ("passed", "good"),
            Class::Fail => ("failed", "terrible"),
            Class::Skip => ("skipped", "grey"),
            Class::Inconclusive => ("inconclusive", "bad"),
        };
        let tid = self.track + 1;
        let slice = json!({
            "ph": "X", "pid": PROCESS, "tid": tid, "ts": self.start_us, "dur": self.wall_us,
            "name": self.name, "cat": category, "cname": colour, "args": self.args,
        });
        let mark = json!({
            "ph": "i", "s": "t", "pid": PROCESS, "tid": tid, "ts": self.end_us(),
            "name": format!("failed: {}", self.args["reason"].as_str().unwrap_or_default()),
            "cat": category, "cname": colour,
        });
        let mark = (self.class == Class::Fail).then_some(mark);
        std::iter::once(slice).chain(mark)
    }
}

/// The attempts of a run, one after the other.
fn attempts(name: &str, record: &RunRecord, track: usize, start_us: u64) -> Vec<Slice> {
    let run = format!("{name}#{}", record.iter);
    let has_retries = !record.retries.is_empty();
    // With retries, the verdict is that of all attempts.
    let verdict = if has_retries { Verdict::Failed } else { record.verdict };
    let first = (verdict.class(), record.wall_us, verdict, &record.signature, &record.log);
    let later = record.retries.iter().map(|retry| {
        (retry.verdict.class(), retry.wall_us, retry.verdict, &retry.signature, &retry.log)
    });
    let mut start_us = start_us;
    let mut slices = Vec::new();
    for (number, (class, wall_us, verdict, reason, log)) in
        (1..).zip(std::iter::once(first).chain(later))
    {
        let attempt = if has_retries { format!(" attempt {number}") } else { String::new() };
        let mark = if class == Class::Fail { "✗ " } else { "" };
        let mut args = json!({"seed": record.seed, "verdict": verdict.label()});
        if let Some(reason) = reason {
            args["reason"] = json!(reason);
        }
        if let Some(log) = log {
            args["log"] = json!(log);
        }
        let name = format!("{mark}{run}{attempt}");
        slices.push(Slice { start_us, wall_us, track, name, class, args });
        start_us += wall_us;
    }
    slices
}

/// The number of failures so far, at the time of each.
fn counter(mut failures: Vec<u64>) -> impl Iterator<Item = Value> {
    failures.sort_unstable();
    std::iter::once(0).chain(failures).enumerate().map(|(failed, at_us)| {
        json!({
            "ph": "C", "pid": PROCESS, "ts": at_us, "name": "failures", "args": {"failures": failed},
        })
    })
}

fn metadata(name: &str, track: usize, args: &Value) -> Value {
    json!({"ph": "M", "pid": PROCESS, "tid": track + 1, "name": name, "args": args})
}

/// The number of the only process.
const PROCESS: u32 = 1;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::record::Retry;
    use crate::report::tally::tests::record;

    fn run(slot: Option<u32>, start_ms: u64, wall_us: u64, verdict: Verdict) -> RunRecord {
        RunRecord { slot, start_ms, wall_us, ..record("a", 1, verdict, 0.0) }
    }

    fn events(runs: &[RunRecord]) -> Vec<Value> {
        let text = text("campaign", runs.iter().map(|run| ("a", run)));
        let trace: Value = serde_json::from_str(&text).unwrap();
        trace["traceEvents"].as_array().unwrap().clone()
    }

    #[test]
    fn workers_are_tracks_runs_are_slices_and_failures_are_marked() {
        let mut retried = run(Some(1), 2, 500, Verdict::Flaky);
        retried.signature = Some("no \"leader\"\u{1b}".to_owned());
        retried.retries.push(Retry {
            verdict: Verdict::Passed,
            wall_us: 700,
            cpu_us: 0,
            signature: None,
            log: None,
        });
        let runs = [
            run(Some(0), 0, 2_500, Verdict::Passed),
            run(Some(1), 0, 1_000, Verdict::Skipped),
            run(Some(0), 2, 1_000, Verdict::Failed),
            retried,
        ];
        insta::assert_snapshot!(text("dstest 4f2a", runs.iter().map(|run| ("a_2b", run))));
    }

    proptest! {
        /// Whatever a store holds: of any version, merged, resumed.
        #[test]
        fn slices_of_a_track_never_overlap_and_none_is_lost(
            runs in prop::collection::vec((prop::option::of(0_u32..3), 0_u64..20, 0_u64..9_000), 0..40)
        ) {
            let runs: Vec<_> = runs
                .into_iter()
                .map(|(slot, start_ms, wall_us)| run(slot, start_ms, wall_us, Verdict::Failed))
                .collect();
            let events = events(&runs);
            let of_kind = |kind: &'static str| events.iter().filter(move |event| event["ph"] == kind);
            prop_assert_eq!(of_kind("X").count(), runs.len());
            prop_assert_eq!(of_kind("i").count(), runs.len());
            let mut ends: BTreeMap<u64, u64> = BTreeMap::new();
            for slice in of_kind("X") {
                let number = |key: &str| slice[key].as_u64().unwrap();
                let end = ends.entry(number("tid")).or_default();
                prop_assert!(number("ts") >= *end, "{slice}");
                *end = number("ts") + number("dur");
            }
        }
    }
}
