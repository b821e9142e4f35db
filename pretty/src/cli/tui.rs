//! The log view on the whole screen.
//!
//! ```text
//! inputs → loader thread (chunks, indexed on all cores) → channel → view ← keys
//! ```

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};
use rayon::prelude::*;

use super::input::Input;
use super::plan::Plan;
use super::run::RunError;
use super::{Exit, merge};
use crate::parse::Parser;
use crate::view::{Chunk, LogView, Outcome};

/// Shows the log until the user closes it.
///
/// # Errors
/// When an input cannot be read or the terminal not be used.
pub(super) fn run(inputs: Vec<Input>, plan: Plan) -> Result<Exit, RunError> {
    let view = LogView::new(plan.options.background, plan.options.depth);
    let view = view.with_filter(plan.options.filter);
    let (sender, chunks) = sync_channel(CHUNKS_WAITING_MAX);
    let loader = thread::spawn(move || load(inputs, &plan.parser, &sender));
    let mut terminal = ratatui::try_init().map_err(RunError::Terminal)?;
    let shown = browse(&mut terminal, view, &chunks);
    ratatui::restore();
    // With the channel closed the loader stops at its next chunk; one that waits for a pipe ends
    // with the program.
    drop(chunks);
    shown.map_err(RunError::Terminal)?;
    match loader.is_finished().then(|| loader.join()) {
        Some(Ok(Err(error))) if !matches!(error, RunError::Closed) => Err(error),
        Some(_) | None => Ok(Exit::Done),
    }
}

/// The loop: new chunks, new keys, a new picture.
fn browse(
    terminal: &mut DefaultTerminal,
    mut view: LogView,
    chunks: &Receiver<Chunk>,
) -> io::Result<()> {
    let mut loading = Loading::Yes;
    loop {
        loading = take_chunks(&mut view, chunks, loading);
        terminal.draw(|frame| {
            view.resize(frame.area().as_size());
            view.draw(frame.area(), frame.buffer_mut());
        })?;
        let patience = match loading {
            Loading::Yes => Duration::from_millis(50),
            Loading::No => Duration::from_secs(3600),
        };
        // All keys that have come are taken before the next picture, so that a held key never
        // runs ahead of the screen.
        let mut wait = patience;
        while event::poll(wait)? {
            wait = Duration::ZERO;
            if let Event::Key(key) = event::read()?
                && view.press(key) == Outcome::Quit
            {
                return Ok(());
            }
        }
    }
}

/// Whether the loader is still at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loading {
    Yes,
    No,
}

fn take_chunks(view: &mut LogView, chunks: &Receiver<Chunk>, loading: Loading) -> Loading {
    if loading == Loading::No {
        return loading;
    }
    // So many at a time that keys are never kept waiting.
    for _ in 0..CHUNKS_WAITING_MAX {
        match chunks.try_recv() {
            Ok(chunk) => view.append(chunk),
            Err(TryRecvError::Empty) => return Loading::Yes,
            Err(TryRecvError::Disconnected) => return Loading::No,
        }
    }
    Loading::Yes
}

fn load(inputs: Vec<Input>, parser: &Parser, sender: &SyncSender<Chunk>) -> Result<(), RunError> {
    match <[Input; 1]>::try_from(inputs) {
        Ok([input]) => load_one(input.reader, parser, sender),
        Err(inputs) => load_merged(inputs, parser, sender),
    }
}

/// Reads blocks of whole lines and indexes a few of them at a time, on all cores. The first one is
/// small, so that there is something to see at once.
fn load_one(
    mut reader: impl Read,
    parser: &Parser,
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
        let indexed = blocks.into_par_iter().map(|block| Chunk::index(block, parser.clone()));
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
    sender: &SyncSender<Chunk>,
) -> Result<(), RunError> {
    let mut block = Vec::new();
    let mut wanted = FIRST_BLOCK_BYTES;
    let send = |block: Vec<u8>| {
        sender.send(Chunk::index(block, parser.clone())).map_err(|_| RunError::Closed)
    };
    merge::lines(inputs, parser, |line| {
        block.extend_from_slice(line);
        block.push(b'\n');
        if block.len() < wanted {
            return Ok(());
        }
        wanted = BLOCK_BYTES;
        send(std::mem::take(&mut block))
    })?;
    send(block)
}

const FIRST_BLOCK_BYTES: usize = 64 * 1024;
const BLOCK_BYTES: usize = 4 * 1024 * 1024;
const BLOCKS_AT_ONCE: usize = 8;

/// Chunks that may wait to be shown: the loader must not run far ahead of a view that filters.
const CHUNKS_WAITING_MAX: usize = 16;
