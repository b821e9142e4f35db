//! The dispatcher: starts the workers, enforces limits, hears signals, and passes records on.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::core::{Core, Shared, Urgency};
use super::desk::Desk;
use super::schedule::Schedule;
use super::worker::Worker;
use super::{Campaign, Message, RunEvent};
use crate::live::LiveFolder;
use crate::orphans::Orphans;
use crate::plan::Budget;
use crate::signals::{self, Interrupts};

/// Why a campaign ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Everything planned was run.
    Complete,
    /// The time of `--for` was over.
    Time,
    /// As many runs had failed as were to.
    Failures,
    /// So many runs in a row could not be started that none will be.
    Obstacle,
    /// What happens can no longer be recorded.
    Unrecorded,
    /// The user interrupted it.
    Interrupted,
}

impl Stop {
    /// Whether runs that were under way have been ended.
    #[must_use]
    pub const fn is_sudden(self) -> bool {
        match self {
            Self::Complete | Self::Time | Self::Failures | Self::Obstacle => false,
            Self::Unrecorded | Self::Interrupted => true,
        }
    }
}

/// How a campaign went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Why it ended.
    pub stop: Stop,
    /// How long it took.
    pub wall: Duration,
}

/// Whoever wants to know what happens.
pub trait Observer {
    /// Something happened. With `Break` nothing more is run: what is under way is ended.
    fn event(&mut self, event: &RunEvent<'_>) -> ControlFlow<()>;
}

/// The expected duration of a test in seconds, by its index; 0 if nothing is known.
pub type Expectation = Arc<dyn Fn(usize) -> f64 + Send + Sync>;

/// How a campaign is run, apart from what each run is.
pub struct Orders<'a> {
    /// Which runs, in which order.
    pub schedule: Schedule,
    /// When to stop.
    pub budget: Budget,
    /// How many processes at once.
    pub workers: usize,
    /// How long tests take, as far as is known.
    pub expectation: Expectation,
    /// Where runs that are under way have their files.
    pub live: &'a LiveFolder,
}

/// Runs a whole campaign and reports what happens to `observer`.
///
/// # Errors
/// If the system refuses the threads. Runs that cannot be started are records, not errors.
pub fn dispatch(
    campaign: &Arc<Campaign>,
    orders: Orders<'_>,
    interrupts: &Interrupts,
    observer: &mut dyn Observer,
) -> io::Result<Outcome> {
    let orphans = Arc::new(Orphans::watch());
    let live = orders.live.path().to_owned();
    let core = Shared::new(Core::new(campaign, live, orders.schedule, orders.budget));
    let started = core.lock().started();
    let (messages, inbox) = mpsc::channel();
    interrupts.forward_to_dispatcher(messages.clone());
    // Every worker is known to the core before the first one takes a job.
    let leashes: Vec<_> = (0..orders.workers).map(|_| core.lock().add_slot()).collect();
    for (slot, leash) in leashes.into_iter().enumerate() {
        let worker = Worker {
            slot,
            campaign: Arc::clone(campaign),
            core: core.clone(),
            leash,
            orphans: Arc::clone(&orphans),
            desk: Desk::new(orders.live, slot),
            started,
            expectation: Arc::clone(&orders.expectation),
        };
        spawn(worker, &messages)?;
    }
    listen(&core, &inbox, orders.workers, observer);
    let stop = core.lock().stop();
    let wall = core.lock().elapsed();
    let strays = orphans.end_all();
    if strays > 0 {
        let _ = observer.event(&RunEvent::Strays { ended: strays });
    }
    Ok(Outcome { stop, wall })
}

fn spawn(worker: Worker, messages: &Sender<Message>) -> io::Result<()> {
    let messages = messages.clone();
    thread::Builder::new()
        .name(format!("worker-{}", worker.slot))
        .stack_size(WORKER_STACK_BYTES)
        .spawn(move || worker.work(&messages))?;
    Ok(())
}

/// Passes on what workers and signals say until every worker has gone home.
fn listen(core: &Shared, inbox: &Receiver<Message>, mut workers: usize, to: &mut dyn Observer) {
    let mut enforced = Instant::now();
    while workers > 0 {
        let patience = core.lock().patience();
        let reaction = match inbox.recv_timeout(patience) {
            Ok(Message::Finished { test, record }) => {
                to.event(&RunEvent::Finished { test, record: &record })
            }
            Ok(Message::Round { iterations }) => to.event(&RunEvent::Round { iterations }),
            Ok(Message::Home) => {
                workers -= 1;
                GO_ON
            }
            Ok(Message::Interrupt) => interrupt(core, to),
            Ok(Message::Suspend) => suspend(core, to),
            // The signal handler keeps a sender, so the channel never closes.
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => GO_ON,
        };
        if reaction.is_break() {
            core.lock().give_up();
        }
        if enforced.elapsed() >= ENFORCE_INTERVAL {
            core.lock().enforce();
            enforced = Instant::now();
        }
    }
}

fn interrupt(core: &Shared, to: &mut dyn Observer) -> ControlFlow<()> {
    let urgency = core.lock().interrupt();
    match urgency {
        Urgency::Asked(running) => to.event(&RunEvent::Interrupted { running }),
        Urgency::Killed => GO_ON,
    }
}

/// Stands still with every run until somebody lets dstest go on (SIGCONT, as `fg` sends it).
fn suspend(core: &Shared, to: &mut dyn Observer) -> ControlFlow<()> {
    let reaction = to.event(&RunEvent::Suspended);
    let mut core = core.lock();
    let since = Instant::now();
    core.pause();
    signals::stand_still();
    let paused = since.elapsed();
    core.go_on(paused);
    drop(core);
    match reaction {
        ControlFlow::Break(()) => reaction,
        ControlFlow::Continue(()) => to.event(&RunEvent::Resumed { paused }),
    }
}

const GO_ON: ControlFlow<()> = ControlFlow::Continue(());

/// A worker's frames are small; the log buffer of 32 KiB is its largest.
const WORKER_STACK_BYTES: usize = 256 * 1024;

/// While messages pour in, limits are looked at this often; they are in tenths of a second.
const ENFORCE_INTERVAL: Duration = Duration::from_millis(5);
