//! Times of several campaigns together, and the load between two such groups of campaigns.
//!
//! The load depends on the campaigns alone, and each test and measure asks for it again, so that medians
//! of a group and the load between two are kept: 400 tests of 50 campaigns would take minutes without.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::Source;
use crate::report::compare::{self, Change, Shifts};
use crate::report::tally::TestTally;

/// The medians of one test, wall and CPU; absent with few runs that passed.
type Medians = [Option<f64>; 2];

/// Those of all tests by their keys.
type MediansOf<'a> = HashMap<&'a str, Medians>;

/// The tests of all campaigns by their keys, and what is known of groups of campaigns.
pub(super) struct Pooled<'a> {
    /// The results of each test with their campaigns, in the order of these.
    tests: HashMap<&'a str, Vec<(usize, &'a TestTally)>>,
    medians: RefCell<HashMap<Vec<usize>, Rc<MediansOf<'a>>>>,
    shifts: RefCell<HashMap<[Vec<usize>; 2], Shifts>>,
}

impl<'a> Pooled<'a> {
    pub(super) fn of(sources: &'a [Source]) -> Self {
        let mut tests: HashMap<&str, Vec<_>> = HashMap::new();
        for (campaign, source) in sources.iter().enumerate() {
            for test in source.tally.tests() {
                tests.entry(&test.key).or_default().push((campaign, test));
            }
        }
        Self { tests, medians: RefCell::default(), shifts: RefCell::default() }
    }

    /// The changes of one test's time and CPU time from some campaigns to others, beyond those of all
    /// tests, their probabilities not corrected.
    pub(super) fn times(&self, key: &str, before: &[usize], now: &[usize]) -> [Option<Change>; 2] {
        let test = |campaigns| TestTally::pooled(self.results(key, campaigns));
        compare::times(&test(before), &test(now), &self.shifts(before, now))
    }

    fn results(&self, key: &str, campaigns: &[usize]) -> impl Iterator<Item = &'a TestTally> {
        let all = self.tests.get(key).into_iter().flatten();
        all.filter(|(campaign, _)| campaigns.binary_search(campaign).is_ok()).map(|(_, test)| *test)
    }

    fn shifts(&self, before: &[usize], now: &[usize]) -> Shifts {
        let groups = [before.to_vec(), now.to_vec()];
        if let Some(known) = self.shifts.borrow().get(&groups) {
            return *known;
        }
        let [earlier, later] = [self.medians(before), self.medians(now)];
        let ratios = |measure: usize| {
            let both = later.iter().filter_map(|(key, now)| Some((earlier.get(key)?, now)));
            let ratios = both.map(move |(before, now)| [before[measure], now[measure]]);
            ratios.filter_map(|[before, now]| compare::ratio(before, now))
        };
        let shifts = Shifts::of(ratios(0), ratios(1));
        self.shifts.borrow_mut().insert(groups, shifts);
        shifts
    }

    fn medians(&self, campaigns: &[usize]) -> Rc<MediansOf<'a>> {
        if let Some(known) = self.medians.borrow().get(campaigns) {
            return Rc::clone(known);
        }
        let of = |key: &'a str| {
            let of = |values: fn(&TestTally) -> &[f32]| {
                compare::median(
                    &self.results(key, campaigns).flat_map(values).copied().collect::<Vec<_>>(),
                )
            };
            [of(|test| test.time.values()), of(|test| test.cpu.values())]
        };
        let medians: MediansOf<'_> = self.tests.keys().map(|key| (*key, of(key))).collect();
        let medians = Rc::new(medians);
        self.medians.borrow_mut().insert(campaigns.to_vec(), Rc::clone(&medians));
        medians
    }
}
