//! The command.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use linearizability::history::{Counts, History, KeyVerdict};
use linearizability::json::{self, Format, ReadError};
use linearizability::models::{Register, Text, Versioned};
use linearizability::{STEPS_MAX, Verdict, picture};

/// Check histories of concurrent calls for linearizability
///
/// A history is a file of JSON lines, one for each call: who called what, when, and when it returned
/// with what. The verdict is yes, no or unknown, for each key; a no is explained by a picture.
#[derive(Debug, Parser)]
#[command(name = "linearizability", version, after_help = EXAMPLES)]
struct Arguments {
    /// Histories; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Model of the object that the calls are made on
    #[arg(long, value_enum, default_value_t = ModelName::Kv)]
    model: ModelName,
    /// Write a picture of the history as an HTML page; - is standard output
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print the verdict alone, without a picture
    #[arg(long, short)]
    quiet: bool,
    /// Width of the picture in columns [default: that of the terminal, or 80]
    #[arg(long, value_name = "COLUMNS", value_parser = clap::value_parser!(u16).range(40..))]
    width: Option<u16>,
    /// Steps of the search for each key, after which its verdict is unknown
    #[arg(long, value_name = "N", default_value_t = STEPS_MAX, value_parser = clap::value_parser!(u64).range(1..))]
    steps: u64,
}

/// The models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ModelName {
    /// Strings by key: get, put, append, cas; empty at first
    Kv,
    /// Any JSON values by key: read, write, cas; null at first
    Register,
    /// Values with versions by key: get, put, as in the labs of MIT 6.5840 since 2025
    Versioned,
}

const EXAMPLES: &str = r#"Lines of a history (docs/histories.md has all fields):
  {"client":1,"key":"x","op":"put","value":"a","call":10,"return":25}
  {"client":2,"key":"x","op":"get","result":"a","call":12,"return":30}
  {"client":3,"key":"x","op":"append","value":"b","call":14}

Examples:
  linearizability history.jsonl                        verdict, and a picture of what is wrong
  linearizability history.jsonl --html history.html    the picture as a page for a browser
  linearizability --model versioned kvtest.jsonl       values with versions
  go test -run TestBasic && linearizability - < h.jsonl
  dstest -- sh -c 'go test -run TestBasic && linearizability h.jsonl'

Exit codes: 0 linearizable, 1 not, 2 bad usage or a bad line, 3 unknown, 4 no calls."#;

/// The results of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Exit {
    Linearizable,
    NothingChecked,
    Unknown,
    Illegal,
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Linearizable => 0,
            Exit::Illegal => 1,
            Exit::Usage => 2,
            Exit::Unknown => 3,
            Exit::NothingChecked => 4,
        })
    }
}

/// A failure of the command itself.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: ReadError },
    #[error("--html {}: {source}", path.display())]
    Html { path: PathBuf, source: io::Error },
    #[error("--html takes one history, not {0}: give one FILE")]
    ManyFiles(usize),
    #[error("standard output: {0}")]
    Output(io::Error),
}

/// Runs the command.
pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.model {
        ModelName::Kv => run(&arguments, &Text),
        ModelName::Register => run(&arguments, &Register::of_json()),
        ModelName::Versioned => run(&arguments, &Versioned),
    };
    let exit = match result {
        Ok(exit) => exit,
        Err(error) => {
            let error = picture::plain(&error.to_string());
            let _ = writeln!(io::stderr(), "linearizability: {error}");
            Exit::Usage
        }
    };
    exit.into()
}

fn run<M: Format>(arguments: &Arguments, model: &M) -> Result<Exit, CommandError> {
    let Arguments { files, html, .. } = arguments;
    if html.is_some() && files.len() > 1 {
        return Err(CommandError::ManyFiles(files.len()));
    }
    let mut worst = Exit::Linearizable;
    for file in files {
        worst = worst.max(check_file(arguments, model, file)?);
    }
    Ok(worst)
}

fn check_file<M: Format>(
    arguments: &Arguments,
    model: &M,
    path: &Path,
) -> Result<Exit, CommandError> {
    let history =
        read(model, path).map_err(|source| CommandError::Read { path: path.to_owned(), source })?;
    let verdicts = history.check(model, arguments.steps);
    // Only a picture shows the reasons.
    let verdicts: Vec<KeyVerdict<_>> = match arguments.quiet && arguments.html.is_none() {
        true => verdicts.into_iter().map(KeyVerdict::from).collect(),
        false => history.explain(model, verdicts, arguments.steps),
    };
    let to_stdout = arguments.html.as_deref() == Some(Path::new("-"));
    if let Some(target) = &arguments.html {
        let page = picture::html(model, &path.display().to_string(), &history, &verdicts);
        write_page(target, &page)?;
    }
    if !to_stdout {
        let printed = print(arguments, model, path, &history, &verdicts);
        unread_is_fine(printed).map_err(CommandError::Output)?;
    }
    let counts = Counts::of(verdicts.iter().map(|own| &own.verdict));
    Ok(match counts {
        Counts { illegal: 1.., .. } => Exit::Illegal,
        Counts { unknown: 1.., .. } => Exit::Unknown,
        Counts { linearizable: 1.., .. } => Exit::Linearizable,
        Counts { .. } => Exit::NothingChecked,
    })
}

fn read<M: Format>(model: &M, path: &Path) -> Result<History<M::Call>, ReadError> {
    let input: Box<dyn BufRead> = match path == Path::new("-") {
        true => Box::new(io::stdin().lock()),
        false => Box::new(BufReader::new(File::open(path)?)),
    };
    json::read(model, input)
}

fn write_page(target: &Path, page: &str) -> Result<(), CommandError> {
    if target == Path::new("-") {
        let mut output = io::stdout().lock();
        let written = output.write_all(page.as_bytes()).and_then(|()| output.flush());
        return unread_is_fine(written).map_err(CommandError::Output);
    }
    unread_is_fine(std::fs::write(target, page))
        .map_err(|source| CommandError::Html { path: target.to_owned(), source })
}

/// The verdict counts, whether the output is read to its end or not.
fn unread_is_fine(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

fn print<M: Format>(
    arguments: &Arguments,
    model: &M,
    path: &Path,
    history: &History<M::Call>,
    verdicts: &[KeyVerdict<M::State>],
) -> io::Result<()> {
    let mut text = picture::text(model, history, verdicts, width(arguments));
    if history.calls() == 0 {
        text = "nothing checked: the history has no calls\n".to_owned();
    } else if arguments.quiet {
        text.truncate(text.find('\n').map_or(text.len(), |end| end + 1));
    }
    let mut output = io::stdout().lock();
    write!(output, "{}: {text}", picture::plain(&path.display().to_string()))?;
    if verdicts.iter().any(|own| own.verdict == Verdict::Unknown) {
        writeln!(output, "unknown after {} steps; --steps raises the limit", arguments.steps)?;
    }
    output.flush()
}

/// The width of the picture.
fn width(arguments: &Arguments) -> usize {
    let of_terminal = || {
        let output = io::stdout();
        let size = output.is_terminal().then(|| rustix::termios::tcgetwinsize(&output).ok())?;
        size.map(|size| size.ws_col).filter(|columns| *columns > 0)
    };
    arguments.width.or_else(of_terminal).unwrap_or(WIDTH).into()
}

/// The width where there is no terminal.
const WIDTH: u16 = 80;
