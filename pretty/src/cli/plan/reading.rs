//! The reading of lines: format, peers, times, from the command line, else from the settings.

use std::time::{SystemTime, UNIX_EPOCH};

use super::InputSource;
use super::error::PlanError;
use crate::cli::args::Cli;
use crate::cli::config::Config;
use crate::meaning::dialects;
use crate::parse::{
    Calendar, CustomTransport, Format, Parser, ParserSettings, SourceName, Transports, source_names,
};
use crate::suggestion::suggestion;
use crate::time::Time;
use crate::view::DialectChoice;

/// The parser of all inputs.
pub(super) fn parser(
    cli: &Cli,
    config: &Config,
    inputs: &[InputSource],
) -> Result<Parser, PlanError> {
    let names: Vec<_> = inputs.iter().map(InputSource::name).collect();
    let peers = source_names(&names);
    let source = |(name, peer): (&String, String)| {
        let shift = cli.shift.iter().rev().find(|shift| shift.is_of(name));
        SourceName { peer, shift: shift.map_or(0, |shift| shift.nanos) }
    };
    let settings = ParserSettings {
        format: format(cli, config)?,
        transports: transports(cli, config)?,
        tick: cli.tick.or(config.tick),
        calendar: calendar(cli, config)?,
        peer_from: cli.peer_from.clone().or_else(|| config.peer_from.clone()).unwrap_or_default(),
        rename: config.rename(),
        keys: config.fields.clone(),
        levels: config.levels.clone(),
        sources: names.iter().zip(peers).map(source).collect(),
    };
    for shift in &cli.shift {
        if !names.iter().any(|name| shift.is_of(name)) {
            return Err(PlanError::NoSuchFile(shift.file.clone()));
        }
    }
    Ok(Parser::with_settings(settings))
}

/// The zone of the time column, and the present.
pub(super) fn calendar(cli: &Cli, config: &Config) -> Result<Calendar, PlanError> {
    let zone = cli.tz.as_deref().or(config.tz.as_deref()).unwrap_or("local");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let now = Time::from_nanos(i64::try_from(now).unwrap_or(i64::MAX));
    Ok(Calendar::in_zone(zone)?.with_now(now))
}

fn transports(cli: &Cli, config: &Config) -> Result<Transports, PlanError> {
    let own = config.transports();
    let list = cli.transport.as_deref().or(config.transports_wanted()).unwrap_or("auto");
    let names: Vec<_> = list.split([',', ' ']).filter(|name| !name.is_empty()).collect();
    let only = match &names[..] {
        ["auto"] => None,
        ["none"] => Some(Vec::new()),
        _ => Some(names.iter().map(|&name| name.to_owned()).collect()),
    };
    let mut known = vec!["auto", "none"];
    known.extend(own.iter().map(CustomTransport::name));
    known.extend(config.layers().formats.iter().flat_map(|own| own.layer.transports()));
    for name in Transports::names() {
        known.push(name);
    }
    if let Some(name) = names.iter().find(|name| !known.contains(name)) {
        let suggestion = suggestion("transports", name, known.into_iter());
        return Err(PlanError::NoTransport((*name).to_owned(), suggestion));
    }
    Ok(Transports::new(own.clone(), only))
}

/// The dialects that count.
pub(super) fn dialects(cli: &Cli, config: &Config) -> Result<DialectChoice, PlanError> {
    let wanted = cli.dialect.as_deref().or(config.dialect.as_deref()).unwrap_or("auto");
    let mut known: Vec<&str> = dialects::names().collect();
    known.extend(config.layers().dialects.iter().map(|own| &*own.name));
    match (wanted, known.contains(&wanted)) {
        ("auto", _) => Ok(DialectChoice::Any),
        ("none", _) => Ok(DialectChoice::None),
        (_, true) => Ok(DialectChoice::Only(wanted.into())),
        (_, false) => {
            known.extend(["auto", "none"]);
            let suggestion = suggestion("dialects", wanted, known.into_iter());
            Err(PlanError::NoDialect(wanted.to_owned(), suggestion))
        }
    }
}

fn format(cli: &Cli, config: &Config) -> Result<Format, PlanError> {
    let name = cli.format.as_deref().or(config.format.as_deref()).unwrap_or("auto");
    let own = &config.layers().formats;
    if let Some(own) = own.iter().find(|own| *own.name == *name) {
        return Ok(Format::Custom(own.layer.clone()));
    }
    match Format::named(name) {
        Some(Format::Auto) if !own.is_empty() => {
            Ok(Format::AutoAnd(own.iter().map(|own| own.layer.clone()).collect()))
        }
        Some(format) => Ok(format),
        // An expression without a group cannot be a format: a name that is mistyped, most likely.
        None if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            let mut known: Vec<&str> = Format::names().collect();
            known.extend(own.iter().map(|own| &*own.name));
            Err(PlanError::NoFormat(
                name.to_owned(),
                suggestion("formats", name, known.into_iter()),
            ))
        }
        None => Ok(Format::custom(name)?),
    }
}
