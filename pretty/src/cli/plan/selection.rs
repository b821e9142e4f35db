//! The filters: options of the command line, else those of the settings.

use crate::cli::args::Cli;
use crate::cli::config::{Config, Names};
use crate::filter::{Filter, NameSet};
use crate::parse::Calendar;

/// The settings' topics apply only if the command line names none: `-j timr` must show
/// what is ignored otherwise.
pub(super) fn filter(cli: &Cli, config: &Config, calendar: &Calendar) -> Filter {
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
        not_peers: NameSet::of_peers(cli.not_peers.iter().map(String::as_str)),
        level: cli.level.or(config.level.map(|own| own.0)),
        since: cli.since.map(|since| since.resolve(calendar)),
        until: cli.until.map(|until| until.resolve(calendar)),
        grep: cli.grep.clone(),
        not_grep: cli.not_grep.clone(),
    }
}

fn own(names: &Option<Names>) -> Option<Vec<String>> {
    names.as_ref().map(|names| names.0.clone())
}
