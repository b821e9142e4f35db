//! The file format of the store, version 3; snapshot files are described in `snapshot_files/`. Version 1
//! has no identity, versions 1 and 2 have snapshot files of the form below. All numbers are little-endian.
//!
//! ```text
//! log file        frame frame … zeros                  the first record of the first frame is Start
//! frame           magic:u32 len:u32 number:u64 payload_hash:u64 header_hash:u64 payload
//! payload         record …
//! record          0 state                              Start: the state before the file
//!                 1 term:u64 vote                      HardState
//!                 2 from:u64                           Truncate
//!                 3 index:u64 entry                    one entry of an Append, as messages have it
//!                 4 suffix reference                   Snapshot
//!                 5 identity                           Identity, after Start in each file
//! state           term:u64 vote last:u64 (0 | 1 reference | 2 kept_after:u64 reference)
//! suffix          0 | 1 | 2 after:u64                  kept after the snapshot's index, discarded, kept after another
//! vote            0 | 1 peer:u64
//! identity        standing:u8 peers known incarnation:u64        standing: 0 new, 1 confirmed
//! peers, known    count:u64 peer:u64…, count:u64 (peer:u64 incarnation:u64)…
//! reference       number:u64 term:u64 index:u64 hash:u64
//! snapshot file   magic:u64 meta_len:u64 meta data hash:u64
//! meta            term:u64 index:u64 membership        as messages have it
//! ```
//!
//! A hash is XXH3 with the store's own seed, so that a client's data cannot look like a frame, and
//! files of another store are detected.

use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::codec::{DecodeError, Reader, Writer};
use crate::entry::{Entry, Snapshot};
use crate::identity::{Identity, Incarnation, Standing};
use crate::output::{HardState, Suffix};
pub(super) use crate::storage::snapshot_files::SnapshotRef;
use crate::types::{EntryId, Index, PeerId, Term};

/// The frame's header, in bytes.
pub(super) const HEADER: usize = 32;

const FRAME_MAGIC: [u8; 4] = *b"raft";
const SNAPSHOT_MAGIC: [u8; 8] = *b"raftsnap";

/// The state at some position in the log, without entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) hard_state: HardState,
    pub(super) snapshot: Option<SnapshotRef>,
    /// The last entry, or the snapshot's index.
    pub(super) last: Index,
    /// The entries after this index are in the log: at or before the snapshot's.
    pub(super) kept_after: Index,
}

impl State {
    /// The last entry that the snapshot replaces.
    pub(super) fn base(&self) -> EntryId {
        self.snapshot.map_or(EntryId::ZERO, |snapshot| snapshot.last_included)
    }
}

/// A decoded record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LogRecord {
    Start(State),
    HardState(HardState),
    Truncate { from: Index },
    Entry(Entry),
    Snapshot { reference: SnapshotRef, suffix: Suffix },
    Identity(Identity),
}

pub(super) fn put_start(writer: &mut Writer, state: &State) {
    writer.u8(0);
    write_state(writer, state);
}

pub(super) fn write_state(writer: &mut Writer, state: &State) {
    write_hard_state(writer, state.hard_state);
    writer.u64(state.last.number());
    let Some(reference) = state.snapshot else { return writer.u8(0) };
    if state.kept_after == reference.last_included.index {
        writer.u8(1);
    } else {
        writer.u8(2);
        writer.u64(state.kept_after.number());
    }
    put_snapshot_ref(writer, reference);
}

pub(super) fn put_hard_state(writer: &mut Writer, hard_state: HardState) {
    writer.u8(1);
    write_hard_state(writer, hard_state);
}

pub(super) fn put_truncate(writer: &mut Writer, from: Index) {
    writer.u8(2);
    writer.u64(from.number());
}

pub(super) fn put_entry(writer: &mut Writer, entry: &Entry) {
    writer.u8(3);
    writer.u64(entry.id.index.number());
    writer.entry(entry);
}

pub(super) fn put_snapshot(writer: &mut Writer, reference: SnapshotRef, suffix: Suffix) {
    writer.u8(4);
    match suffix {
        // As earlier versions read it.
        Suffix::Kept { after } if after == reference.last_included.index => writer.u8(0),
        Suffix::Discarded => writer.u8(1),
        Suffix::Kept { after } => {
            writer.u8(2);
            writer.u64(after.number());
        }
    }
    put_snapshot_ref(writer, reference);
}

pub(super) fn put_identity(writer: &mut Writer, identity: &Identity) {
    writer.u8(5);
    write_identity(writer, identity);
}

