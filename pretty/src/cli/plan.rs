//! Arguments and environment → what to do. Everything is decided and checked here, once, without
//! touching a file or the terminal.

use std::path::PathBuf;

use super::args::{Cli, ColorChoice, ColumnChoice, Export, PAGER, ThemeChoice};
use super::config::{Choice, Config, Names, Pager};
use super::terminal::{Stream, Terminal};
use crate::color::Depth;
use crate::filter::{Filter, NameSet};
use crate::names::hint;
use crate::parse::{Format, FormatError, Parser};
use crate::printer::{Options, Repeats, TimeColumn};
use crate::theme::Background;
use crate::view::{KeyError, Keys, Rules};

/// What to do.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) inputs: Vec<Source>,
    pub(super) options: Options,
    /// What the inputs' times are read with when they are merged.
    pub(super) parser: Parser,
    pub(super) resize: Resize,
    pub(super) follow: Follow,
    pub(super) face: Face,
    /// The command the output goes through.
    pub(super) pager: Option<String>,
    /// The keys of the view.
    pub(super) keys: Keys,
    /// What lines mean, beside what is built in.
    pub(super) rules: Rules,
}

/// How the log is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    /// Row after row, on standard output.
    Stream,
    /// On the whole screen, to browse in.
    View,
    /// As a page for a browser.
    Html,
}

/// Whether files are watched for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follow {
    Yes,
    No,
}

/// Where lines come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Stdin,
    File(PathBuf),
}

/// Whether the width follows the terminal's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resize {
    Follow,
    Fixed,
}

/// What is wrong with the arguments; each message names the option to change.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlanError {
    #[error("invalid value for '--format <FORMAT>': {0}")]
    Format(#[from] FormatError),
    #[error("invalid value for '--format <FORMAT>': there is no format `{0}`; {1}")]
    NoFormat(String, String),
    #[error("[keys] of the settings: {0}")]
    Keys(#[from] KeyError),
    #[error("'--follow' needs files to follow; a pipe is followed anyway")]
    FollowStdin,
    #[error("'--tui' needs a terminal as its output")]
    NoTerminal,
}

/// Reads an environment variable.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

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
        let columns = match cli.columns.or(config.columns) {
            None | Some(ColumnChoice::Auto) => None,
            Some(ColumnChoice::Fixed(count)) => Some(count),
        };
        let inputs = sources(&cli.files);
        let follow = if cli.follow { Follow::Yes } else { Follow::No };
        if follow == Follow::Yes && inputs.contains(&Source::Stdin) {
            return Err(PlanError::FollowStdin);
        }
        let face = match (cli.tui, cli.export) {
            (true, _) => Face::View,
            (false, Some(Export::Html)) => Face::Html,
            (false, None) => Face::Stream,
        };
        if face == Face::View && terminal.output == Stream::Other {
            return Err(PlanError::NoTerminal);
        }
        let options = Options {
            width: width(cli.width, environment, terminal),
            page: page(terminal),
            columns,
            time: match cli.no_time || config.time == Some(false) {
                true => TimeColumn::Hidden,
                false => TimeColumn::Shown,
            },
            background: background(cli.theme.or(config.theme), environment),
            palette: config.palette(),
            depth: depth(cli.color_choice().or(config.color), environment, terminal.output),
            format: format(cli, config)?,
            before: cli.before.or(cli.context).unwrap_or(0),
            after: cli.after.or(cli.context).unwrap_or(0),
            repeats: match cli.fold || config.fold == Some(true) {
                true => Repeats::Fold,
                false => Repeats::Show,
            },
            tick: cli.tick.or(config.tick),
            filter: filter(cli, config),
        };
        let parser = Parser::new(options.format.clone(), options.tick);
        let pager = match (face, follow, terminal.output) {
            (Face::Stream, Follow::No, Stream::Terminal) => pager(cli, config),
            (Face::View | Face::Html, ..) | (_, Follow::Yes, _) | (.., Stream::Other) => None,
        };
        let (keys, rules) = (config.keys()?, config.rules());
        Ok(Self { inputs, options, parser, resize, follow, face, pager, keys, rules })
    }
}

impl Cli {
    pub(super) fn config_choice(&self) -> Choice {
        match (&self.config, self.no_config) {
            (_, true) => Choice::None,
            (Some(file), false) => Choice::File(file.clone()),
            (None, false) => Choice::Found,
        }
    }

    fn color_choice(&self) -> Option<ColorChoice> {
        if self.no_color { Some(ColorChoice::Never) } else { self.color }
    }
}

