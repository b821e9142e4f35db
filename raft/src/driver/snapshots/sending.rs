//! Chunks of stored snapshots, read before their messages leave, in their order: a follower does not take
//! one before the one before it. Messages without bytes overtake them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::driver::error::catch_store_panic;
use crate::message::{Envelope, Message};
use crate::storage::StorageError;
use crate::types::{EntryId, PeerId};

/// Returns whether the message has a chunk that must be read first.
pub(in crate::driver) fn is_unread(envelope: &Envelope) -> bool {
    matches!(&envelope.message, Message::InstallSnapshot(chunk) if chunk.chunk.bytes().is_none())
}

/// The chunks that wait to be read.
#[derive(Default)]
pub(in crate::driver) struct ChunkReader(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    unread: VecDeque<Envelope>,
    is_served: bool,
}

impl ChunkReader {
    /// Reads the chunk of a message on a thread that may block, and delivers the message, or a failure of the
    /// store. A chunk that is sent again takes the place of the one that waits: while a disk hangs, the queue
    /// does not grow.
    pub(in crate::driver) fn read(
        self: &Arc<Self>,
        envelope: Envelope,
        deliver: impl Fn(Result<Envelope, StorageError>) + Send + 'static,
    ) {
        let mut queue = self.lock();
        match queue.unread.iter_mut().find(|waiting| place(waiting) == place(&envelope)) {
            Some(waiting) => *waiting = envelope,
            None => queue.unread.push_back(envelope),
        }
        if !std::mem::replace(&mut queue.is_served, true) {
            let reader = Arc::clone(self);
            tokio::task::spawn_blocking(move || {
                while let Some(envelope) = reader.next() {
                    deliver(catch_store_panic(|| with_bytes(envelope)));
                }
            });
        }
    }

    fn next(&self) -> Option<Envelope> {
        let mut queue = self.lock();
        let next = queue.unread.pop_front();
        queue.is_served = next.is_some();
        next
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The follower, and the chunk's place in a snapshot.
fn place(envelope: &Envelope) -> Option<(PeerId, EntryId, u64)> {
    let Message::InstallSnapshot(chunk) = &envelope.message else { return None };
    Some((envelope.to, chunk.last_included, chunk.offset))
}

fn with_bytes(mut envelope: Envelope) -> Result<Envelope, StorageError> {
    if let Message::InstallSnapshot(chunk) = &mut envelope.message {
        let read = chunk.chunk.in_memory();
        chunk.chunk = read.map_err(|source| StorageError::Io {
            what: format!("read the snapshot through {}", chunk.last_included),
            source,
        })?;
    }
    Ok(envelope)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;
    use crate::message::InstallSnapshot;
    use crate::snapshot_data::{SnapshotData, StoredSnapshot};
    use crate::types::{Index, MessageId, Round, Term};

    /// A snapshot that cannot be read before the test says so, or ends.
    struct Hanging {
        begun: mpsc::Sender<()>,
        released: Mutex<mpsc::Receiver<()>>,
    }

    impl StoredSnapshot for Hanging {
        fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
            // Either end may be gone.
            let _ = self.begun.send(());
            let _ = self.released.lock().unwrap_or_else(PoisonError::into_inner).recv();
            Ok(())
        }
    }

    struct Panicking;

    impl StoredSnapshot for Panicking {
        fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
            panic!("no such sector")
        }
    }

    fn message(data: &SnapshotData, to: u64, offset: u64, round: u64) -> Envelope {
        let last_included = EntryId::new(Term::new(1), Index::new(9));
        let chunk = data.slice(offset, 4);
        let round = Round::new(round);
        let chunk = InstallSnapshot { last_included, offset, chunk, done: None, round };
        Envelope {
            id: MessageId::new(1),
            from: PeerId::new(1),
            to: PeerId::new(to),
            term: Term::new(1),
            store: None,
            message: Message::InstallSnapshot(chunk),
        }
    }

    #[tokio::test]
    async fn what_is_sent_again_while_a_disk_hangs_is_read_once() {
        let (begun, is_begun) = mpsc::channel();
        let (release, released) = mpsc::channel();
        let source = Hanging { begun, released: Mutex::new(released) };
        let data = SnapshotData::stored(Arc::new(source), 100);
        let (reader, (sender, delivered)) = (Arc::<ChunkReader>::default(), mpsc::channel());
        let deliver = move |message| {
            // The test may have failed.
            let _ = sender.send(message);
        };
        reader.read(message(&data, 2, 0, 1), deliver.clone());
        is_begun.recv_timeout(Duration::from_secs(60)).expect("the first chunk is being read");
        for round in 2..9 {
            for (to, offset) in [(2, 4), (2, 8), (3, 4)] {
                reader.read(message(&data, to, offset, round), deliver.clone());
            }
        }
        drop((release, deliver));
        let rows: Vec<_> = std::iter::from_fn(|| {
            let message = delivered.recv_timeout(Duration::from_secs(60)).ok()?;
            let message = message.expect("the disk answers");
            let Message::InstallSnapshot(chunk) = &message.message else { return None };
            Some((message.to.number(), chunk.offset, chunk.round.number()))
        })
        .collect();
        assert_eq!(rows, [(2, 0, 1), (2, 4, 8), (2, 8, 8), (3, 4, 8)]);
    }

    #[tokio::test]
    async fn a_panic_of_the_store_is_its_failure_and_later_chunks_are_read() {
        let data = SnapshotData::stored(Arc::new(Panicking), 100);
        let (reader, (sender, delivered)) = (Arc::<ChunkReader>::default(), mpsc::channel());
        let deliver = move |message| {
            // The test may have failed.
            let _ = sender.send(message);
        };
        for offset in [0, 4] {
            reader.read(message(&data, 2, offset, 1), deliver.clone());
            let read = delivered.recv_timeout(Duration::from_secs(60));
            let error = read.expect("it is answered").expect_err("it cannot be read");
            assert_eq!(error.to_string(), "panicked: no such sector");
        }
    }
}
