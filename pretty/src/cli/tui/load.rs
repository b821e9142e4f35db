//! The loader: inputs → chunks, indexed on all cores.
//!
//! ```text
//! plain file ────────────────────────────► blocks ─► index (all cores) ─► chunks, in order
//! pipe, packed, several files ─► spool ─────┘
//! ```
//!
//! A plain file stays where it is; everything else is written to a file without a name, so that
//! the memory taken does not depend on the length of a log.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::mpsc::SyncSender;
use std::thread::sleep;
use std::time::Duration;

use rayon::prelude::*;

use super::stream::{EndOfStream, FillPolicy, StreamBlocks};
use crate::cli::error::RunError;
use crate::cli::input::decode::Encoding;
use crate::cli::input::feed::Inputs;
use crate::cli::input::follow::{self, POLL_EVERY};
use crate::cli::input::live::{LiveMerge, LiveSource};
use crate::cli::input::merge;
use crate::cli::input::open::Input;
use crate::cli::input::pause::Pauses;
use crate::cli::output::sink::Sink;
use crate::cli::plan::Follow;
use crate::parse::Parser;
use crate::view::{Blocks, Chunk, Part, Rules, Source};

/// Events of the loader.
#[derive(Debug)]
pub(super) enum LoadEvent {
    /// The next part of the log, and how much of it has been read, if that can be known.
    Chunk(Box<Chunk>, Option<Percent>),
    /// The file has been truncated: what has been read of it is gone.
    Truncated,
    /// All there is has been read; more may come.
    UpToDate,
    /// One of several sources cannot be read to its end.
    SourceFailed(String),
}

/// A progress in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Percent(pub(super) u64);

/// The way to read the inputs.
pub(super) struct LoadRequest {
    pub(super) window: Duration,
    pub(super) parser: Parser,
    pub(super) rules: Rules,
}

/// Loads the inputs, or follows them without an end.
///
/// # Errors
/// If something cannot be read, or [`RunError::Closed`] if the view is gone.
pub(super) fn load(
    inputs: Inputs,
    request: LoadRequest,
    sender: &SyncSender<LoadEvent>,
) -> Result<(), RunError> {
    let LoadRequest { window, parser, rules } = request;
    let mut loader = Loader { parser, rules, sender };
    match inputs {
        Inputs::One(Input { plain: Some(file), .. }) => loader.load_file(&Source::new(file)),
        Inputs::One(input) => loader.load_stream(input),
        Inputs::Files(files) => loader.load_merged(files),
        Inputs::Live(Follow::Yes, sources) => match &sources[..] {
            [LiveSource::Path(path)] if let Some(file) = plain_file(path) => {
                loader.follow_file(Source::new(file), path)
            }
            _ => loader.load_live(Follow::Yes, sources, window),
        },
        Inputs::Live(Follow::No, sources) => loader.load_live(Follow::No, sources, window),
    }
}

/// A file whose lines can be indexed where they are.
fn plain_file(path: &Path) -> Option<File> {
    if !path.is_file() {
        return None;
    }
    let file = File::open(path).ok()?;
    let encoding = Encoding::of_file(&file).ok()?;
    (encoding == Encoding::Plain).then_some(file)
}

struct Loader<'a> {
    /// Knows the unit that the log's last header has named.
    parser: Parser,
    rules: Rules,
    sender: &'a SyncSender<LoadEvent>,
}

