//! The terminal UI over the store: from a failed test to the wrong step of one run.
//!
//! ```text
//! store ─► Campaign (grows while it runs) ─► App: a stack of pages ─► draw
//!                       key ─► App::press ─► Effect ─► this file: terminal, processes, files
//! log of a run ─► pretty's LogView (columns, state, causes)
//! ```
//!
//! Invariants: the App neither waits nor changes anything but its own state; replays are processes
//! of dstest itself, so that they do what the user's command would do. The meaning of a log is
//! pretty's business.

mod actions;
mod app;
mod campaign;
mod colors;
mod diff;
mod diff_page;
mod draw;
mod keys;
mod known;
mod layout;
mod list;
mod log_budget;
mod log_page;
mod page;
mod rows;
mod run_log;
mod show;
mod text_page;

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pretty::screen::Screen;
use pretty::view::Work;
use pretty::{Diagram, Filter, HtmlPage, Parser};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers, MouseButton, MouseEventKind};

use self::app::{App, Effect, Purpose};
use self::list::Step;
use self::page::Page;
use crate::process::sys::{self, Pid, Signal};
use crate::store::CampaignDir;
use crate::store::open_dir::open_file;
use crate::text::shell;

pub(crate) use self::campaign::Campaign;
pub(crate) use self::colors::ColorScheme;
pub(crate) use self::log_budget::LogBudget;
pub(crate) use self::show::{evidence as run_evidence, text as report_text};

/// Shows a store until the user closes it.
///
/// # Errors
/// When the terminal cannot be used.
pub(crate) fn browse(app: App) -> io::Result<()> {
    Browser { screen: Screen::open()?, app, task: None }.run()
}

pub(crate) use self::app::App as Browse;

struct Browser {
    screen: Screen,
    app: App,
    task: Option<Task>,
}

/// A running dstest process.
struct Task {
    child: Child,
    purpose: Purpose,
    is_stopping: bool,
}

