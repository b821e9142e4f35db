//! The end of a campaign: its limits, and the interrupts of its user.

use std::time::Instant;

use super::event::Stop;
use super::state::{CampaignState, KILL_INTERVAL, Phase};
use crate::process::group::EndReason;
use crate::process::sys::Signal;

/// The escalation of interrupts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escalation {
    /// The first interrupt: so many runs have been asked to end.
    Terminated(usize),
    /// A later one: they have been killed.
    Killed,
}

impl CampaignState {
    /// Ends the campaign if a limit is reached.
    pub(super) fn check_budget(&mut self) {
        if self.stop.is_some() {
            return;
        }
        if self.budget.max_fail.is_some_and(|limit| self.failed >= limit.get()) {
            self.stop = Some(Stop::Failures);
        } else if self.not_started >= NOT_STARTED_MAX {
            self.stop = Some(Stop::CannotStart);
        } else if self.has_begun
            && self.budget.duration.is_some_and(|limit| self.elapsed() >= limit)
        {
            self.stop = Some(Stop::Time);
        }
    }

    /// The first interrupt asks every run to end, the second kills them.
    pub(super) fn interrupt(&mut self) -> Escalation {
        let is_first = !self.stop.is_some_and(Stop::is_sudden);
        self.stop = Some(Stop::Interrupted);
        let signal = if is_first { Signal::Terminate } else { Signal::Kill };
        let running = self.end_all(signal);
        if is_first { Escalation::Terminated(running) } else { Escalation::Killed }
    }

    /// Starts no further run, as the command was edited.
    pub(super) fn edited(&mut self) {
        self.stop.get_or_insert(Stop::Edited);
    }

    /// Ends every run for this reason.
    pub(super) fn end(&mut self, reason: Stop) {
        if !self.stop.is_some_and(Stop::is_sudden) {
            self.stop = Some(reason);
            self.end_all(Signal::Terminate);
        }
    }

    /// Ends every running run; returns their number.
    fn end_all(&mut self, signal: Signal) -> usize {
        let wait = if signal == Signal::Kill { KILL_INTERVAL } else { self.campaign.process.grace };
        let kill_at = Instant::now() + wait;
        let mut running = 0;
        for slot in &mut self.slots {
            let Some(current) = &mut slot.current else { continue };
            running += 1;
            slot.group.end(EndReason::Cancelled, signal);
            current.phase = Phase::Ending { reason: EndReason::Cancelled, kill_at };
        }
        running
    }
}

/// The number of runs in a row that cannot be started before the campaign ends.
const NOT_STARTED_MAX: u32 = 20;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::record::Verdict;
    use crate::run::state::Next;
    use crate::run::state::tests::state;

    /// However slow the machine, a time is not over before anything was tried.
    #[test]
    fn a_time_budget_has_room_for_a_run() {
        let mut state = state(Duration::ZERO);
        state.add_slot();
        assert!(matches!(state.next(0, |_| 0.0), Next::Step(_)));
        state.finished(0, Verdict::Passed);
        assert_eq!((state.next(0, |_| 0.0), state.stop()), (Next::End, Stop::Time));
    }

    #[test]
    fn runs_that_cannot_be_started_are_not_tried_for_ever() {
        let mut state = state(Duration::from_secs(60));
        state.add_slot();
        for number in 0..2 * NOT_STARTED_MAX {
            if state.next(0, |_| 0.0) == Next::End {
                assert_eq!((number, state.stop()), (NOT_STARTED_MAX + 1, Stop::CannotStart));
                return;
            }
            // A run that can be started in between resets the count.
            let verdict = if number == 0 { Verdict::Failed } else { Verdict::NotStarted };
            state.finished(0, verdict);
        }
        panic!("it never ends");
    }
}
