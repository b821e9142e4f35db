//! The format and the filters: options of the command line, else those of the settings.

use super::error::PlanError;
use crate::cli::args::Cli;
use crate::cli::config::{Config, Names};
use crate::filter::{Filter, NameSet};
use crate::parse::Format;
use crate::suggestion::suggestion;

pub(super) fn format(cli: &Cli, config: &Config) -> Result<Format, PlanError> {
    let name = cli.format.as_deref().or(config.format.as_deref()).unwrap_or("auto");
    if let Some(own) = config.own_format(name) {
        return Ok(Format::Custom(own.clone()));
    }
    let own = config.own_formats();
    match Format::named(name) {
        Some(Format::Auto) if own.clone().next().is_some() => {
            Ok(Format::AutoAnd(own.map(|(_, custom)| custom.clone()).collect()))
        }
        Some(format) => Ok(format),
        // An expression without a group cannot be a format: a name that is mistyped, most likely.
        None if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            let known = Format::NAMES.into_iter().chain(own.map(|(name, _)| name));
            Err(PlanError::NoFormat(name.to_owned(), suggestion("formats", name, known)))
        }
        None => Ok(Format::custom(name)?),
    }
}

/// The settings' topics apply only if the command line names none: `-j timr` must show
/// what is ignored otherwise.
pub(super) fn filter(cli: &Cli, config: &Config) -> Filter {
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
        since: cli.since,
        until: cli.until,
        grep: cli.grep.clone(),
        not_grep: cli.not_grep.clone(),
    }
}

fn own(names: &Option<Names>) -> Option<Vec<String>> {
    names.as_ref().map(|names| names.0.clone())
}
