//! Numbers that the runs of a test reported, taken together.

use super::stats::{Moments, Sample};
use crate::record::Metrics;

/// Numbers of many runs, by name. Measures keep their values, counts only their moments.
#[derive(Debug, Default)]
pub struct MetricTally {
    measures: Vec<(String, Sample)>,
    counts: Vec<(String, Moments)>,
}

impl MetricTally {
    /// Takes in the numbers of one run.
    pub fn add(&mut self, metrics: &Metrics) {
        for (name, number) in metrics.iter() {
            match number.as_u64() {
                Some(count) => entry(&mut self.counts, name).push(count as f64),
                None => entry(&mut self.measures, name).push(number.as_f64().unwrap_or(0.0)),
            }
        }
    }

    /// The values of a measure; `None` if no run reported it.
    #[must_use]
    pub fn sample(&self, name: &str) -> Option<&Sample> {
        self.measures.iter().find(|(own, _)| own == name).map(|(_, sample)| sample)
    }

    /// The moments of a measure or a count; `None` if no run reported it.
    #[must_use]
    pub fn moments(&self, name: &str) -> Option<&Moments> {
        let count = self.counts.iter().find(|(own, _)| own == name).map(|(_, moments)| moments);
        count.or_else(|| self.sample(name).map(Sample::moments))
    }
}

fn entry<'a, T: Default>(entries: &'a mut Vec<(String, T)>, name: &str) -> &'a mut T {
    let at = entries.iter().position(|(own, _)| own == name).unwrap_or_else(|| {
        entries.push((name.to_owned(), T::default()));
        entries.len() - 1
    });
    &mut entries[at].1
}
