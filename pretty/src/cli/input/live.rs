//! Several sources whose lines come at any time, as one log in the order of time.
//!
//! ```text
//! source ─ thread ─► blocks of lines ─┐
//! source ─ thread ─► blocks of lines ─┼─► the earliest line, once every source has one or it has
//! source ─ thread ─► blocks of lines ─┘   waited for the window ─► sink
//! ```
//!
//! Nothing waits longer than the window for a source that is silent, nor for a pipe that no program has
//! opened or a file that is not there. Files are waited for until their end, as it is at first: that
//! takes no time. So files, and pipes that are written without a pause, are merged exactly.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::cli::error::{RunError, warn};
use crate::cli::exit::Exit;
use crate::cli::input::decode::{Decoder, Encoding};
use crate::cli::input::follow::{CaughtUp, GrowingFile, open_when_there};
use crate::cli::input::line_reader::{Fill, LineReader};
use crate::cli::input::merge::TimeOrder;
use crate::cli::input::open::{Input, PipeOpening};
use crate::cli::input::pause::Pauses;
use crate::cli::input::signal::Interrupts;
use crate::cli::output::sink::Sink;
use crate::cli::plan::{Follow, InputSource};
use crate::parse::Parser;

/// The way to merge live sources.
pub(crate) struct LiveMerge {
    pub(crate) follow: Follow,
    /// Reads the times of lines.
    pub(crate) parser: Parser,
    /// The longest time a line waits for those of other sources.
    pub(crate) window: Duration,
    /// Ctrl-C, where it is a signal.
    pub(crate) interrupts: Option<Interrupts>,
}

/// Opens sources that are to be followed, without waiting for those that are not there yet.
///
/// # Errors
/// If one is there and cannot be read.
pub(crate) fn open_followed(sources: &[InputSource]) -> Result<Vec<LiveSource>, RunError> {
    sources.iter().map(LiveSource::followed).collect()
}

/// A source that is read in a thread of its own.
pub(crate) enum LiveSource {
    /// To its end.
    Once(Input),
    /// The file of this name, and those that follow it.
    Path(PathBuf),
    /// A file without a name, beyond its end.
    Growing(fs::File),
}

impl LiveSource {
    fn followed(source: &InputSource) -> Result<Self, RunError> {
        let InputSource::File(path) = source else {
            let input = Input::open(source, PipeOpening::AtRead)?;
            return Ok(match input.plain {
                Some(file) => Self::Growing(file),
                None => Self::Once(input),
            });
        };
        let error = |error| RunError::Open { path: path.clone(), error };
        match fs::metadata(path) {
            Err(absent) if absent.kind() == io::ErrorKind::NotFound => {
                warn(&format!("{} is not there yet: waiting for it", path.display()));
                Ok(Self::Path(path.clone()))
            }
            Err(other) => Err(error(other)),
            // What has a file name of its own may be opened again; `/dev/fd/63` may not.
            Ok(found) if found.is_file() || is_named_pipe(path) => {
                if found.is_file() {
                    fs::File::open(path).map_err(error)?;
                }
                Ok(Self::Path(path.clone()))
            }
            Ok(_) => Input::open(source, PipeOpening::AtRead).map(Self::Once),
        }
    }

    /// Reads to the end, if there is one.
    fn pump(self, out: &mut Output) -> Result<(), RunError> {
        match self {
            Self::Once(input) => out.read_all(input.reader).map_err(RunError::Read),
            Self::Growing(file) => {
                let growing = GrowingFile::new(None, file, out.caught_up.clone());
                out.read_all(Decoder::new(growing)).map_err(RunError::Read)
            }
            Self::Path(path) => {
                while out.is_wanted {
                    let read = out.read_path(&path);
                    read.map_err(|error| RunError::Open { path: path.clone(), error })?;
                    out.send(Block::Restart);
                }
                Ok(())
            }
        }
    }
}

fn is_named_pipe(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|own| own.file_type().is_fifo())
}

/// The end of a thread at which blocks of lines go out.
struct Output {
    blocks: SyncSender<Block>,
    wake: SyncSender<()>,
    caught_up: CaughtUp,
    /// False once blocks are no longer taken.
    is_wanted: bool,
}

/// Whole lines, each with a line end; or the beginning of another file.
enum Block {
    Lines(Vec<u8>),
    Restart,
}

impl Output {
    fn send(&mut self, block: Block) {
        self.is_wanted = self.is_wanted && self.blocks.send(block).is_ok();
        // One call that has not been noticed yet is enough.
        let _ = self.wake.try_send(());
    }

