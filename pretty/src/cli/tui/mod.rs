//! The log view on the whole screen.
//!
//! ```text
//! inputs → loader thread (chunks, indexed on all cores) → events → view ← keys, mouse
//! ```

mod load;
mod stream;

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{self, Event};

use super::error::RunError;
use super::exit::Exit;
use super::plan::{Follow, InputSource, Plan};
use crate::cli::input::decode::Encoding;
use crate::cli::input::feed::Inputs;
use crate::diagram::Diagram;
use crate::screen::Screen;
use crate::view::{Action, LogView, Outcome, Work};
use load::{EVENTS_QUEUED_MAX, LoadEvent, LoadRequest, Percent, load};

/// Shows the log until the user closes it. An editor can open a log that is a single file.
///
/// # Errors
/// If an input cannot be read or the terminal not be used.
pub(super) fn run(inputs: Inputs, plan: Plan) -> Result<Exit, RunError> {
    let mut view = LogView::new(plan.options.background, plan.options.depth)
        .with_palette(plan.options.palette)
        .with_keys(plan.keys)
        .with_rules(plan.rules.clone())
        .with_filter(plan.options.filter);
    if plan.follow == Follow::Yes {
        let _ = view.apply(Action::ToggleFollow);
    }
    let (sender, events) = sync_channel(EVENTS_QUEUED_MAX);
    let request = LoadRequest { window: plan.window, parser: plan.parser, rules: plan.rules };
    // The first lines need them, and the screen takes as long to open.
    let rules = request.rules.clone();
    let prepared = thread::spawn(move || rules.prepare());
    let loader = thread::spawn(move || load(inputs, request, &sender));
    let screen = Screen::open().map_err(RunError::Terminal)?;
    prepared.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    // With the channel closed the loader stops at its next event; one that waits for a pipe ends
    // with the program.
    Browser { screen, view, inputs: plan.inputs, events, loader: Loading::Running(loader) }.browse()
}

struct Browser {
    screen: Screen,
    view: LogView,
    inputs: Vec<InputSource>,
    events: Receiver<LoadEvent>,
    loader: Loading,
}

/// The state of the loader.
enum Loading {
    Running(JoinHandle<Result<(), RunError>>),
    Done(Result<(), RunError>),
}

/// The next step of the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Go,
    Stop,
}

impl Browser {
    /// The loop: events of the loader, work that can wait, a frame, keys.
    fn browse(mut self) -> Result<Exit, RunError> {
        self.await_first_lines();
        let mut drawn: Option<Instant> = None;
        loop {
            self.take_load_events();
            let work = self.view.work();
            // While there is more work a frame now and then is enough.
            if work == Work::Done || drawn.is_none_or(|drawn| drawn.elapsed() > DRAW_EVERY) {
                self.draw().map_err(RunError::Terminal)?;
                drawn = Some(Instant::now());
            }
            let timeout = match (work, &self.loader) {
                (Work::More, _) => Duration::ZERO,
                (Work::Done, Loading::Running(_)) => POLL_LOADER_EVERY,
                (Work::Done, Loading::Done(_)) => Duration::from_secs(3600),
            };
            match self.take_terminal_events(timeout).map_err(RunError::Terminal)? {
                Some(Next::Stop) => break,
                // What a key has done is seen at once.
                Some(Next::Go) => drawn = None,
                None => {}
            }
        }
        match self.loader {
            Loading::Done(Err(error)) => Err(error),
            Loading::Running(_) | Loading::Done(Ok(())) => Ok(Exit::Done),
        }
    }

    /// Waits a moment, which spares the user an empty screen.
    fn await_first_lines(&mut self) {
        match self.events.recv_timeout(FIRST_LINES) {
            Ok(event) => self.on_load_event(event),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => self.finish_loading(),
        }
    }

    fn take_load_events(&mut self) {
        // So many at a time that keys are never kept waiting.
        for _ in 0..EVENTS_QUEUED_MAX {
            match self.events.try_recv() {
                Ok(event) => self.on_load_event(event),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => return self.finish_loading(),
            }
        }
    }

    fn on_load_event(&mut self, event: LoadEvent) {
        match event {
            LoadEvent::Chunk(chunk, done) => {
                self.view.append(*chunk);
                let busy = done.map(|Percent(done)| format!("indexing {done} %"));
                self.view.set_busy(busy.as_deref().unwrap_or("reading"));
            }
            LoadEvent::UpToDate => self.view.set_busy(""),
            LoadEvent::SourceFailed(error) => self.view.set_note(&error),
            LoadEvent::Truncated => {
                self.view.clear();
                self.view.set_note("the file was truncated; its former lines are gone");
            }
        }
    }

