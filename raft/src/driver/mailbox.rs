//! A queue whose reader takes everything at once and is woken once for it.
//!
//! Invariant: a waker is kept only while the queue is empty, so that of all that is put before the
//! reader runs, only the first item wakes it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

use crate::transport::Refused;

/// A queue of one reader.
pub(super) struct Mailbox<T> {
    state: Mutex<State<T>>,
    /// Told when the queue has room again for whoever was turned away.
    room: Notify,
}

struct State<T> {
    items: Vec<T>,
    reader: Option<Waker>,
    door: Door,
    /// How many of the items came by [`Mailbox::put_within`].
    counted: usize,
    /// Whether one of those was turned away.
    was_full: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    Open,
    Closed,
}

impl<T> Default for Mailbox<T> {
    fn default() -> Self {
        let (items, reader, door) = (Vec::new(), None, Door::Open);
        let state = State { items, reader, door, counted: 0, was_full: false };
        Self { state: Mutex::new(state), room: Notify::new() }
    }
}

impl<T> Mailbox<T> {
    /// Puts an item into the queue; a closed one gives it back.
    pub(super) fn put(&self, item: T) -> Result<(), T> {
        let state = self.lock();
        if state.door == Door::Closed {
            return Err(item);
        }
        push(state, item);
        Ok(())
    }

    /// Puts in what `wrap` makes of `item`, unless `limit` items are there that came this way.
    pub(super) fn put_within<U>(
        &self,
        limit: usize,
        item: U,
        wrap: impl FnOnce(U) -> T,
    ) -> Result<(), Refused<U>> {
        let mut state = self.lock();
        if state.door == Door::Closed {
            return Err(Refused::Closed);
        }
        if state.counted >= limit {
            state.was_full = true;
            return Err(Refused::Full(item));
        }
        state.counted += 1;
        push(state, wrap(item));
        Ok(())
    }

    /// Tells all who were turned away when to try again.
    pub(super) const fn room(&self) -> &Notify {
        &self.room
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
        state.counted = 0;
        if std::mem::take(&mut state.was_full) {
            drop(state);
            self.room.notify_waiters();
        }
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
        self.room.notify_waiters();
        left
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds an item to an open queue, and wakes a reader that waits.
fn push<T>(mut state: MutexGuard<'_, State<T>>, item: T) {
    state.items.push(item);
    let reader = state.reader.take();
    drop(state);
    if let Some(reader) = reader {
        reader.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::message::{Envelope, Message, Vote};
    use crate::transport::{Closed, Inbox, Letterbox};
    use crate::types::{MessageId, PeerId, Term};

    /// Of the test's own clock, which stands still while anybody has something to do.
    const HANGS: Duration = Duration::from_secs(1);

    /// Two messages fit, and any number of other things.
    struct Small(Mailbox<Envelope>);

    impl Letterbox for Small {
        fn capacity(&self) -> usize {
            2
        }

        fn put(&self, envelope: Envelope) -> Result<(), Refused> {
            self.0.put_within(self.capacity(), envelope, |envelope| envelope)
        }

        fn room(&self) -> &Notify {
            self.0.room()
        }
    }

    fn message(id: u64) -> Envelope {
        let (from, to) = (PeerId::new(1), PeerId::new(2));
        let message = Message::RequestVoteReply(Vote::Granted);
        Envelope { id: MessageId::new(id), from, to, term: Term::new(1), message }
    }

    async fn take(mailbox: &Mailbox<Envelope>) -> Vec<u64> {
        let mut taken = Vec::new();
        poll_fn(|context| mailbox.poll_take(context, &mut taken)).await;
        taken.iter().map(|envelope| envelope.id.number()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn messages_wait_for_room_or_are_lost_and_nothing_else_takes_it_from_them() {
        let small = Arc::new(Small(Mailbox::default()));
        let letterbox: Arc<dyn Letterbox> = Arc::<Small>::clone(&small);
        let inbox = Inbox::of_driver(letterbox);
        for id in 1..=3 {
            small.0.put(message(100 + id)).expect("it is open");
            inbox.deliver_or_drop(message(id)).expect("it is open");
        }
        let late = [4, 5].map(|id| {
            let inbox = inbox.clone();
            tokio::spawn(async move { inbox.deliver(message(id)).await })
        });
        tokio::task::yield_now().await;
        assert_eq!(take(&small.0).await, [101, 1, 102, 2, 103], "the third one was lost");
        for late in late {
            let delivered = timeout(HANGS, late).await.expect("there is room");
            assert_eq!(delivered.expect("it does not panic"), Ok(()));
        }
        let held_back = tokio::spawn({
            let inbox = inbox.clone();
            async move { inbox.deliver(message(6)).await }
        });
        tokio::task::yield_now().await;
        assert_eq!(small.0.close().len(), 2, "there was room for two of three");
        let refused = timeout(HANGS, held_back).await.expect("it is told");
        assert_eq!(refused.expect("it does not panic"), Err(Closed));
        assert_eq!(inbox.deliver_or_drop(message(7)), Err(Closed));
    }
}
