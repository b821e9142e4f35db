//! The loop of a run: tasks until they all wait, outputs, one event, again.

use std::cell::RefCell;
use std::time::Duration;

use super::state::World;
use crate::failure::Failure;
use crate::sim::executor::{Join, Tasks};

/// Runs the world until the test's main task has ended.
///
/// Outputs are taken only when no task can run at this instant, so that commands that several tasks
/// propose at once travel together.
///
/// # Errors
/// What the main task returns, or why it cannot end.
pub fn drive(
    world: &RefCell<World>,
    tasks: &Tasks,
    main: &Join<Result<(), Failure>>,
) -> Result<(), Failure> {
    loop {
        tasks.run()?;
        let mut world = world.borrow_mut();
        if let Some(failure) = world.failed.take() {
            return Err(failure);
        }
        world.schedule_alarms(tasks);
        world.process_outputs()?;
        if let Some(result) = main.take() {
            result?;
            return world.audit();
        }
        tasks.check_alive()?;
        while !tasks.can_run() {
            world.step(tasks)?;
            world.process_outputs()?;
            world.check_time()?;
        }
    }
}

impl World {
    fn check_time(&self) -> Result<(), Failure> {
        if self.now.as_nanos() > TIME_LIMIT.as_nanos() as u64 {
            return Err(Failure::TooLong(TIME_LIMIT));
        }
        Ok(())
    }
}

/// The longest a test may take, in cluster time.
pub const TIME_LIMIT: Duration = Duration::from_secs(120);
