//! The number of colours and the background: options, settings, environment, terminal, in this
//! order.

use crate::cli::config::Environment;
use crate::cli::output::terminal::Stream;
use crate::cli::values::{ColorChoice, ThemeChoice};
use crate::style::color::Depth;
use crate::style::theme::Background;

/// Asking the terminal for its background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueryTerminal {
    Yes,
    No,
}

/// The command line and the settings win over NO_COLOR, that over CLICOLOR_FORCE and FORCE_COLOR,
/// those over what the output is.
pub(super) fn depth(
    choice: Option<ColorChoice>,
    environment: Environment<'_>,
    output: Stream,
) -> Depth {
    match choice.unwrap_or(ColorChoice::Auto) {
        ColorChoice::Never => Depth::None,
        ColorChoice::Ansi16 => Depth::Ansi16,
        ColorChoice::Ansi256 => Depth::Ansi256,
        ColorChoice::True => Depth::True,
        ColorChoice::Always => Depth::of_terminal(environment).unwrap_or(Depth::Ansi256),
        ColorChoice::Auto => {
            let set = |name: &str| environment(name).filter(|value| !value.is_empty());
            let forced = |name: &str| set(name).map(|value| value != "0" && value != "false");
            if set("NO_COLOR").is_some() {
                return Depth::None;
            }
            match (forced("CLICOLOR_FORCE"), forced("FORCE_COLOR"), output) {
                (Some(true), _, _) | (_, Some(true), _) => {
                    Depth::of_terminal(environment).unwrap_or(Depth::Ansi256)
                }
                (_, Some(false), _) | (_, _, Stream::Other) => Depth::None,
                (_, None, Stream::Terminal) => Depth::of_terminal(environment).unwrap_or_default(),
            }
        }
    }
}

/// The background that is given, or else known; and whether to ask the terminal.
pub(super) fn background(
    theme: Option<ThemeChoice>,
    environment: Environment<'_>,
) -> (Background, QueryTerminal) {
    match theme.unwrap_or(ThemeChoice::Auto) {
        ThemeChoice::Dark => (Background::Dark, QueryTerminal::No),
        ThemeChoice::Light => (Background::Light, QueryTerminal::No),
        ThemeChoice::Auto => {
            let said = environment("COLORFGBG").is_some_and(|value| !value.is_empty());
            let query = if said { QueryTerminal::No } else { QueryTerminal::Yes };
            (Background::of_terminal(environment), query)
        }
    }
}
