//! The bytes of a snapshot: in memory, or in a store that reads them piece by piece.
//!
//! Invariant: the core never reads a stored one. It passes on ranges, and a driver reads those that
//! leave the peer, or writes those that arrive.

use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::io;
use std::sync::Arc;

/// The bytes of a snapshot, or of a chunk of it.
///
/// ```
/// use raft::SnapshotData;
/// let data = SnapshotData::from(b"whole".as_slice());
/// assert_eq!(data.slice(1, 3).bytes(), Some(b"hol".as_slice()));
/// assert_eq!(data.len(), 5);
/// ```
#[derive(Clone)]
pub struct SnapshotData(Place);

#[derive(Clone)]
enum Place {
    Memory(Arc<[u8]>),
    Stored(Arc<StoredRange>),
}

/// A range of a snapshot in a store. Behind one pointer, as messages hold it.
#[derive(Clone)]
struct StoredRange {
    source: Arc<dyn StoredSnapshot>,
    offset: u64,
    len: u64,
}

impl StoredRange {
    fn is_from(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source)
    }
}

/// A snapshot in a store, to be read from any thread, also after a newer one has replaced it.
pub trait StoredSnapshot: Any + Send + Sync {
    /// Fills the buffer with the bytes from `offset` on, once they are checked.
    ///
    /// # Errors
    /// An I/O error, fewer bytes, or damage (`InvalidData`), with the file's name.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
}

impl SnapshotData {
    /// The first `len` bytes of a snapshot in a store.
    #[must_use]
    pub fn stored(source: Arc<dyn StoredSnapshot>, len: u64) -> Self {
        Self(Place::Stored(Arc::new(StoredRange { source, offset: 0, len })))
    }

    /// The number of bytes.
    #[inline]
    #[must_use]
    pub fn len(&self) -> u64 {
        match &self.0 {
            Place::Memory(bytes) => bytes.len() as u64,
            Place::Stored(range) => range.len,
        }
    }

    /// Returns whether there are no bytes.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, if they are in memory.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.0 {
            Place::Memory(bytes) => Some(bytes),
            Place::Stored(_) => None,
        }
    }

    /// The snapshot in a store and the offset in it, unless the bytes are in memory.
    #[must_use]
    pub fn source(&self) -> Option<(&Arc<dyn StoredSnapshot>, u64)> {
        match &self.0 {
            Place::Memory(_) => None,
            Place::Stored(range) => Some((&range.source, range.offset)),
        }
    }

    /// At most `len_max` bytes from `start` on; fewer at the end. None are in memory, whatever the rest:
    /// a message without bytes does not wait for a disk.
    #[must_use]
    pub fn slice(&self, start: u64, len_max: usize) -> Self {
        let start = start.min(self.len());
        let end = self.len().min(start.saturating_add(len_max as u64));
        Self(match &self.0 {
            Place::Memory(bytes) => {
                let at = |position: u64| usize::try_from(position).unwrap_or(usize::MAX);
                Place::Memory(bytes[at(start)..at(end)].into())
            }
            Place::Stored(_) if start == end => Place::Memory(Arc::default()),
            Place::Stored(range) => {
                let (source, offset) = (Arc::clone(&range.source), range.offset + start);
                Place::Stored(Arc::new(StoredRange { source, offset, len: end - start }))
            }
        })
    }

    /// Fills the buffer with the bytes from `offset` on.
    ///
    /// # Errors
    /// As of [`StoredSnapshot::read_at`].
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64);
        if end.is_none_or(|end| end > self.len()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match &self.0 {
            Place::Memory(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                buffer.copy_from_slice(&bytes[start..start + buffer.len()]);
                Ok(())
            }
            Place::Stored(range) => range.source.read_at(range.offset + offset, buffer),
        }
    }

    /// The same bytes in memory.
    ///
    /// # Errors
    /// As of [`StoredSnapshot::read_at`].
    pub fn in_memory(&self) -> io::Result<Self> {
        if let Place::Memory(bytes) = &self.0 {
            return Ok(Self(Place::Memory(Arc::clone(bytes))));
        }
        let len = usize::try_from(self.len()).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).map_err(|_| io::ErrorKind::OutOfMemory)?;
        bytes.resize(len, 0);
        self.read_at(0, &mut bytes)?;
        Ok(bytes.into())
    }

    /// The bytes as a stream.
    #[must_use]
    pub const fn reader(&self) -> SnapshotReader<'_> {
        SnapshotReader { data: self, at: 0 }
    }

    /// Joins the range that follows this one in the same store; returns whether it does.
    fn join(&mut self, next: &Self) -> bool {
        match (&mut self.0, &next.0) {
            (Place::Stored(range), Place::Stored(next))
                if range.is_from(next) && range.offset + range.len == next.offset =>
            {
                Arc::make_mut(range).len += next.len;
                true
            }
            _ => false,
        }
    }
}

/// A stream of the bytes of a snapshot.
#[derive(Debug)]
pub struct SnapshotReader<'a> {
    data: &'a SnapshotData,
    at: u64,
}

impl io::Read for SnapshotReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.data.len() - self.at).unwrap_or(usize::MAX);
        let count = left.min(buffer.len());
        self.data.read_at(self.at, &mut buffer[..count])?;
        self.at += count as u64;
        Ok(count)
    }
}

