//! Values of options that have a form of their own.

use std::fmt;

use crate::bisect::{Rate, Rates, good_rate};
use crate::engine::{EngineError, EngineShare};
use crate::shard::Shard;

/// A share of the iterations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShardArg {
    /// As typed.
    Given(Shard),
    /// The share of the engine that runs dstest.
    OfEngine(Result<EngineShare, EngineError>),
}

impl fmt::Display for ShardArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(shard) => shard.fmt(f),
            Self::OfEngine(_) => f.write_str("auto"),
        }
    }
}

/// Reads a share of the iterations: `2/4`, or `auto` for that of the engine.
pub(super) fn parse_shard(text: &str) -> Result<ShardArg, &'static str> {
    if text == "auto" {
        return Ok(ShardArg::OfEngine(EngineShare::find(|name| std::env::var(name).ok())));
    }
    let shard = Shard::parse(text).map(ShardArg::Given);
    shard.ok_or("not a share: write I/M with 1 <= I <= M (2/4), or auto")
}

/// Reads a size in bytes: `64MiB`, `500k`, `1000`.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit = match text[end..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err("not a size: write bytes, or k, M, G (64MiB)".to_owned()),
    };
    let number: u64 = text[..end].parse().map_err(|_| "not a size: no number at its start")?;
    match number.checked_mul(unit) {
        Some(0) => Err("must be above zero".to_owned()),
        Some(size) => Ok(size),
        None => Err("too large".to_owned()),
    }
}

/// Reads the failure rates of good and bad commits: `0.1%..3%`, `0/300..10/330`, or `3%` alone.
pub(super) fn parse_rates(text: &str) -> Result<Rates, &'static str> {
    let (good, bad) = match text.split_once("..") {
        Some((good, bad)) => (Some(parse_rate(good)?), parse_rate(bad)?),
        None => (None, parse_rate(text)?),
    };
    let good = match good {
        Some(Rate::Known(rate)) => rate,
        Some(measured) => good_rate(measured, bad),
        None => good_rate(Rate::Known(0.0), bad),
    };
    if bad.estimate() > good {
        Ok(Rates { good, bad })
    } else {
        Err("bad commits must fail more often than good ones: write GOOD..BAD (0.1%..3%)")
    }
}

/// Reads a rate: `3%`, `0.03`, or `10/330` as measured.
fn parse_rate(text: &str) -> Result<Rate, &'static str> {
    let not_a_rate = "not a rate: write 3%, 0.03, or FAILED/RUNS (10/330)";
    if let Some((failed, runs)) = text.split_once('/') {
        let failed = failed.trim().parse().map_err(|_| not_a_rate)?;
        let runs = runs.trim().parse().map_err(|_| not_a_rate)?;
        let is_rate = failed <= runs && (1..=RUNS_MAX).contains(&runs);
        return if is_rate { Ok(Rate::Measured { failed, runs }) } else { Err(not_a_rate) };
    }
    let (number, unit) = match text.trim().strip_suffix('%') {
        Some(number) => (number, 100.0),
        None => (text, 1.0),
    };
    let rate = number.trim().parse::<f64>().map_err(|_| not_a_rate)? / unit;
    if (0.0..=1.0).contains(&rate) { Ok(Rate::Known(rate)) } else { Err(not_a_rate) }
}

/// More runs were never made.
const RUNS_MAX: u64 = 1 << 40;

/// Reads a variable and its value: `RUST_BACKTRACE=1`; the value may be empty.
pub(super) fn parse_variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("not a variable: write NAME=VALUE")?;
    Ok((parse_variable_name(name)?, value.to_owned()))
}

/// Reads the name of a variable that dstest does not set itself.
pub(super) fn parse_variable_name(name: &str) -> Result<String, String> {
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !starts_well || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(format!("`{name}` is not the name of a variable"));
    }
    match name {
        "DSTEST_SEED" => Err("set by dstest for each run; use --seed".to_owned()),
        "DSTEST_ITER" | "DSTEST_ATTEMPT" | "DSTEST_RUN_DIR" | "DSTEST_SLOT" => {
            Err("set by dstest for each run".to_owned())
        }
        _ => Ok(name.to_owned()),
    }
}

/// The words of a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words(pub Vec<String>);

/// Reads a command line as a shell would, without its expansions; an empty one means none.
pub(super) fn parse_words(text: &str) -> Result<Words, &'static str> {
    shlex::split(text).map(Words).ok_or("a quotation mark is not closed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables() {
        let rows = [
            ("WORLD=real", Ok(("WORLD", "real"))),
            ("_a1=x=y", Ok(("_a1", "x=y"))),
            ("EMPTY=", Ok(("EMPTY", ""))),
            ("WORLD", Err("write NAME=VALUE")),
            ("=real", Err("`` is not the name")),
            ("1A=real", Err("`1A` is not the name")),
            ("A B=real", Err("`A B` is not the name")),
            ("DSTEST_SEED=1", Err("--seed")),
            ("DSTEST_RUN_DIR=/tmp", Err("set by dstest")),
            ("DSTEST_SLOT=1", Err("set by dstest")),
        ];
        for (text, want) in rows {
            match (parse_variable(text), want) {
                (Ok((name, value)), Ok(want)) => assert_eq!((&*name, &*value), want, "{text}"),
                (Err(message), Err(part)) => assert!(message.contains(part), "{message}"),
                (got, want) => panic!("{text}: {got:?}, not {want:?}"),
            }
        }
    }

    #[test]
    fn command_lines() {
        let words = |text| parse_words(text).map(|Words(words)| words.join("|"));
        assert_eq!(
            words("rr record -o '{run_dir}/r r'").as_deref(),
            Ok("rr|record|-o|{run_dir}/r r")
        );
        assert_eq!(words("").as_deref(), Ok(""));
        assert!(words("rr 'record").is_err());
    }

    #[test]
    fn sizes() {
        let rows = [
            ("64MiB", Some(64 << 20)),
            ("500k", Some(500 << 10)),
            ("7", Some(7)),
            ("0", None),
            ("", None),
            ("1x", None),
            ("99999999999G", None),
        ];
        for (text, want) in rows {
            assert_eq!(parse_size(text).ok(), want, "{text}");
        }
    }
}
