//! Statistics over runs: moments, percentiles, and confidence intervals of failure rates.
//!
//! Pure functions over numbers. Memory: four bytes for each sample kept, nothing else grows.

use serde::{Deserialize, Serialize};

/// Mean and deviation of a stream of values in constant memory (Welford's method).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
    max: f64,
}

impl Moments {
    /// Adds one value.
    pub fn push(&mut self, value: f64) {
        self.max = if self.count == 0 { value } else { self.max.max(value) };
        self.count += 1;
        let delta = value - self.mean;
        self.mean += delta / self.count as f64;
        self.squares += delta * (value - self.mean);
    }

    /// The number of values.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The mean; `None` without values.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// The largest value; `None` without values.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        (self.count > 0).then_some(self.max)
    }

    /// The sample deviation (divided by n − 1); `None` below two values, where it is undefined.
    #[must_use]
    pub fn deviation(&self) -> Option<f64> {
        (self.count > 1).then(|| (self.squares / (self.count - 1) as f64).sqrt())
    }
}

/// A sample that also keeps its values, for percentiles.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sample {
    moments: Moments,
    values: Vec<f32>,
}

impl Sample {
    /// Adds one value.
    pub fn push(&mut self, value: f64) {
        self.moments.push(value);
        self.values.push(value as f32);
    }

    /// Mean, deviation, largest.
    #[must_use]
    pub const fn moments(&self) -> &Moments {
        &self.moments
    }

    /// The values in the order they came, rounded to single precision.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The whole summary; `None` without values. Sorts a copy: meant for the end of a campaign.
    #[must_use]
    pub fn summary(&self) -> Option<Summary> {
        let mean = self.moments.mean()?;
        let mut sorted = self.values.clone();
        sorted.sort_unstable_by(f32::total_cmp);
        let at = |share| f64::from(percentile(&sorted, share));
        Some(Summary {
            mean,
            std: self.moments.deviation(),
            min: at(0.0),
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            max: self.moments.max()?,
        })
    }
}

/// A sample in seven numbers, in the unit of its values (seconds, in exports).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Arithmetic mean.
    pub mean: f64,
    /// Sample deviation; absent below two values.
    pub std: Option<f64>,
    /// Smallest value.
    pub min: f64,
    /// Median.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Largest value.
    pub max: f64,
}

/// The nearest-rank percentile of sorted, non-empty values: always one of them.
fn percentile(sorted: &[f32], share: f64) -> f32 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// An interval of rates, both within 0..=1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The Wilson score interval at 95 % for `failed` of `total` runs; everything when `total` is 0.
///
/// ```
/// let none = dstest::report::stats::wilson(0, 50);
/// assert_eq!(format!("{:.1} %", none.high * 100.0), "7.1 %");
/// ```
#[must_use]
pub fn wilson(failed: u64, total: u64) -> Interval {
    if total == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let (n, z2) = (total as f64, Z_95 * Z_95);
    let rate = failed as f64 / n;
    let centre = rate + z2 / (2.0 * n);
    let spread = Z_95 * (rate * (1.0 - rate) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    let low = if failed == 0 { 0.0 } else { (centre - spread) / scale };
    let high = if failed == total { 1.0 } else { (centre + spread) / scale };
    Interval { low: low.max(0.0), high: high.min(1.0) }
}

/// The number of runs that show at least one failure with 95 % probability, if each fails at
/// `rate`.
///
/// ```
/// assert_eq!(dstest::report::stats::runs_to_see(0.01), 299);
/// ```
///
/// # Panics
/// If `rate` is not between 0 and 1, both excluded.
#[must_use]
pub fn runs_to_see(rate: f64) -> u64 {
    assert!(0.0 < rate && rate < 1.0, "a rate lies between 0 and 1, not at {rate}");
    (0.05_f64.ln() / (1.0 - rate).ln()).ceil() as u64
}

/// The probability of two counts of failures at least as different as these, if both samples fail
/// at the same rate (Fisher's exact test, two-sided); 1 if a sample is empty.
///
/// ```
/// let p = dstest::report::stats::fisher((0, 100), (10, 100));
/// assert!(0.001 < p && p < 0.002);
/// ```
///
/// # Panics
/// If more failed than were run.
#[must_use]
pub fn fisher(a: (u64, u64), b: (u64, u64)) -> f64 {
    assert!(a.0 <= a.1 && b.0 <= b.1, "more failures than runs: {a:?} {b:?}");
    let (failed, total) = (a.0 + b.0, a.1 + b.1);
    let probability = |first: u64| {
        let ways = ln_choose(a.1, first) + ln_choose(b.1, failed - first);
        (ways - ln_choose(total, failed)).exp()
    };
    let observed = probability(a.0);
    // Equal probabilities may differ by rounding.
    let limit = observed * (1.0 + 1e-7);
    let possible = failed.saturating_sub(b.1)..=failed.min(a.1);
    possible.map(probability).filter(|p| *p <= limit).sum::<f64>().min(1.0)
}

/// The probability of two means at least as different as these, if both samples have the same mean
/// (Welch's test, by the normal approximation); `None` below [`WELCH_VALUES_MIN`] values.
#[must_use]
pub fn welch(a: &Moments, b: &Moments) -> Option<f64> {
    let enough = |m: &Moments| m.count >= WELCH_VALUES_MIN;
    if !enough(a) || !enough(b) {
        return None;
    }
    let error = |m: &Moments| m.deviation().map(|d| d * d / m.count as f64);
    let spread = (error(a)? + error(b)?).sqrt();
    let difference = (a.mean - b.mean).abs();
    if spread == 0.0 {
        return Some(if difference == 0.0 { 1.0 } else { 0.0 });
    }
    Some(2.0 * normal_tail(difference / spread))
}

/// Below so many values a sum of run times is too far from normal for [`welch`].
pub const WELCH_VALUES_MIN: u64 = 20;

fn ln_choose(n: u64, k: u64) -> f64 {
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

/// Exact below 32, Stirling's series above, where it is good to ten digits.
fn ln_factorial(n: u64) -> f64 {
    if n < 32 {
        return (2..=n).map(|k| (k as f64).ln()).sum();
    }
    let x = n as f64;
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1260.0 * x.powi(5));
    x * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI * x).ln() + series
}