    /// The loader has ended.
    ///
    /// # Panics
    /// With what the loader panicked with.
    fn finish_loading(&mut self) {
        let Loading::Running(loader) = std::mem::replace(&mut self.loader, Loading::Done(Ok(())))
        else {
            return;
        };
        self.view.set_busy("");
        match loader.join() {
            Ok(loaded) => {
                if let Err(error) = &loaded {
                    self.view.set_note(&error.to_string());
                }
                self.loader = Loading::Done(loaded);
            }
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// Takes all keys that have come, so that a held key never runs ahead of the screen; `None`
    /// if there were none.
    fn take_terminal_events(&mut self, timeout: Duration) -> io::Result<Option<Next>> {
        let mut wait = timeout;
        let mut next = None;
        while event::poll(wait)? {
            wait = Duration::ZERO;
            next = Some(self.on_terminal_event(&event::read()?)?);
            if next == Some(Next::Stop) {
                break;
            }
        }
        Ok(next)
    }

    fn draw(&mut self) -> io::Result<()> {
        let view = &mut self.view;
        self.screen.draw(|frame| {
            view.resize(frame.area().as_size());
            view.draw(frame.area(), frame.buffer_mut());
        })
    }

    fn on_terminal_event(&mut self, event: &Event) -> io::Result<Next> {
        let outcome = match event {
            Event::Key(key) => self.view.press(*key),
            Event::Mouse(mouse) => self.view.mouse(*mouse),
            Event::FocusGained | Event::FocusLost | Event::Paste(_) | Event::Resize(..) => {
                Outcome::Unused
            }
        };
        match outcome {
            Outcome::Used | Outcome::Unused => {}
            Outcome::Quit => return Ok(Next::Stop),
            Outcome::Redraw => self.screen.redraw()?,
            Outcome::Suspend => self.screen.suspend()?,
            Outcome::Copy(text) => self.screen.copy(&text)?,
            Outcome::Diagram(diagram) => {
                let note = match self.write_diagram(&diagram) {
                    Ok(path) => format!("written: {}", path.display()),
                    Err(error) => format!("cannot write the diagram: {error}"),
                };
                self.view.set_note(&note);
            }
            Outcome::ToggleMouse => {
                let note = self.screen.toggle_mouse()?;
                self.view.set_note(note);
            }
            Outcome::Edit(line) => {
                let (source, line) = self.view.source_of(line);
                let opened = match plain_file(&self.inputs[source]) {
                    Ok(file) => self.screen.edit(file, line + 1)?,
                    Err(reason) => Err(format!("cannot open an editor: {reason}")),
                };
                if let Err(error) = opened {
                    self.view.set_note(&error);
                }
            }
        }
        Ok(Next::Go)
    }
}

impl Browser {
    /// Writes a diagram to a new file in the working directory, named after the log and the line.
    fn write_diagram(&self, diagram: &Diagram) -> io::Result<PathBuf> {
        let file = match &self.inputs[..] {
            [InputSource::File(path)] => path.file_name(),
            _ => None,
        };
        let name = file.unwrap_or("log".as_ref());
        let name = name.to_string_lossy();
        let line = self.view.cursor().map_or(0, |line| line + 1);
        let svg = diagram.svg(&format!("{name}, around line {line}"));
        // What is there already is never replaced.
        for number in 1..=COPIES_MAX {
            let copy = if number == 1 { String::new() } else { format!("-{number}") };
            let path = PathBuf::from(format!("{name}-{line}{copy}.svg"));
            match File::create_new(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                opened => return opened?.write_all(svg.as_bytes()).map(|()| path),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

/// The file of a source, if an editor shows it as it is shown here.
fn plain_file(source: &InputSource) -> Result<&Path, String> {
    let InputSource::File(path) = source else {
        return Err("the line is from standard input".to_owned());
    };
    let encoding = File::open(path).and_then(|file| {
        if file.metadata()?.is_file() { Encoding::of_file(&file).map(Some) } else { Ok(None) }
    });
    match encoding {
        Ok(Some(Encoding::Plain | Encoding::MarkedUtf8)) => Ok(path),
        Ok(Some(_)) => Err(format!("{} is packed or in UTF-16; unpack it first", path.display())),
        Ok(None) => Err(format!("{} is a pipe", path.display())),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

const COPIES_MAX: usize = 99;

/// The time the first lines are waited for.
const FIRST_LINES: Duration = Duration::from_millis(25);

const POLL_LOADER_EVERY: Duration = Duration::from_millis(20);

const DRAW_EVERY: Duration = Duration::from_millis(40);
