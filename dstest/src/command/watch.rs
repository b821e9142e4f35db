//! `dstest watch`: a campaign now, and another one after every save.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::archived;
use super::run::{Purpose, Repetition, run_campaign};
use crate::build::{BuildError, Project};
use crate::campaign::{StoredCampaign, cores};
use crate::cli::WatchArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::plan::{Plan, PlanError, patterns};
use crate::process::signals::{Interrupts, Listener, Request, suspend_process};
use crate::seed::Seed;
use crate::store::StoreError;
use crate::text::style::{Paint, TextStyle};
use crate::text::{console, echo, shell, sink};
use crate::watch::{Key, Keys, KnownFailures, Method, Saves, SourceWatcher, Sources};

/// The reason for which a wait ends.
#[derive(Debug)]
enum WakeReason {
    /// Sources have changed.
    Saved,
    /// The user wants another campaign.
    RunAgain,
    /// The user wants no more.
    Quit,
}

/// Runs campaigns until the user ends it.
pub(super) fn run(
    mut args: WatchArgs,
    argv: &[String],
    interrupts: &Interrupts,
) -> Result<Exit, Error> {
    args.run = archived::old_meaning(args.run);
    if args.run.archive.is_some() {
        return Err(PlanError::WatchedArchive.into());
    }
    let args = &args;
    let (wakeups, inbox) = mpsc::channel();
    let (sources, seed) = prepare(args)?;
    let method = if args.poll { Method::Poll } else { Method::System };
    let dir = shell::relative(sources.dir());
    let saves = Arc::new(Mutex::new(Saves::new(sources.dir())));
    let (sender, to_cancel, changes) = (wakeups.clone(), interrupts.clone(), Arc::clone(&saves));
    let _watcher = SourceWatcher::start(sources, method, move |paths| {
        // All under the lock, so that no campaign begins in between and is ended for nothing.
        let mut saves = lock(&changes);
        if saves.add(paths) {
            to_cancel.cancel();
            let _ = sender.send(WakeReason::Saved);
        }
    })?;
    interrupts.group_builds();
    let paint = Paint::choose(args.run.show.store.color, &std::io::stderr());
    let mut known = KnownFailures::default();
    let mut reason = format!("watching {dir}");
    for number in 1_u64.. {
        rule(&format!("{number}: {reason}"), TextStyle::Strong, paint);
        let exit = campaign(args, argv, seed, &mut known, interrupts)?;
        if interrupts.count() > 0 {
            break;
        }
        // Without a verdict, it is out of date already.
        if let Some(exit) = exit {
            lock(&saves).campaign_ended();
            let keys = Keys::take();
            rule(&waiting(exit, keys.is_some()), style(exit), paint);
            match wait(&inbox, &wakeups, keys.as_ref(), interrupts) {
                WakeReason::Quit => return Ok(exit),
                WakeReason::Saved | WakeReason::RunAgain => {}
            }
        }
        let mut saves = lock(&saves);
        interrupts.renew();
        inbox.try_iter().for_each(drop);
        reason = reason_of(&saves.take());
        for file in saves.take_suspects() {
            let file = file.display();
            console::warn(&format!(
                "tests seem to write {file}: its changes no longer end a campaign (--ignore)"
            ));
        }
        drop(saves);
        // Ctrl-C at the end of the wait.
        if interrupts.count() > 0 {
            break;
        }
        console::note("");
    }
    Ok(Exit::Interrupted)
}

fn lock(saves: &Mutex<Saves>) -> MutexGuard<'_, Saves> {
    saves.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The sources to watch, and the seed of all campaigns. Contradictions among the options end it
/// here, since no save can remove them.
fn prepare(args: &WatchArgs) -> Result<(Sources, Seed), Error> {
    let run = &args.run;
    let project = Project::open(&run.target, &run.command, &run.process.env)?;
    let plan = Plan::resolve(run, &project.config, cores())?;
    let ignored = patterns("--ignore", &args.ignore)?;
    let store = project.store(run.show.store.output.as_deref())?;
    let mut own = vec![store.root().to_owned()];
    let exports = &run.show.exports;
    let files = exports.files().into_iter().filter_map(|(_, file)| file.as_ref());
    let exports = files.chain(&exports.export_ci);
    own.extend(exports.filter_map(|file| std::path::absolute(file).ok()));
    let dir = if run.command.is_empty() { &project.root } else { &project.dir };
    Ok((Sources::new(dir, &own, ignored), plan.seed))
}

