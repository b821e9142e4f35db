//! The loop of the program: input → printer → standard output.

use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;
use std::path::PathBuf;

use rustix::event::Timespec;

use super::Exit;
use super::input::{Input, own};
use super::line_reader::{Fill, LineReader};
use super::pager::Pager;
use super::plan::{Follow, OutputMode, Plan, QueryTerminal, Resize};
use super::signal::{Interrupts, Wait};
use super::terminal::Size;
use super::{follow, merge, terminal, tui, warn};
use crate::html::HtmlPage;
use crate::name_usage::{FilterList, NameUsage, UnknownName};
use crate::printer::{Printer, Tally};
use crate::suggestion::suggestion;

/// Why the program stopped early.
#[derive(Debug, thiserror::Error)]
pub(super) enum RunError {
    #[error("{name}: {error}", name = path.display())]
    Open { path: PathBuf, error: io::Error },
    #[error("cannot read: {0}")]
    Read(io::Error),
    #[error("cannot write: {0}")]
    Write(io::Error),
    #[error("cannot write to a temporary file (TMPDIR names its folder): {0}")]
    Spool(io::Error),
    #[error("cannot wait for input: {0}")]
    Wait(io::Error),
    #[error("cannot use the terminal: {0}")]
    Terminal(io::Error),
    #[error("the pager `{command}`: {reason}")]
    Pager { command: String, reason: String },
    #[error("the view was closed")]
    Closed,
}

