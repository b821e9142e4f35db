//! A tiny executor for the bodies of tests and their clients.
//!
//! Tasks run when virtual time wakes them, and peers never are tasks. There are no real wakers: a
//! task waits for a time, a value or another task, and all are known here. That is why a deadlock
//! (nothing can ever wake a task) and a livelock (one instant that never ends) are errors that
//! name the tasks instead of a hang.

mod promise;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use raft::Instant;

pub use self::promise::{Promise, Resolver};

use super::trace_hash::hash_of;

/// A handle to all tasks of a run; clones share them.
#[derive(Clone, Default)]
pub struct Tasks {
    shared: Rc<Shared>,
}

/// A task's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskId(usize);

/// A time at which a task resumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// The time.
    pub at: Instant,
    /// The task.
    pub task: TaskId,
    /// The task's name as a number, independent of other tasks.
    pub name: u64,
}

/// The tasks cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// No task can run and none waits for a time.
    Deadlock {
        /// The tasks that wait, each with what it waits for and where.
        waiting: Vec<String>,
    },
    /// The tasks were polled too often in one instant.
    Livelock {
        /// The instant.
        at: Instant,
        /// The tasks that still run.
        running: Vec<String>,
    },
}

#[derive(Default)]
struct Shared {
    now: Cell<Instant>,
    current: Cell<usize>,
    polls: Cell<u32>,
    sleepers: Cell<usize>,
    ready: RefCell<VecDeque<TaskId>>,
    alarms: RefCell<Vec<Alarm>>,
    slots: RefCell<Vec<Slot>>,
}

struct Slot {
    name: Cow<'static, str>,
    name_hash: u64,
    waits: WaitState,
    /// The earliest alarm of a promise that is still to come.
    alarm: Option<Instant>,
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
}

#[derive(Clone, Copy)]
enum WaitState {
    Ready,
    Until(Instant, &'static Location<'static>),
    ForTask(TaskId, &'static Location<'static>),
}

impl TaskId {
    /// The task's number, in the order of their starts.
    #[must_use]
    pub const fn number(self) -> usize {
        self.0
    }
}

