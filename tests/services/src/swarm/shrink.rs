//! Makes a failing run of the swarm small: fewer faults, groups, clients and keys.
//!
//! Each change is kept only if the same failure comes back. The effort is bounded by a number of runs,
//! so that a failure shrinks to the same case on every machine.

use std::collections::BTreeSet;
use std::time::Duration;

use super::case::Case;
use super::plan::{FaultKind, Network};
use crate::world::SnapshotLimit;

/// A case that fails, and runs that try smaller ones.
pub(crate) struct Shrinking<R> {
    pub(crate) best: Case,
    /// Runs a case: its failure, and the faults that happened.
    run: R,
    expected: String,
    runs_left: u32,
}

/// The end of a run: its failure, if any, and the faults that happened.
pub(crate) type Ended = (Option<String>, BTreeSet<(FaultKind, u64)>);

impl<R: FnMut(&Case) -> Ended> Shrinking<R> {
    /// Begins with a run; `None` if it does not fail, or not in the same way when its faults are listed.
    pub(crate) fn new(case: &Case, mut run: R) -> Option<Self> {
        let (expected, happened) = run(case);
        let expected = expected?;
        let mut best = Case { fails: Some(expected.clone()), ..case.clone() };
        for fault in &mut best.plan.faults {
            let own = happened.iter().filter(|(kind, _)| *kind == fault.kind);
            fault.events = Some(own.map(|(_, number)| *number).collect());
        }
        let mut shrinking = Self { best: best.clone(), run, expected, runs_left: RUNS_MAX };
        shrinking.fails(&best).then_some(shrinking)
    }

    /// Tries smaller cases until none of them fails.
    pub(crate) fn shrink(&mut self) {
        loop {
            let before = self.best.clone();
            self.remove_kinds();
            self.simplify();
            self.remove_events();
            if self.best == before || self.runs_left == 0 {
                return;
            }
        }
    }

    fn fails(&mut self, case: &Case) -> bool {
        if self.runs_left == 0 {
            return false;
        }
        self.runs_left -= 1;
        (self.run)(case).0.as_ref() == Some(&self.expected)
    }

    /// Keeps a change if the case still fails.
    fn attempt(&mut self, change: impl FnOnce(&mut Case)) -> bool {
        let mut case = self.best.clone();
        change(&mut case);
        let is_kept = case != self.best && self.fails(&case);
        if is_kept {
            self.best = case;
        }
        is_kept
    }

    fn remove_kinds(&mut self) {
        for kind in FaultKind::ALL {
            self.attempt(|case| case.plan.faults.retain(|fault| fault.kind != *kind));
        }
    }

    fn simplify(&mut self) {
        self.attempt(|case| case.plan.network = Network::Reliable);
        self.attempt(|case| case.plan.limit = SnapshotLimit::Never);
        while self.attempt(|case| case.plan.groups = (case.plan.groups - 1).max(1)) {}
        while self.attempt(|case| case.plan.clients /= 2) {}
        while self.attempt(|case| case.plan.keys = (case.plan.keys / 2).max(1)) {}
        while self.attempt(|case| {
            let half = case.plan.duration.as_millis() as u64 / 2;
            case.plan.duration = Duration::from_millis(half.max(1));
        }) {}
    }

    /// Halves, quarters and so forth of the events of each kind, down to single ones.
    fn remove_events(&mut self) {
        for place in (0..self.best.plan.faults.len()).rev() {
            let mut piece = self.events(place).len();
            while piece > 0 {
                let mut first = 0;
                while first < self.events(place).len() {
                    let events = self.events(place);
                    let end = events.len().min(first + piece);
                    let rest = [&events[..first], &events[end..]].concat();
                    let kept = rest.into_iter().collect();
                    if !self.attempt(|case| case.plan.faults[place].events = Some(kept)) {
                        first = end;
                    }
                }
                piece /= 2;
            }
        }
        self.best.plan.faults.retain(|it| it.events.as_ref().is_none_or(|own| !own.is_empty()));
    }

    fn events(&self, place: usize) -> Vec<u64> {
        self.best.plan.faults[place].events.iter().flatten().copied().collect()
    }
}

/// A run takes some milliseconds.
const RUNS_MAX: u32 = 1_000;

#[cfg(test)]
mod tests {
    use super::super::plan::Plan;
    use super::*;

    /// Fails if the second join and the third crash happen, whatever else does.
    fn run(case: &Case) -> Ended {
        let drawn = BTreeSet::from([0, 1, 2, 3, 4, 5]);
        let faults = case.plan.faults.iter();
        let happened: BTreeSet<(FaultKind, u64)> = faults
            .flat_map(|fault| {
                let events = fault.events.as_ref().unwrap_or(&drawn);
                events.iter().map(|number| (fault.kind, *number))
            })
            .collect();
        let wanted = [(FaultKind::Join, 1), (FaultKind::CrashServer, 2)];
        let fails = wanted.iter().all(|fault| happened.contains(fault));
        (fails.then(|| "shard-owner".to_owned()), happened)
    }

    #[test]
    fn what_the_failure_needs_is_left() {
        let seed = (0..).find(|seed| run(&Case::of(*seed, Plan::draw(*seed))).0.is_some());
        let seed = seed.expect("most plans have both kinds");
        let mut shrinking =
            Shrinking::new(&Case::of(seed, Plan::draw(seed)), run).expect("it fails");
        shrinking.shrink();
        let best = shrinking.best;
        let faults: Vec<_> =
            best.plan.faults.iter().map(|it| (it.kind, it.events.clone())).collect();
        let only = |number| Some(BTreeSet::from([number]));
        assert_eq!(faults, [(FaultKind::Join, only(1)), (FaultKind::CrashServer, only(2))]);
        assert_eq!((best.plan.groups, best.plan.clients, best.size()), (1, 0, 2));
        assert_eq!(best.fails.as_deref(), Some("shard-owner"));
        let passes = Case::of(seed, Plan::quiet());
        assert!(Shrinking::new(&passes, run).is_none());
    }
}