    /// Reads what has this name now, to its end.
    fn read_path(&mut self, path: &Path) -> io::Result<()> {
        let file = open_when_there(path)?;
        let is_file = file.metadata()?.is_file();
        let encoding = if is_file { Encoding::of_file(&file)? } else { Encoding::Plain };
        match (is_file, encoding) {
            (true, Encoding::Gzip | Encoding::Zstd | Encoding::Foreign(..)) => {
                // Packed files do not grow.
                let read = self.read_all(Decoder::new(file));
                self.is_wanted = false;
                read
            }
            (true, Encoding::Plain | Encoding::MarkedUtf8 | Encoding::Utf16(_)) => {
                let growing = GrowingFile::new(Some(path.to_owned()), file, self.caught_up.clone());
                self.read_all(Decoder::new(growing))
            }
            (false, _) => self.read_all(Decoder::new(file)),
        }
    }

    fn read_all(&mut self, mut reader: impl Read) -> io::Result<()> {
        let mut lines = LineReader::new();
        while self.is_wanted {
            if lines.fill(&mut reader)? == Fill::End {
                if let Some(rest) = lines.rest() {
                    let last = [rest, b"\n"].concat();
                    self.send(Block::Lines(last));
                }
                return Ok(());
            }
            let mut block = Vec::new();
            while let Some(line) = lines.next() {
                block.extend_from_slice(line);
                block.push(b'\n');
            }
            if !block.is_empty() {
                self.send(Block::Lines(block));
            }
        }
        Ok(())
    }
}

impl LiveMerge {
    /// Passes on all lines of all sources; of equal times those of the source named first.
    ///
    /// # Errors
    /// Those of `sink`; and, after all lines, of a source that cannot be read.
    pub(crate) fn lines(
        mut self,
        sources: Vec<LiveSource>,
        sink: &mut impl Sink,
    ) -> Result<Exit, RunError> {
        let (wake, woken) = sync_channel(1);
        let start =
            |(number, source)| Stream::start(source, number, self.parser.clone(), wake.clone());
        let mut streams: Vec<_> = sources.into_iter().enumerate().map(start).collect();
        loop {
            sink.follow_size()?;
            let passed = self.pass_on(&mut streams, sink)?;
            if streams.iter().all(|stream| matches!(stream.state, State::Ended(_))) {
                let failed =
                    streams.iter().any(|stream| stream.state == State::Ended(Exit::Failed));
                return Ok(if failed { Exit::Failed } else { Exit::Done });
            }
            if self.is_interrupted() {
                return self.end_early(&mut streams, sink);
            }
            if passed < LINES_AT_ONCE {
                self.wait(&streams, &woken, sink)?;
            }
        }
    }

    /// Passes on some of the lines that need not wait, and tells how many.
    fn pass_on(&self, streams: &mut [Stream], sink: &mut impl Sink) -> Result<usize, RunError> {
        for count in 0..LINES_AT_ONCE {
            let now = Instant::now();
            streams.iter_mut().for_each(|stream| stream.advance(now, sink));
            match next(streams, now, self.window) {
                Some(at) => {
                    sink.set_source(at);
                    sink.line(streams[at].take_line())?;
                }
                None => return Ok(count),
            }
        }
        Ok(LINES_AT_ONCE)
    }

    /// Waits for a block, until the window of the earliest line is over, or for a moment. Lines that
    /// have been passed on are shown meanwhile.
    fn wait(
        &self,
        streams: &[Stream],
        woken: &Receiver<()>,
        sink: &mut impl Sink,
    ) -> Result<(), RunError> {
        let deadlines = streams.iter().filter_map(|stream| stream.deadline(self.window));
        let until = deadlines.min();
        let left = || until.map(|until| until.saturating_duration_since(Instant::now()));
        // Lines that come together are laid out together.
        let held = if sink.holds_lines() { FIRST_LINES } else { Duration::ZERO };
        if woken.recv_timeout(left().map_or(held, |left| left.min(held))).is_ok() {
            return Ok(());
        }
        sink.pause()?;
        let timeout = left().map_or(LOOK_FOR_INTERRUPTS, |left| left.min(LOOK_FOR_INTERRUPTS));
        // Whatever ends the wait, the streams are looked at again.
        let _ = woken.recv_timeout(timeout);
        Ok(())
    }

    /// Tells whether Ctrl-C ends this program: following has no other end. The programs before a
    /// pipe get a signal as well, and may still have something to write.
    fn is_interrupted(&mut self) -> bool {
        let enough = match self.follow {
            Follow::Yes => 1,
            Follow::No => Interrupts::MAX,
        };
        self.interrupts.as_mut().is_some_and(|interrupts| interrupts.take() >= enough)
    }

    /// Shows the lines that wait for others.
    fn end_early(&self, streams: &mut [Stream], sink: &mut impl Sink) -> Result<Exit, RunError> {
        if self.follow == Follow::Yes {
            while let Some(at) = earliest(streams) {
                sink.set_source(at);
                sink.line(streams[at].take_line())?;
            }
            sink.pause()?;
        }
        Ok(Exit::Interrupted)
    }
}