pub(in crate::storage) fn write_identity(writer: &mut Writer, identity: &Identity) {
    let Identity { incarnation, standing, peers, known } = identity;
    writer.u8(match standing {
        Standing::New => 0,
        Standing::Confirmed => 1,
    });
    writer.u64(peers.len() as u64);
    peers.iter().for_each(|peer| writer.u64(peer.number()));
    writer.u64(known.len() as u64);
    for (peer, store) in known {
        writer.u64(peer.number());
        writer.u64(store.number());
    }
    writer.u64(incarnation.number());
}

pub(in crate::storage) fn read_identity(reader: &mut Reader<'_>) -> Result<Identity, DecodeError> {
    let confirmed = flag(reader, "standing")?;
    let standing = if confirmed { Standing::Confirmed } else { Standing::New };
    let peer = |reader: &mut Reader<'_>| reader.u64().map(PeerId::new);
    let peers = (0..reader.u64()?).map(|_| peer(reader)).collect::<Result<_, _>>()?;
    let known = (0..reader.u64()?).map(|_| Ok((peer(reader)?, Incarnation::new(reader.u64()?))));
    let known = known.collect::<Result<_, DecodeError>>()?;
    let incarnation = Incarnation::new(reader.u64()?);
    Ok(Identity { incarnation, standing, peers, known })
}

pub(in crate::storage) fn write_hard_state(writer: &mut Writer, hard_state: HardState) {
    writer.u64(hard_state.current_term.number());
    writer.u8(u8::from(hard_state.voted_for.is_some()));
    if let Some(peer) = hard_state.voted_for {
        writer.u64(peer.number());
    }
}

fn put_snapshot_ref(writer: &mut Writer, reference: SnapshotRef) {
    writer.u64(reference.number);
    writer.entry_id(reference.last_included);
    writer.u64(reference.hash);
}

/// Reads the next record of a payload; `None` at its end.
pub(super) fn record(reader: &mut Reader<'_>) -> Result<Option<LogRecord>, DecodeError> {
    if reader.0.is_empty() {
        return Ok(None);
    }
    Ok(Some(match reader.u8()? {
        0 => LogRecord::Start(state(reader)?),
        1 => LogRecord::HardState(read_hard_state(reader)?),
        2 => LogRecord::Truncate { from: reader.index()? },
        3 => {
            let index = reader.index()?;
            LogRecord::Entry(reader.entry(index)?)
        }
        4 => {
            let (kind, after) = match reader.u8()? {
                2 => (2, reader.index()?),
                kind => (kind, Index::ZERO),
            };
            let reference = reference(reader)?;
            let suffix = match kind {
                0 => Suffix::Kept { after: reference.last_included.index },
                1 => Suffix::Discarded,
                2 => Suffix::Kept { after },
                found => return Err(DecodeError::Unknown { what: "suffix", found }),
            };
            LogRecord::Snapshot { reference, suffix }
        }
        5 => LogRecord::Identity(read_identity(reader)?),
        found => return Err(DecodeError::Unknown { what: "record", found }),
    }))
}

pub(super) fn state(reader: &mut Reader<'_>) -> Result<State, DecodeError> {
    let (hard_state, last) = (read_hard_state(reader)?, reader.index()?);
    let (snapshot, kept_after) = match reader.u8()? {
        0 => (None, None),
        1 => (Some(reference(reader)?), None),
        2 => {
            let kept_after = reader.index()?;
            (Some(reference(reader)?), Some(kept_after))
        }
        found => return Err(DecodeError::Unknown { what: "snapshot", found }),
    };
    let base = snapshot.map_or(Index::ZERO, |snapshot| snapshot.last_included.index);
    Ok(State { hard_state, snapshot, last, kept_after: kept_after.unwrap_or(base) })
}

pub(in crate::storage) fn read_hard_state(
    reader: &mut Reader<'_>,
) -> Result<HardState, DecodeError> {
    let current_term = Term::new(reader.u64()?);
    let voted = flag(reader, "vote")?;
    let voted_for = if voted { Some(PeerId::new(reader.u64()?)) } else { None };
    Ok(HardState { current_term, voted_for })
}

fn reference(reader: &mut Reader<'_>) -> Result<SnapshotRef, DecodeError> {
    let (number, last_included) = (reader.u64()?, reader.entry_id()?);
    Ok(SnapshotRef { number, last_included, hash: reader.u64()? })
}

