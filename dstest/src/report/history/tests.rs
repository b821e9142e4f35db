//! Histories of synthetic stores: nothing is found where nothing has changed, and what has changed is
//! found in the campaign in which it did.

use super::*;
use crate::record::Verdict;
use crate::report::tally::tests::record;
use crate::seed::Random;
use crate::store::campaign_file::tests::campaign_file;

/// A campaign in which each test runs 20 times, fails at a rate, and takes a time.
fn campaign(number: usize, tests: &[(f64, f64)], random: &mut Random) -> Source {
    let names: Vec<String> = (0..tests.len()).map(|test| format!("test_{test}")).collect();
    let mut file = campaign_file(&names.iter().map(String::as_str).collect::<Vec<_>>());
    file.commit = Some(Commit { id: format!("{number:040x}"), modified: false });
    let mut tally = Tally::of(&file.tests);
    for (test, (rate, seconds)) in tests.iter().enumerate() {
        for iter in 1..=20 {
            let is_failed = random.uniform() < *rate;
            let verdict = if is_failed { Verdict::Failed } else { Verdict::Passed };
            let seconds = seconds * (1.0 + 0.1 * random.uniform());
            tally.record(test, &record(&names[test], iter, verdict, seconds));
        }
    }
    let completion = Completion::of(&file, &tally, End::Complete);
    Source { id: format!("c{number}"), file, tally, completion }
}

/// The campaigns of a store, each with a load that stretches all times.
fn store(
    seed: u64,
    campaigns: usize,
    tests: usize,
    of: impl Fn(usize, usize) -> (f64, f64),
) -> Vec<Source> {
    let mut random = Random(seed);
    let mut one = |number| {
        let load = 1.0 + 2.0 * random.uniform();
        let tests: Vec<(f64, f64)> = (0..tests)
            .map(|test| {
                let (rate, seconds) = of(number, test);
                (rate, seconds * load * (1.0 + 0.1 * random.uniform()))
            })
            .collect();
        campaign(number, &tests, &mut random)
    };
    (0..campaigns).map(&mut one).collect()
}

fn all_changes(history: &History) -> Vec<(usize, Measure, Direction, usize)> {
    let tests = history.tests.iter().enumerate();
    let changes = tests.flat_map(|(test, history)| {
        history.changes.iter().map(move |it| (test, it.measure, it.direction, it.campaign))
    });
    changes.collect()
}

#[test]
fn a_store_in_which_nothing_changes_shows_no_change() {
    let stores = 20;
    let shows_any = |seed: &u64| {
        let history = History::of(&store(*seed, 14, 10, |_, test| (0.02 * test as f64, 0.3)));
        !all_changes(&history).is_empty()
    };
    let found = (0..stores).filter(shows_any).count();
    assert!(found <= 2, "{found} of {stores}: more than one of twenty");
}

#[test]
fn the_campaign_in_which_a_test_begins_to_fail_or_to_take_longer_is_named() {
    let of = |number: usize, test: usize| match test {
        0 if number >= 9 => (0.4, 0.3),
        1 if number >= 11 => (0.0, 0.6),
        _ => (0.0, 0.3),
    };
    let history = History::of(&store(5, 16, 12, of));
    let found = all_changes(&history);
    let worse = Direction::Worse;
    let want = [
        (0, Measure::Failures, worse, 9),
        (1, Measure::Time, worse, 11),
        (1, Measure::CpuTime, worse, 11),
    ];
    assert_eq!(found, want);
    let change = &history.tests[0].changes[0];
    assert!(change.earliest <= 9 && change.latest >= 9 && change.p < 0.001, "{change:?}");
    let words = history.words(change);
    assert!(words.starts_with("fails more often since c9 (0000000000)"), "{words}");
    assert!(history.tests[0].is_worse() && !history.tests[2].is_worse());
}

#[test]
fn a_test_that_gets_slower_while_the_load_falls_is_worse_and_one_that_keeps_its_time_no_change() {
    let of = |number: usize, test: usize| {
        let load = if number < 8 { 1.0 } else { 0.4 };
        (0.0, 0.3 * load * if test == 0 && number >= 8 { 2.0 } else { 1.0 })
    };
    let history = History::of(&store(5, 16, 12, of));
    // The load may have changed the time on the clock by as much.
    assert_eq!(all_changes(&history), [(0, Measure::CpuTime, Direction::Worse, 8)]);
    for change in &history.tests[0].changes {
        let words = history.words(change);
        assert!(words.starts_with("takes more CPU time"), "{words}");
        assert!((change.now / change.before - 2.0).abs() < 0.3, "{change:?}");
    }
}

#[test]
fn times_that_each_campaign_stretches_for_each_test_show_a_change_in_one_store_of_twenty() {
    for (tests, stores) in [(9, 20), (40, 10)] {
        let shows_any =
            |seed: &u64| !all_changes(&History::of(&restless_store(*seed, tests))).is_empty();
        let found = (0..stores).filter(shows_any).count();
        assert!(found as u64 * 20 <= stores * 3, "{found} of {stores} stores of {tests} tests");
    }
}

/// A store in which nothing changes but the time of each test from campaign to campaign, by some 10 %.
fn restless_store(seed: u64, tests: usize) -> Vec<Source> {
    let mut random = Random(seed ^ 0x5eed);
    // The sum of twelve is normal enough.
    let mut normal = || (0..12).map(|_| random.uniform()).sum::<f64>() - 6.0;
    let factors: Vec<Vec<f64>> =
        (0..14).map(|_| (0..tests).map(|_| (0.1 * normal()).exp()).collect()).collect();
    let mut random = Random(seed);
    let one = |(number, factors): (usize, &Vec<f64>)| {
        let tests: Vec<(f64, f64)> = factors.iter().map(|factor| (0.0, 0.3 * factor)).collect();
        campaign(number, &tests, &mut random)
    };
    factors.iter().enumerate().map(one).collect()
}

