//! The dispatcher: starts the workers, enforces limits, hears signals, and passes records on.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::core::{Core, Shared, Urgency};
use super::desk::Office;
use super::schedule::Schedule;
use super::worker::Worker;
use super::{Campaign, Message, RunEvent};
use crate::plan::Budget;
use crate::signals::Interrupts;

/// Why a campaign ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Everything planned was run.
    Complete,
    /// The time of `--for` was over.
    Time,
    /// As many runs had failed as were to.
    Failures,
    /// The user interrupted it.
    Interrupted,
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
    /// Something happened.
    fn event(&mut self, event: &RunEvent<'_>);
}

/// The expected duration of a test in seconds, by its index; 0 if nothing is known.
pub type Expectation = Arc<dyn Fn(usize) -> f64 + Send + Sync>;

/// How a campaign is run, apart from what each run is.
pub struct Orders {
    /// Which runs, in which order.
    pub schedule: Schedule,
    /// When to stop.
    pub budget: Budget,
    /// How many processes at once.
    pub workers: usize,
    /// How long tests take, as far as is known.
    pub expectation: Expectation,
}

/// Runs a whole campaign and reports what happens to `observer`.
///
/// # Errors
/// If the system refuses the threads or the campaign's folder cannot be written. Runs that cannot be started are records, not errors.
pub fn dispatch(
    campaign: &Arc<Campaign>,
    orders: Orders,
    interrupts: &Interrupts,
    observer: &mut dyn Observer,
) -> io::Result<Outcome> {
    let core = Shared::new(Core::new(campaign, orders.schedule, orders.budget));
    let started = core.lock().started();
    let _office = Office::open(&campaign.folder)?;
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
            started,
            expectation: Arc::clone(&orders.expectation),
        };
        spawn(worker, &messages)?;
    }
    listen(&core, &inbox, orders.workers, observer);
    let stop = core.lock().stop();
    Ok(Outcome { stop, wall: started.elapsed() })
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
        match inbox.recv_timeout(patience) {
            Ok(Message::Finished { test, record }) => {
                to.event(&RunEvent::Finished { test, record: &record });
            }
            Ok(Message::Round { iterations }) => to.event(&RunEvent::Round { iterations }),
            Ok(Message::Home) => workers -= 1,
            Ok(Message::Interrupt) => {
                let urgency = core.lock().interrupt();
                if let Urgency::Asked(running) = urgency {
                    to.event(&RunEvent::Interrupted { running });
                }
            }
            // The signal handler keeps a sender, so the channel never closes.
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        if enforced.elapsed() >= ENFORCE_INTERVAL {
            core.lock().enforce();
            enforced = Instant::now();
        }
    }
}

/// A worker's frames are small; the log buffer of 32 KiB is its largest.
const WORKER_STACK_BYTES: usize = 256 * 1024;

/// While messages pour in, limits are looked at this often; they are in tenths of a second.
const ENFORCE_INTERVAL: Duration = Duration::from_millis(5);