impl RunError {
    /// Whether the reader of our output has gone, which is its right.
    pub(super) fn is_closed_output(&self) -> bool {
        matches!(self, Self::Write(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// Shows all inputs: one as it comes, several merged by time, followed ones for ever.
///
/// # Errors
/// When something cannot be read or written.
pub(super) fn run(mut plan: Plan) -> Result<Exit, RunError> {
    // Opened before anything is shown: a wrong name must not be lost above a long log.
    let inputs = plan.inputs.iter().map(Input::open).collect::<Result<Vec<_>, _>>()?;
    let output = own(io::stdout().as_fd()).map_err(RunError::Write)?;
    if plan.query == QueryTerminal::Yes
        && let Some(background) = terminal::background()
    {
        plan.options.background = background;
    }
    match (plan.mode, &plan.pager) {
        (OutputMode::Stream, Some(command)) => {
            let (pager, output) = Pager::open(command)?;
            let shown = stream(inputs, plan, output);
            pager.close().and(shown)
        }
        (OutputMode::Stream, None) => stream(inputs, plan, output),
        (OutputMode::View, _) => tui::run(inputs, plan),
        (OutputMode::Html, _) => export(inputs, plan, output),
    }
}

fn export(inputs: Vec<Input>, plan: Plan, output: File) -> Result<Exit, RunError> {
    let output = io::BufWriter::with_capacity(PAGE_BUFFER_BYTES, output);
    let page = HtmlPage::new(plan.parser.clone(), plan.options.filter, output);
    let mut page = page.map_err(RunError::Write)?.with_palette(plan.options.palette);
    let mut take = |line: &[u8]| page.line(line).map_err(RunError::Write);
    if merge::lines(inputs, &plan.parser, &mut take)? == Exit::Interrupted {
        return Ok(Exit::Interrupted);
    }
    warn_unknown_names(page.name_usage());
    page.finish().map_err(RunError::Write)?;
    Ok(Exit::Done)
}

/// Says which names were asked for in vain, and what was probably meant.
fn warn_unknown_names(name_usage: Option<&NameUsage>) {
    for UnknownName { list, name, known } in name_usage.map(NameUsage::unknown).unwrap_or_default()
    {
        let (option, kind) = match list {
            FilterList::Just => ("--just", "topic"),
            FilterList::Ignore => ("--ignore", "topic"),
            FilterList::Peers => ("--peers", "peer"),
        };
        let suggestion = suggestion(&name, known.iter().map(String::as_str));
        warn(&format!("{option}: the log has no {kind} {name}; {suggestion}"));
    }
}

const PAGE_BUFFER_BYTES: usize = 64 * 1024;

fn stream(inputs: Vec<Input>, plan: Plan, output: File) -> Result<Exit, RunError> {
    let mut screen = Screen { printer: Printer::new(plan.options, output), resize: plan.resize };
    let shown = match (plan.follow, <[Input; 1]>::try_from(inputs)) {
        (Follow::No, Ok([input])) => show(input, &mut screen),
        (Follow::No, Err(inputs)) => merge::lines(inputs, &plan.parser, &mut screen),
        (Follow::Yes, _) => follow::show(&plan.inputs, &plan.parser, &mut screen),
    };
    match shown {
        Err(RunError::Write(_)) | Ok(Exit::Interrupted) => shown,
        // What came before an input broke is worth seeing.
        Ok(_) | Err(_) => screen.finish().and(shown),
    }
}

/// Where lines go.
pub(super) trait Sink {
    /// # Errors
    /// When it cannot be shown or kept.
    fn line(&mut self, line: &[u8]) -> Result<(), RunError>;

    /// There is nothing more for now: what has come is wanted on the screen.
    ///
    /// # Errors
    /// When it cannot be shown.
    fn pause(&mut self) -> Result<(), RunError> {
        Ok(())
    }

    /// Some time has passed: the screen may have another size by now.
    ///
    /// # Errors
    /// When it cannot be drawn anew.
    fn follow_size(&mut self) -> Result<(), RunError> {
        Ok(())
    }

    /// Whether lines wait for others before they are shown.
    fn holds_lines(&self) -> bool {
        false
    }
}

impl<F: FnMut(&[u8]) -> Result<(), RunError>> Sink for F {
    fn line(&mut self, line: &[u8]) -> Result<(), RunError> {
        self(line)
    }
}

/// A printer on standard output.
pub(super) struct Screen {
    printer: Printer<File>,
    resize: Resize,
}

impl Sink for Screen {
    #[inline]
    fn line(&mut self, line: &[u8]) -> Result<(), RunError> {
        self.printer.line(line).map_err(RunError::Write)
    }

    fn pause(&mut self) -> Result<(), RunError> {
        self.printer.pause().map_err(RunError::Write)
    }

    fn follow_size(&mut self) -> Result<(), RunError> {
        match (self.resize, Size::current()) {
            (Resize::Follow, Some(size)) => {
                let (columns, rows) = (usize::from(size.columns), usize::from(size.rows));
                self.printer.resize(columns, Some(rows)).map_err(RunError::Write)
            }
            (Resize::Follow, None) | (Resize::Fixed, _) => Ok(()),
        }
    }

    fn holds_lines(&self) -> bool {
        self.printer.holds_lines()
    }
}

impl Screen {
    /// Shows what is left, and says so if filters have left nothing.
    fn finish(self) -> Result<(), RunError> {
        let mut printer = self.printer;
        printer.pause().map_err(RunError::Write)?;
        warn_unknown_names(printer.name_usage());
        let Tally { events, shown } = printer.tally();
        if events > 0 && shown == 0 {
            warn(&format!("none of {events} events passed the filters"));
        }
        printer.finish().map(drop).map_err(RunError::Write)
    }
}

fn show(mut input: Input, screen: &mut Screen) -> Result<Exit, RunError> {
    let mut lines = LineReader::new();
    loop {
        if input.pauses.until_input(screen)? == Wait::RepeatedInterrupt {
            return Ok(Exit::Interrupted);
        }
        let fill = lines.fill(&mut input.reader).map_err(RunError::Read)?;
        screen.follow_size()?;
        while let Some(line) = lines.next() {
            screen.line(line)?;
        }
        if fill == Fill::End {
            lines.rest().map_or(Ok(()), |line| screen.line(line))?;
            return Ok(Exit::Done);
        }
    }
}

/// How to notice that an input pauses.
pub(super) enum Pauses {
    /// A plain file never does.
    Never,
    /// Somebody types: every line is an end for now, and Ctrl-C means us.
    Typed,
    /// A pipe, the program before which gets Ctrl-C as well.
    Pipe(File, Interrupts),
}

impl Pauses {
    pub(super) fn of(input: &File) -> io::Result<Self> {
        if input.metadata()?.is_file() {
            return Ok(Self::Never);
        }
        if input.is_terminal() {
            return Ok(Self::Typed);
        }
        Ok(Self::Pipe(input.try_clone()?, Interrupts::count()?))
    }

    /// Waits for input; what is there already is shown meanwhile.
    pub(super) fn until_input(&mut self, sink: &mut impl Sink) -> Result<Wait, RunError> {
        match self {
            Self::Never => Ok(Wait::Input),
            Self::Typed => sink.pause().map(|()| Wait::Input),
            Self::Pipe(input, interrupts) => {
                let patience = if sink.holds_lines() { FIRST_LINES } else { NONE };
                match interrupts.wait(&*input, Some(patience)).map_err(RunError::Wait)? {
                    Wait::Pause => sink.pause()?,
                    over @ (Wait::Input | Wait::RepeatedInterrupt) => return Ok(over),
                }
                interrupts.wait(&*input, None).map_err(RunError::Wait)
            }
        }
    }
}

/// How long the first lines wait for the others that make the first layout.
const FIRST_LINES: Timespec = Timespec { tv_sec: 0, tv_nsec: 40_000_000 };
const NONE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
