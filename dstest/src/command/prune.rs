//! `dstest prune`: removes old campaigns.

use super::location::store_of;
use crate::cli::PruneArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::store::{Removal, Retention};
use crate::text::{console, duration};

/// Removes old campaigns, and the programs that none is left to use.
pub(super) fn run(args: &PruneArgs) -> Result<Exit, Error> {
    let limits = Retention { campaigns: args.keep, bytes: args.max_size, age: args.max_age };
    let removal = if args.dry_run { Removal::DryRun } else { Removal::Real };
    let pruned = store_of(&args.location)?.prune(limits, removal)?;
    let verb = if args.dry_run { "would remove" } else { "removed" };
    let (runs, programs) = (count(pruned.campaigns, "campaign"), count(pruned.programs, "program"));
    let (bytes, kept) = (size(pruned.bytes), count(pruned.kept, "campaign"));
    let (days, room) = (duration::human(args.max_age), size(args.max_size));
    console::print(&format!(
        "{verb} {runs} and {programs} ({bytes}); kept {kept} (at most {}, {room}, {days} old)\n",
        args.keep
    ));
    Ok(Exit::Success)
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn size(bytes: u64) -> String {
    let units = [(1_u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = units.into_iter().find(|(unit, _)| bytes >= *unit);
    unit.map_or_else(
        || format!("{bytes} bytes"),
        |(unit, name)| format!("{:.1} {name}", bytes as f64 / unit as f64),
    )
}