impl Tasks {
    /// Starts a task; it runs first when the tasks are run next.
    pub fn spawn<T: 'static>(
        &self,
        name: impl Into<Cow<'static, str>>,
        body: impl Future<Output = T> + 'static,
    ) -> Join<T> {
        let id = TaskId(self.shared.slots.borrow().len());
        let outcome = Rc::new(Outcome { value: RefCell::new(None), waiter: Cell::new(None) });
        let (tasks, result) = (self.clone(), Rc::clone(&outcome));
        let future = async move {
            let value = body.await;
            result.value.replace(Some(value));
            if let Some(waiter) = result.waiter.take() {
                tasks.shared.ready.borrow_mut().push_back(waiter);
            }
        };
        let future: Pin<Box<dyn Future<Output = ()>>> = Box::pin(future);
        let name = name.into();
        let name_hash = hash_of(name.as_bytes());
        let slot =
            Slot { name, name_hash, waits: WaitState::Ready, alarm: None, future: Some(future) };
        self.shared.slots.borrow_mut().push(slot);
        self.shared.ready.borrow_mut().push_back(id);
        Join { tasks: self.clone(), id, outcome }
    }

    /// Waits for a duration of virtual time. Even a wait of zero lets the world go on first.
    #[track_caller]
    pub fn sleep(&self, duration: Duration) -> Sleep {
        let until = self.now().after(duration);
        Sleep { tasks: self.clone(), until, alarm: AlarmState::Unset, caller: Location::caller() }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.shared.now.get()
    }

    /// Runs all tasks that can run, until none can.
    ///
    /// # Errors
    /// A livelock, if tasks go on without end in this instant.
    pub fn run(&self) -> Result<(), Stuck> {
        while let Some(id) = self.pop_ready() {
            self.shared.polls.set(self.shared.polls.get() + 1);
            if self.shared.polls.get() > POLLS_PER_INSTANT_MAX {
                self.shared.ready.borrow_mut().push_front(id);
                return Err(self.livelock());
            }
            self.poll(id);
        }
        Ok(())
    }

    /// Returns whether a task can run.
    #[must_use]
    pub fn can_run(&self) -> bool {
        !self.shared.ready.borrow().is_empty()
    }

    /// Moves the tasks' clock.
    pub fn advance(&self, now: Instant) {
        if now != self.shared.now.get() {
            self.shared.now.set(now);
            self.shared.polls.set(0);
        }
    }

    /// Wakes a task whose alarm is due.
    pub fn wake(&self, task: TaskId) {
        self.shared.sleepers.set(self.shared.sleepers.get() - 1);
        let now = self.now();
        self.shared.slots.borrow_mut()[task.0].alarm.take_if(|at| *at <= now);
        self.shared.ready.borrow_mut().push_back(task);
    }

    /// Hands over the alarms set since the last call; each must come back as a
    /// [`wake`](Self::wake).
    pub fn take_alarms(&self, mut take: impl FnMut(Alarm)) {
        for alarm in self.shared.alarms.borrow_mut().drain(..) {
            take(alarm);
        }
    }

    /// Checks that some task can still be woken when none can run now.
    ///
    /// # Errors
    /// A deadlock, if nothing can.
    pub fn check_alive(&self) -> Result<(), Stuck> {
        if self.shared.sleepers.get() > 0 || self.can_run() {
            return Ok(());
        }
        Err(Stuck::Deadlock { waiting: self.unfinished() })
    }

    /// The error for an instant that does not end.
    #[must_use]
    pub fn livelock(&self) -> Stuck {
        let slots = self.shared.slots.borrow();
        let ready = self.shared.ready.borrow();
        let mut numbers: Vec<usize> = ready.iter().map(|id| id.0).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let running = if numbers.is_empty() {
            self.unfinished()
        } else {
            numbers.iter().map(|number| slots[*number].to_string()).collect()
        };
        Stuck::Livelock { at: self.now(), running }
    }

    /// Drops all tasks. They hold handles to this executor, so that only this frees them.
    pub fn clear(&self) {
        let slots = self.shared.slots.take();
        drop(slots);
        self.shared.ready.borrow_mut().clear();
        self.shared.alarms.borrow_mut().clear();
    }

    fn pop_ready(&self) -> Option<TaskId> {
        self.shared.ready.borrow_mut().pop_front()
    }

    /// Polls a task outside of the table, so that it can start others.
    fn poll(&self, id: TaskId) {
        let taken = self.shared.slots.borrow_mut()[id.0].future.take();
        let Some(mut future) = taken else { return };
        self.shared.current.set(id.0);
        let mut context = Context::from_waker(Waker::noop());
        if future.as_mut().poll(&mut context).is_pending() {
            self.shared.slots.borrow_mut()[id.0].future = Some(future);
        }
    }

    fn unfinished(&self) -> Vec<String> {
        let slots = self.shared.slots.borrow();
        slots.iter().filter(|slot| slot.future.is_some()).map(Slot::to_string).collect()
    }

    fn set_alarm(&self, task: TaskId, at: Instant) {
        self.shared.sleepers.set(self.shared.sleepers.get() + 1);
        let name = self.shared.slots.borrow()[task.0].name_hash;
        self.shared.alarms.borrow_mut().push(Alarm { at, task, name });
    }

    fn set_wait_state(&self, waits: WaitState) {
        let current = self.shared.current.get();
        self.shared.slots.borrow_mut()[current].waits = waits;
    }
}

/// A wait for a time; see [`Tasks::sleep`].
#[must_use = "a task sleeps only where it awaits"]
pub struct Sleep {
    tasks: Tasks,
    until: Instant,
    alarm: AlarmState,
    caller: &'static Location<'static>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum AlarmState {
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
                self.tasks.set_alarm(TaskId(self.tasks.shared.current.get()), self.until);
                self.tasks.set_wait_state(WaitState::Until(self.until, self.caller));
                Poll::Pending
            }
        }
    }
}

/// A started task's result to come.
pub struct Join<T> {
    tasks: Tasks,
    id: TaskId,
    outcome: Rc<Outcome<T>>,
}

struct Outcome<T> {
    value: RefCell<Option<T>>,
    waiter: Cell<Option<TaskId>>,
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

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match self.waits {
            WaitState::Ready => write!(f, "`{name}` (not started)"),
            WaitState::Until(until, caller) => {
                write!(f, "`{name}` (sleeps until {} ns, {caller})", until.as_nanos())
            }
            WaitState::ForTask(task, caller) => {
                write!(f, "`{name}` (waits for task {}, {caller})", task.0)
            }
        }
    }
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadlock { waiting } => {
                write!(f, "deadlock: nothing can wake {}", waiting.join(", "))
            }
            Self::Livelock { at, running } => {
                let running = running.join(", ");
                write!(f, "livelock: the instant {} ns does not end; {running}", at.as_nanos())
            }
        }
    }
}

/// Far above what any scenario needs in one instant, and reached within milliseconds.
const POLLS_PER_INSTANT_MAX: u32 = 100_000;

#[cfg(test)]
mod tests;