#[test]
fn times_of_a_few_tests_may_be_those_of_the_load() {
    let of = |number: usize, _| (0.0, if number < 6 { 0.1 } else { 1.0 });
    let history = History::of(&store(9, 12, 1, of));
    let found = all_changes(&history);
    let want =
        [(0, Measure::Time, Direction::Unclear, 6), (0, Measure::CpuTime, Direction::Worse, 6)];
    assert_eq!(found, want);
    let words = history.words(&history.tests[0].changes[0]);
    assert!(words.contains("by its own doing or by the load"), "{words}");
}

#[test]
fn what_was_mended_since_is_a_change_for_the_worse_and_one_for_the_better() {
    let of = |number: usize, _| (if (6..14).contains(&number) { 0.4 } else { 0.0 }, 0.3);
    let history = History::of(&store(7, 22, 1, of));
    let failures = |it: &(usize, Measure, Direction, usize)| it.1 == Measure::Failures;
    let found: Vec<_> = all_changes(&history).into_iter().filter(failures).collect();
    let want = [(Direction::Worse, 6), (Direction::Better, 14)];
    assert_eq!(found.iter().map(|it| (it.2, it.3)).collect::<Vec<_>>(), want);
    assert!(!history.tests[0].is_worse());
}

#[test]
fn campaigns_of_another_kind_are_shown_and_not_mixed_with_the_others() {
    let with = |change: &dyn Fn(&mut [Source])| {
        let mut sources = store(3, 8, 1, |number, _| (if number < 4 { 0.0 } else { 1.0 }, 0.3));
        change(&mut sources);
        History::of(&sources)
    };
    let counted = |history: &History| {
        let counts = |point: &&Point| point.counts == Counts::Everything;
        history.tests[0].points.iter().filter(counts).count()
    };
    let all = with(&|_| ());
    assert_eq!((counted(&all), all.tests[0].changes.len()), (8, 1));
    let remark = |history: &History, at: usize| history.tests[0].points[at].remarks.join("; ");

    let options = with(&|sources| {
        sources[..4].iter_mut().for_each(|it| it.file.env = vec![("FAULTS".into(), "none".into())]);
    });
    assert_eq!((counted(&options), options.tests[0].changes.len()), (4, 0));
    assert_eq!(remark(&options, 0), "other options: FAULTS \"none\"");

    let machine = with(&|sources| sources[0].file.workers = 8);
    assert_eq!(machine.tests[0].points[0].counts, Counts::Failures);
    assert_eq!((remark(&machine, 0), machine.tests[0].changes.len()), ("workers 8".into(), 1));

    let merged = |of_one_commit: bool| {
        with(&|sources: &mut [Source]| {
            sources[0].file.shard = Some("1/2".to_owned());
            sources[1].file.shard = Some("2/2".to_owned());
            if of_one_commit {
                let commit = sources[2].file.commit.clone();
                sources[..2].iter_mut().for_each(|it| it.file.commit.clone_from(&commit));
            }
        })
    };
    let of_others = merged(false);
    assert_eq!((counted(&of_others), remark(&of_others, 0)), (8, String::new()));
    let merged = merged(true);
    assert_eq!((counted(&merged), remark(&merged, 0)), (6, "its runs are in c2".to_owned()));
    assert_eq!(merged.campaigns[0].remarks, ["shard 1/2"]);

    let otherwise = with(&|sources| {
        let commit = sources[6].file.commit.clone();
        sources[7].file.commit = commit;
        sources[6].file.env = vec![("FAULTS".into(), "none".into())];
    });
    assert_eq!((counted(&otherwise), remark(&otherwise, 7)), (7, String::new()));
    assert_eq!(remark(&otherwise, 6), "other options: FAULTS \"none\"");

    let again = with(&|sources| {
        let commit = sources[0].file.commit.clone();
        sources[1].file.commit = commit;
    });
    assert_eq!((counted(&again), remark(&again, 0)), (7, "its runs are in c1".to_owned()));

    let changed = with(&|sources| {
        sources[2].file.commit.iter_mut().for_each(|commit| commit.modified = true);
        sources[3].completion.done = 7;
        sources[3].completion.end = End::Interrupted;
    });
    assert_eq!(changed.campaigns[2].remarks, ["uncommitted changes"]);
    assert_eq!(changed.campaigns[3].remarks, ["interrupted: 7 of 20 runs"]);
}

#[test]
fn a_store_of_one_campaign_or_of_runs_without_a_result_has_a_history_too() {
    let one = History::of(&store(1, 1, 2, |_, _| (0.5, 0.3)));
    assert_eq!((one.tests.len(), one.tests[0].points.len()), (2, 1));
    let mut sources = store(1, 2, 1, |_, _| (0.0, 0.3));
    for source in &mut sources {
        source.tally = Tally::of(&source.file.tests);
        source.tally.record(0, &record("test_0", 1, Verdict::Skipped, 0.1));
    }
    let nothing = History::of(&sources);
    assert_eq!((nothing.tests[0].points[0].total, nothing.tests[0].changes.len()), (0, 0));
    assert_eq!(nothing.tests[0].points[0].time, None);
}