pub(super) fn flag(reader: &mut Reader<'_>, what: &'static str) -> Result<bool, DecodeError> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        found => Err(DecodeError::Unknown { what, found }),
    }
}

/// Fills in the header before a frame's payload.
pub(super) fn seal(frame: &mut [u8], number: u64, seed: u64) {
    let (header, payload) = frame.split_at_mut(HEADER);
    let len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    assert_eq!(len as usize, payload.len(), "a frame is below 4 GiB");
    header[..4].copy_from_slice(&FRAME_MAGIC);
    header[4..8].copy_from_slice(&len.to_le_bytes());
    header[8..16].copy_from_slice(&number.to_le_bytes());
    header[16..24].copy_from_slice(&xxh3_64_with_seed(payload, seed).to_le_bytes());
    let header_hash = xxh3_64_with_seed(&header[..24], seed);
    header[24..].copy_from_slice(&header_hash.to_le_bytes());
}

/// A frame of a log file.
pub(super) struct Frame<'a> {
    pub(super) number: u64,
    pub(super) payload: &'a [u8],
}

impl Frame<'_> {
    /// The frame's length in the file.
    pub(super) fn len(&self) -> usize {
        HEADER + self.payload.len()
    }
}

/// The length of the frame that begins with these bytes, if its header is valid.
pub(super) fn frame_len(bytes: &[u8], seed: u64) -> Option<usize> {
    header(bytes, seed)?.1.checked_add(HEADER)
}

/// The valid frame at the beginning of `bytes`.
pub(super) fn frame(bytes: &[u8], seed: u64) -> Option<Frame<'_>> {
    let (number, len, payload_hash) = header(bytes, seed)?;
    let payload = bytes.get(HEADER..HEADER.checked_add(len)?)?;
    (xxh3_64_with_seed(payload, seed) == payload_hash).then_some(Frame { number, payload })
}

/// The number, payload length and payload hash in a valid header.
fn header(bytes: &[u8], seed: u64) -> Option<(u64, usize, u64)> {
    let header = bytes.get(..HEADER)?;
    let word = |at: usize| header[at..].first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    let len = header[4..].first_chunk().map(|bytes| u32::from_le_bytes(*bytes))?;
    let sound = header[..4] == FRAME_MAGIC && word(24)? == xxh3_64_with_seed(&header[..24], seed);
    sound.then_some((word(8)?, len as usize, word(16)?))
}

/// The position of a header of a frame later than `number`, from `start` on. A frame is written
/// only after the one before it is durable, so the frame at `start` was durable if there is one.
pub(super) fn later_frame(bytes: &[u8], start: usize, number: u64, seed: u64) -> Option<usize> {
    (start..bytes.len().saturating_sub(HEADER - 1)).find(|at| {
        bytes[*at] == FRAME_MAGIC[0]
            && header(&bytes[*at..], seed).is_some_and(|(found, _, _)| found > number)
    })
}

/// Decodes a snapshot file of format 2, and checks it against its reference.
pub(super) fn open_snapshot(
    bytes: &[u8],
    reference: SnapshotRef,
    seed: u64,
) -> Result<Snapshot, String> {
    let (content, hash) =
        bytes.split_last_chunk().ok_or_else(|| format!("only {} bytes", bytes.len()))?;
    let (stated, found) = (u64::from_le_bytes(*hash), xxh3_64_with_seed(content, seed));
    if stated != found || stated != reference.hash {
        let wanted = reference.hash;
        return Err(format!(
            "checksum {found:016x}, stated {stated:016x}, in the log {wanted:016x}"
        ));
    }
    let (meta, data) = snapshot_parts(content).ok_or("not a snapshot of this format")?;
    let mut reader = Reader(&content[meta]);
    let meta = reader.entry_id().and_then(|id| Ok((id, reader.membership()?)));
    let (last_included, membership) = meta.map_err(|error| error.to_string())?;
    let membership = membership.into();
    Ok(Snapshot { last_included, membership, data: content[data].to_vec().into() })
}

fn snapshot_parts(content: &[u8]) -> Option<(Range<usize>, Range<usize>)> {
    let rest = content.strip_prefix(&SNAPSHOT_MAGIC)?;
    let meta_len = usize::try_from(u64::from_le_bytes(*rest.first_chunk()?)).ok()?;
    let meta = SNAPSHOT_MAGIC.len() + 8;
    let data = meta.checked_add(meta_len).filter(|data| *data <= content.len())?;
    Some((meta..data, data..content.len()))
}