/// The share of a normal distribution above `z` deviations (Abramowitz and Stegun 26.2.17).
fn normal_tail(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let factors = [1.330_274_429, -1.821_255_978, 1.781_477_937, -0.356_563_782, 0.319_381_530];
    let polynomial = factors.iter().fold(0.0, |sum, factor| (sum + factor) * t);
    polynomial * (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// The two-sided 95 % point of the normal distribution.
const Z_95: f64 = 1.959_963_984_540_054;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_wilson_intervals() {
        let rows = [
            (0, 50, "0.00 7.13"),
            (0, 1000, "0.00 0.38"),
            (1, 50, "0.35 10.50"),
            (3, 500, "0.20 1.75"),
            (50, 50, "92.87 100.00"),
            (0, 0, "0.00 100.00"),
        ];
        for (failed, total, want) in rows {
            let got = wilson(failed, total);
            let got = format!("{:.2} {:.2}", got.low * 100.0, got.high * 100.0);
            assert_eq!(got, want, "{failed} of {total}");
        }
    }

    #[test]
    fn runs_needed_to_see_a_failure() {
        for (rate, want) in [(0.1, 29), (0.01, 299), (0.001, 2995), (0.0001, 29956)] {
            assert_eq!(runs_to_see(rate), want);
        }
    }

    #[test]
    fn known_values_of_fishers_test() {
        // From R: fisher.test(matrix(c(3, 1, 1, 3), 2)) and others.
        let rows =
            [((3, 4), (1, 4), 0.4857), ((0, 100), (10, 100), 0.00153), ((5, 5), (0, 5), 0.00794)];
        for (a, b, want) in rows {
            let got = fisher(a, b);
            assert!((got - want).abs() < 5e-5, "{a:?} {b:?}: {got}");
        }
        assert!((fisher((0, 0), (3, 9)) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn means_that_differ_and_means_that_do_not() {
        let sample = |start: f64| {
            let mut moments = Moments::default();
            (0..50).for_each(|i| moments.push(start + f64::from(i % 5)));
            moments
        };
        let same = welch(&sample(1.0), &sample(1.0)).unwrap();
        assert!((same - 1.0).abs() < 1e-6, "{same}");
        assert!(welch(&sample(1.0), &sample(3.0)).unwrap() < 1e-6);
        assert_eq!(welch(&Moments::default(), &sample(1.0)), None);
    }

    #[test]
    fn the_tail_of_the_normal_distribution() {
        assert!((normal_tail(Z_95) - 0.025).abs() < 1e-6);
        assert!((ln_factorial(40) - 110.320_639_714_757).abs() < 1e-9);
    }

    #[test]
    fn a_single_value_has_no_deviation() {
        let mut sample = Sample::default();
        assert_eq!(sample.summary(), None);
        sample.push(3.0);
        assert_eq!(sample.moments().deviation(), None, "not ± 0.00");
        sample.push(5.0);
        let deviation = sample.moments().deviation().unwrap();
        assert!((deviation - 2.0_f64.sqrt()).abs() < 1e-12, "n - 1, not n: {deviation}");
    }

    proptest! {
        #[test]
        fn moments_agree_with_the_two_pass_formula(values in prop::collection::vec(0.0..1e4_f64, 2..200)) {
            let mut sample = Sample::default();
            values.iter().for_each(|&value| sample.push(value));
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
            let summary = sample.summary().unwrap();
            prop_assert!((summary.mean - mean).abs() <= 1e-9 * mean.abs().max(1.0));
            prop_assert!((summary.std.unwrap() - variance.sqrt()).abs() <= 1e-6 * variance.sqrt().max(1.0));
        }

        #[test]
        fn percentiles_are_ordered_values(values in prop::collection::vec(0.0..1e4_f64, 1..200)) {
            let mut sample = Sample::default();
            values.iter().for_each(|&value| sample.push(value));
            let s = sample.summary().unwrap();
            let order = [s.min, s.p50, s.p95, s.p99];
            prop_assert!(order.is_sorted());
            prop_assert!(order.iter().all(|p| sample.values().iter().any(|v| f64::from(*v) == *p)));
        }

        #[test]
        fn an_interval_holds_the_observed_rate(total in 1_u64..100_000, share in 0.0..=1.0_f64) {
            let failed = (share * total as f64) as u64;
            let interval = wilson(failed, total);
            let rate = failed as f64 / total as f64;
            prop_assert!(interval.low <= rate && rate <= interval.high);
        }
    }
}