impl Loader<'_> {
    fn load_file(&mut self, source: &Source) -> Result<(), RunError> {
        let mut blocks = Blocks::new(source.clone());
        self.load_blocks(source, &mut blocks)?;
        self.load_rest(source, &mut blocks)
    }

    /// Indexes all whole lines there are now, many blocks at a time. The first one is small, so
    /// that there is something to see at once.
    fn load_blocks(&mut self, source: &Source, blocks: &mut Blocks) -> Result<(), RunError> {
        let end = source.file().metadata().map_err(RunError::Read)?.len();
        let mut wanted = if blocks.next_start() == 0 { FIRST_BLOCK_BYTES } else { BLOCK_BYTES };
        loop {
            let mut batch = Vec::new();
            while batch.len() < self.blocks_at_once(BLOCKS_AT_ONCE)
                && let Some(block) = blocks.next(wanted, end).map_err(RunError::Read)?
            {
                batch.push(block);
                if wanted == FIRST_BLOCK_BYTES {
                    break;
                }
            }
            if batch.is_empty() {
                return Ok(());
            }
            wanted = BLOCK_BYTES;
            let done = Percent(blocks.next_start() * 100 / end.max(1));
            for chunk in self.index(source, &batch).map_err(RunError::Read)? {
                self.send(chunk, Some(done))?;
            }
        }
    }

    /// The blocks indexed at once: one where lines say something of those behind them.
    fn blocks_at_once(&self, most: usize) -> usize {
        if self.parser.has_leads() { 1 } else { most }
    }

    /// Indexes a last line without its end.
    fn load_rest(&mut self, source: &Source, blocks: &mut Blocks) -> Result<(), RunError> {
        let end = source.file().metadata().map_err(RunError::Read)?.len();
        let Some(block) = blocks.rest(end) else {
            return Ok(());
        };
        for chunk in self.index(source, &[block]).map_err(RunError::Read)? {
            self.send(chunk, None)?;
        }
        Ok(())
    }

    /// Follows a file that grows, is truncated, or is replaced under its name.
    fn follow_file(&mut self, mut source: Source, path: &Path) -> Result<(), RunError> {
        let mut blocks = Blocks::new(source.clone());
        let mut quiet = 0;
        loop {
            let before = blocks.next_start();
            self.load_blocks(&source, &mut blocks)?;
            if quiet == 0 {
                self.emit(LoadEvent::UpToDate)?;
            }
            sleep(POLL_EVERY);
            let own = source.file().metadata().map_err(RunError::Read)?;
            quiet = if blocks.next_start() == before { quiet + 1 } else { 0 };
            if own.len() < blocks.next_start() {
                self.emit(LoadEvent::Truncated)?;
                blocks = Blocks::new(source.clone());
                quiet = 0;
            } else if let Some(file) = follow::replacement(path, (own.dev(), own.ino())) {
                self.load_blocks(&source, &mut blocks)?;
                self.load_rest(&source, &mut blocks)?;
                source = Source::new(file);
                blocks = Blocks::new(source.clone());
                quiet = 0;
            } else if quiet == POLLS_FOR_LINE_END {
                // The line may never be ended.
                self.load_rest(&source, &mut blocks)?;
            }
        }
    }

    fn load_stream(&mut self, mut input: Input) -> Result<(), RunError> {
        let fill = match input.pauses {
            Pauses::Never => FillPolicy::Full,
            Pauses::Unknown | Pauses::Typed | Pauses::Pipe(..) => FillPolicy::Lines,
        };
        let mut spool = Spool::new().map_err(RunError::Read)?;
        let mut stream = StreamBlocks::default();
        let (mut wanted, mut at_once) = (FIRST_BLOCK_BYTES, 1);
        loop {
            let mut batch = Vec::new();
            let mut ended = EndOfStream::No;
            while batch.len() < self.blocks_at_once(at_once) && ended == EndOfStream::No {
                let (block, end) =
                    stream.next(&mut input.reader, wanted, fill).map_err(RunError::Read)?;
                ended = end;
                batch.push(spool.write(&block)?);
            }
            for chunk in self.index(&spool.source, &batch).map_err(RunError::Read)? {
                self.send(chunk, None)?;
            }
            if ended == EndOfStream::Yes {
                return Ok(());
            }
            if fill == FillPolicy::Full {
                (wanted, at_once) = (BLOCK_BYTES, BLOCKS_AT_ONCE / 4);
            }
        }
    }

    fn load_merged(&mut self, files: Vec<Input>) -> Result<(), RunError> {
        let parser = self.parser.clone();
        let mut lines = MergedLines::new(self, Follow::No)?;
        merge::lines(files, &parser, &mut lines)?;
        lines.finish()
    }

    /// Takes the lines of any number of sources as they come.
    fn load_live(
        &mut self,
        follow: Follow,
        sources: Vec<LiveSource>,
        window: Duration,
    ) -> Result<(), RunError> {
        let parser = self.parser.clone();
        let mut lines = MergedLines::new(self, follow)?;
        let live = LiveMerge { follow, parser, window, interrupts: None };
        live.lines(sources, &mut lines)?;
        lines.finish()
    }

    /// Indexes blocks on all cores; each core uses one buffer again and again.
    fn index(&self, source: &Source, blocks: &[Part]) -> io::Result<Vec<Chunk>> {
        self.index_merged(source, blocks, &[])
    }

    /// The same for blocks of lines of several sources: those of a single block.
    fn index_merged(
        &self,
        source: &Source,
        blocks: &[Part],
        sources: &[u16],
    ) -> io::Result<Vec<Chunk>> {
        thread_local! {
            static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        let (parser, rules) = (&self.parser, &self.rules);
        let one = |block: &Part| {
            BUFFER.with_borrow_mut(|buffer| {
                Chunk::index_merged(source, *block, sources.to_vec(), parser.clone(), rules, buffer)
            })
        };
        match blocks {
            // The first block must not wait for threads to start.
            [block] => one(block).map(|chunk| vec![chunk]),
            blocks => blocks.par_iter().map(one).collect(),
        }
    }

    fn send(&mut self, chunk: Chunk, done: Option<Percent>) -> Result<(), RunError> {
        self.parser = chunk.parser_after();
        self.emit(LoadEvent::Chunk(Box::new(chunk), done))
    }

    fn emit(&self, event: LoadEvent) -> Result<(), RunError> {
        self.sender.send(event).map_err(|_| RunError::Closed)
    }
}

