//! The command line as it is typed. The comments of its fields are the help text.

use std::path::PathBuf;

use clap::{ArgAction, Parser};

use super::values::{
    ColorChoice, ColumnChoice, Export, Generate, Shift, ThemeChoice, columns, shift,
};
use crate::bound::Bound;
use crate::level::Level;
use crate::parse::PeerFrom;
use crate::time::Tick;

/// Show the logs of many peers side by side, one column per peer
///
/// Reads FILEs, or standard input without any, and draws every event in the column of its peer:
/// wrapped, coloured by topic, safe for the terminal. Formats, peers and topics are detected; a
/// line that is not an event (test output, a panic) is shown as it is.
#[derive(Clone, Debug, Parser)]
#[command(name = "pretty", version, after_help = EXAMPLES, max_term_width = 100)]
#[command(args_override_self = true, args_conflicts_with_subcommands = true)]
#[command(disable_help_subcommand = true)]
pub struct Cli {
    /// Another task than showing logs
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Log files and pipes, also .gz, .zst and UTF-16; several are merged by time; `-` is standard
    /// input
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Number of columns from the start; `auto`: one for each peer of the log [default: auto]
    #[arg(short, long, value_name = "N|auto", value_parser = columns)]
    pub columns: Option<ColumnChoice>,

    /// Show only these topics; case is ignored [example: vote,lead]
    #[arg(short, long, value_name = "TOPICS", action = ArgAction::Append)]
    pub just: Vec<String>,

    /// Hide these topics
    #[arg(short, long, value_name = "TOPICS", action = ArgAction::Append)]
    pub ignore: Vec<String>,

    /// Show only these peers [examples: 0,2,C1 and 0-6]
    #[arg(long, value_name = "LIST", action = ArgAction::Append)]
    pub peers: Vec<String>,

    /// Hide these peers
    #[arg(long, value_name = "LIST", action = ArgAction::Append)]
    pub not_peers: Vec<String>,

    /// Hide earlier events [examples: 1.5s, 08:11:22 or 1500 as in the time column, 2024-05-02,
    /// 2024-05-02T08:11:22Z, -5m, yesterday]
    #[arg(short, long, value_name = "TIME", allow_hyphen_values = true)]
    pub since: Option<Bound>,

    /// Hide later events
    #[arg(short, long, value_name = "TIME", allow_hyphen_values = true)]
    pub until: Option<Bound>,

    /// Show only events whose text matches, and mark the matches; (?i) ignores case
    #[arg(short, long, value_name = "REGEX")]
    pub grep: Option<regex::Regex>,

    /// Hide events whose text matches; may be given several times
    #[arg(short = 'v', long, value_name = "REGEX", action = ArgAction::Append)]
    pub not_grep: Vec<regex::Regex>,

    /// With --grep, show N events before and after each match
    #[arg(short = 'C', long, value_name = "N", requires = "grep")]
    pub context: Option<usize>,

    /// With --grep, show N events before each match
    #[arg(short = 'B', long, value_name = "N", requires = "grep")]
    pub before: Option<usize>,

    /// With --grep, show N events after each match
    #[arg(short = 'A', long, value_name = "N", requires = "grep")]
    pub after: Option<usize>,

    /// Count the repeats of a peer (heartbeats) instead of showing them
    #[arg(long)]
    pub fold: bool,

    /// Keep showing lines that are added, also after the files are rotated or truncated; files
    /// that are not there yet are waited for
    #[arg(short, long)]
    pub follow: bool,

    /// Longest time a line of a pipe or followed file waits for earlier ones of the others
    /// [default: 500ms]
    #[arg(long, value_name = "DURATION")]
    pub window: Option<Tick>,

    /// Browse the log in the terminal; ? shows the keys
    #[arg(long)]
    pub tui: bool,

    /// Write a page for a browser, or a diagram, to standard output
    #[arg(long, value_name = "FORMAT", value_enum, conflicts_with_all = ["tui", "follow"])]
    pub export: Option<Export>,

    /// Hide the time column
    #[arg(long)]
    pub no_time: bool,

    /// Use of colours, or their number [default: auto]
    #[arg(long, value_name = "WHEN", value_enum, overrides_with = "no_color")]
    pub color: Option<ColorChoice>,

    /// The same as --color=never
    #[arg(long, overrides_with = "color")]
    pub no_color: bool,

    /// Background of the terminal [default: auto]
    #[arg(long, value_enum)]
    pub theme: Option<ThemeChoice>,

    /// Columns of the output [default: those of the terminal]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(20..=10_000))]
    pub width: Option<u16>,

    /// Carriers of the lines: auto, none, or transports that `pretty formats` lists, or of pretty.toml
    /// [default: auto]
    #[arg(long, value_name = "LIST")]
    pub transport: Option<String>,

    /// auto, a format that `pretty formats` lists, a file of one (racks.toml), or a regular expression
    /// with the groups time, level, topic, peer, msg [default: auto]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,

    /// Sentences that tell states and messages: auto, none, a dialect that `pretty formats` lists, or a
    /// file of one [default: auto]
    #[arg(long, value_name = "NAME")]
    pub dialect: Option<String>,

    /// Place where peers are named: auto, field:NAME, prefix (of a container or pod), file (its name),
    /// or a regular expression with one group [default: auto]
    #[arg(long, value_name = "PLACE", value_parser = PeerFrom::parse)]
    pub peer_from: Option<PeerFrom>,

    /// Show only events of this level and above: trace, debug, info, warn, error, fatal
    #[arg(short = 'l', long, value_name = "LEVEL")]
    pub level: Option<Level>,

