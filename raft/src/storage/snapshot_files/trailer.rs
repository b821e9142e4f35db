//! The end of a snapshot file: the hashes of its blocks, its last entry and the members at it.

use std::io;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{BLOCK, MAGIC};
use crate::codec::{DecodeError, Reader, Writer};
use crate::membership::Membership;
use crate::storage::directory::ReadableFile;
use crate::types::EntryId;

/// Bytes of the three numbers at the end.
const FOOTER: u64 = 24;

/// The bytes behind the data, and their hash.
pub(super) fn trailer(
    hashes: &[u64],
    last_included: EntryId,
    membership: &Membership,
    seed: u64,
) -> (Vec<u8>, u64) {
    let mut writer = Writer(Vec::new());
    hashes.iter().for_each(|hash| writer.u64(*hash));
    let blocks_len = writer.0.len();
    writer.entry_id(last_included);
    writer.membership(membership);
    let meta_len = writer.0.len() - blocks_len;
    writer.u64(blocks_len as u64);
    writer.u64(meta_len as u64);
    let hash = xxh3_64_with_seed(&writer.0, seed);
    writer.u64(hash);
    (writer.0, hash)
}

pub(super) struct Trailer {
    pub(super) len: u64,
    pub(super) hashes: Vec<u64>,
    pub(super) last_included: EntryId,
    pub(super) membership: Membership,
}

/// Reads the bytes behind the data.
pub(super) fn read_trailer(
    reader: &mut Box<dyn ReadableFile>,
    length: u64,
    expected: u64,
    seed: u64,
) -> io::Result<Result<Trailer, String>> {
    let mut footer = [0; FOOTER as usize];
    let Some(footer_at) = length.checked_sub(FOOTER) else {
        return Ok(Err(format!("only {length} bytes")));
    };
    reader.read_at(footer_at, &mut footer)?;
    let word = |at: usize| footer[at..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
    let (blocks_len, meta_len, stated) = (word(0), word(8), word(16));
    let start = blocks_len.checked_add(meta_len).and_then(|len| footer_at.checked_sub(len));
    let len = start.and_then(|start| start.checked_sub(MAGIC.len() as u64));
    let len = len.filter(|len| len.div_ceil(BLOCK as u64) * 8 == blocks_len);
    let (Some(start), Some(len)) = (start, len) else {
        return Ok(Err("its end is broken".to_owned()));
    };
    let mut bytes = vec![0; usize::try_from(length - 8 - start).unwrap_or(usize::MAX)];
    reader.read_at(start, &mut bytes)?;
    let found = xxh3_64_with_seed(&bytes, seed);
    if stated != found || stated != expected {
        return Ok(Err(format!(
            "checksum {found:016x}, stated {stated:016x}, in the log {expected:016x}"
        )));
    }
    let mut words = Reader(&bytes);
    let mut parsed = || -> Result<_, DecodeError> {
        let hashes = (0..blocks_len / 8).map(|_| words.u64()).collect::<Result<Vec<_>, _>>()?;
        Ok((hashes, words.entry_id()?, words.membership()?))
    };
    Ok(match parsed() {
        Ok((hashes, last_included, membership)) => {
            Ok(Trailer { len, hashes, last_included, membership })
        }
        Err(error) => Err(error.to_string()),
    })
}
