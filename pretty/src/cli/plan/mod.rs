//! Arguments and environment → what to do. Everything is decided and checked here, once, without
//! touching a file or the terminal.

mod colors;
mod error;
mod reading;
mod selection;

use std::path::PathBuf;
use std::time::Duration;

use super::args::{Cli, PAGER};
use super::config::{Choice, Config, Environment, Pager};
use super::values::{ColorChoice, ColumnChoice, Export};
use crate::cli::output::terminal::{Stream, Terminal};
use crate::parse::Parser;
use crate::printer::{Options, Repeats, TimeColumn};
use crate::style::color::Depth;
use crate::view::{Keys, Rules};
pub(super) use colors::QueryTerminal;
use colors::{background, depth};
pub(super) use error::PlanError;
use selection::filter;

/// All the program has to do.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) inputs: Vec<InputSource>,
    pub(super) options: Options,
    /// Reads the times of inputs that are merged.
    pub(super) parser: Parser,
    pub(super) resize: Resize,
    pub(super) follow: Follow,
    /// The longest time a line waits for those of other sources.
    pub(super) window: Duration,
    pub(super) mode: OutputMode,
    pub(super) query: QueryTerminal,
    /// The command the output goes through.
    pub(super) pager: Option<String>,
    /// The keys of the view.
    pub(super) keys: Keys,
    /// The user's rules for the meaning of lines.
    pub(super) rules: Rules,
}

/// The form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutputMode {
    /// Row after row, on standard output.
    Stream,
    /// On the whole screen, to browse in.
    View,
    /// As a page for a browser.
    Html,
    /// As a diagram.
    Svg,
    /// As one JSON object a line.
    Json,
    /// As a list of the shapes of lines.
    Explain,
}

/// Following files as they grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follow {
    Yes,
    No,
}

/// A source of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum InputSource {
    Stdin,
    File(PathBuf),
}

impl InputSource {
    /// The name of a source for people.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Stdin => "-".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }
}

/// Following the width of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resize {
    Follow,
    Fixed,
}

impl Plan {
    /// # Errors
    /// See [`PlanError`].
    pub(super) fn resolve(
        cli: &Cli,
        config: &Config,
        environment: Environment<'_>,
        terminal: Terminal,
    ) -> Result<Self, PlanError> {
        let resize = match (cli.width, terminal.output) {
            (None, Stream::Terminal) => Resize::Follow,
            (Some(_), _) | (None, Stream::Other) => Resize::Fixed,
        };
        let inputs = sources(&cli.files);
        let follow = if cli.follow { Follow::Yes } else { Follow::No };
        let mode = match (cli.tui, cli.export) {
            (true, _) => OutputMode::View,
            (false, Some(Export::Html)) => OutputMode::Html,
            (false, Some(Export::Svg)) => OutputMode::Svg,
            (false, Some(Export::Json)) => OutputMode::Json,
            (false, None) if cli.explain => OutputMode::Explain,
            (false, None) => OutputMode::Stream,
        };
        if mode == OutputMode::View && terminal.output == Stream::Other {
            return Err(PlanError::NoTerminal);
        }
        let (mut options, query) = options(cli, config, &inputs, environment, terminal)?;
        if mode != OutputMode::View {
            options.parser = options.parser.for_stream();
        }
        let parser = options.parser.clone();
        let pager = match (mode, follow, terminal.output) {
            (OutputMode::Stream, Follow::No, Stream::Terminal) => pager(cli, config),
            (
                OutputMode::View
                | OutputMode::Html
                | OutputMode::Svg
                | OutputMode::Json
                | OutputMode::Explain,
                ..,
            )
            | (_, Follow::Yes, _)
            | (.., Stream::Other) => None,
        };
        // A pager reads from the terminal at the same time; without colours it does not matter.
        let query = match (&pager, options.depth, mode) {
            (Some(_), ..)
            | (_, Depth::None, _)
            | (.., OutputMode::Html | OutputMode::Svg | OutputMode::Json | OutputMode::Explain) => {
                QueryTerminal::No
            }
            (
                None,
                Depth::Ansi16 | Depth::Ansi256 | Depth::True,
                OutputMode::Stream | OutputMode::View,
            ) => query,
        };
        let rules = config.rules().with_dialects(reading::dialects(cli, config)?);
        let keys = config.keys()?;
        let window =
            cli.window.map_or(WINDOW, |window| Duration::from_nanos(window.nanos().unsigned_abs()));
        Ok(Self {
            inputs,
            options,
            parser,
            resize,
            follow,
            window,
            mode,
            query,
            pager,
            keys,
            rules,
        })
    }
}

impl Cli {
    pub(super) fn config_choice(&self) -> Choice {
        match (&self.config, self.no_config) {
            (_, true) => Choice::None,
            (Some(file), false) => Choice::File(file.clone()),
            (None, false) => Choice::Discovered,
        }
    }

