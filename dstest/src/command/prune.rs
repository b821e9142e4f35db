//! `dstest prune`: removes old campaigns.

use super::location::store_of;
use crate::cli::PruneArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::store::{Removal, Removed, Retention};
use crate::text::{console, duration, shell, sink, size};

/// Removes old campaigns, and the programs that none is left to use.
pub(super) fn run(args: &PruneArgs) -> Result<Exit, Error> {
    let limits = Retention { campaigns: args.keep, bytes: args.max_size, age: args.max_age };
    let removal = if args.dry_run { Removal::DryRun } else { Removal::Real };
    let pruned = store_of(&args.location)?.prune(limits, removal)?;
    let mut text = String::new();
    if args.dry_run {
        for Removed { path, bytes } in pruned.campaigns.iter().chain(&pruned.programs) {
            text.push_str(&format!(
                "{:>10}  {}\n",
                size::human(*bytes),
                sink::screen(&shell::relative(path))
            ));
        }
    }
    let verb = if args.dry_run { "would remove" } else { "removed" };
    let campaigns = count(pruned.campaigns.len(), "campaign");
    let programs = count(pruned.programs.len(), "program");
    let (bytes, kept) = (size::human(pruned.bytes()), count(pruned.kept, "campaign"));
    let (days, room) = (duration::human(args.max_age), size::human(args.max_size));
    text.push_str(&format!(
        "{verb} {campaigns} and {programs} ({bytes}); kept {kept} (at most {}, {room}, {days} old)\n",
        args.keep
    ));
    console::print(&text);
    if let Some(reason) = &pruned.programs_kept {
        console::warn(&format!("no program was removed: {reason}"));
    }
    for (path, reason) in &pruned.failed {
        console::warn(&format!("cannot remove {}: {reason}", path.display()));
    }
    Ok(if pruned.failed.is_empty() { Exit::Success } else { Exit::Usage })
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
