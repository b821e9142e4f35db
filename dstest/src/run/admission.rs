//! The choice of the next run: limits of groups, workers for runs that need several, tests that have
//! failed often enough.

use super::state::{CampaignState, Current, Next};
use crate::schedule::{Job, Step};

impl CampaignState {
    /// The next step for a worker.
    pub(super) fn next(&mut self, slot: usize, expected_s: impl Fn(usize) -> f64) -> Next {
        self.check_budget();
        if self.stop.is_some() {
            return Next::End;
        }
        if let Some(next) = self.next_deferred(slot) {
            return next;
        }
        while self.deferred.len() < DEFERRED_MAX {
            let Some(step) = self.schedule.next(&expected_s) else { break };
            match step {
                Step::Round(_) => return Next::Step(step),
                Step::Run(job) if self.is_exhausted(job) => self.left_out += 1,
                Step::Run(job) => match self.obstacle(job) {
                    None => return self.begin(slot, job),
                    Some(obstacle) => {
                        self.deferred.push_back(job);
                        // Otherwise lighter runs would take its workers for ever.
                        if obstacle == Obstacle::Workers {
                            return Next::Wait;
                        }
                    }
                },
            }
        }
        if self.deferred.is_empty() { Next::End } else { Next::Wait }
    }

    /// The first of the deferred runs that can begin now.
    fn next_deferred(&mut self, slot: usize) -> Option<Next> {
        let mut at = 0;
        while let Some(job) = self.deferred.get(at).copied() {
            if self.is_exhausted(job) {
                self.deferred.remove(at);
                self.left_out += 1;
                continue;
            }
            match self.obstacle(job) {
                None => {
                    self.deferred.remove(at);
                    return Some(self.begin(slot, job));
                }
                Some(Obstacle::Workers) => return Some(Next::Wait),
                Some(Obstacle::Group) => at += 1,
            }
        }
        None
    }

    /// `true` if the test has failed as often as it may.
    fn is_exhausted(&self, job: Job) -> bool {
        let limit = self.budget.max_fail_per_test;
        limit.is_some_and(|limit| self.failed_of[job.test] >= limit.get())
    }

    /// The reason for which a run cannot begin now.
    fn obstacle(&self, job: Job) -> Option<Obstacle> {
        let needs = self.campaign.needs_of(job.test);
        let running = || self.slots.iter().filter_map(|slot| slot.current.as_ref());
        let taken: u32 = running().map(|current| current.needs.threads).sum();
        let workers = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        // A test that needs more than there are runs alone.
        if taken > 0 && taken + needs.threads.min(workers) > workers {
            return Some(Obstacle::Workers);
        }
        let (group, limit) = needs.group?;
        let is_of_group =
            |current: &&Current| current.needs.group.as_ref().is_some_and(|(own, _)| *own == group);
        let count = running().filter(is_of_group).count();
        (count >= limit as usize).then_some(Obstacle::Group)
    }
}

/// The reason for which a run cannot begin yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Obstacle {
    /// As many of its group are running as may.
    Group,
    /// It needs more workers than are free.
    Workers,
}

/// More runs of a group than this need not wait at the same time.
const DEFERRED_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::plan::{Budget, Order, Rounds};
    use crate::record::Verdict;
    use crate::run::{Campaign, ReplaySpec};
    use crate::schedule::Schedule;
    use crate::store::campaign_file::tests::campaign_file;

    /// A state of the tests `a`, `b`, `c` with these workers and these rules.
    fn with_rules(workers: usize, rules: &str, per_test: Option<u32>) -> CampaignState {
        let mut file = campaign_file(&["a", "b", "c"]);
        file.rules = serde_json::from_str(rules).unwrap();
        file.groups = [("ports".to_owned(), 1)].into();
        let campaign = Campaign::new(&file, "/nowhere".into(), ReplaySpec::default()).unwrap();
        let rounds = Rounds::Fixed(std::num::NonZeroU32::new(2).unwrap());
        let schedule = Schedule::new(3, rounds, Order::Interleaved);
        let max_fail_per_test = per_test.and_then(std::num::NonZeroU32::new);
        let budget = Budget { max_fail_per_test, ..Budget::of(rounds) };
        let mut state =
            CampaignState::new(&Arc::new(campaign), "/nowhere/live".into(), schedule, budget);
        (0..workers).for_each(|_| drop(state.add_slot()));
        state
    }

    /// The next step of a worker: `a1`, `wait` or `end`.
    fn step(state: &mut CampaignState, slot: usize) -> String {
        match state.next(slot, |_| 0.0) {
            Next::Step(Step::Run(job)) => {
                format!("{}{}", state.campaign.tests[job.test].name, job.iteration)
            }
            Next::Step(Step::Round(_)) => "round".to_owned(),
            Next::Wait => "wait".to_owned(),
            Next::End => "end".to_owned(),
        }
    }

    #[test]
    fn runs_of_a_group_wait_for_each_other_while_others_go_on() {
        let rules = r#"[{"pattern": "a|b", "group": "ports", "threads": null, "env": []}]"#;
        let mut state = with_rules(3, rules, None);
        let steps = [step(&mut state, 0), step(&mut state, 1), step(&mut state, 2)];
        assert_eq!(steps, ["a1", "c1", "c2"]);
        state.finished(1, Verdict::Passed);
        assert_eq!(step(&mut state, 1), "wait");
        state.finished(0, Verdict::Passed);
        assert_eq!(step(&mut state, 1), "b1");
        for (slot, next) in [(1, "a2"), (1, "b2")] {
            state.finished(slot, Verdict::Passed);
            assert_eq!(step(&mut state, slot), next);
        }
        assert_eq!(step(&mut state, 0), "end");
    }

    #[test]
    fn a_run_of_several_workers_waits_until_they_are_free_and_none_overtakes_it() {
        let rules = r#"[{"pattern": "b", "group": null, "threads": 2, "env": []},
                        {"pattern": "c", "group": null, "threads": 9, "env": []}]"#;
        let mut state = with_rules(2, rules, None);
        assert_eq!([step(&mut state, 0), step(&mut state, 1)], ["a1", "wait"]);
        assert_eq!(step(&mut state, 1), "wait");
        state.finished(0, Verdict::Passed);
        assert_eq!([step(&mut state, 0), step(&mut state, 1)], ["b1", "wait"]);
        state.finished(0, Verdict::Passed);
        assert_eq!([step(&mut state, 1), step(&mut state, 0)], ["c1", "wait"]);
    }

    #[test]
    fn a_test_that_has_failed_often_enough_is_not_repeated() {
        let mut state = with_rules(1, "[]", Some(1));
        let mut steps = Vec::new();
        for _ in 0..6 {
            let next = step(&mut state, 0);
            let verdict = if next == "a1" { Verdict::Failed } else { Verdict::Passed };
            if next != "end" {
                state.finished(0, verdict);
            }
            steps.push(next);
        }
        assert_eq!(steps, ["a1", "b1", "c1", "b2", "c2", "end"]);
        assert_eq!(state.left_out(), 1);
    }
}
