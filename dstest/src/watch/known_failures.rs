//! The failures of earlier campaigns that have not passed since.

use crate::record::{Class, RunRecord};
use crate::schedule::Job;
use crate::seed::Iteration;
use crate::suite::Test;

/// At most one failed run of each test. With the seed of the campaign, its number gives its seed.
#[derive(Debug, Default)]
pub(crate) struct KnownFailures(Vec<(String, Iteration)>);

impl KnownFailures {
    /// The failed runs of these tests.
    pub(crate) fn jobs(&self, tests: &[Test]) -> Vec<Job> {
        let job = |(name, iteration): &(String, Iteration)| {
            let test = tests.iter().position(|test| test.key == *name)?;
            Some(Job { test, iteration: *iteration })
        };
        self.0.iter().filter_map(job).collect()
    }

    /// Forgets those that have passed now, and adds the first failure of every other test.
    pub(crate) fn update(&mut self, records: &[RunRecord]) {
        let of = |class| records.iter().filter(move |record| record.verdict.class() == class);
        for passed in of(Class::Pass) {
            self.0.retain(|(test, iter)| *test != passed.test || *iter != passed.iter);
        }
        for failed in of(Class::Fail) {
            if self.0.iter().all(|(test, _)| *test != failed.test) {
                self.0.push((failed.test.clone(), failed.iter));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Verdict::{self, Cancelled, Failed, Passed};
    use crate::report::tally::tests::record;

    #[test]
    fn a_failure_is_known_until_it_passes() {
        let mut known = KnownFailures::default();
        let mut after = |runs: &[(&str, u32, Verdict)]| {
            let records: Vec<_> = runs
                .iter()
                .map(|(test, iter, verdict)| record(test, *iter, *verdict, 1.0))
                .collect();
            known.update(&records);
            let words = known.0.iter().map(|(test, iter)| format!("{test}{iter}"));
            words.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(after(&[("a", 3, Failed), ("b", 2, Failed), ("a", 1, Failed)]), "a3 b2");
        assert_eq!(after(&[("a", 1, Failed), ("b", 2, Cancelled)]), "a3 b2", "out of date");
        assert_eq!(after(&[("a", 9, Failed), ("a", 3, Passed), ("b", 2, Passed)]), "a9");
        assert_eq!(after(&[("a", 9, Passed)]), "");
    }
}
