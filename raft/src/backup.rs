//! Backups: the state of a service at one entry, as a stream whose every byte is checked.
//!
//! ```text
//! backup   magic[8] version:u32 len:u32 header check:u64 block … end
//! header   made_at:u64 peer:u64 source:u8 cluster:u64 entry members:len
//! block    len:u32 data check:u64                      of 1 to 256 KiB
//! end      0:u32 data_len:u64 check:u64
//! source   0 linearizable, 1 local                     cluster: 0 for none yet
//! entry    term:u64 index:u64                          members: as messages have them
//! ```
//!
//! Numbers are little-endian. A check is XXH3 of all bytes since the one before it, with that one as
//! its seed (at first 0), so that every block counts in its own place of its own backup only. A stream
//! without its end is no backup: it was not finished.

use std::io::{self, Read, Write};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::codec::{DecodeError, Reader, Writer};
use crate::identity::ClusterId;
use crate::membership::Membership;
use crate::types::{EntryId, PeerId};

const MAGIC: [u8; 8] = *b"raftbkup";

/// The version that is written, and the newest one that is read.
const VERSION: u32 = 1;

/// Length of a block, in bytes.
const BLOCK: usize = 256 << 10;

/// Limit on the header: members of a few thousand peers with their addresses.
const HEADER_MAX: u32 = 16 << 20;

/// The origin of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupHeader {
    /// The time at which it was begun, in seconds since 1970 UTC by the peer's clock.
    pub made_at: u64,
    /// The peer that made it.
    pub peer: PeerId,
    /// The freshness of the state at that time.
    pub source: BackupSource,
    /// Its cluster, if that has an id yet.
    pub cluster: Option<ClusterId>,
    /// The last entry that the state contains.
    pub through: EntryId,
    /// The members known to the peer then. A cluster that is restored has its own.
    pub members: Membership,
}

/// The freshness of a backup's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupSource {
    /// It contained everything that was committed when the backup was requested.
    Linearizable,
    /// It was the peer's own state, and may have been old.
    Local,
}

impl BackupHeader {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer(Vec::new());
        writer.u64(self.made_at);
        writer.u64(self.peer.number());
        writer.u8(match self.source {
            BackupSource::Linearizable => 0,
            BackupSource::Local => 1,
        });
        writer.u64(self.cluster.map_or(0, ClusterId::number));
        writer.entry_id(self.through);
        writer.membership(&self.members);
        writer.0
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader(bytes);
        let (made_at, peer) = (reader.u64()?, PeerId::new(reader.u64()?));
        let source = match reader.u8()? {
            0 => BackupSource::Linearizable,
            1 => BackupSource::Local,
            found => return Err(DecodeError::Unknown { what: "source", found }),
        };
        let cluster = Some(reader.u64()?).filter(|id| *id != 0).map(ClusterId::new);
        let (through, members) = (reader.entry_id()?, reader.membership()?);
        match reader.0.len() {
            0 => Ok(Self { made_at, peer, source, cluster, through, members }),
            rest => Err(DecodeError::TooLong(rest)),
        }
    }
}

/// Bytes that are not a whole backup.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// Something else.
    #[error("not a backup: it begins with \"{begins_with}\", expected \"raftbkup\"")]
    NotABackup {
        /// Its first bytes, escaped.
        begins_with: String,
    },
    /// A format of a later version.
    #[error(
        "the backup has format {version}, this version reads formats up to {VERSION}: use a newer one"
    )]
    Newer {
        /// Its format.
        version: u32,
    },
    /// It ends too early.
    #[error(
        "the backup ends at byte {at}, before its end: it was not finished, or not copied whole"
    )]
    Cut {
        /// Its length.
        at: u64,
    },
    /// Bytes changed.
    #[error("the backup is damaged at byte {at}: {what}")]
    Damaged {
        /// The place of the part in which the damage is.
        at: u64,
        /// The finding.
        what: String,
    },
    /// It cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Writes a backup. Without [`BackupWriter::finish`] the stream is none.
#[derive(Debug)]
pub struct BackupWriter<W> {
    sink: W,
    check: u64,
    /// The bytes after the last whole block.
    partial: Vec<u8>,
    data_len: u64,
}