    fn color_choice(&self) -> Option<ColorChoice> {
        if self.no_color { Some(ColorChoice::Never) } else { self.color }
    }
}

/// The options of the output, and whether to ask the terminal for its background.
fn options(
    cli: &Cli,
    config: &Config,
    inputs: &[InputSource],
    environment: Environment<'_>,
    terminal: Terminal,
) -> Result<(Options, QueryTerminal), PlanError> {
    let columns = match cli.columns.or(config.columns) {
        None | Some(ColumnChoice::Auto) => None,
        Some(ColumnChoice::Fixed(count)) => Some(count),
    };
    let (background, query) = background(cli.theme.or(config.theme), environment);
    let options = Options {
        width: width(cli.width, environment, terminal),
        page: page(terminal),
        columns,
        time: match cli.no_time || config.time == Some(false) {
            true => TimeColumn::Hidden,
            false => TimeColumn::Shown,
        },
        background,
        palette: config.palette(),
        depth: depth(cli.color_choice().or(config.color), environment, terminal.output),
        parser: reading::parser(cli, config, inputs)?,
        before: cli.before.or(cli.context).unwrap_or(0),
        after: cli.after.or(cli.context).unwrap_or(0),
        repeats: match cli.fold || config.fold == Some(true) {
            true => Repeats::Fold,
            false => Repeats::Show,
        },
        filter: filter(cli, config, &reading::calendar(cli, config)?),
    };
    Ok((options, query))
}

/// Rows between headers: only a terminal has a screen they can leave.
pub(super) fn page(terminal: Terminal) -> Option<usize> {
    match terminal.output {
        Stream::Terminal => terminal.size.map(|size| usize::from(size.rows)),
        Stream::Other => None,
    }
}

fn sources(files: &[PathBuf]) -> Vec<InputSource> {
    if files.is_empty() {
        return vec![InputSource::Stdin];
    }
    let source = |file: &PathBuf| match file.as_os_str() == "-" {
        true => InputSource::Stdin,
        false => InputSource::File(file.clone()),
    };
    files.iter().map(source).collect()
}

fn width(given: Option<u16>, environment: Environment<'_>, terminal: Terminal) -> usize {
    let screen = || terminal.size.map(|size| size.columns);
    let variable = || environment("COLUMNS")?.parse().ok().filter(|columns| *columns > 0);
    let columns = match terminal.output {
        Stream::Terminal => given.or_else(screen).or_else(variable),
        Stream::Other => given.or_else(variable).or_else(screen),
    };
    usize::from(columns.unwrap_or(WIDTH_DEFAULT))
}

/// Two programs on two machines are seldom further apart, and the delay is hardly noticed.
const WINDOW: Duration = Duration::from_millis(500);

/// The width where none is known: enough for three peers and their texts.
const WIDTH_DEFAULT: u16 = 120;