/// Lines from several inputs on their way to the spool.
struct MergedLines<'a, 'b> {
    loader: &'a mut Loader<'b>,
    follow: Follow,
    spool: Spool,
    block: Vec<u8>,
    /// The source of each line in the block.
    sources: Vec<u16>,
    source: u16,
    wanted: usize,
}

impl<'a, 'b> MergedLines<'a, 'b> {
    fn new(loader: &'a mut Loader<'b>, follow: Follow) -> Result<Self, RunError> {
        let spool = Spool::new().map_err(RunError::Spool)?;
        let (block, sources) = (Vec::new(), Vec::new());
        Ok(Self { loader, follow, spool, block, sources, source: 0, wanted: FIRST_BLOCK_BYTES })
    }

    fn add(&mut self, line: &[u8]) -> Result<(), RunError> {
        self.block.extend_from_slice(line);
        self.block.push(b'\n');
        self.sources.push(self.source);
        if self.block.len() < self.wanted {
            return Ok(());
        }
        self.wanted = BLOCK_BYTES;
        self.index()
    }

    fn index(&mut self) -> Result<(), RunError> {
        if self.block.is_empty() {
            return Ok(());
        }
        let block = self.spool.write(&self.block)?;
        self.block.clear();
        let sources = std::mem::take(&mut self.sources);
        let chunks = self.loader.index_merged(&self.spool.source, &[block], &sources);
        for chunk in chunks.map_err(RunError::Read)? {
            self.loader.send(chunk, None)?;
        }
        Ok(())
    }
}

impl Sink for MergedLines<'_, '_> {
    fn line(&mut self, line: &[u8]) -> Result<(), RunError> {
        self.add(line)
    }

    fn look_at(&mut self, source: usize, sample: &[u8]) {
        self.loader.parser.look_at_source(source, sample);
    }

    fn set_source(&mut self, source: usize) {
        self.source = u16::try_from(source).unwrap_or(u16::MAX);
    }

    fn pause(&mut self) -> Result<(), RunError> {
        self.index()?;
        match self.follow {
            Follow::Yes => self.loader.emit(LoadEvent::UpToDate),
            Follow::No => Ok(()),
        }
    }

    fn source_failed(&mut self, error: &RunError) {
        // A view that is gone needs no report.
        let _ = self.loader.emit(LoadEvent::SourceFailed(error.to_string()));
    }

    fn finish(mut self) -> Result<(), RunError> {
        self.index()
    }
}

/// A file without a name, for what cannot be read twice; the system removes it with the program.
///
/// Invariant: what a small packed file unpacks to fills neither the disk nor, by its index, memory.
struct Spool {
    source: Source,
    end: u64,
    lines: u64,
}

impl Spool {
    fn new() -> io::Result<Self> {
        tempfile::tempfile().map(|file| Self { source: Source::new(file), end: 0, lines: 0 })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<Part, RunError> {
        self.lines += memchr::memchr_iter(b'\n', bytes).count() as u64;
        if self.end + bytes.len() as u64 > SPOOL_BYTES_MAX || self.lines > SPOOL_LINES_MAX {
            return Err(RunError::TooLong(
                "more than 16 GiB or 500 000 000 lines: only a plain file may have more; unpack it",
            ));
        }
        self.source.file().write_all_at(bytes, self.end).map_err(RunError::Spool)?;
        let block = Part { start: self.end, length: bytes.len() };
        self.end += bytes.len() as u64;
        Ok(block)
    }
}

/// More than a log that is read by a person; less than most disks have free.
const SPOOL_BYTES_MAX: u64 = 16 << 30;

/// Their index takes half a gigabyte.
const SPOOL_LINES_MAX: u64 = 500_000_000;

const FIRST_BLOCK_BYTES: usize = 64 * 1024;

/// Small fill to stay in a core's own cache while it is indexed.
const BLOCK_BYTES: usize = 1024 * 1024;

/// Enough to keep all cores busy until nearly the end of each round.
const BLOCKS_AT_ONCE: usize = 64;

/// Looks at a followed file after which a line without its end is shown nevertheless: a second.
const POLLS_FOR_LINE_END: usize = 10;

/// Events that may wait to be taken: two rounds of blocks.
pub(super) const EVENTS_QUEUED_MAX: usize = 2 * BLOCKS_AT_ONCE;
