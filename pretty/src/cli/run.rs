//! The pipeline of the program.
//!
//! ```text
//! Plan → inputs (bytes) → feed (lines) → sink (parse → filter → layout) → output or pager
//!                    └──► tui, for the whole screen
//! ```

use std::io;
use std::os::fd::AsFd as _;

use super::error::RunError;
use super::exit::Exit;
use super::output::terminal;
use super::plan::{OutputMode, Plan, QueryTerminal};
use super::tui;
use crate::cli::input::feed::{Feed, Inputs};
use crate::cli::input::open::{PipeOpening, unbuffered};
use crate::cli::output::pager::Pager;
use crate::cli::output::sink::{PageSink, PrinterSink};

/// Shows all inputs as the plan says.
///
/// # Errors
/// If something cannot be read or written.
pub(super) fn run(mut plan: Plan) -> Result<Exit, RunError> {
    // Opened before anything is shown: a wrong name must not be lost above a long log.
    let pipes = match plan.mode {
        OutputMode::View => PipeOpening::AtRead,
        OutputMode::Stream | OutputMode::Html => PipeOpening::Now,
    };
    let inputs = Inputs::open(&plan.inputs, plan.follow, pipes)?;
    if plan.query == QueryTerminal::Yes
        && let Some(background) = terminal::background()
    {
        plan.options.background = background;
    }
    if plan.mode == OutputMode::View {
        return tui::run(inputs, plan);
    }
    let (pager, output) = match &plan.pager {
        Some(command) => Pager::open(command).map(|(pager, output)| (Some(pager), output))?,
        None => (None, unbuffered(io::stdout().as_fd()).map_err(RunError::Write)?),
    };
    let Plan { window, parser, options, .. } = plan;
    let feed = Feed { inputs, parser: parser.clone(), window };
    let shown = match plan.mode {
        OutputMode::Html => {
            feed.into_sink(PageSink::new(parser, options.filter, options.palette, output)?)
        }
        OutputMode::Stream | OutputMode::View => {
            feed.into_sink(PrinterSink::new(options, output, plan.resize))
        }
    };
    pager.map_or(Ok(()), Pager::close).and(shown)
}
