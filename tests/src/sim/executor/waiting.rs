//! What a task awaits: a moment, or another task.

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use raft::Instant;

use super::{Alarm, TaskId, Tasks, WaitState};

/// A wait for a moment; see [`Tasks::sleep`].
#[must_use = "a task sleeps only where it awaits"]
pub struct Sleep {
    pub(super) tasks: Tasks,
    pub(super) until: Instant,
    pub(super) alarm: AlarmState,
    pub(super) caller: &'static Location<'static>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AlarmState {
    Unset,
    Set,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        match self.alarm {
            AlarmState::Set if self.tasks.now() >= self.until => Poll::Ready(()),
            AlarmState::Set => Poll::Pending,
            AlarmState::Unset => {
                self.alarm = AlarmState::Set;
                let shared = &self.tasks.shared;
                let task = TaskId(shared.current.get());
                shared.sleepers.set(shared.sleepers.get() + 1);
                let name = shared.slots.borrow()[task.0].name_hash;
                shared.alarms.borrow_mut().push(Alarm { at: self.until, task, name });
                self.tasks.set_wait_state(WaitState::Until(self.until, self.caller));
                Poll::Pending
            }
        }
    }
}

/// A started task's result to come.
pub struct Join<T> {
    pub(super) tasks: Tasks,
    pub(super) id: TaskId,
    pub(super) outcome: Rc<Outcome<T>>,
}

pub(super) struct Outcome<T> {
    pub(super) value: RefCell<Option<T>>,
    pub(super) waiter: Cell<Option<TaskId>>,
}

impl<T> Join<T> {
    /// The result, if the task has ended; a result is handed out once.
    #[must_use]
    pub fn take(&self) -> Option<T> {
        self.outcome.value.take()
    }

    /// Waits until the task has ended.
    #[track_caller]
    pub fn join(self) -> JoinFuture<T> {
        JoinFuture { join: self, caller: Location::caller() }
    }
}

/// A wait for a task; see [`Join::join`].
#[must_use = "a task waits only where it awaits"]
pub struct JoinFuture<T> {
    join: Join<T>,
    caller: &'static Location<'static>,
}

impl<T> Future for JoinFuture<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        if let Some(value) = self.join.take() {
            return Poll::Ready(value);
        }
        let tasks = &self.join.tasks;
        self.join.outcome.waiter.set(Some(TaskId(tasks.shared.current.get())));
        tasks.set_wait_state(WaitState::ForTask(self.join.id, self.caller));
        Poll::Pending
    }
}
