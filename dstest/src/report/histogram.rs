//! Histograms of run times: a line for each test, a bar for each class of times.
//!
//! All tests share one scale, so that lines compare. It is logarithmic, so that a run of a hundred
//! times the usual time is visible.

use unicode_width::UnicodeWidthStr;

use crate::report::tally::Tally;
use crate::text::sink;
use crate::text::width::shortened;

/// A line for each test that has passed.
pub(crate) fn lines(tally: &Tally) -> String {
    let passed = || tally.tests().iter().filter(|test| !test.time.values().is_empty());
    let Some(scale) = Scale::of_tally(tally) else { return String::new() };
    let names = || passed().map(|test| shortened(&sink::screen(&test.name), NAME_COLUMNS));
    let width = names().map(|name| name.width()).max().unwrap_or(0);
    let mut out = format!("{:width$}  {}\n", "", scale.ruler());
    for (test, name) in passed().zip(names()) {
        let bars = scale.bars(test.time.values());
        let blanks = " ".repeat(width - name.width());
        out.push_str(format!("{name}{blanks}  {bars}").trim_end());
        out.push('\n');
    }
    out
}

/// Classes of times of equal ratio.
pub(crate) struct Scale {
    low_s: f64,
    high_s: f64,
}

impl Scale {
    /// For the times of all tests that have passed; `None` if none has.
    pub(crate) fn of_tally(tally: &Tally) -> Option<Self> {
        let times = tally.tests().iter().flat_map(|test| test.time.values());
        Self::of(times.map(|time| f64::from(*time)))
    }

    /// From the shortest time to the longest; `None` without times.
    fn of(times: impl Iterator<Item = f64>) -> Option<Self> {
        let (low, high) =
            times.fold((f64::MAX, 0.0_f64), |(low, high), s| (low.min(s), high.max(s)));
        // Times are in whole microseconds, and a scale needs some width.
        let low_s = low.max(1e-6);
        (low <= high).then(|| Self { low_s, high_s: high.max(low_s * RATIO_MIN) })
    }

    /// The place of a time: 0 for the shortest, 1 for the longest.
    pub(crate) fn place(&self, time_s: f64) -> f64 {
        (time_s.max(self.low_s) / self.low_s).ln() / (self.high_s / self.low_s).ln()
    }

    fn class_of(&self, time_s: f64) -> usize {
        ((self.place(time_s) * CLASSES as f64) as usize).min(CLASSES - 1)
    }

    /// The number of times in each class.
    pub(crate) fn counts(&self, times: &[f32]) -> [usize; CLASSES] {
        let mut counts = [0_usize; CLASSES];
        times.iter().for_each(|time| counts[self.class_of(f64::from(*time))] += 1);
        counts
    }

    /// The shortest and the longest time.
    pub(crate) fn ends(&self) -> [String; 2] {
        [self.low_s, self.high_s].map(time_label)
    }

    /// The powers of ten in it, in seconds.
    pub(crate) fn decades(&self) -> impl Iterator<Item = f64> {
        let [first, last] = [self.low_s.log10().ceil(), self.high_s.log10().floor()];
        (first as i32..=last as i32).map(|power| 10_f64.powi(power))
    }

    /// A bar for each class, as high as its share of the fullest; a blank for an empty one.
    fn bars(&self, times: &[f32]) -> String {
        bars(&self.counts(times))
    }

    /// Both ends of the scale, over the ends of the bars.
    fn ruler(&self) -> String {
        let [low, high] = self.ends();
        let gap = CLASSES.saturating_sub(low.chars().count() + high.chars().count() + 2);
        format!("{low} {} {high}", "┈".repeat(gap))
    }
}

/// A bar for each count, as high as its share of the largest; a blank for zero.
pub(crate) fn bars(counts: &[usize]) -> String {
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let bar = |count: &usize| match count {
        0 => ' ',
        some => BARS[(some * BARS.len()).div_ceil(most) - 1],
    };
    counts.iter().map(bar).collect()
}

fn time_label(seconds: f64) -> String {
    match seconds {
        s if s < 0.001 => format!("{:.0} µs", s * 1e6),
        s if s < 1.0 => format!("{:.1} ms", s * 1e3),
        s => format!("{s:.1} s"),
    }
}

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Leaves room for a long name in 80 columns.
pub(crate) const CLASSES: usize = 40;

/// The rest of 80 columns.
const NAME_COLUMNS: usize = 37;

/// A scale covers at least a factor of two, or noise would look like spread.
const RATIO_MIN: f64 = 2.0;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::Verdict;
    use crate::report::tally::tests::record;

    #[test]
    fn a_slow_run_among_many_is_seen() {
        let mut tally = Tally::new(["usual", "rarely_hangs", "never_passed"]);
        for iter in 1..=40 {
            let wall_s = 0.010 + 0.0002 * f64::from(iter);
            tally.record(0, &record("usual", iter, Verdict::Passed, wall_s));
            tally.record(1, &record("rarely_hangs", iter, Verdict::Passed, wall_s));
        }
        tally.record(1, &record("rarely_hangs", 41, Verdict::Passed, 5.0));
        insta::assert_snapshot!(lines(&tally));
        assert_eq!(lines(&Tally::new(["a"])), "");
    }

    proptest! {
        #[test]
        fn every_run_is_in_a_bar(times in prop::collection::vec(0.0..1e4_f32, 1..50)) {
            let scale = Scale::of(times.iter().map(|time| f64::from(*time))).unwrap();
            let bars = scale.bars(&times);
            prop_assert_eq!(bars.chars().count(), CLASSES);
            let classes: std::collections::BTreeSet<usize> =
                times.iter().map(|time| scale.class_of(f64::from(*time))).collect();
            prop_assert_eq!(bars.chars().filter(|bar| *bar != ' ').count(), classes.len());
        }
    }
}