/// The stream whose next line is the earliest, among those that have one.
fn earliest(streams: &[Stream]) -> Option<usize> {
    let with_line = streams.iter().enumerate().filter(|(_, stream)| stream.has_line());
    // Few logs are merged at a time: looking at each is as fast as any queue.
    with_line.min_by_key(|(_, stream)| stream.order.time).map(|(at, _)| at)
}

/// The stream whose next line is to be passed on now.
fn next(streams: &[Stream], now: Instant, window: Duration) -> Option<usize> {
    let at = earliest(streams)?;
    let is_over = now.saturating_duration_since(streams[at].since) >= window;
    let is_awaited = |other: &Stream| match other.state {
        State::Open if other.has_line() => false,
        State::Open => !is_over || !other.caught_up.get(),
        State::Ended(_) => false,
    };
    (!streams.iter().any(is_awaited)).then_some(at)
}

/// A source and its next lines. Invariant: the block before `start` has been passed on, and
/// `start..end` is the next line, without its line end, if there is one.
struct Stream {
    blocks: Receiver<Block>,
    thread: Option<JoinHandle<Result<(), RunError>>>,
    caught_up: CaughtUp,
    order: TimeOrder,
    block: Vec<u8>,
    start: usize,
    end: usize,
    /// The time at which the block came.
    since: Instant,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// [`Exit::Failed`] if it could not be read to its end.
    Ended(Exit),
}

impl Stream {
    fn start(source: LiveSource, number: usize, parser: Parser, wake: SyncSender<()>) -> Self {
        let (sender, blocks) = sync_channel(BLOCKS_QUEUED);
        let caught_up = CaughtUp::default();
        // The end of a pipe is not waited for.
        if matches!(&source, LiveSource::Once(input) if !matches!(input.pauses, Pauses::Never))
            || matches!(&source, LiveSource::Path(path) if !path.is_file())
        {
            caught_up.set();
        }
        let mut out =
            Output { blocks: sender, wake, caught_up: caught_up.clone(), is_wanted: true };
        let thread = thread::spawn(move || {
            let pumped = source.pump(&mut out);
            let Output { blocks, wake, .. } = out;
            drop(blocks);
            let _ = wake.try_send(());
            pumped
        });
        Self {
            blocks,
            thread: Some(thread),
            caught_up,
            order: TimeOrder::new(parser, number),
            block: Vec::new(),
            start: 0,
            end: 0,
            since: Instant::now(),
            state: State::Open,
        }
    }

    fn has_line(&self) -> bool {
        self.start < self.block.len()
    }

    fn take_line(&mut self) -> &[u8] {
        let line = self.start..self.end;
        self.start = self.end + 1;
        if self.has_line() {
            self.find_line();
        }
        &self.block[line]
    }

    /// The time at which the next line is passed on in any case.
    fn deadline(&self, window: Duration) -> Option<Instant> {
        if self.has_line() { self.since.checked_add(window) } else { None }
    }

    /// Goes to the next block that has come, if there is no line left.
    fn advance(&mut self, now: Instant, sink: &mut impl Sink) {
        while !self.has_line() && self.state == State::Open {
            match self.blocks.try_recv() {
                Ok(Block::Lines(block)) => {
                    self.order.look_at(&block, sink);
                    (self.block, self.start, self.since) = (block, 0, now);
                    self.find_line();
                }
                Ok(Block::Restart) => self.order.time = None,
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => self.state = State::Ended(self.end(sink)),
            }
        }
    }

    /// Tells what became of the thread; the other sources go on.
    ///
    /// # Panics
    /// With what the thread panicked with.
    fn end(&mut self, sink: &mut impl Sink) -> Exit {
        match self.thread.take().map(JoinHandle::join) {
            None | Some(Ok(Ok(()))) => Exit::Done,
            Some(Ok(Err(error))) => {
                sink.source_failed(&error);
                Exit::Failed
            }
            Some(Err(panic)) => std::panic::resume_unwind(panic),
        }
    }

    fn find_line(&mut self) {
        let rest = &self.block[self.start..];
        self.end = self.start + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        self.order.record(&self.block[self.start..self.end]);
    }
}

/// Ctrl-C is noticed after so many lines at the latest.
const LINES_AT_ONCE: usize = 4096;

/// Blocks of one source that wait to be taken: a source that is ahead of the others stops.
const BLOCKS_QUEUED: usize = 2;

/// The time the first lines wait for others, for a layout that fits all of them.
const FIRST_LINES: Duration = Duration::from_millis(40);

/// Ctrl-C is noticed so soon.
const LOOK_FOR_INTERRUPTS: Duration = Duration::from_millis(100);