    /// Zone of the time column in logs with dates: local, utc, +02:00, Europe/Berlin [default: local]
    #[arg(long, value_name = "ZONE")]
    pub tz: Option<String>,

    /// Add to the times of a file whose clock was wrong [example: n2.log=-1.2s]
    #[arg(long, value_name = "FILE=±D", action = ArgAction::Append, value_parser = shift)]
    #[arg(allow_hyphen_values = true)]
    pub shift: Vec<Shift>,

    /// For each shape of line tell how many there are, what is read from one, and by which layers
    #[arg(long, conflicts_with_all = ["tui", "follow", "export"])]
    pub explain: bool,

    /// Unit of whole-number times [example: 10ms]
    #[arg(long, value_name = "DURATION")]
    pub tick: Option<Tick>,

    /// Show the output in a pager, on a terminal; without a COMMAND in `less -RF`
    #[arg(long, value_name = "COMMAND", env = "PRETTY_PAGER", hide_env_values = true)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = PAGER)]
    pub pager: Option<String>,

    /// The same as the command `formats`
    #[arg(long, hide = true)]
    pub formats: bool,

    /// Read only this file of settings
    #[arg(long, value_name = "FILE", conflicts_with = "no_config")]
    pub config: Option<PathBuf>,

    /// Read no settings
    #[arg(long)]
    pub no_config: bool,

    /// Print all settings with their documentation, and the files that are read
    #[arg(long)]
    pub print_config: bool,

    /// Print the manual page, or the completions of a shell
    #[arg(long, value_name = "KIND", value_enum)]
    pub generate: Option<Generate>,
}

/// Commands.
#[derive(Clone, Debug, PartialEq, Eq, clap::Subcommand)]
pub enum Command {
    /// List the transports, formats and dialects, each with a line of it; those that are not built in
    /// with the file they come from
    #[command(after_help = FORMATS_HELP)]
    Formats {
        /// Read files of formats and dialects, and check the samples in them
        #[arg(long, value_name = "FILE", num_args = 1..)]
        check: Vec<PathBuf>,
    },
}

const FORMATS_HELP: &str = "\
Examples:
  pretty formats                          all there are
  pretty formats --check racks.toml       the samples of a format or dialect of one's own
  pretty formats --check racks.toml house.toml   a dialect whose log is in a format of one's own
  pretty app.log --format racks.toml      that format alone
  pretty app.log --dialect racks.toml     that dialect alone

A file of a format has tables [[record]], [[transport]], [[head]], [[subject]], [keys] and [[sample]];
one of a dialect has [[state]], [[message]], [roles] and [[sample]]: the words of `pretty/formats` and
`pretty/dialects`. `pretty.toml` names such files in [formats] and [dialects].";

/// The default pager: keeps colours, and ends by itself when everything fits the screen.
pub(super) const PAGER: &str = "less -RF";

const EXAMPLES: &str = "\
Examples:
  go test -run 2B | pretty              columns while the test runs
  pretty raft.log -j vote,term,lead     elections only
  pretty raft.log -s 1.2s -u 1.5s -g 'term=7\\b'
  pretty raft.log --peers 0-6 -v heartbeat
  pretty --pager raft.log               page by page
  pretty -f <(kubectl logs -f etcd-0) <(kubectl logs -f etcd-1)
  pretty raft.log --export html > raft.html
  pretty raft.log -s 1.2s -u 1.5s --export svg > election.svg
  pretty --tui run-1.log.gz run-2.log   merged by time, to scroll and search
  pretty formats                        all transports, formats and dialects, with samples
  pretty app.log --format '^(?<time>[\\d.]+) (?<peer>\\w+) (?<topic>\\w+): (?<msg>.*)'

Times without a unit are read as in the time column; its unit is in the header: 10ms for
`000123 | VOTE | 1 | text`, 100us for `000123 VOTE S1 text`, ms for times with a point.
Lines that are not events, such as test results and panics, pass every filter.
Settings (colours, formats, rules, keys, defaults): `pretty --print-config > pretty.toml`.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_option_has_help() {
        for argument in Cli::command().get_arguments() {
            let id = argument.get_id();
            assert!(argument.get_help().is_some(), "{id}: add a `///` line above the field of Cli");
        }
    }

    #[test]
    fn the_help() {
        let help = Cli::command().term_width(100).render_help().to_string();
        insta::assert_snapshot!(help);
    }

    /// Aliases and scripts put options before those a user adds.
    #[test]
    fn of_an_option_given_twice_the_later_one_counts() {
        for (option, first, second) in [
            ("width", "40", "50"),
            ("columns", "3", "auto"),
            ("theme", "dark", "light"),
            ("since", "1s", "2s"),
            ("grep", "a", "b"),
            ("format", "json", "logfmt"),
            ("tick", "1ms", "10ms"),
            ("pager", "less", "more"),
        ] {
            let typed = [first, second].map(|value| format!("--{option}={value}"));
            let words = ["pretty".to_owned()].into_iter().chain(typed);
            let matches = Cli::command().try_get_matches_from(words).unwrap();
            let values = matches.get_raw(option).unwrap();
            assert_eq!(values.collect::<Vec<_>>(), [second], "--{option}");
        }
        let color = |typed: &str| Cli::try_parse_from(typed.split(' ')).unwrap();
        let last = color("pretty --no-color --color 16");
        assert_eq!((last.no_color, last.color), (false, Some(ColorChoice::Ansi16)));
        assert!(color("pretty --color 16 --no-color").no_color);
        let appended = color("pretty -j vote -j lead --peers 1 --peers 2");
        assert_eq!((appended.just.len(), appended.peers.len()), (2, 2));
    }
}
