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
use super::plan::{InputSource, OutputMode, Plan, QueryTerminal};
use super::tui;
use crate::cli::input::feed::{Feed, Inputs};
use crate::cli::input::open::{PipeOpening, unbuffered};
use crate::cli::output::explain::ExplainSink;
use crate::cli::output::json::JsonSink;
use crate::cli::output::pager::Pager;
use crate::cli::output::sink::{DiagramSink, PageSink, PrinterSink};

/// Shows all inputs as the plan says.
///
/// # Errors
/// If something cannot be read or written.
pub(super) fn run(mut plan: Plan) -> Result<Exit, RunError> {
    // Opened before anything is shown: a wrong name must not be lost above a long log.
    let pipes = match plan.mode {
        OutputMode::View => PipeOpening::AtRead,
        OutputMode::Stream
        | OutputMode::Html
        | OutputMode::Svg
        | OutputMode::Json
        | OutputMode::Explain => PipeOpening::Now,
    };
    let inputs = Inputs::open(&plan.inputs, plan.follow, pipes)?;
    if plan.query == QueryTerminal::Yes
        && let Some(background) = terminal::background()
    {
        plan.options.background = background;
    }
    match plan.mode {
        OutputMode::View => return tui::run(inputs, plan),
        // Its columns say nothing of states.
        OutputMode::Stream => {}
        OutputMode::Html | OutputMode::Svg | OutputMode::Json | OutputMode::Explain => {
            plan.rules.prepare()?;
        }
    }
    let (pager, output) = match &plan.pager {
        Some(command) => Pager::open(command).map(|(pager, output)| (Some(pager), output))?,
        None => (None, unbuffered(io::stdout().as_fd()).map_err(RunError::Write)?),
    };
    let title = title(&plan.inputs);
    let Plan { inputs: sources, window, parser, options, rules, .. } = plan;
    let feed = Feed { inputs, parser: parser.clone(), window };
    let shown = match plan.mode {
        OutputMode::Html => {
            feed.into_sink(PageSink::new(parser, options.filter, options.palette, rules, output)?)
        }
        OutputMode::Svg => feed.into_sink(DiagramSink::new(
            parser,
            options.filter,
            options.palette,
            rules,
            title,
            output,
        )),
        OutputMode::Explain => feed.into_sink(ExplainSink::new(parser, rules, output)),
        OutputMode::Json => {
            let names = sources.iter().map(InputSource::name).collect();
            feed.into_sink(JsonSink::new(parser, options.filter, rules, names, output))
        }
        OutputMode::Stream | OutputMode::View => {
            feed.into_sink(PrinterSink::new(options, output, plan.resize))
        }
    };
    pager.map_or(Ok(()), Pager::close).and(shown)
}

/// The names of the inputs.
fn title(inputs: &[InputSource]) -> String {
    let name = |source: &InputSource| match source {
        InputSource::Stdin => "standard input".to_owned(),
        InputSource::File(path) => path.display().to_string(),
    };
    inputs.iter().map(name).collect::<Vec<_>>().join(", ")
}