/// The chunks of a snapshot received so far, in order and without gaps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ReceivedData {
    /// Chunks in memory.
    Memory(Vec<u8>),
    /// Chunks that a driver has put into its store.
    Stored(SnapshotData),
}

impl ReceivedData {
    /// No chunks yet.
    pub(crate) const EMPTY: Self = Self::Memory(Vec::new());

    /// The number of bytes.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::Stored(data) => data.len(),
        }
    }

    /// Appends a chunk. Chunks from two places do not make one snapshot: then all are dropped.
    pub(crate) fn push(&mut self, chunk: &SnapshotData) {
        let fits = match (&mut *self, chunk.bytes()) {
            (Self::Memory(bytes), Some(more)) => {
                bytes.extend_from_slice(more);
                true
            }
            (Self::Memory(bytes), None) if bytes.is_empty() => {
                *self = Self::Stored(chunk.clone());
                true
            }
            (Self::Stored(data), None) => data.join(chunk),
            (Self::Memory(_), None) => false,
            (Self::Stored(_), Some(more)) => more.is_empty(),
        };
        if !fits {
            *self = Self::EMPTY;
        }
    }

    pub(crate) fn into_data(self) -> SnapshotData {
        match self {
            Self::Memory(bytes) => bytes.into(),
            Self::Stored(data) => data,
        }
    }
}

impl fmt::Debug for SnapshotData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Memory(bytes) => bytes.fmt(f),
            Place::Stored(range) => {
                write!(f, "stored {} bytes from {}", range.len, range.offset)
            }
        }
    }
}

/// Equal bytes in memory, or the same range in the same place of a store.
impl PartialEq for SnapshotData {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Place::Memory(bytes), Place::Memory(others)) => bytes == others,
            (Place::Stored(range), Place::Stored(other)) => {
                range.is_from(other) && (range.offset, range.len) == (other.offset, other.len)
            }
            (Place::Memory(_), Place::Stored(_)) | (Place::Stored(_), Place::Memory(_)) => false,
        }
    }
}

impl Eq for SnapshotData {}

impl Hash for SnapshotData {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        match &self.0 {
            Place::Memory(bytes) => bytes.hash(hasher),
            Place::Stored(range) => (range.offset, range.len).hash(hasher),
        }
    }
}

impl From<Arc<[u8]>> for SnapshotData {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self(Place::Memory(bytes))
    }
}

impl From<Vec<u8>> for SnapshotData {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Place::Memory(bytes.into()))
    }
}

impl From<&[u8]> for SnapshotData {
    fn from(bytes: &[u8]) -> Self {
        Self(Place::Memory(bytes.into()))
    }
}

impl<const N: usize> From<[u8; N]> for SnapshotData {
    fn from(bytes: [u8; N]) -> Self {
        bytes.as_slice().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads as the last digits of offsets.
    struct Digits;

    impl StoredSnapshot for Digits {
        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
            for (byte, at) in buffer.iter_mut().zip(offset..) {
                *byte = b'0' + (at % 10) as u8;
            }
            Ok(())
        }
    }

    fn text(data: &SnapshotData) -> String {
        let read = data.in_memory().expect("it is readable");
        String::from_utf8_lossy(read.bytes().expect("it was read")).into_owned()
    }

    #[test]
    fn chunks_of_a_stored_snapshot_make_the_snapshot_again() {
        let stored = SnapshotData::stored(Arc::new(Digits), 25);
        assert_eq!(text(&stored.slice(8, 4)), "8901");
        assert_eq!(text(&stored.slice(23, 9)), "34");
        let mut received = ReceivedData::EMPTY;
        for start in (0..25).step_by(4) {
            received.push(&stored.slice(start, 4));
        }
        assert_eq!(received.into_data(), stored);
        let mut stream = String::new();
        io::Read::read_to_string(&mut stored.reader(), &mut stream).expect("it is readable");
        assert_eq!(stream, "0123456789012345678901234");
    }

    #[test]
    fn no_bytes_of_a_stored_snapshot_are_in_memory_and_join_it() {
        let stored = SnapshotData::stored(Arc::new(Digits), 9);
        let mut received = ReceivedData::EMPTY;
        for (start, len) in [(0, 0), (0, 9), (9, 0), (9, 5), (99, 1)] {
            let chunk = stored.slice(start, len);
            assert_eq!(chunk.bytes().is_some(), chunk.is_empty(), "{len} from {start}");
            received.push(&chunk);
        }
        assert_eq!(received.into_data(), stored);
    }

    #[test]
    fn chunks_from_two_places_are_dropped() {
        let [one, two] = [(); 2].map(|()| SnapshotData::stored(Arc::new(Digits), 9));
        let memory = SnapshotData::from(*b"abcdef");
        for (first, next) in [(&one, &two), (&one, &memory), (&memory, &one)] {
            let mut received = ReceivedData::EMPTY;
            received.push(&first.slice(0, 3));
            received.push(&next.slice(3, 3));
            assert_eq!(received.len(), 0);
        }
        let mut gap = ReceivedData::EMPTY;
        gap.push(&one.slice(0, 3));
        gap.push(&one.slice(4, 3));
        assert_eq!(gap.len(), 0);
    }
}
