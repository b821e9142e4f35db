//! The file `NUMBER.index` beside a log file that is complete: what its records do, and where its entries
//! are, so that a start need not read them.
//!
//! It is derived from the log file, and written without a flush: where it is missing, torn, or not of this log
//! file, the log file is read instead. The log file's first and last frames are checked at
//! the start, those between when an entry is read.
//!
//! ```text
//! magic:u64 end:u64 last_frame:u64 next:u64 effect state (0 | 1 identity)
//! blocks:u64 (id bytes:u64 at:u64)… last:u64 memberships:u64 (index:u64 membership)… hash:u64
//! effect    0 | 1 from:u64                             entries of earlier files deleted from there on
//! ```

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::files::{index_name, log_name};
use super::format::{self, LogRecord, State};
use super::frames::FrameReader;
use super::index::Block;
use crate::codec::{DecodeError, Reader, Writer};
use crate::identity::Identity;
use crate::membership::Membership;
use crate::storage::StorageError;
use crate::storage::directory::{Directory, WritableFile, io_error};
use crate::types::Index;

/// The effect of a log file on the entries of the files before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Effect {
    /// They are kept.
    #[default]
    None,
    /// Those from this one on are deleted; all, if a snapshot discards them.
    Truncates(Index),
}

impl Effect {
    pub(super) fn truncate(&mut self, from: Index) {
        *self = match *self {
            Self::Truncates(before) if before < from => *self,
            Self::Truncates(_) | Self::None => Self::Truncates(from),
        };
    }
}

/// A complete log file without its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileIndex {
    /// The number of its first frame.
    pub(super) number: u64,
    /// The length of its frames.
    pub(super) end: u64,
    /// The byte at which the last frame begins.
    pub(super) last_frame: u64,
    /// The number of the frame after it.
    pub(super) next: u64,
    pub(super) effect: Effect,
    /// The state at its end.
    pub(super) state: State,
    pub(super) member: Option<Identity>,
    /// The entries that it adds to those before it.
    pub(super) blocks: Vec<Block>,
    /// The last one of them.
    pub(super) last: Index,
    /// The configurations among them.
    pub(super) memberships: Vec<(Index, Arc<Membership>)>,
}

const MAGIC: [u8; 8] = *b"raftidx1";

impl FileIndex {
    /// Writes the file. Nothing relies on it, so it is not flushed.
    pub(super) fn write<F: Directory>(
        &self,
        directory: &mut F,
        seed: u64,
    ) -> Result<(), StorageError> {
        let name = index_name(self.number);
        let bytes = self.encode(seed);
        let written = directory.create(&name).and_then(|mut file| file.write_at(0, &bytes));
        written.map_err(|error| io_error(format!("write {}", directory.path_of(&name)))(error))
    }

    /// The index of a log file, and the state before that file. None if there is no index, or not of this
    /// file: then the log file itself says what it is.
    pub(super) fn read<F: Directory>(
        directory: &F,
        number: u64,
        seed: u64,
    ) -> Option<(Self, State)> {
        let index = Self::decode(number, &directory.read(&index_name(number)).ok()?, seed)?;
        let frames = |at| {
            let file = directory.open_for_reading(&log_name(number)).ok()?;
            FrameReader::new(file, at, seed).ok()
        };
        let mut first = frames(0)?;
        let frame = first.next().ok()?.filter(|frame| frame.number == number)?;
        let Ok(Some(LogRecord::Start(start))) = format::record(&mut Reader(frame.payload)) else {
            return None;
        };
        let mut last = frames(index.last_frame)?;
        let frame = last.next().ok()?;
        frame.filter(|frame| frame.number.checked_add(1) == Some(index.next))?;
        let is_whole = last.at() == index.end && last.is_empty_after().ok()?;
        is_whole.then_some((index, start))
    }

    fn encode(&self, seed: u64) -> Vec<u8> {
        let mut writer = Writer(MAGIC.to_vec());
        let Self { number: _, end, last_frame, next, effect, state, member, .. } = self;
        [*end, *last_frame, *next].into_iter().for_each(|word| writer.u64(word));
        match effect {
            Effect::None => writer.u8(0),
            Effect::Truncates(from) => {
                writer.u8(1);
                writer.u64(from.number());
            }
        }
        format::write_state(&mut writer, state);
        writer.u8(u8::from(member.is_some()));
        if let Some(member) = member {
            format::write_identity(&mut writer, member);
        }
        writer.u64(self.blocks.len() as u64);
        for Block { first, bytes, file: _, at } in &self.blocks {
            writer.entry_id(*first);
            writer.u64(*bytes);
            writer.u64(*at);
        }
        writer.u64(self.last.number());
        writer.u64(self.memberships.len() as u64);
        for (index, membership) in &self.memberships {
            writer.u64(index.number());
            writer.membership(membership);
        }
        let hash = xxh3_64_with_seed(&writer.0, seed ^ self.number);
        writer.u64(hash);
        writer.0
    }

    fn decode(number: u64, bytes: &[u8], seed: u64) -> Option<Self> {
        let (content, hash) = bytes.split_last_chunk()?;
        let is_sound = u64::from_le_bytes(*hash) == xxh3_64_with_seed(content, seed ^ number);
        let mut reader = Reader(content.strip_prefix(&MAGIC).filter(|_| is_sound)?);
        Self::fields(number, &mut reader).ok().filter(|_| reader.0.is_empty())
    }

    fn fields(number: u64, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (end, last_frame, next) = (reader.u64()?, reader.u64()?, reader.u64()?);
        let effect = match format::flag(reader, "effect")? {
            true => Effect::Truncates(reader.index()?),
            false => Effect::None,
        };
        let state = format::state(reader)?;
        let has_member = format::flag(reader, "identity")?;
        let member = has_member.then(|| format::read_identity(reader)).transpose()?;
        let block = |reader: &mut Reader<'_>| {
            let (first, bytes, at) = (reader.entry_id()?, reader.u64()?, reader.u64()?);
            Ok(Block { first, bytes, file: number, at })
        };
        let blocks = (0..reader.u64()?).map(|_| block(reader));
        let blocks = blocks.collect::<Result<_, DecodeError>>()?;
        let last = reader.index()?;
        let membership = |reader: &mut Reader<'_>| {
            let index = reader.index()?;
            Ok((index, Arc::new(reader.membership()?)))
        };
        let memberships = (0..reader.u64()?).map(|_| membership(reader));
        let memberships = memberships.collect::<Result<_, DecodeError>>()?;
        Ok(Self { number, end, last_frame, next, effect, state, member, blocks, last, memberships })
    }
}
