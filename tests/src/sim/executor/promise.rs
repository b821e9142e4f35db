//! Values to come: a task waits for one until it is there, or a deadline passes.

use std::cell::Cell;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use raft::Instant;

use super::{TaskId, Tasks, WaitState};

/// The end of a promise that provides the value; dropped without one, it breaks the promise.
pub struct Resolver<T> {
    tasks: Tasks,
    state: Rc<State<T>>,
}

/// A value to come; `None` if it is broken, or late.
#[must_use = "a task waits only where it awaits"]
pub struct Promise<T> {
    tasks: Tasks,
    state: Rc<State<T>>,
    deadline: Instant,
    caller: &'static Location<'static>,
}

struct State<T> {
    value: Cell<Option<T>>,
    is_open: Cell<bool>,
    waiter: Cell<Option<TaskId>>,
}

impl Tasks {
    /// A promise that is waited for until the deadline.
    #[track_caller]
    pub fn promise<T>(&self, deadline: Instant) -> (Resolver<T>, Promise<T>) {
        let (value, is_open, waiter) = (Cell::new(None), Cell::new(true), Cell::new(None));
        let state = Rc::new(State { value, is_open, waiter });
        let resolver = Resolver { tasks: self.clone(), state: Rc::clone(&state) };
        (resolver, Promise { tasks: self.clone(), state, deadline, caller: Location::caller() })
    }
}

impl<T> Resolver<T> {
    /// Provides the value.
    pub fn resolve(self, value: T) {
        self.state.value.set(Some(value));
    }
}

impl<T> Drop for Resolver<T> {
    fn drop(&mut self) {
        self.state.is_open.set(false);
        if let Some(waiter) = self.state.waiter.take() {
            self.tasks.shared.ready.borrow_mut().push_back(waiter);
        }
    }
}

impl<T> Future for Promise<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        let value = self.state.value.take();
        if value.is_some() || !self.state.is_open.get() {
            return Poll::Ready(value);
        }
        if self.tasks.now() >= self.deadline {
            return Poll::Ready(None);
        }
        let task = TaskId(self.tasks.shared.current.get());
        // Most promises are kept long before: one alarm at a time, which the next promise takes over,
        // saves an event for each.
        let next = self.tasks.shared.slots.borrow()[task.0].alarm;
        if next.is_none_or(|at| at > self.deadline) {
            self.tasks.shared.slots.borrow_mut()[task.0].alarm = Some(self.deadline);
            self.tasks.set_alarm(task, self.deadline);
        }
        self.state.waiter.set(Some(task));
        self.tasks.set_wait_state(WaitState::Until(self.deadline, self.caller));
        Poll::Pending
    }
}
