//! The thread that writes arriving chunks to the store before the node sees them, as ranges of a stored
//! snapshot. The answer to a chunk follows its write, so that a leader sends no faster than this disk
//! writes.
//!
//! Invariant: chunks of two transfers never meet in one file.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Space;
use crate::driver::error::catch_store_panic;
use crate::message::{Envelope, InstallSnapshot, Message};
use crate::storage::{SnapshotWriter, StorageError};
use crate::types::{EntryId, Index, PeerId, Term};

/// Chunks that wait for the disk, in bytes; later ones are dropped, and sent again.
const WAITING_BYTES: usize = 16 << 20;

/// The snapshot that is being received, and the chunks of it that wait.
pub(in crate::driver) struct ChunkReceiver {
    space: Arc<Space>,
    queue: Mutex<Queue>,
    /// Locked while a chunk is written.
    incoming: Mutex<Option<Incoming>>,
    /// The transfer that has a file, for those who may not wait for the disk.
    transfer: Mutex<Option<Transfer>>,
}

#[derive(Default)]
struct Queue {
    chunks: VecDeque<Envelope>,
    bytes: usize,
    is_served: bool,
}

/// A transfer into a file.
struct Incoming {
    transfer: Transfer,
    writer: Box<dyn SnapshotWriter>,
    finished: bool,
}

/// A transfer. Within its term, a leader has one snapshot through an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Transfer {
    leader: PeerId,
    term: Term,
    last_included: EntryId,
}

impl ChunkReceiver {
    pub(super) fn new(space: Arc<Space>) -> Self {
        let (queue, incoming, transfer) = Default::default();
        Self { space, queue, incoming, transfer }
    }

    /// Deletes the file of a transfer that has no use any more: in this term another peer leads, or the
    /// entries have come through this index.
    pub(in crate::driver) fn give_up_obsolete(self: &Arc<Self>, term: Term, commit_index: Index) {
        let is_obsolete = |transfer: &mut Transfer| {
            transfer.term < term || transfer.last_included.index <= commit_index
        };
        let Some(obsolete) = lock(&self.transfer).take_if(is_obsolete) else { return };
        let receiver = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            let is_obsolete = |incoming: &mut Incoming| incoming.transfer == obsolete;
            drop(lock(&receiver.incoming).take_if(is_obsolete));
        });
    }

    /// Stores the chunk of a message, then delivers the message, or a failure of the store.
    pub(in crate::driver) fn store(
        self: &Arc<Self>,
        envelope: Envelope,
        deliver: impl Fn(Result<Envelope, StorageError>) + Send + 'static,
    ) {
        let mut queue = lock(&self.queue);
        let bytes = chunk_of(&envelope).map_or(0, |chunk| chunk.chunk.len() as usize);
        if queue.bytes + bytes > WAITING_BYTES && !queue.chunks.is_empty() {
            return;
        }
        queue.bytes += bytes;
        queue.chunks.push_back(envelope);
        if !std::mem::replace(&mut queue.is_served, true) {
            let receiver = Arc::clone(self);
            tokio::task::spawn_blocking(move || receiver.run(&deliver));
        }
    }

    fn run(&self, deliver: &impl Fn(Result<Envelope, StorageError>)) {
        while let Some(envelope) = self.next() {
            let stored = catch_store_panic(|| self.put(envelope));
            let mut incoming = lock(&self.incoming);
            // A whole one passes to the node, and its file stays as long as the node has it. After an
            // error nothing more comes, as the node stops.
            if stored.is_err() || incoming.as_ref().is_some_and(|incoming| incoming.finished) {
                (*incoming, *lock(&self.transfer)) = (None, None);
            }
            drop(incoming);
            deliver(stored);
        }
    }

    fn next(&self) -> Option<Envelope> {
        let mut queue = lock(&self.queue);
        let next = queue.chunks.pop_front();
        match next.as_ref().and_then(chunk_of) {
            Some(chunk) => queue.bytes -= chunk.chunk.len() as usize,
            None => queue.is_served = next.is_some(),
        }
        next
    }

    /// Puts the chunk into its place in the file. One that comes twice is there; one after a gap stays
    /// in memory, and is refused by the node.
    fn put(&self, mut envelope: Envelope) -> Result<Envelope, StorageError> {
        let (leader, term) = (envelope.from, envelope.term);
        let Message::InstallSnapshot(chunk) = &mut envelope.message else { return Ok(envelope) };
        let transfer = Transfer { leader, term, last_included: chunk.last_included };
        let mut incoming = lock(&self.incoming);
        if incoming.as_ref().is_none_or(|incoming| incoming.transfer != transfer) {
            if chunk.offset > 0 {
                return Ok(envelope);
            }
            // Deletes the file of the transfer before.
            *incoming = None;
            let Some(writer) = self.space.create() else { return Ok(envelope) };
            *incoming = Some(Incoming { transfer, writer: writer?, finished: false });
            *lock(&self.transfer) = Some(transfer);
        }
        if let Some(incoming) = &mut *incoming {
            incoming.put(chunk)?;
        }
        Ok(envelope)
    }
}

