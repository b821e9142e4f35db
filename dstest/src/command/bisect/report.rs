//! The words of a bisection.

use std::time::Duration;

use crate::bisect::{
    BadCommit, Finding, GoodTest, Rate, Repository, SequentialTest, State, Step, Trials,
    expected_runs, good_rate,
};
use crate::report::stats;
use crate::report::summary::percent;
use crate::text::{duration, sink};

/// ` (3 failed otherwise, 2 without a result)`, or nothing.
pub(super) fn others(trials: Trials) -> String {
    let counts = [(trials.other, "failed otherwise"), (trials.nothing, "without a result")];
    let words = counts.into_iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> = words.map(|(count, what)| format!("{count} {what}")).collect();
    if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
}

/// `10 of 327 runs failed (3.1 %, 95 % 1.5 % to 5.6 %)`.
pub(super) fn rate(trials: Trials) -> String {
    let (failed, runs) = (trials.failed, trials.counted());
    let interval = stats::interval(failed, runs);
    let (low, high) = (percent(interval.low), percent(interval.high));
    let rate = percent(trials.rate().estimate());
    format!("{failed} of {runs} runs failed ({rate}, 95 % {low} to {high}){}", others(trials))
}

/// The runs and the time to be expected from now on.
pub(super) fn expectation(state: &State, bad: &BadCommit) -> String {
    let (rate, error) = (bad.trials.rate(), state.error_of_each());
    let of_good = GoodTest::new(rate, error).runs_if_clean();
    // As if the good commit did not fail, where it is not measured yet.
    let measured = state.good.map_or(Rate::Known(0.0), |it| it.rate());
    let test = SequentialTest::new(good_rate(measured, rate), rate, error);
    let [(if_good, most_if_good), (if_bad, most_if_bad)] =
        [measured, rate].map(|rate| expected_runs(&test, rate.estimate()));
    let steps = u64::from(state.steps_expected);
    let done = state.steps.len() as u64;
    let left = steps.saturating_sub(done);
    let first = if state.good.is_some() { 0 } else { of_good };
    let (mean, most) =
        (first + left * if_good.midpoint(if_bad), first + left * most_if_good.max(most_if_bad));
    let time = |runs: u64| {
        let seconds = runs as f64 * bad.interval_s;
        duration::human(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
    };
    format!(
        "expected: {first} runs of GOOD, then about {left} steps of {if_good} runs if good, {if_bad} if bad: \
         about {mean} runs in {}, at most about {most} in {}, and the builds\n",
        time(mean),
        time(most)
    )
}

/// The line of a step.
pub(super) fn step(repository: &Repository, state: &State, step: &Step) -> String {
    let word = match step.finding {
        Finding::Good => "good",
        Finding::Bad => "BAD",
        Finding::Skip => "skipped",
    };
    let (failed, runs) = (step.trials.failed, step.trials.counted());
    let commit = sink::screen(&repository.words(&step.commit));
    let reason = step.reason.as_ref().map(|reason| format!(" ({})", sink::screen(reason)));
    let (number, of) = (state.steps.len(), state.steps_expected);
    let other = if reason.is_some() { String::new() } else { others(step.trials) };
    let reason = reason.unwrap_or_default();
    format!(
        "step {number} of about {of}: {word}, {failed} of {runs} failed{other}{reason}  {commit}\n"
    )
}

/// The commit that was found, with the evidence on both sides.
pub(super) fn found(repository: &Repository, state: &State) -> String {
    let (_, first) = state.ends();
    let author = sink::screen(&repository.author(first));
    let commit = sink::screen(&repository.words(first));
    let mut text = format!("\nfirst bad commit: {commit}\n    {author}\n    git show {first}\n");
    let trials = |commit: &str| {
        let step = state.steps.iter().find(|step| step.commit == commit);
        let good = state.good.filter(|_| commit == state.search.good);
        let bad = state.bad.as_ref().filter(|_| commit == state.search.bad);
        step.map(|step| step.trials).or(good).or(bad.map(|bad| bad.trials))
    };
    text.extend(trials(first).map(|trials| format!("    it: {}\n", rate(trials))));
    for parent in repository.parents(first) {
        if let Some(trials) = trials(&parent) {
            let commit = sink::screen(&repository.words(&parent));
            text.push_str(&format!("    its parent {commit}: {}\n", rate(trials)));
        }
    }
    text + &bound(state)
}

/// The commits of which one is the first bad one.
pub(super) fn unclear(repository: &Repository, state: &State, others: &[String]) -> String {
    let (_, bad) = state.ends();
    let mut text =
        "\nthe first bad commit is one of these; all but the last were skipped:\n".to_owned();
    for commit in others.iter().map(String::as_str).chain([bad]) {
        let commit = sink::screen(&repository.words(commit));
        text.push_str(&format!("    {commit}\n"));
    }
    text + &bound(state)
}

/// The runs in all, and the bound of the error.
fn bound(state: &State) -> String {
    let of_steps = state.steps.iter().map(|step| step.trials);
    let all = of_steps.chain(state.good).chain(state.bad.as_ref().map(|bad| bad.trials));
    let runs: u64 = all.map(|it| it.all()).sum();
    format!(
        "{runs} runs; wrong with a probability of {} at most, if each commit fails as GOOD or as BAD does\n",
        percent(state.error_so_far())
    )
}