impl Browser {
    fn run(mut self) -> io::Result<()> {
        let mut is_current = false;
        loop {
            let has_news = self.app.tick();
            let is_over = self.finish_task()?;
            let work = self.app.work();
            if has_news || is_over || work == Work::More || !is_current {
                self.draw()?;
            }
            // The last piece of the work is to be drawn, too.
            is_current = work == Work::Done;
            let mut wait = match (work, &self.task) {
                (Work::More, _) => Duration::ZERO,
                (Work::Done, Some(_)) => TASK_TICK,
                (Work::Done, None) => TICK,
            };
            while event::poll(wait)? {
                (wait, is_current) = (Duration::ZERO, false);
                if self.take(&event::read()?)?.is_break() {
                    return Ok(());
                }
            }
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        let app = &mut self.app;
        self.screen.draw(|frame| {
            app.fit(frame.area());
            app.draw(frame.area(), frame.buffer_mut());
        })
    }

    fn take(&mut self, event: &Event) -> io::Result<ControlFlow<()>> {
        let effect = match event {
            // Other keys could close the page on which the result of the task is shown.
            Event::Key(key) if self.task.is_some() => {
                let is_interrupt =
                    key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
                if key.code == KeyCode::Esc || is_interrupt {
                    self.stop_task();
                }
                Effect::None
            }
            Event::Mouse(_) if self.task.is_some() => Effect::None,
            Event::Key(key) => self.app.press(*key),
            Event::Mouse(mouse) => self.mouse(mouse),
            Event::FocusGained | Event::FocusLost | Event::Paste(_) | Event::Resize(..) => {
                Effect::None
            }
        };
        self.carry_out(effect)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most of what a mouse does means nothing")]
    fn mouse(&mut self, mouse: &event::MouseEvent) -> Effect {
        let app = &mut self.app;
        if let Page::Log(log) = app.page_mut() {
            let mut own = *mouse;
            own.row = own.row.saturating_sub(1);
            let _ = log.view.mouse(own);
        }
        if app.page().list().is_none() {
            return Effect::None;
        }
        match mouse.kind {
            MouseEventKind::ScrollDown => app.step(Step::Lines(3)),
            MouseEventKind::ScrollUp => app.step(Step::Lines(-3)),
            // Two lines above the rows: the title of the page, and those of the columns.
            MouseEventKind::Down(MouseButton::Left) if mouse.row >= 2 => {
                let before = app.selected_run();
                let is_row = app.click(usize::from(mouse.row - 2));
                if is_row && app.selected_run() == before {
                    return app.press(KeyCode::Enter.into());
                }
            }
            _ => {}
        }
        Effect::None
    }

    fn carry_out(&mut self, effect: Effect) -> io::Result<ControlFlow<()>> {
        match effect {
            Effect::None => {}
            Effect::Quit => return Ok(ControlFlow::Break(())),
            Effect::Redraw => self.screen.redraw()?,
            Effect::Suspend => self.screen.suspend()?,
            Effect::ToggleMouse => self.app.note = self.screen.toggle_mouse()?.to_owned(),
            Effect::Copy(text) => self.screen.copy(&text)?,
            Effect::Edit(path, line) => {
                if let Err(error) = self.screen.edit(&path, line)? {
                    self.app.note = error;
                }
            }
            Effect::Run(words, purpose) => self.start_task(&words, purpose),
            Effect::Export(log) => self.app.note = export_note(export(&log)),
            Effect::WriteDiagram(log, diagram) => {
                self.app.note = export_note(write_diagram(&log, &diagram));
            }
            Effect::DeleteCampaign(dir) => self.delete_campaign(&dir),
            Effect::DeleteLogs(run) => self.delete_logs(run),
        }
        Ok(ControlFlow::Continue(()))
    }

    fn start_task(&mut self, words: &[String], purpose: Purpose) {
        let program = std::env::current_exe();
        let started = program.and_then(|program| {
            let mut command = Command::new(program);
            command.args(words).env("NO_COLOR", "1");
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
        });
        match started {
            Ok(child) => self.task = Some(Task { child, purpose, is_stopping: false }),
            Err(error) => {
                self.app.busy = None;
                self.app.note = format!("cannot start dstest: {error}");
            }
        }
    }

    /// Interrupts the task as Ctrl-C would, so that it ends its own runs.
    fn stop_task(&mut self) {
        if let Some(task) = &mut self.task {
            if let Some(process) = Pid::of_child(task.child.id()) {
                sys::signal_process(process, Signal::Interrupt);
            }
            task.is_stopping = true;
            self.app.busy = Some("stopping".to_owned());
        }
    }

    /// Shows the result of a task, once it has ended; `false` if none has.
    fn finish_task(&mut self) -> io::Result<bool> {
        let Some(task) = &mut self.task else { return Ok(false) };
        let Some(status) = task.child.try_wait()? else { return Ok(false) };
        let (purpose, is_stopping) = (task.purpose.clone(), task.is_stopping);
        self.task = None;
        self.app.busy = None;
        if is_stopping {
            self.app.note = "stopped".to_owned();
            return Ok(true);
        }
        let effect = self.app.on_finished(&purpose, status.code());
        self.carry_out(effect).map(|_| true)
    }

    fn delete_campaign(&mut self, dir: &CampaignDir) {
        if let Err(error) = self.app.store.remove_campaign(dir) {
            self.app.note = error.to_string();
            return;
        }
        self.app.on_campaign_deleted(dir);
    }

    fn delete_logs(&mut self, run: usize) {
        self.app.note = match self.app.campaign.delete_logs(run) {
            Ok(()) => format!("logs of {} deleted", self.app.campaign.name(run)),
            Err(error) => error.to_string(),
        };
        self.app.refresh();
    }
}

/// Writes a log as an HTML file next to it.
fn export(log: &Path) -> io::Result<PathBuf> {
    let path = log.with_extension("html");
    let out = BufWriter::new(create(&path)?);
    let mut page = HtmlPage::new(Parser::default(), Filter::default(), out)?;
    let mut lines = BufReader::new(open_file(log)?);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        page.line(line.strip_suffix(b"\n").unwrap_or(&line))?;
        line.clear();
    }
    page.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(path)
}

/// Writes a diagram of a log as an SVG file next to it.
fn write_diagram(log: &Path, diagram: &Diagram) -> io::Result<PathBuf> {
    let path = log.with_extension("svg");
    create(&path)?.write_all(diagram.svg(&shell::relative(log)).as_bytes())?;
    Ok(path)
}

/// Creates a file in place of what has its name: a link there must not lead out of the store.
fn create(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    File::create_new(path)
}

fn export_note(written: io::Result<PathBuf>) -> String {
    match written {
        Ok(path) => format!("written: {}", shell::relative(&path)),
        Err(error) => format!("cannot write the file: {error}"),
    }
}

/// A campaign that runs is looked at so often.
const TICK: Duration = Duration::from_millis(500);

/// A task that is over is noticed so soon.
const TASK_TICK: Duration = Duration::from_millis(20);
