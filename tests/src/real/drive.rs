//! The loop of a real run: tasks until they all wait, then as long as it takes until one can go on.
//!
//! The scenario's tasks run on the same executor as in the simulation, on the caller's thread;
//! peers run beside it, on the threads of their runtime.

use std::collections::VecDeque;
use std::time::Duration;

use raft::driver::Clock;

use super::calls::RealCalls;
use super::clock::RealClock;
use super::signals::Signals;
use crate::failure::Failure;
use crate::sim::executor::{Alarm, Join, Tasks};
use crate::world::TIME_LIMIT;

/// Runs the test's tasks until its main one has ended, or the run has failed.
pub(super) fn drive(
    clock: RealClock,
    signals: &Signals,
    calls: &RealCalls,
    tasks: &Tasks,
    main: &Join<Result<(), Failure>>,
) -> Result<(), Failure> {
    let mut alarms: VecDeque<Alarm> = VecDeque::new();
    loop {
        tasks.advance(clock.now());
        while let Some(alarm) = alarms.pop_front_if(|alarm| alarm.at <= tasks.now()) {
            tasks.wake(alarm.task);
        }
        tasks.run()?;
        tasks.take_alarms(|alarm| {
            let position = alarms.partition_point(|other| other.at <= alarm.at);
            alarms.insert(position, alarm);
        });
        if let Some(result) = main.take() {
            // A rule may have been broken while the test ended.
            return signals.wait(Duration::ZERO).and(result);
        }
        tasks.check_alive()?;
        if clock.now().as_nanos() > TIME_LIMIT.as_nanos() as u64 {
            return Err(Failure::TooLong(TIME_LIMIT));
        }
        let pause = alarms.front().map_or(Duration::ZERO, |alarm| clock.until(alarm.at));
        calls.deliver(signals.wait(pause)?);
    }
}
