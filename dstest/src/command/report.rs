//! `dstest report`, `dstest resume` and `dstest prune`: what becomes of stored campaigns.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::exports;
use super::project::store_of;
use super::recorder::CommandHints;
use super::session::Session;
use super::stored::{LogDir, ReplaySpec, Stored, took};
use crate::cli::{LocationArgs, PruneArgs, ReportArgs, ResumeArgs, StoredShowArgs};
use crate::duration;
use crate::error::Error;
use crate::exit::Exit;
use crate::export::json::Document;
use crate::plan::{Budget, Columns, Keep, Order, Rounds};
use crate::run::{Schedule, Shard};
use crate::signals::Interrupts;
use crate::store::{Removal, Retention, StoreError};
use crate::style::Paint;
use crate::{summary, view};

/// Shows a stored campaign again, from its events alone.
pub(super) fn report(args: &ReportArgs) -> Result<Exit, Error> {
    let store = store_of(&args.location)?;
    show(&Stored::open(&store, args.run.as_deref())?, &args.show, &args.location)
}

/// Shows a campaign from its events, and writes the exports.
pub(super) fn show(
    stored: &Stored,
    args: &StoredShowArgs,
    location: &LocationArgs,
) -> Result<Exit, Error> {
    let (tally, covered_s) = stored.tally()?;
    let hints = CommandHints::new(&stored.dir, location.store.output.as_deref());
    let columns = Columns::new(&args.columns);
    let paint = Paint::choose(location.store.color, &std::io::stdout());
    let name = |test: usize| tally.tests()[test].name.as_str();
    let mut text = summary::table(&tally, columns, paint);
    text.push_str(&summary::conclusions(&tally, paint, |test, iter| {
        hints.replay(name(test), iter)
    }));
    text.push_str(&summary::coverage(&tally, columns, paint));
    let (runs, took) = (summary::runs(tally.ended()), took(covered_s));
    let (seed, dir) = (stored.file.seed, hints.dir());
    text.push_str(
        &summary::load(&tally, covered_s, stored.file.cores, columns).unwrap_or_default(),
    );
    text.push_str(&format!("{runs} in {took}, seed {seed}; results in {dir}\n"));
    view::print(&text);
    let document = Document::new(stored.head(&tally, covered_s), &tally);
    exports::write(&args.exports, &document, &tally, columns)?;
    Ok(if tally.failed() > 0 { Exit::SomeFailed } else { Exit::Success })
}

/// Runs what a campaign has left undone, with the same programs and seeds, into the same directory.
pub(super) fn resume(args: &ResumeArgs, interrupts: &Interrupts) -> Result<Exit, Error> {
    let output = args.location.store.output.as_deref();
    let stored = Stored::open(&store_of(&args.location)?, args.run.as_deref())?;
    let count = args.iterations.or(stored.file.iterations).and_then(NonZeroU32::new);
    let rounds = Rounds::Fixed(count.ok_or_else(|| {
        StoreError::Unsuitable("the campaign had no fixed number of runs: say one with -n".into())
    })?);
    let done = stored.done()?;
    let (tests, order) = (stored.file.tests.len(), Order::Interleaved);
    let shard = stored.file.shard.as_deref().and_then(Shard::parse).unwrap_or(Shard::WHOLE);
    let campaign = stored.campaign(ReplaySpec {
        verbose: None,
        seeds: None,
        keep: if stored.file.archive { Keep::Everything } else { Keep::Failures },
        log_dir: LogDir::Campaign,
    })?;
    let mut tally = crate::tally::Tally::new(campaign.tests.iter().map(|test| test.name.clone()));
    stored.each(|test, record| {
        if done.contains(&(test, record.iter.number())) {
            tally.record(test, &record);
        }
    })?;
    let session = Session {
        hints: CommandHints::new(&stored.dir, output),
        seed: stored.file.seed,
        started: stored.file.started,
        schedule: Schedule::partly(tests, rounds, order, done, shard),
        budget: Budget { rounds, duration: None, max_fail: None },
        workers: args.workers.unwrap_or(stored.file.workers) as usize,
        columns: Columns::default(),
        color: args.location.store.color,
        exports: &args.exports,
        known_times: vec![0.0; tests],
        cores: stored.file.cores,
        tally,
        campaign: Arc::new(campaign),
        dir: stored.dir,
    };
    session.run(interrupts)
}

/// Removes old campaigns, and the programs that none is left to use.
pub(super) fn prune(args: &PruneArgs) -> Result<Exit, Error> {
    let limits = Retention { campaigns: args.keep, bytes: args.max_size, age: args.max_age };
    let removal = if args.dry_run { Removal::DryRun } else { Removal::Real };
    let pruned = store_of(&args.location)?.prune(limits, removal)?;
    let verb = if args.dry_run { "would remove" } else { "removed" };
    let (runs, programs) = (count(pruned.campaigns, "campaign"), count(pruned.programs, "program"));
    let (bytes, kept) = (size_in_words(pruned.bytes), count(pruned.kept, "campaign"));
    let (days, room) = (duration::human(args.max_age), size_in_words(args.max_size));
    view::print(&format!(
        "{verb} {runs} and {programs} ({bytes}); kept {kept} (at most {}, {room}, {days} old)\n",
        args.keep
    ));
    Ok(Exit::Success)
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn size_in_words(bytes: u64) -> String {
    let units = [(1_u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = units.into_iter().find(|(unit, _)| bytes >= *unit);
    unit.map_or_else(
        || format!("{bytes} bytes"),
        |(unit, name)| format!("{:.1} {name}", bytes as f64 / unit as f64),
    )
}
