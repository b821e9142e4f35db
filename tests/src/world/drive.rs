//! The loop of a run: tasks until they all wait, outputs, one event, again.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use raft::Instant;

use super::state::World;
use crate::failure::Failure;
use crate::sim::executor::{Join, Tasks};
use crate::sim::random::mix;

/// Runs the worlds, which share one clock, until the test's main task has ended. Each is a group of
/// peers with links, disks and a queue of its own.
///
/// Outputs are taken only when no task can run at this instant, so that commands that several tasks
/// propose at once travel together.
///
/// # Errors
/// The error of the main task, or the reason why it cannot end; `acting` is then the place of the world
/// that acted last.
pub fn drive(
    worlds: &[&RefCell<World>],
    tasks: &Tasks,
    main: &Join<Result<(), Failure>>,
    acting: &Cell<usize>,
) -> Result<(), Failure> {
    loop {
        tasks.run()?;
        for (position, world) in worlds.iter().enumerate() {
            if let Some(failure) = world.borrow_mut().failed.take() {
                acting.set(position);
                return Err(failure);
            }
        }
        for (position, world) in worlds.iter().enumerate() {
            acting.set(position);
            let mut world = world.borrow_mut();
            if position == 0 {
                world.schedule_alarms(tasks);
            }
            world.process_outputs()?;
        }
        if let Some(result) = main.take() {
            result?;
            return worlds.iter().enumerate().try_for_each(|(position, world)| {
                acting.set(position);
                world.borrow_mut().audit()
            });
        }
        tasks.check_alive()?;
        while !tasks.can_run() {
            acting.set(next_to_act(worlds));
            let mut world = worlds[acting.get()].borrow_mut();
            world.step(tasks)?;
            world.process_outputs()?;
            world.check_time()?;
        }
        // Tasks act on all of them, now.
        worlds.iter().for_each(|world| world.borrow_mut().set_clock(tasks.now()));
    }
}

/// The place of the world with the earliest event; in one instant, the order follows from the seeds.
fn next_to_act(worlds: &[&RefCell<World>]) -> usize {
    let key = |world: &RefCell<World>| {
        let world = world.borrow();
        let at = world.queue.next_at();
        (at.is_none(), at, mix(world.seed ^ at.unwrap_or_default().as_nanos()))
    };
    match worlds {
        [_] => 0,
        _ => (0..worlds.len()).min_by_key(|place| key(worlds[*place])).expect("a run has a world"),
    }
}

impl World {
    fn set_clock(&mut self, now: Instant) {
        if now > self.now {
            self.now = now;
            self.events_this_instant = 0;
        }
    }

    fn check_time(&self) -> Result<(), Failure> {
        if self.now.as_nanos() > TIME_LIMIT.as_nanos() as u64 {
            return Err(Failure::TooLong(TIME_LIMIT));
        }
        Ok(())
    }
}

/// The longest a test may take, in cluster time.
pub const TIME_LIMIT: Duration = Duration::from_secs(120);