impl<W: Write> BackupWriter<W> {
    /// Begins a backup.
    ///
    /// # Errors
    /// The sink's.
    pub fn begin(sink: W, header: &BackupHeader) -> io::Result<Self> {
        let mut writer = Self { sink, check: 0, partial: Vec::new(), data_len: 0 };
        let header = header.encode();
        let len = u32::try_from(header.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        writer.part(&[&MAGIC, &VERSION.to_le_bytes(), &len.to_le_bytes(), &header])?;
        Ok(writer)
    }

    /// Ends the backup, flushes the sink, and returns it with the number of bytes of data. Its owner
    /// makes it durable.
    ///
    /// # Errors
    /// The sink's.
    pub fn finish(mut self) -> io::Result<(W, u64)> {
        self.block()?;
        self.part(&[&0_u32.to_le_bytes(), &self.data_len.to_le_bytes()])?;
        self.sink.flush()?;
        Ok((self.sink, self.data_len))
    }

    /// Writes the bytes after the last whole block, as a block.
    fn block(&mut self) -> io::Result<()> {
        if self.partial.is_empty() {
            return Ok(());
        }
        let block = std::mem::take(&mut self.partial);
        self.part(&[&(block.len() as u32).to_le_bytes(), &block])?;
        self.data_len += block.len() as u64;
        self.partial = block;
        self.partial.clear();
        Ok(())
    }

    /// Writes bytes and their check.
    fn part(&mut self, pieces: &[&[u8]]) -> io::Result<()> {
        let mut bytes = pieces.concat();
        self.check = xxh3_64_with_seed(&bytes, self.check);
        bytes.extend_from_slice(&self.check.to_le_bytes());
        self.sink.write_all(&bytes)
    }
}

impl<W: Write> Write for BackupWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(BLOCK - self.partial.len());
        self.partial.extend_from_slice(&bytes[..count]);
        if self.partial.len() == BLOCK {
            self.block()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads a backup, and passes on no byte that is not checked.
#[derive(Debug)]
pub struct BackupReader<R> {
    source: R,
    header: BackupHeader,
    check: u64,
    at: u64,
    data_len: u64,
}

impl<R: Read> BackupReader<R> {
    /// Reads and checks the header.
    ///
    /// # Errors
    /// It is not a backup that this version can read.
    pub fn open(source: R) -> Result<Self, BackupError> {
        let (made_at, peer, through) = (0, PeerId::new(0), EntryId::ZERO);
        let (cluster, members, source_kind) = (None, Membership::default(), BackupSource::Local);
        let header = BackupHeader { made_at, peer, source: source_kind, cluster, through, members };
        let mut reader = Self { source, header, check: 0, at: 0, data_len: 0 };
        let mut part = reader.begin()?;
        let len = reader.number(&mut part)?;
        if len > HEADER_MAX {
            return Err(BackupError::Damaged { at: 0, what: format!("a header of {len} bytes") });
        }
        let begin = part.len();
        reader.bytes(&mut part, len as usize)?;
        reader.check(&part)?;
        reader.header = BackupHeader::decode(&part[begin..])
            .map_err(|error| BackupError::Damaged { at: 0, what: error.to_string() })?;
        Ok(reader)
    }

    /// The origin of the backup.
    #[must_use]
    pub const fn header(&self) -> &BackupHeader {
        &self.header
    }

    /// The number of bytes of data so far.
    #[must_use]
    pub const fn data_len(&self) -> u64 {
        self.data_len
    }

    /// The next bytes of the state; `None` once the whole backup has been read and checked.
    ///
    /// # Errors
    /// The backup is damaged, or cannot be read. Nothing that was returned before is to be used.
    pub fn next_block(&mut self) -> Result<Option<Vec<u8>>, BackupError> {
        let (at, mut part) = (self.at, Vec::new());
        let damaged = |what: String| BackupError::Damaged { at, what };
        match self.number(&mut part)? as usize {
            0 => {
                let begin = part.len();
                self.bytes(&mut part, 8)?;
                self.check(&part)?;
                let stated = Reader(&part[begin..]).u64().unwrap_or_default();
                if stated != self.data_len {
                    let found = self.data_len;
                    return Err(damaged(format!("it has {found} bytes of data, not {stated}")));
                }
                match self.source.read(&mut [0])? {
                    0 => Ok(None),
                    _ => Err(BackupError::Damaged {
                        at: self.at,
                        what: "bytes follow its end".to_owned(),
                    }),
                }
            }
            len if len > BLOCK => Err(damaged(format!("a block of {len} bytes"))),
            len => {
                self.bytes(&mut part, len)?;
                self.check(&part)?;
                self.data_len += len as u64;
                Ok(Some(part.split_off(size_of::<u32>())))
            }
        }
    }

    /// Reads magic and version.
    fn begin(&mut self) -> Result<Vec<u8>, BackupError> {
        let mut part = Vec::new();
        let mut first = self.source.by_ref().take(MAGIC.len() as u64);
        first.read_to_end(&mut part)?;
        if part != MAGIC {
            return Err(match part {
                part if !part.is_empty() && MAGIC.starts_with(&part) => {
                    BackupError::Cut { at: part.len() as u64 }
                }
                part => BackupError::NotABackup { begins_with: part.escape_ascii().to_string() },
            });
        }
        self.at = MAGIC.len() as u64;
        match self.number(&mut part)? {
            VERSION => Ok(part),
            version => Err(BackupError::Newer { version }),
        }
    }

    fn number(&mut self, part: &mut Vec<u8>) -> Result<u32, BackupError> {
        let begin = part.len();
        self.bytes(part, size_of::<u32>())?;
        Ok(part[begin..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes)))
    }

    /// Appends so many bytes of the source.
    fn bytes(&mut self, part: &mut Vec<u8>, count: usize) -> Result<(), BackupError> {
        let found = self.source.by_ref().take(count as u64).read_to_end(part)?;
        self.at += found as u64;
        if found == count { Ok(()) } else { Err(BackupError::Cut { at: self.at }) }
    }

    /// Checks a part against the number that follows it.
    fn check(&mut self, part: &[u8]) -> Result<(), BackupError> {
        let (at, mut stated) = (self.at - part.len() as u64, Vec::new());
        self.bytes(&mut stated, size_of::<u64>())?;
        let stated = Reader(&stated).u64().unwrap_or_default();
        self.check = xxh3_64_with_seed(part, self.check);
        if self.check == stated {
            return Ok(());
        }
        let what = format!("checksum {:016x}, stated {stated:016x}", self.check);
        Err(BackupError::Damaged { at, what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Index, Term};

    fn header() -> BackupHeader {
        let members = Membership::of_voters([1, 2].map(PeerId::new));
        BackupHeader {
            made_at: 1_800_000_000,
            peer: PeerId::new(2),
            source: BackupSource::Local,
            cluster: Some(ClusterId::new(77)),
            through: EntryId::new(Term::new(3), Index::new(41)),
            members: members.with_address(PeerId::new(1), "host:1"),
        }
    }

    fn backup(data: &[u8]) -> Vec<u8> {
        let mut writer = BackupWriter::begin(Vec::new(), &header()).expect("memory");
        // In pieces that do not fit blocks.
        data.chunks(1000).for_each(|piece| writer.write_all(piece).expect("memory"));
        writer.finish().expect("memory").0
    }

    fn read(bytes: &[u8]) -> Result<(BackupHeader, Vec<u8>), BackupError> {
        let mut reader = BackupReader::open(bytes)?;
        let mut data = Vec::new();
        while let Some(block) = reader.next_block()? {
            data.extend(block);
        }
        Ok((reader.header().clone(), data))
    }

    #[test]
    fn a_backup_is_read_back_whatever_its_length() {
        for len in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 7] {
            let data: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
            let (found, read) = read(&backup(&data)).expect("it is whole");
            assert_eq!((found, read.len()), (header(), len));
            assert!(read == data, "{len} bytes");
        }
    }

    #[test]
    fn any_changed_missing_or_added_byte_is_an_error() {
        let whole = backup(b"some state");
        for position in 0..whole.len() {
            let mut changed = whole.clone();
            changed[position] ^= 1;
            assert!(read(&changed).is_err(), "byte {position} changed");
            let cut = read(&whole[..position]).expect_err("it is cut");
            let named = matches!(cut, BackupError::Cut { .. } | BackupError::NotABackup { .. });
            assert!(named, "cut at {position}: {cut}");
        }
        let longer = [&whole[..], b"x"].concat();
        assert!(matches!(read(&longer), Err(BackupError::Damaged { .. })));
    }

    #[test]
    fn blocks_count_in_their_own_place_only() {
        let mut data = vec![7; 2 * BLOCK];
        data[0] = 8;
        let whole = backup(&data);
        let block = size_of::<u32>() + BLOCK + size_of::<u64>();
        let end = size_of::<u32>() + 2 * size_of::<u64>();
        let first = whole.len() - end - 2 * block;
        let mut swapped = whole.clone();
        swapped[first..first + block].copy_from_slice(&whole[first + block..first + 2 * block]);
        swapped[first + block..first + 2 * block].copy_from_slice(&whole[first..first + block]);
        let error = read(&swapped).expect_err("the order is wrong").to_string();
        assert!(error.starts_with(&format!("the backup is damaged at byte {first}")), "{error}");
        let without = [&whole[..first], &whole[first + block..]].concat();
        assert!(matches!(read(&without), Err(BackupError::Damaged { .. })));
    }

    #[test]
    fn foreign_and_newer_files_are_named() {
        let text = |bytes: &[u8]| read(bytes).expect_err("it is none").to_string();
        assert_eq!(
            text(b"PK\x03\x04 something"),
            "not a backup: it begins with \"PK\\x03\\x04 som\", expected \"raftbkup\""
        );
        assert_eq!(text(b""), "not a backup: it begins with \"\", expected \"raftbkup\"");
        let mut newer = backup(b"");
        newer[8] = 2;
        assert!(text(&newer).starts_with("the backup has format 2, this version reads"));
    }
}
