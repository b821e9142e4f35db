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

/// The nearest-rank quantile of sorted values: always one of them; `None` without values.
#[must_use]
pub fn quantile(sorted: &[f32], share: f64) -> Option<f64> {
    (!sorted.is_empty()).then(|| f64::from(percentile(sorted, share)))
}

/// The ranks, from 1, of the values between which a quantile lies with 95 % probability, whatever the
/// distribution; `None` at an end for which there are too few values.
///
/// ```
/// use dstest::report::stats::quantile_ranks;
/// assert_eq!(quantile_ranks(0.5, 50), (Some(18), Some(33)));
/// assert_eq!(quantile_ranks(0.95, 50), (Some(44), None));
/// ```
#[must_use]
pub fn quantile_ranks(share: f64, values: u64) -> (Option<u64>, Option<u64>) {
    // The probability that at most so many of the values lie below the quantile.
    let at_most = |count: u64| match count < values {
        true => 1.0 - beta_share(share, count + 1, values - count),
        false => 1.0,
    };
    let low = first_count(values, |count| at_most(count) > TAIL);
    let high = first_count(values, |count| at_most(count) >= 1.0 - TAIL);
    (Some(low).filter(|low| *low > 0), Some(high + 1).filter(|high| *high <= values))
}

/// The least number up to `most` for which a condition holds, which then holds for all after it.
fn first_count(most: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = u64::midpoint(low, high);
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    low
}

/// An interval of rates, both within 0..=1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The exact 95 % interval (Clopper and Pearson) for `failed` of `total` runs; everything when
/// `total` is 0. Its coverage is at least 95 % for any number of runs.
///
/// ```
/// let none = dstest::report::stats::interval(0, 50);
/// assert_eq!(format!("{:.1} %", none.high * 100.0), "7.1 %");
/// ```
///
/// # Panics
/// If more failed than were run.
#[must_use]
pub fn interval(failed: u64, total: u64) -> Interval {
    assert!(failed <= total, "{failed} failures in {total} runs");
    let passed = total - failed;
    let low = if failed == 0 { 0.0 } else { beta_quantile(TAIL, failed, passed + 1) };
    let high = if passed == 0 { 1.0 } else { beta_quantile(1.0 - TAIL, failed + 1, passed) };
    Interval { low, high }
}

/// The probability beyond each end of [`interval`].
const TAIL: f64 = 0.025;

