//! The timeout of a run, with its steps to a kill, and the limit of its output.

use std::time::{Duration, Instant};

use super::state::{CampaignState, KILL_INTERVAL, Phase};
use crate::process::group::EndReason;
use crate::process::sys::Signal;
use crate::suite::Harness;

impl CampaignState {
    /// Ends runs that exceed their timeout or output limit.
    pub(super) fn enforce(&mut self) {
        self.enforce_time();
        self.enforce_output();
    }

    fn enforce_time(&mut self) {
        let now = Instant::now();
        let grace = self.campaign.process.grace;
        for slot in &mut self.slots {
            let Some(current) = &mut slot.current else { continue };
            match current.phase {
                Phase::Running { deadline: at } if at <= now && current.harness == Harness::Go => {
                    // Go prints the stacks of all goroutines, which takes a moment.
                    slot.group.end(EndReason::Timeout, Signal::Dump);
                    current.phase = Phase::Dumping { ask_at: now + grace };
                }
                Phase::Running { deadline: at } | Phase::Dumping { ask_at: at } if at <= now => {
                    slot.group.end(EndReason::Timeout, Signal::Terminate);
                    let (reason, kill_at) = (EndReason::Timeout, now + grace);
                    current.phase = Phase::Ending { reason, kill_at };
                }
                Phase::Ending { reason, kill_at } if kill_at <= now => {
                    slot.group.end(reason, Signal::Kill);
                    current.phase = Phase::Ending { reason, kill_at: now + KILL_INTERVAL };
                }
                Phase::Running { .. } | Phase::Dumping { .. } | Phase::Ending { .. } => {}
            }
        }
    }

    /// Checks the size of every log from time to time, and kills runs over the limit.
    fn enforce_output(&mut self) {
        let now = Instant::now();
        if now.duration_since(self.output_checked) < OUTPUT_INTERVAL {
            return;
        }
        self.output_checked = now;
        let limit = self.campaign.process.max_output;
        for slot in &mut self.slots {
            let Some(current) = &mut slot.current else { continue };
            let size = current.log.metadata().map_or(0, |log| log.len());
            if size > limit && matches!(current.phase, Phase::Running { .. }) {
                slot.group.end(EndReason::OutputLimit, Signal::Kill);
                let (reason, kill_at) = (EndReason::OutputLimit, now + KILL_INTERVAL);
                current.phase = Phase::Ending { reason, kill_at };
            }
        }
    }

    /// The time until [`CampaignState::enforce`] is to be called again.
    pub(super) fn wait(&self) -> Duration {
        let current = self.slots.iter().filter_map(|slot| slot.current.as_ref());
        let next = current.map(|current| match current.phase {
            Phase::Running { deadline: next }
            | Phase::Dumping { ask_at: next }
            | Phase::Ending { kill_at: next, .. } => next,
        });
        let next = next.map(|next| next.saturating_duration_since(Instant::now()));
        next.min().unwrap_or(OUTPUT_INTERVAL).min(OUTPUT_INTERVAL)
    }
}

/// The interval of size checks. A process can print some 100 MB in this time.
const OUTPUT_INTERVAL: Duration = Duration::from_millis(50);
