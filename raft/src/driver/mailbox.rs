//! A queue whose reader takes all items at once and is woken once for them.
//!
//! Invariant: a waker is kept only while the queue is empty, so that only the first of several
//! items wakes the reader.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

use crate::transport::PutError;

/// A queue with one reader.
pub(super) struct Mailbox<T> {
    queue: Mutex<Queue<T>>,
    /// Notified when the queue has space again after a rejection.
    space_freed: Notify,
}

struct Queue<T> {
    items: Vec<T>,
    reader: Option<Waker>,
    state: State,
    /// Number of items put in by [`Mailbox::put_bounded`].
    bounded_len: usize,
    /// True if one of those was rejected.
    rejected_any: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Closed,
}

impl<T> Default for Mailbox<T> {
    fn default() -> Self {
        let (items, reader, state) = (Vec::new(), None, State::Open);
        let queue = Queue { items, reader, state, bounded_len: 0, rejected_any: false };
        Self { queue: Mutex::new(queue), space_freed: Notify::new() }
    }
}

impl<T> Mailbox<T> {
    /// Adds an item; a closed queue returns it.
    pub(super) fn put(&self, item: T) -> Result<(), T> {
        let queue = self.lock();
        if queue.state == State::Closed {
            return Err(item);
        }
        push(queue, item);
        Ok(())
    }

    /// Adds `wrap(item)` unless the queue holds `limit` items added this way.
    pub(super) fn put_bounded<U>(
        &self,
        limit: usize,
        item: U,
        wrap: impl FnOnce(U) -> T,
    ) -> Result<(), PutError<U>> {
        let mut queue = self.lock();
        if queue.state == State::Closed {
            return Err(PutError::Closed);
        }
        if queue.bounded_len >= limit {
            queue.rejected_any = true;
            return Err(PutError::Full(item));
        }
        queue.bounded_len += 1;
        push(queue, wrap(item));
        Ok(())
    }

    /// Notified when rejected items may be tried again.
    pub(super) const fn space_freed(&self) -> &Notify {
        &self.space_freed
    }

    /// Moves everything into `taken`, which must be empty; pending while there is nothing.
    pub(super) fn poll_take(&self, context: &mut Context<'_>, taken: &mut Vec<T>) -> Poll<()> {
        let mut queue = self.lock();
        if queue.items.is_empty() && queue.state == State::Open {
            match &mut queue.reader {
                Some(reader) => reader.clone_from(context.waker()),
                none => *none = Some(context.waker().clone()),
            }
            return Poll::Pending;
        }
        std::mem::swap(&mut queue.items, taken);
        queue.bounded_len = 0;
        if std::mem::take(&mut queue.rejected_any) {
            drop(queue);
            self.space_freed.notify_waiters();
        }
        Poll::Ready(())
    }

    /// Closes the queue and returns its remaining items.
    pub(super) fn close(&self) -> Vec<T> {
        let mut queue = self.lock();
        queue.state = State::Closed;
        let reader = queue.reader.take();
        let left = std::mem::take(&mut queue.items);
        drop(queue);
        if let Some(reader) = reader {
            reader.wake();
        }
        self.space_freed.notify_waiters();
        left
    }

    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds an item to an open queue and wakes a waiting reader.
fn push<T>(mut queue: MutexGuard<'_, Queue<T>>, item: T) {
    queue.items.push(item);
    let reader = queue.reader.take();
    drop(queue);
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
    use crate::transport::{Closed, Inbox, InboxSink, LinkReport};
    use crate::types::{MessageId, PeerId, Term};

    /// In the test's paused clock, which advances only when all tasks wait.
    const HANGS: Duration = Duration::from_secs(1);

    /// A queue for two messages, and any number of other items.
    struct Small(Mailbox<Envelope>);

    impl InboxSink for Small {
        fn capacity(&self) -> usize {
            2
        }

        fn put(&self, envelope: Envelope) -> Result<(), PutError> {
            self.0.put_bounded(self.capacity(), envelope, |envelope| envelope)
        }

        fn report(&self, _: LinkReport) {}

        fn space_freed(&self) -> &Notify {
            self.0.space_freed()
        }
    }

    fn message(id: u64) -> Envelope {
        let (from, to) = (PeerId::new(1), PeerId::new(2));
        let message = Message::RequestVoteReply(Vote::Granted);
        Envelope { id: MessageId::new(id), from, to, term: Term::new(1), store: None, message }
    }

    async fn take(mailbox: &Mailbox<Envelope>) -> Vec<u64> {
        let mut taken = Vec::new();
        poll_fn(|context| mailbox.poll_take(context, &mut taken)).await;
        taken.iter().map(|envelope| envelope.id.number()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn messages_wait_for_space_or_are_dropped_independently_of_other_items() {
        let small = Arc::new(Small(Mailbox::default()));
        let sink: Arc<dyn InboxSink> = Arc::<Small>::clone(&small);
        let inbox = Inbox::from_sink(sink);
        for id in 1..=3 {
            small.0.put(message(100 + id)).expect("it is open");
            inbox.deliver_or_drop(message(id)).expect("it is open");
        }
        let waiting = [4, 5].map(|id| {
            let inbox = inbox.clone();
            tokio::spawn(async move { inbox.deliver(message(id)).await })
        });
        tokio::task::yield_now().await;
        assert_eq!(take(&small.0).await, [101, 1, 102, 2, 103], "the third one was lost");
        for delivery in waiting {
            let delivered = timeout(HANGS, delivery).await.expect("there is space");
            assert_eq!(delivered.expect("it does not panic"), Ok(()));
        }
        let held_back = tokio::spawn({
            let inbox = inbox.clone();
            async move { inbox.deliver(message(6)).await }
        });
        tokio::task::yield_now().await;
        assert_eq!(small.0.close().len(), 2, "there was space for two of three");
        let delivery = timeout(HANGS, held_back).await.expect("the queue is closed");
        assert_eq!(delivery.expect("it does not panic"), Err(Closed));
        assert_eq!(inbox.deliver_or_drop(message(7)), Err(Closed));
    }
}