/// The point below which a beta distribution with these parameters, both above 0, has the share
/// `share`, by bisection.
fn beta_quantile(share: f64, a: u64, b: u64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..BISECTIONS {
        let middle = f64::midpoint(low, high);
        if beta_share(middle, a, b) < share { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// Halvings down to the precision of the numbers.
const BISECTIONS: u32 = 60;

/// The share of a beta distribution below `x` (the regularised incomplete beta function, by its
/// continued fraction, DLMF 8.17.22, which converges fast below the mean).
fn beta_share(x: f64, a: u64, b: u64) -> f64 {
    if x > (a + 1) as f64 / (a + b + 2) as f64 {
        return 1.0 - beta_share(1.0 - x, b, a);
    }
    let ln_beta = ln_factorial(a - 1) + ln_factorial(b - 1) - ln_factorial(a + b - 1);
    let (a, b) = (a as f64, b as f64);
    let front = (a * x.ln() + b * (-x).ln_1p() - ln_beta).exp() / a;
    // Lentz's method for 1 / (1 + d1 / (1 + d2 / ...)).
    let (mut fraction, mut c, mut d) = (1.0_f64, 1.0_f64, 0.0_f64);
    for step in 0..FRACTION_STEPS_MAX {
        let m = f64::from(step / 2);
        let factor = match step % 2 {
            _ if step == 0 => 1.0,
            0 => m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            _ => -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        };
        let away_from_zero = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
        d = 1.0 / away_from_zero(1.0 + factor * d);
        c = away_from_zero(1.0 + factor / c);
        fraction *= c * d;
        if (1.0 - c * d).abs() < 1e-12 {
            break;
        }
    }
    front * (fraction - 1.0)
}

/// Enough for some ten million runs: the steps grow with the square root of their number.
const FRACTION_STEPS_MAX: u32 = 20_000;

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

/// The probability of two samples at least as different in rank as these, if both come from one
/// distribution (Mann and Whitney's U test with ties, two-sided, by the normal approximation);
/// `None` below [`RANKED_VALUES_MIN`] values.
///
/// It asks nothing of the distribution: times of processes have long tails, which a test of means
/// mistakes for differences.
#[must_use]
pub fn mann_whitney(a: &[f32], b: &[f32]) -> Option<f64> {
    if a.len().min(b.len()) < RANKED_VALUES_MIN {
        return None;
    }
    let mut all: Vec<(f32, bool)> =
        a.iter().map(|value| (*value, true)).chain(b.iter().map(|value| (*value, false))).collect();
    all.sort_unstable_by(|(left, _), (right, _)| left.total_cmp(right));
    let (mut rank_sum, mut ties, mut before) = (0.0, 0.0, 0.0);
    for equal in all.chunk_by(|(left, _), (right, _)| left == right) {
        let count = equal.len() as f64;
        let of_a = equal.iter().filter(|(_, is_a)| *is_a).count() as f64;
        rank_sum += of_a * (before + f64::midpoint(1.0, count));
        ties += count.powi(3) - count;
        before += count;
    }
    let (n, m) = (a.len() as f64, b.len() as f64);
    let u = rank_sum - n * (n + 1.0) / 2.0;
    let variance = n * m / 12.0 * (n + m + 1.0 - ties / ((n + m) * (n + m - 1.0)));
    if variance <= 0.0 {
        return Some(1.0);
    }
    // Half a step towards the middle, as the distribution of U is discrete.
    let distance = ((u - n * m / 2.0).abs() - 0.5).max(0.0);
    Some((2.0 * normal_tail(distance / variance.sqrt())).min(1.0))
}

/// Below so many values the normal approximation of [`mann_whitney`] is too coarse.
pub const RANKED_VALUES_MIN: usize = 8;

/// The middle value; `None` without values.
#[must_use]
pub fn median(values: &[f32]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let upper = sorted.get(sorted.len() / 2)?;
    let lower = &sorted[(sorted.len() - 1) / 2];
    Some(f64::midpoint(f64::from(*lower), f64::from(*upper)))
}

/// The probabilities of many tests, corrected for their number (Holm's method): if nothing differs,
/// the chance that any of them falls below a limit is that limit.
///
/// ```
/// let corrected = dstest::report::stats::holm(&[0.01, 0.04, 0.03]);
/// assert_eq!(corrected, [0.03, 0.06, 0.06]);
/// ```
#[must_use]
pub fn holm(chances: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..chances.len()).collect();
    order.sort_unstable_by(|left, right| chances[*left].total_cmp(&chances[*right]));
    let mut corrected = vec![1.0; chances.len()];
    let mut largest = 0.0_f64;
    for (done, at) in order.into_iter().enumerate() {
        largest = largest.max(chances[at] * (chances.len() - done) as f64);
        corrected[at] = largest.min(1.0);
    }
    corrected
}

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

/// The share of Student's distribution that is further from 0 than `t`, with whole degrees of freedom, at
/// least 1 (Abramowitz and Stegun 26.7.3 and 26.7.4).
///
/// ```
/// let share = dstest::report::stats::t_tails(2.228_138_85, 10);
/// assert!((share - 0.05).abs() < 1e-8);
/// ```
#[must_use]
pub fn t_tails(t: f64, freedom: u32) -> f64 {
    let angle = (t / f64::from(freedom).sqrt()).atan();
    let (sin, square) = (angle.sin(), angle.cos().powi(2));
    let sum = |first: f64, from: u32| {
        let terms = (from..freedom - 1).step_by(2).scan(first, |term, n| {
            *term *= square * f64::from(n) / f64::from(n + 1);
            Some(*term)
        });
        first + terms.sum::<f64>()
    };
    let inside = match freedom {
        1 => angle * std::f64::consts::FRAC_2_PI,
        _ if freedom % 2 == 1 => (angle + sin * sum(angle.cos(), 2)) * std::f64::consts::FRAC_2_PI,
        _ => sin * sum(1.0, 1),
    };
    (1.0 - inside).max(0.0)
}

/// The share of a normal distribution above `z` deviations (Abramowitz and Stegun 26.2.17).
fn normal_tail(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let factors = [1.330_274_429, -1.821_255_978, 1.781_477_937, -0.356_563_782, 0.319_381_530];
    let polynomial = factors.iter().fold(0.0, |sum, factor| (sum + factor) * t);
    polynomial * (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_exact_intervals() {
        // By summing the binomial distribution in double precision.
        let rows = [
            (0, 1, "0.00 97.50"),
            (0, 5, "0.00 52.18"),
            (1, 5, "0.51 71.64"),
            (0, 50, "0.00 7.11"),
            (0, 1000, "0.00 0.37"),
            (1, 50, "0.05 10.65"),
            (3, 500, "0.12 1.74"),
            (50, 50, "92.89 100.00"),
            (0, 0, "0.00 100.00"),
        ];
        for (failed, total, want) in rows {
            let got = interval(failed, total);
            let got = format!("{:.2} {:.2}", got.low * 100.0, got.high * 100.0);
            assert_eq!(got, want, "{failed} of {total}");
        }
    }

    /// The chance that the interval of `total` runs holds the rate at which they fail.
    fn coverage(rate: f64, total: u64) -> f64 {
        let chance = |failed: u64| {
            let (k, rest) = (failed as f64, (total - failed) as f64);
            (ln_choose(total, failed) + k * rate.ln() + rest * (1.0 - rate).ln()).exp()
        };
        let holds = |failed: &u64| {
            let interval = interval(*failed, total);
            interval.low <= rate && rate <= interval.high
        };
        (0..=total).filter(holds).map(chance).sum()
    }

    #[test]
    fn no_number_of_runs_is_too_small_for_the_promise() {
        for total in [1, 2, 3, 5, 6, 20, 200] {
            for rate in [0.001, 0.02, 0.1, 0.3, 0.5, 0.8, 0.99] {
                let coverage = coverage(rate, total);
                assert!(coverage >= 0.95 - 1e-9, "{coverage} at {rate} in {total}");
            }
        }
        // By the normal approximation of the binomial distribution, in whose far range this is.
        let many = interval(500_000, 10_000_000);
        assert!((many.low - 0.049_865).abs() < 1e-6 && (many.high - 0.050_135).abs() < 1e-6);
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
    fn samples_that_differ_and_samples_that_do_not() {
        let sample = |start: f32| (0..50).map(|i| start + (i % 5) as f32).collect::<Vec<_>>();
        let same = mann_whitney(&sample(1.0), &sample(1.0)).unwrap();
        assert!((same - 1.0).abs() < 1e-6, "{same}");
        assert!(mann_whitney(&sample(1.0), &sample(3.0)).unwrap() < 1e-6);
        assert_eq!(mann_whitney(&[1.0; 7], &sample(1.0)), None);
        assert_eq!(mann_whitney(&[1.0; 9], &[1.0; 9]), Some(1.0));
        // U is 18, and six values occur twice.
        let (a, b) = (1..10, (4..12).chain([20]));
        let floats = |values: &mut dyn Iterator<Item = i32>| values.map(|v| v as f32).collect();
        let (a, b): (Vec<f32>, Vec<f32>) = (floats(&mut a.into_iter()), floats(&mut b.into_iter()));
        let got = mann_whitney(&a, &b).unwrap();
        assert!((got - 0.051_332).abs() < 1e-5, "{got}");
    }

    #[test]
    fn quantiles_lie_between_their_ranks() {
        // From tables of order statistics (Conover 1999, table A3).
        assert_eq!(quantile_ranks(0.5, 10), (Some(2), Some(9)));
        assert_eq!(quantile_ranks(0.5, 5), (None, None), "5 values lie on one side in 1 of 16");
        assert_eq!(quantile_ranks(0.5, 6), (Some(1), Some(6)));
        assert_eq!(quantile_ranks(0.95, 0), (None, None));
        for values in [1, 7, 60, 1000] {
            for share in [0.5, 0.95] {
                let (low, high) = quantile_ranks(share, values);
                let (low, high) = (low.unwrap_or(0), high.unwrap_or(values + 1));
                // Of each number of values below the quantile, its probability.
                let chance = |k: u64| {
                    let (k, rest) = (k as f64, (values - k) as f64);
                    (ln_choose(values, k as u64) + k * share.ln() + rest * (1.0 - share).ln()).exp()
                };
                let coverage: f64 = (low..high).map(chance).sum();
                assert!(coverage >= 0.95 - 1e-9, "{coverage} of {share} in {values}");
            }
        }
    }

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!((median(&[3.0, 1.0, 2.0]), median(&[4.0, 1.0])), (Some(2.0), Some(2.5)));
    }

    #[test]
    fn the_tail_of_the_normal_distribution() {
        assert!((normal_tail(1.959_963_984_540_054) - 0.025).abs() < 1e-6);
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
            let interval = interval(failed, total);
            let rate = failed as f64 / total as f64;
            prop_assert!(interval.low <= rate && rate <= interval.high);
        }
    }
}
