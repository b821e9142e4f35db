//! A queue whose reader takes everything at once and is woken once for it.
//!
//! Invariant: a waker is kept only while the queue is empty, so that of all that is put before the
//! reader runs, only the first item wakes it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// A queue of one reader.
pub(super) struct Mailbox<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    items: Vec<T>,
    reader: Option<Waker>,
    door: Door,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    Open,
    Closed,
}

impl<T> Default for Mailbox<T> {
    fn default() -> Self {
        let state = State { items: Vec::new(), reader: None, door: Door::Open };
        Self { state: Mutex::new(state) }
    }
}

impl<T> Mailbox<T> {
    /// Puts an item into the queue; a closed one gives it back.
    pub(super) fn put(&self, item: T) -> Result<(), T> {
        let mut state = self.lock();
        if state.door == Door::Closed {
            return Err(item);
        }
        state.items.push(item);
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        Ok(())
    }

    /// Moves everything into `taken`, which must be empty; pending while there is nothing.
    pub(super) fn poll_take(&self, context: &mut Context<'_>, taken: &mut Vec<T>) -> Poll<()> {
        let mut state = self.lock();
        if state.items.is_empty() && state.door == Door::Open {
            match &mut state.reader {
                Some(reader) => reader.clone_from(context.waker()),
                none => *none = Some(context.waker().clone()),
            }
            return Poll::Pending;
        }
        std::mem::swap(&mut state.items, taken);
        Poll::Ready(())
    }

    /// Takes nothing more, and gives out what is left.
    pub(super) fn close(&self) -> Vec<T> {
        let mut state = self.lock();
        state.door = Door::Closed;
        let reader = state.reader.take();
        let left = std::mem::take(&mut state.items);
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        left
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
