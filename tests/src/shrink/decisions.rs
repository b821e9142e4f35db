//! Fewer decisions: whole kinds, then ever smaller groups down to single ones (delta debugging,
//! Zeller and Hildebrandt 2002).

use super::attempts::Attempts;
use crate::case::{Case, Decision};

/// Tries to do without each kind of decisions.
pub(super) fn remove_kinds(attempts: &mut Attempts) {
    let mut kinds: Vec<&str> = attempts.best.decisions.iter().map(Decision::kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for kind in kinds {
        let case = without(&attempts.best, |_, decision| decision.kind() == kind);
        attempts.try_case(case);
    }
}

/// Tries to do without each group of neighbours, from halves down to single decisions, until no
/// single one can go.
pub(super) fn remove_single(attempts: &mut Attempts) {
    remove_groups(attempts, &[]);
}

/// The same, with other seeds beside the run's own: often a decision is needed only because the
/// election timeouts of just this seed need it.
pub(super) fn remove_single_any_seed(attempts: &mut Attempts) {
    let seeds: Vec<u64> = (1..=OTHER_SEEDS).collect();
    remove_groups(attempts, &seeds);
}

fn remove_groups(attempts: &mut Attempts, seeds: &[u64]) {
    let mut size = attempts.best.decisions.len().div_ceil(2);
    while size > 0 {
        let removed = remove_groups_of(attempts, size, seeds);
        attempts.trim();
        size = match size {
            1 if removed => 1,
            1 => 0,
            _ => size.div_ceil(2).min(attempts.best.decisions.len().div_ceil(2)),
        };
    }
}

/// From the end: what comes late depends on what came before it, not the other way round.
fn remove_groups_of(attempts: &mut Attempts, size: usize, seeds: &[u64]) -> bool {
    let mut removed = false;
    let mut end = attempts.best.decisions.len();
    while end > 0 {
        let start = end.saturating_sub(size);
        let group = start..end;
        let case = without(&attempts.best, |position, _| group.contains(&position));
        removed |= attempts.try_case(case.clone())
            || seeds.iter().any(|seed| attempts.try_case(Case { seed: *seed, ..case.clone() }));
        end = start.min(attempts.best.decisions.len());
    }
    removed
}

fn without(case: &Case, gone: impl Fn(usize, &Decision) -> bool) -> Case {
    let kept = case.decisions.iter().enumerate().filter(|(position, one)| !gone(*position, one));
    Case { decisions: kept.map(|(_, decision)| decision.clone()).collect(), ..case.clone() }
}

/// Enough for most timings to come about.
const OTHER_SEEDS: u64 = 12;
