//! The loop of the program: input → printer → standard output.

use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

use rustix::event::Timespec;

use super::Exit;
use super::lines::{Fill, Lines};
use super::plan::{Plan, Resize, Source};
use super::signal::{Interrupts, Wait};
use super::terminal::Size;
use crate::printer::Printer;

/// Why the program stopped early.
#[derive(Debug, thiserror::Error)]
pub(super) enum RunError {
    #[error("{name}: {error}", name = path.display())]
    Open { path: PathBuf, error: io::Error },
    #[error("cannot read: {0}")]
    Read(io::Error),
    #[error("cannot write: {0}")]
    Write(io::Error),
    #[error("cannot wait for input: {0}")]
    Wait(io::Error),
}

impl RunError {
    /// Whether the reader of our output has gone, which is its right.
    pub(super) fn is_closed_output(&self) -> bool {
        matches!(self, Self::Write(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// Shows all inputs, one after the other.
///
/// # Errors
/// When something cannot be read or written.
pub(super) fn run(plan: Plan) -> Result<Exit, RunError> {
    // Checked before anything is shown: a wrong name must not be lost above a long log.
    let inputs = plan.inputs.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let output = own(io::stdout().as_fd()).map_err(RunError::Write)?;
    let mut printer = Printer::new(plan.options, output);
    for mut input in inputs {
        if show(&mut input, &mut printer, plan.resize)? == Exit::Interrupted {
            return Ok(Exit::Interrupted);
        }
    }
    printer.finish().map_err(RunError::Write)?;
    Ok(Exit::Done)
}

fn open(source: &Source) -> Result<File, RunError> {
    match source {
        Source::Stdin => own(io::stdin().as_fd()).map_err(RunError::Read),
        Source::File(path) => {
            File::open(path).map_err(|error| RunError::Open { path: path.clone(), error })
        }
    }
}

/// A standard stream without the buffer the standard library puts before it: we have our own, and
/// need to know when nothing is left in it.
fn own(stream: BorrowedFd<'_>) -> io::Result<File> {
    stream.try_clone_to_owned().map(File::from)
}

fn show(input: &mut File, printer: &mut Printer<File>, resize: Resize) -> Result<Exit, RunError> {
    let mut lines = Lines::new();
    let mut pauses = Pauses::new(input).map_err(RunError::Wait)?;
    loop {
        if pauses.until_input(input, printer)? == Wait::Insisted {
            return Ok(Exit::Interrupted);
        }
        let fill = lines.fill(input).map_err(RunError::Read)?;
        follow_size(printer, resize)?;
        while let Some(line) = lines.next() {
            printer.line(line).map_err(RunError::Write)?;
        }
        if fill == Fill::End {
            let rest = lines.rest().map_or(Ok(()), |line| printer.line(line));
            rest.map_err(RunError::Write)?;
            return Ok(Exit::Done);
        }
    }
}

fn follow_size(printer: &mut Printer<File>, resize: Resize) -> Result<(), RunError> {
    match (resize, Size::look()) {
        (Resize::Follow, Some(size)) => {
            let (columns, rows) = (usize::from(size.columns), usize::from(size.rows));
            printer.resize(columns, Some(rows)).map_err(RunError::Write)
        }
        (Resize::Follow, None) | (Resize::Fixed, _) => Ok(()),
    }
}

/// How to notice that the input pauses.
enum Pauses {
    /// A plain file never does.
    Never,
    /// Somebody types: every line is an end for now, and Ctrl-C means us.
    Typed,
    /// A pipe, the program before which gets Ctrl-C as well.
    Pipe(Interrupts),
}

impl Pauses {
    fn new(input: &File) -> io::Result<Self> {
        if input.metadata()?.is_file() {
            return Ok(Self::Never);
        }
        if input.is_terminal() {
            return Ok(Self::Typed);
        }
        Interrupts::count().map(Self::Pipe)
    }

    /// Waits for input; what is there already is shown meanwhile.
    fn until_input(&mut self, input: &File, printer: &mut Printer<File>) -> Result<Wait, RunError> {
        match self {
            Self::Never => Ok(Wait::Input),
            Self::Typed => printer.pause().map(|()| Wait::Input).map_err(RunError::Write),
            Self::Pipe(interrupts) => {
                let patience = if printer.holds_lines() { FIRST_LINES } else { NONE };
                match interrupts.wait(input, Some(patience)).map_err(RunError::Wait)? {
                    Wait::Pause => printer.pause().map_err(RunError::Write)?,
                    over @ (Wait::Input | Wait::Insisted) => return Ok(over),
                }
                interrupts.wait(input, None).map_err(RunError::Wait)
            }
        }
    }
}

/// How long the first lines wait for the others that make the first layout.
const FIRST_LINES: Timespec = Timespec { tv_sec: 0, tv_nsec: 40_000_000 };
const NONE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
