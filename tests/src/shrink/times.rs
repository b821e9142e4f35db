//! Shorter delays and rounder times: a case is for people to read.

use std::time::Duration;

use raft::Instant;

use super::attempts::Attempts;
use crate::case::{Decision, Step};
use crate::sim::disk::FlushFault;

/// Tries shorter durations, and crashes that lose all pending writes.
pub(super) fn shorten(attempts: &mut Attempts) {
    let mut position = 0;
    while position < attempts.best.decisions.len() {
        for _ in 0..HALVINGS {
            let mut case = attempts.best.clone();
            let Some(length) = length(&mut case.decisions[position]) else { break };
            *length = round(*length / 2, MS);
            if length.is_zero() || !attempts.try_case(case) {
                break;
            }
        }
        lose_all_writes(attempts, position);
        position += 1;
    }
    for position in 0..attempts.best.decisions.len() {
        for unit in UNITS {
            let mut case = attempts.best.clone();
            let Some(length) = case.decisions.get_mut(position).and_then(length) else { break };
            *length = round(*length, unit);
            if attempts.try_case(case) {
                break;
            }
        }
    }
}

fn lose_all_writes(attempts: &mut Attempts, position: usize) {
    let mut case = attempts.best.clone();
    let Some(decision) = case.decisions.get_mut(position) else { return };
    if let Decision::Step { step: Step::Crash { keep, torn, .. }, .. } = decision {
        (*keep, *torn) = (0, 0);
        attempts.try_case(case);
    }
}

/// Duration that a decision sets.
fn length(decision: &mut Decision) -> Option<&mut Duration> {
    match decision {
        Decision::Late(_, length)
        | Decision::Twice(_, length)
        | Decision::Flush { fault: FlushFault::Stalls(length), .. }
        | Decision::Step { step: Step::Pause { length, .. }, .. } => Some(length),
        Decision::Lost(_)
        | Decision::Flipped(..)
        | Decision::Flush { fault: FlushFault::Fails, .. }
        | Decision::Step { .. } => None,
    }
}

/// Tries rounder times: all at once, then each.
pub(super) fn round_all(attempts: &mut Attempts) {
    for unit in UNITS {
        let mut case = attempts.best.clone();
        case.decisions.iter_mut().for_each(|decision| round_at(decision, unit));
        if attempts.try_case(case) {
            return;
        }
    }
    for position in 0..attempts.best.decisions.len() {
        for unit in UNITS {
            let mut case = attempts.best.clone();
            let Some(decision) = case.decisions.get_mut(position) else { break };
            round_at(decision, unit);
            // Only the order of the list counts, and it stays.
            if in_order(&case.decisions) && attempts.try_case(case) {
                break;
            }
        }
    }
}

fn in_order(decisions: &[Decision]) -> bool {
    decisions.iter().filter_map(Decision::at).is_sorted()
}

fn round_at(decision: &mut Decision, unit: Duration) {
    if let Decision::Step { at, .. } = decision {
        *at = Instant::START.after(round(at.since(Instant::START), unit));
    }
}

fn round(length: Duration, unit: Duration) -> Duration {
    let (nanos, unit) = (length.as_nanos() as u64, unit.as_nanos() as u64);
    Duration::from_nanos((nanos + unit / 2) / unit * unit)
}

const MS: Duration = Duration::from_millis(1);
const UNITS: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(50), Duration::from_millis(10), MS];
const HALVINGS: usize = 6;
