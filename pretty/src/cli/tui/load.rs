//! The loader: inputs → chunks, indexed on all cores.

use std::io::{self, Read};
use std::sync::mpsc::SyncSender;

use rayon::prelude::*;

use super::super::input::Input;
use super::super::merge;
use super::super::run::RunError;
use crate::parse::Parser;
use crate::view::{Chunk, Rules};

pub(super) fn load(
    inputs: Vec<Input>,
    parser: &Parser,
    rules: &Rules,
    sender: &SyncSender<Chunk>,
) -> Result<(), RunError> {
    match <[Input; 1]>::try_from(inputs) {
        Ok([input]) => load_one(input.reader, parser, rules, sender),
        Err(inputs) => load_merged(inputs, parser, rules, sender),
    }
}

/// Reads blocks of whole lines and indexes a few of them at a time, on all cores. The first one is
/// small, so that there is something to see at once.
fn load_one(
    mut reader: impl Read,
    parser: &Parser,
    rules: &Rules,
    sender: &SyncSender<Chunk>,
) -> Result<(), RunError> {
    let mut rest = Vec::new();
    let mut wanted = FIRST_BLOCK_BYTES;
    loop {
        let mut blocks = Vec::new();
        let mut ended = Ended::No;
        while blocks.len() < BLOCKS_AT_ONCE && ended == Ended::No {
            let (block, end) =
                read_block(&mut reader, &mut rest, wanted).map_err(RunError::Read)?;
            let short = block.len() < wanted;
            blocks.push(block);
            ended = end;
            // A pipe that has no more for now, or the very first block: show what is there.
            if short || wanted == FIRST_BLOCK_BYTES {
                break;
            }
        }
        wanted = BLOCK_BYTES;
        let indexed =
            blocks.into_par_iter().map(|block| Chunk::index_with(block, parser.clone(), rules));
        for chunk in indexed.collect::<Vec<_>>() {
            sender.send(chunk).map_err(|_| RunError::Closed)?;
        }
        if ended == Ended::Yes {
            return Ok(());
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Yes,
    No,
}

/// Reads until a block is full, the input pauses in a pipe's way, or it ends; what follows the
/// last line end goes to `rest`, for the next block.
fn read_block(
    reader: &mut impl Read,
    rest: &mut Vec<u8>,
    wanted: usize,
) -> io::Result<(Vec<u8>, Ended)> {
    let mut block = std::mem::take(rest);
    loop {
        let filled = block.len();
        block.resize(filled + wanted, 0);
        let count = match reader.read(&mut block[filled..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) => return Err(error),
            Ok(0) => {
                block.truncate(filled);
                return Ok((block, Ended::Yes));
            }
            Ok(count) => count,
        };
        block.truncate(filled + count);
        if let Some(end) = memchr::memrchr(b'\n', &block[filled..]) {
            *rest = block.split_off(filled + end + 1);
            return Ok((block, Ended::No));
        }
    }
}

fn load_merged(
    inputs: Vec<Input>,
    parser: &Parser,
    rules: &Rules,
    sender: &SyncSender<Chunk>,
) -> Result<(), RunError> {
    let mut block = Vec::new();
    let mut wanted = FIRST_BLOCK_BYTES;
    let send = |block: Vec<u8>| {
        sender.send(Chunk::index_with(block, parser.clone(), rules)).map_err(|_| RunError::Closed)
    };
    let mut take = |line: &[u8]| {
        block.extend_from_slice(line);
        block.push(b'\n');
        if block.len() < wanted {
            return Ok(());
        }
        wanted = BLOCK_BYTES;
        send(std::mem::take(&mut block))
    };
    merge::lines(inputs, parser, &mut take)?;
    send(block)
}

const FIRST_BLOCK_BYTES: usize = 64 * 1024;
const BLOCK_BYTES: usize = 4 * 1024 * 1024;
const BLOCKS_AT_ONCE: usize = 8;

/// Chunks that may wait to be shown: the loader must not run far ahead of a view that filters.
pub(super) const CHUNKS_WAITING_MAX: usize = 16;