/// Runs one campaign; `None` if a save has ended it. Errors are printed: the next save may remove
/// them.
fn campaign(
    args: &WatchArgs,
    argv: &[String],
    seed: Seed,
    known: &mut KnownFailures,
    interrupts: &Interrupts,
) -> Result<Option<Exit>, Error> {
    let repetition = Purpose::Repetition(Repetition { seed, known });
    match run_campaign(&args.run, None, argv.to_vec(), repetition, interrupts) {
        Ok((stored, exit)) => {
            known.update(&records(&stored)?);
            Ok((exit != Exit::Interrupted).then_some(exit))
        }
        Err(Error::Build(BuildError::Interrupted)) => Ok(None),
        Err(error) => {
            console::warn(&error.to_string());
            Ok(Some(error.exit()))
        }
    }
}

fn records(stored: &StoredCampaign) -> Result<Vec<crate::record::RunRecord>, StoreError> {
    let mut records = Vec::new();
    stored.each(|_, record| records.push(record))?;
    Ok(records)
}

/// Waits for a save, a key or a signal.
fn wait(
    inbox: &Receiver<WakeReason>,
    wakeups: &Sender<WakeReason>,
    keys: Option<&Keys>,
    interrupts: &Interrupts,
) -> WakeReason {
    interrupts.forward_to_campaign(listener(wakeups.clone()));
    let found = loop {
        match inbox.recv_timeout(if keys.is_some() { KEY_INTERVAL } else { Duration::MAX }) {
            Ok(reason) => break reason,
            Err(RecvTimeoutError::Disconnected) => break WakeReason::Quit,
            Err(RecvTimeoutError::Timeout) => {}
        }
        match keys.and_then(Keys::next) {
            Some(Key::Again) => break WakeReason::RunAgain,
            Some(Key::Quit) => break WakeReason::Quit,
            None => {}
        }
    };
    interrupts.stop_forwarding();
    found
}

/// Ctrl-C while nothing runs is the usual end of a watch.
fn listener(wakeups: Sender<WakeReason>) -> Listener {
    Box::new(move |request| match request {
        Request::Interrupt => wakeups.send(WakeReason::Quit).is_ok(),
        Request::Suspend => {
            let had_keys = echo::restore();
            suspend_process();
            if had_keys {
                echo::take_single_keys();
            }
            true
        }
        Request::Cancel => true,
    })
}

/// The reason for the next campaign: the files saved since the last one began.
fn reason_of(saved: &BTreeSet<PathBuf>) -> String {
    // A new directory comes right before the files in it.
    let mut rest = saved.iter().peekable();
    let mut files = Vec::new();
    while let Some(path) = rest.next() {
        if rest.peek().is_none_or(|next| !next.starts_with(path)) {
            files.push(path.display().to_string());
        }
    }
    match files.as_slice() {
        [] => "run again".to_owned(),
        [file] => format!("{file} saved"),
        [file, others @ ..] => format!("{file} and {} more saved", others.len()),
    }
}

fn waiting(exit: Exit, has_keys: bool) -> String {
    let verdict = match exit {
        Exit::Success => "passed",
        Exit::SomeFailed => "failed",
        Exit::BuildFailed => "build failed",
        Exit::NoTests => "no tests",
        Exit::Differed => "not reproduced",
        Exit::Usage | Exit::Incomplete | Exit::Undecided | Exit::NoStep | Exit::Interrupted => {
            "error"
        }
    };
    let keys = if has_keys { " (Enter: run again, q: quit)" } else { "" };
    format!("{verdict}; waiting for a save{keys}")
}

const fn style(exit: Exit) -> TextStyle {
    if matches!(exit, Exit::Success) { TextStyle::Good } else { TextStyle::Bad }
}

/// Writes a line that separates, with a text in it.
fn rule(text: &str, style: TextStyle, paint: Paint) {
    let text = format!("── {} ", sink::screen(text));
    let rest = RULE_WIDTH.saturating_sub(text.chars().count());
    console::note(&paint.apply(style, &(text + &"─".repeat(rest))));
}

/// The interval of looks at the keyboard, too short to be noticed.
const KEY_INTERVAL: Duration = Duration::from_millis(50);

/// One column less than the narrowest usual terminal.
const RULE_WIDTH: usize = 79;