/// Rows between headers: only a terminal has a screen they can leave.
pub(super) fn page(terminal: Terminal) -> Option<usize> {
    match terminal.output {
        Stream::Terminal => terminal.size.map(|size| usize::from(size.rows)),
        Stream::Other => None,
    }
}

fn sources(files: &[PathBuf]) -> Vec<Source> {
    if files.is_empty() {
        return vec![Source::Stdin];
    }
    let source = |file: &PathBuf| match file.as_os_str() == "-" {
        true => Source::Stdin,
        false => Source::File(file.clone()),
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

/// Where nothing says how wide the output may be: three peers and their texts fit well.
const WIDTH_DEFAULT: u16 = 120;

/// The command line and the settings win over NO_COLOR, that over CLICOLOR_FORCE and FORCE_COLOR, those over what
/// the output is.
fn depth(choice: Option<ColorChoice>, environment: Environment<'_>, output: Stream) -> Depth {
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

fn background(theme: Option<ThemeChoice>, environment: Environment<'_>) -> Background {
    match theme.unwrap_or(ThemeChoice::Auto) {
        ThemeChoice::Dark => Background::Dark,
        ThemeChoice::Light => Background::Light,
        ThemeChoice::Auto => Background::of_terminal(environment),
    }
}

/// The formats that have a name of their own.
pub(super) const FORMATS: [&str; 5] = ["auto", "verbose", "dslogs", "json", "logfmt"];

fn format(cli: &Cli, config: &Config) -> Result<Format, PlanError> {
    let name = cli.format.as_deref().or(config.format.as_deref()).unwrap_or("auto");
    if let Some(own) = config.own_format(name) {
        return Ok(Format::Custom(own.clone()));
    }
    let own = config.own_formats();
    Ok(match name {
        "auto" if own.clone().next().is_none() => Format::Auto,
        "auto" => Format::AutoAnd(own.map(|(_, pattern)| pattern.clone()).collect()),
        "verbose" => Format::Verbose,
        "dslogs" => Format::Dslogs,
        "json" => Format::Json,
        "logfmt" => Format::Logfmt,
        // What has no group cannot be a format by itself: a name that is mistyped, most likely.
        word if word.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            let known = FORMATS.into_iter().chain(own.map(|(name, _)| name));
            return Err(PlanError::NoFormat(word.to_owned(), hint(word, known)));
        }
        expression => Format::custom(expression)?,
    })
}

/// The settings' topics count only if the command line names none at all: `-j timr` must show
/// what is ignored otherwise.
fn filter(cli: &Cli, config: &Config) -> Filter {
    let given = |lists: &[String]| (!lists.is_empty()).then(|| lists.to_vec());
    let (just, ignore) = match (given(&cli.just), given(&cli.ignore)) {
        (None, None) => (own(&config.just), own(&config.ignore)),
        given => given,
    };
    let peers = given(&cli.peers).or_else(|| own(&config.peers));
    let topics = |lists: Vec<String>| NameSet::new(lists.iter().map(String::as_str));
    Filter {
        just: just.map(topics),
        ignore: ignore.map(topics).unwrap_or_default(),
        peers: peers.map(|lists| NameSet::of_peers(lists.iter().map(String::as_str))),
        since: cli.since,
        until: cli.until,
        grep: cli.grep.clone(),
    }
}

fn own(names: &Option<Names>) -> Option<Vec<String>> {
    names.as_ref().map(|names| names.0.clone())
}

/// The command of the pager, if one is asked for; an empty one is none.
fn pager(cli: &Cli, config: &Config) -> Option<String> {
    let asked = cli.pager.clone().or_else(|| match config.pager()? {
        Pager::Never => None,
        Pager::Usual => Some(PAGER.to_owned()),
        Pager::Command(command) => Some(command.clone()),
    });
    asked.filter(|command| !command.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::terminal::Size;
    use super::*;

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
    fn who_decides_about_colours() {
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
    fn who_decides_about_the_width() {
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
    fn who_decides_about_the_theme() {
        let theme =
            |arguments, value| plan(arguments, &[("COLORFGBG", value)], SCREEN).options.background;
        assert_eq!(theme("", "0;15"), Background::Light);
        assert_eq!(theme("", "15;default;0"), Background::Dark);
        assert_eq!(theme("", ""), Background::Dark);
        assert_eq!(theme("--theme light", "15;0"), Background::Light);
    }

    #[test]
    fn files_and_standard_input() {
        let inputs = |arguments| plan(arguments, &[], PIPE).inputs;
        assert_eq!(inputs(""), [Source::Stdin]);
        assert_eq!(inputs("a -"), [Source::File("a".into()), Source::Stdin]);
    }
}