impl Incoming {
    fn put(&mut self, chunk: &mut InstallSnapshot) -> Result<(), StorageError> {
        let at = chunk.offset;
        let Some(end) = at.checked_add(chunk.chunk.len()) else { return Ok(()) };
        let written = self.writer.data().len();
        if at > written {
            return Ok(());
        }
        if let Some(bytes) = chunk.chunk.bytes().filter(|_| end > written) {
            let there = usize::try_from(written - at).unwrap_or(usize::MAX).min(bytes.len());
            self.writer.append(&bytes[there..])?;
        }
        if chunk.done.is_some() {
            self.writer.finish()?;
            self.finished = true;
        }
        let len = usize::try_from(end - at).unwrap_or(usize::MAX);
        chunk.chunk = self.writer.data().slice(at, len);
        Ok(())
    }
}

fn chunk_of(envelope: &Envelope) -> Option<&InstallSnapshot> {
    if let Message::InstallSnapshot(chunk) = &envelope.message { Some(chunk) } else { None }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use super::*;
    use crate::membership::Membership;
    use crate::snapshot_data::{SnapshotData, StoredSnapshot};
    use crate::storage::SnapshotSpace;
    use crate::types::{MessageId, Round};

    /// A snapshot in memory that counts as stored.
    #[derive(Default)]
    struct Stored(Mutex<Vec<u8>>);

    impl StoredSnapshot for Stored {
        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
            let (bytes, start) = (lock(&self.0), usize::try_from(offset).expect("small"));
            buffer.copy_from_slice(&bytes[start..start + buffer.len()]);
            Ok(())
        }
    }

    struct Files;

    impl SnapshotSpace for Files {
        fn create(&mut self) -> Result<Box<dyn SnapshotWriter>, StorageError> {
            Ok(Box::new(Arc::<Stored>::default()))
        }
    }

    impl SnapshotWriter for Arc<Stored> {
        fn append(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
            lock(&self.0).extend_from_slice(bytes);
            Ok(())
        }

        fn finish(&mut self) -> Result<(), StorageError> {
            Ok(())
        }

        fn data(&self) -> SnapshotData {
            let source: Arc<dyn StoredSnapshot> = Self::clone(self);
            SnapshotData::stored(source, lock(&self.0).len() as u64)
        }
    }

    /// A chunk of a leader's snapshot of eight bytes.
    fn chunk(leader: u64, offset: u64, bytes: &[u8]) -> Envelope {
        let term = Term::new(leader);
        let done = (offset.wrapping_add(bytes.len() as u64) == 8).then(Arc::<Membership>::default);
        let (last_included, round) = (EntryId::new(Term::new(1), Index::new(9)), Round::ZERO);
        let chunk = bytes.into();
        Envelope {
            id: MessageId::new(1),
            from: PeerId::new(leader),
            to: PeerId::new(9),
            term,
            store: None,
            message: Message::InstallSnapshot(InstallSnapshot {
                last_included,
                offset,
                chunk,
                done,
                round,
            }),
        }
    }

    /// The text of a chunk after it was put, if it was stored.
    fn put(receiver: &ChunkReceiver, envelope: Envelope) -> Option<String> {
        let put = receiver.put(envelope).expect("no disk fails");
        let chunk = chunk_of(&put).expect("it is one");
        chunk.chunk.source()?;
        let read = chunk.chunk.in_memory().expect("it is there");
        Some(String::from_utf8_lossy(read.bytes().expect("it was read")).into_owned())
    }

    #[test]
    fn chunks_are_stored_once_in_their_order_and_never_beside_another_leaders() {
        let space = Space::default();
        space.set(Some(Box::new(Files)));
        let receiver = ChunkReceiver::new(Arc::new(space));
        let rows: [(u64, u64, &[u8], Option<&str>); 11] = [
            (1, 3, b"aaa", None),
            (1, 0, b"aaa", Some("aaa")),
            (1, 6, b"aa", None),
            (1, 3, b"AAA", Some("AAA")),
            (1, 0, b"aaa", Some("aaa")),
            (1, 2, b"aAAAa", Some("aAAAa")),
            // Another leader's, through the same entry.
            (2, 7, b"b", None),
            (2, 0, b"bbb", Some("bbb")),
            (1, 7, b"a", None),
            (2, 3, b"bbbbb", Some("bbbbb")),
            (2, u64::MAX, b"b", None),
        ];
        for (at, (leader, offset, bytes, stored)) in rows.into_iter().enumerate() {
            let found = put(&receiver, chunk(leader, offset, bytes));
            assert_eq!(found.as_deref(), stored, "row {at}");
        }
        let incoming = lock(&receiver.incoming);
        let whole = incoming.as_ref().expect("the second one").writer.data();
        assert_eq!(whole.in_memory().expect("it is there").bytes(), Some(b"bbbbbbbb".as_slice()));
    }

    #[tokio::test]
    async fn a_transfer_of_a_deposed_leader_or_of_committed_entries_loses_its_file() {
        for (term, commit_index, is_kept) in [(1, 8, true), (2, 8, false), (1, 9, false)] {
            let space = Space::default();
            space.set(Some(Box::new(Files)));
            let receiver = Arc::new(ChunkReceiver::new(Arc::new(space)));
            put(&receiver, chunk(1, 0, b"aaa"));
            receiver.give_up_obsolete(Term::new(term), Index::new(commit_index));
            assert_eq!(lock(&receiver.transfer).is_some(), is_kept, "{term} {commit_index}");
            let deleted = async {
                while !is_kept && lock(&receiver.incoming).is_some() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(60), deleted).await.expect("by a thread");
            assert_eq!(lock(&receiver.incoming).is_some(), is_kept, "{term} {commit_index}");
        }
    }
}
