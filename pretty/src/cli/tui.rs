//! The log view on the whole screen.
//!
//! ```text
//! inputs → loader thread (chunks, indexed on all cores) → channel → view ← keys, mouse
//! ```

mod load;

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event};

use super::Exit;
use super::input::Input;
use super::plan::{Plan, Source};
use super::run::RunError;
use crate::screen::Screen;
use crate::view::{Chunk, LogView, Outcome, Work};
use load::{CHUNKS_WAITING_MAX, load};

/// Shows the log until the user closes it. An editor can open a log that is a single file.
///
/// # Errors
/// When an input cannot be read or the terminal not be used.
pub(super) fn run(inputs: Vec<Input>, plan: Plan) -> Result<Exit, RunError> {
    let file = match &plan.inputs[..] {
        [Source::File(path)] => Some(path.clone()),
        _ => None,
    };
    let view = LogView::new(plan.options.background, plan.options.depth)
        .with_palette(plan.options.palette)
        .with_keys(plan.keys)
        .with_rules(plan.rules.clone())
        .with_filter(plan.options.filter);
    let (sender, chunks) = sync_channel(CHUNKS_WAITING_MAX);
    let loader = thread::spawn(move || load(inputs, &plan.parser, &plan.rules, &sender));
    let screen = Screen::open().map_err(RunError::Terminal)?;
    let shown = Browser { screen, view, file }.browse(&chunks);
    // With the channel closed the loader stops at its next chunk; one that waits for a pipe ends
    // with the program.
    drop(chunks);
    shown.map_err(RunError::Terminal)?;
    match loader.is_finished().then(|| loader.join()) {
        Some(Err(panic)) => std::panic::resume_unwind(panic),
        Some(Ok(Err(error))) if !matches!(error, RunError::Closed) => Err(error),
        Some(Ok(_)) | None => Ok(Exit::Done),
    }
}

struct Browser {
    screen: Screen,
    view: LogView,
    file: Option<PathBuf>,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Go,
    Stop,
}

impl Browser {
    /// The loop: new chunks, new keys, a new picture.
    fn browse(mut self, chunks: &Receiver<Chunk>) -> io::Result<()> {
        let mut loading = Loading::Yes;
        loop {
            loading = take_chunks(&mut self.view, chunks, loading);
            let work = self.view.work();
            self.draw()?;
            let patience = match (work, loading) {
                (Work::More, _) => Duration::ZERO,
                (Work::Done, Loading::Yes) => Duration::from_millis(50),
                (Work::Done, Loading::No) => Duration::from_secs(3600),
            };
            // All keys that have come are taken before the next picture, so that a held key never
            // runs ahead of the screen.
            let mut wait = patience;
            while event::poll(wait)? {
                wait = Duration::ZERO;
                if self.take(&event::read()?)? == Next::Stop {
                    return Ok(());
                }
            }
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        let view = &mut self.view;
        self.screen.draw(|frame| {
            view.resize(frame.area().as_size());
            view.draw(frame.area(), frame.buffer_mut());
        })
    }

    fn take(&mut self, event: &Event) -> io::Result<Next> {
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
            Outcome::ToggleMouse => {
                let note = self.screen.toggle_mouse()?;
                self.view.say(note);
            }
            Outcome::Edit(line) => match &self.file {
                Some(file) => {
                    if let Err(error) = self.screen.edit(file, line + 1)? {
                        self.view.say(&error);
                    }
                }
                None => self.view.say("only a log in one plain file can be opened"),
            },
        }
        Ok(Next::Go)
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