/// The command of the pager, if there is one; an empty one is none.
fn pager(cli: &Cli, config: &Config) -> Option<String> {
    let command = cli.pager.clone().or_else(|| match config.pager()? {
        Pager::Never => None,
        Pager::Usual => Some(PAGER.to_owned()),
        Pager::Command(command) => Some(command.clone()),
    });
    command.filter(|command| !command.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::output::terminal::Size;
    use crate::style::theme::Background;
    use crate::time::Tick;

    const SCREEN: Terminal =
        Terminal { output: Stream::Terminal, size: Some(Size { columns: 90, rows: 30 }) };
    const PIPE: Terminal = Terminal { output: Stream::Other, size: None };

    fn plan(arguments: &str, variables: &[(&str, &str)], terminal: Terminal) -> Plan {
        let words = std::iter::once("pretty").chain(arguments.split_whitespace());
        let find = |name: &str| {
            let found = variables.iter().find(|(own, _)| *own == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let cli = Cli::try_parse_from(words).unwrap();
        Plan::resolve(&cli, &Config::default(), &find, terminal).unwrap()
    }

    #[test]
    fn precedence_of_the_colours() {
        let screen = ("TERM", "xterm-256color");
        for (arguments, variables, terminal, depth) in [
            ("", &[screen][..], SCREEN, Depth::Ansi256),
            ("", &[screen], PIPE, Depth::None),
            ("", &[screen, ("NO_COLOR", "1")], SCREEN, Depth::None),
            ("", &[screen, ("NO_COLOR", "")], SCREEN, Depth::Ansi256),
            ("", &[screen, ("NO_COLOR", "1"), ("FORCE_COLOR", "1")], SCREEN, Depth::None),
            ("", &[screen, ("FORCE_COLOR", "1")], PIPE, Depth::Ansi256),
            ("", &[screen, ("FORCE_COLOR", "0")], SCREEN, Depth::None),
            ("", &[("CLICOLOR_FORCE", "1")], PIPE, Depth::Ansi256),
            ("", &[screen, ("CLICOLOR_FORCE", "0")], PIPE, Depth::None),
            ("--color always", &[screen, ("NO_COLOR", "1")], PIPE, Depth::Ansi256),
            ("--color never", &[screen, ("FORCE_COLOR", "1")], SCREEN, Depth::None),
            ("--no-color", &[screen], SCREEN, Depth::None),
            ("--color true", &[], PIPE, Depth::True),
            ("", &[screen, ("COLORTERM", "truecolor")], SCREEN, Depth::True),
            ("", &[("TERM", "linux")], SCREEN, Depth::Ansi16),
            ("", &[("TERM", "dumb")], SCREEN, Depth::None),
            ("", &[], SCREEN, Depth::None),
        ] {
            let found = plan(arguments, variables, terminal).options.depth;
            assert_eq!(found, depth, "{arguments:?} {variables:?} {terminal:?}");
        }
    }

    #[test]
    fn precedence_of_the_width() {
        let columns = &[("COLUMNS", "70")][..];
        for (arguments, variables, terminal, width, resize) in [
            ("", columns, SCREEN, 90, Resize::Follow),
            ("--width 33", columns, SCREEN, 33, Resize::Fixed),
            ("", columns, PIPE, 70, Resize::Fixed),
            ("", &[], PIPE, 120, Resize::Fixed),
            ("", &[("COLUMNS", "wide")], PIPE, 120, Resize::Fixed),
        ] {
            let plan = plan(arguments, variables, terminal);
            assert_eq!((plan.options.width, plan.resize), (width, resize), "{arguments:?}");
        }
    }

    #[test]
    fn precedence_of_the_theme() {
        let theme =
            |arguments, value| plan(arguments, &[("COLORFGBG", value)], SCREEN).options.background;
        assert_eq!(theme("", "0;15"), Background::Light);
        assert_eq!(theme("", "15;default;0"), Background::Dark);
        assert_eq!(theme("", ""), Background::Dark);
        assert_eq!(theme("--theme light", "15;0"), Background::Light);
        let (screen, fgbg) = (("TERM", "xterm"), ("COLORFGBG", "15;0"));
        for (arguments, variables, query) in [
            ("", &[screen][..], QueryTerminal::Yes),
            ("", &[screen, fgbg], QueryTerminal::No),
            ("--theme dark", &[screen], QueryTerminal::No),
            ("--pager", &[screen], QueryTerminal::No),
            ("--no-color", &[screen], QueryTerminal::No),
        ] {
            assert_eq!(
                plan(arguments, variables, SCREEN).query,
                query,
                "{arguments} {variables:?}"
            );
        }
    }

    #[test]
    fn the_settings_are_the_defaults_of_the_options() {
        let settings = "theme = 'light'\ncolor = 'true'\ncolumns = 5\njust = ['vote', 'lead']\n\
            peers = '0,2'\ntime = false\nfold = true\nformat = 'json'\ntick = '10ms'\npager = true";
        let config: Config = toml::from_str(settings).unwrap();
        let plan = |arguments: &str| {
            let words = std::iter::once("pretty").chain(arguments.split_whitespace());
            let cli = Cli::try_parse_from(words).unwrap();
            Plan::resolve(&cli, &config, &|_| None, SCREEN).unwrap()
        };
        let Plan { options, pager, .. } = plan("");
        assert_eq!((options.background, options.depth), (Background::Light, Depth::True));
        assert_eq!(options.columns, Some(5));
        assert_eq!(options.parser.settings().tick, Some(Tick::TEN_MILLISECONDS));
        assert_eq!((options.time, options.repeats), (TimeColumn::Hidden, Repeats::Fold));
        assert!(format!("{:?}", options.parser.settings().format).contains("Json"));
        assert!(options.filter.shows_topic(b"LEAD") && !options.filter.shows_topic(b"RPC"));
        assert!(options.filter.shows_peer(b"2") && !options.filter.shows_peer(b"1"));
        assert_eq!(pager.as_deref(), Some("less -RF"));
        let arguments = "--theme dark --color 16 -c auto -j rpc --peers 1 --format logfmt --tick 1s \
                         --pager=more";
        let Plan { options, pager, .. } = plan(arguments);
        assert_eq!((options.background, options.depth), (Background::Dark, Depth::Ansi16));
        assert_eq!(options.columns, None);
        assert_eq!(options.parser.settings().tick, Some(Tick::SECOND));
        assert!(format!("{:?}", options.parser.settings().format).contains("Logfmt"));
        assert!(options.filter.shows_topic(b"RPC") && !options.filter.shows_topic(b"LEAD"));
        assert!(options.filter.shows_peer(b"1") && !options.filter.shows_peer(b"2"));
        assert_eq!(pager.as_deref(), Some("more"));
    }

    #[test]
    fn files_and_standard_input() {
        let inputs = |arguments| plan(arguments, &[], PIPE).inputs;
        assert_eq!(inputs(""), [InputSource::Stdin]);
        assert_eq!(inputs("a -"), [InputSource::File("a".into()), InputSource::Stdin]);
    }
}
