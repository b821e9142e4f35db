//! The timeout of a run, with its steps to a kill, and the limit of its output.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::state::{CampaignState, Current, KILL_INTERVAL, Phase};
use crate::process::group::EndReason;
use crate::process::stacks;
use crate::process::sys::{Pid, Signal};
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
            let is_dumped = current.is_dumped.load(Ordering::Relaxed);
            match current.phase {
                Phase::Running { deadline: at } if at <= now && current.harness == Harness::Go => {
                    // Go prints the stacks of all goroutines, which takes a moment.
                    slot.group.end(EndReason::Timeout, Signal::Dump);
                    current.phase = Phase::Dumping { ask_at: now + grace };
                }
                Phase::Running { deadline: at }
                    if at <= now && has_room(&mut self.stacks_of, current.job.test) =>
                {
                    let limit = grace.max(STACKS_TIME);
                    if let Some(process) = slot.group.set_reason(EndReason::Timeout) {
                        write_stacks(process, current, limit);
                    }
                    current.phase = Phase::Dumping { ask_at: now + limit };
                }
                Phase::Running { deadline: at } | Phase::Dumping { ask_at: at }
                    if at <= now || is_dumped =>
                {
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

/// `true` while a test has not filled its share of stacks; they take a moment, and hardly differ.
fn has_room(taken: &mut HashMap<usize, u32>, test: usize) -> bool {
    let taken = taken.entry(test).or_default();
    *taken += 1;
    *taken <= STACKS_PER_TEST
}

/// Writes the stacks of a run in a thread of their own, so that limits are honoured meanwhile.
fn write_stacks(process: Pid, current: &Current, limit: Duration) {
    let (log, done) = (current.log.clone(), Arc::clone(&current.is_dumped));
    let written = thread::Builder::new().name("stacks".to_owned()).spawn(move || {
        stacks::write(process, &log, limit);
        done.store(true, Ordering::Relaxed);
    });
    if written.is_err() {
        current.is_dumped.store(true, Ordering::Relaxed);
    }
}

/// A debugger reads the symbols of a large program in this time.
const STACKS_TIME: Duration = Duration::from_secs(10);

/// The first few show where a test hangs.
const STACKS_PER_TEST: u32 = 3;

/// The interval of size checks. A process can print some 100 MB in this time.
const OUTPUT_INTERVAL: Duration = Duration::from_millis(50);
