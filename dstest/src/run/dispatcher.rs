//! The dispatcher: starts the workers, enforces limits, handles signals, and passes records on.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::campaign::Campaign;
use super::event::{ExpectedDuration, Message, Observer, Outcome, RunEvent, Stop};
use super::scratch_dir::ScratchDir;
use super::state::{CampaignState, SharedState};
use super::stop::Escalation;
use super::worker::Worker;
use crate::plan::Budget;
use crate::process::signals::{self, Interrupts, Listener, Request};
use crate::process::survivors::EscapedProcesses;
use crate::schedule::Schedule;
use crate::store::LiveDir;

/// The options of [`dispatch`], apart from the campaign itself.
pub struct DispatchOptions<'a> {
    /// The runs and their order.
    pub schedule: Schedule,
    /// The end.
    pub budget: Budget,
    /// Processes at once.
    pub workers: usize,
    /// The expected duration of each test.
    pub expected_duration: ExpectedDuration,
    /// The directory of running runs.
    pub live: &'a LiveDir,
}

/// Runs a whole campaign and reports what happens to `observer`.
///
/// # Errors
/// If the system refuses the threads. Runs that cannot be started are records, not errors.
pub fn dispatch(
    campaign: &Arc<Campaign>,
    options: DispatchOptions<'_>,
    interrupts: &Interrupts,
    observer: &mut dyn Observer,
) -> io::Result<Outcome> {
    let escaped = Arc::new(EscapedProcesses::watch());
    let live = options.live.path().to_owned();
    let state =
        SharedState::new(CampaignState::new(campaign, live, options.schedule, options.budget));
    let started = state.lock().started();
    let (messages, inbox) = mpsc::channel();
    interrupts.forward_to_campaign(listener(messages.clone()));
    // Every worker is known to the state before the first one takes a job.
    let groups: Vec<_> = (0..options.workers).map(|_| state.lock().add_slot()).collect();
    for (slot, group) in groups.into_iter().enumerate() {
        let worker = Worker {
            slot,
            campaign: Arc::clone(campaign),
            state: state.clone(),
            group,
            escaped: Arc::clone(&escaped),
            scratch: ScratchDir::new(options.live, slot),
            started,
            expected_duration: Arc::clone(&options.expected_duration),
        };
        spawn(worker, &messages)?;
    }
    listen(&state, &inbox, options.workers, observer);
    interrupts.keep();
    late_requests(&inbox, interrupts);
    let stop = state.lock().stop();
    let state = state.lock();
    let (wall, left_out) = (state.elapsed(), state.left_out());
    let ended = escaped.end_all();
    if ended > 0 {
        let _ = observer.event(&RunEvent::EscapedProcesses { ended });
    }
    Ok(Outcome { stop, wall, left_out })
}

/// Handles what the user asked of a campaign whose last worker had just exited.
fn late_requests(inbox: &Receiver<Message>, interrupts: &Interrupts) {
    for message in inbox.try_iter() {
        match message {
            Message::User(Request::Suspend) => signals::suspend_process(),
            Message::User(Request::Interrupt) => interrupts.postpone(),
            // A cancellation holds until the next campaign.
            Message::User(Request::Cancel)
            | Message::Finished { .. }
            | Message::Round { .. }
            | Message::WorkerExited => {}
        }
    }
}

/// Puts the user's requests among the messages of workers.
fn listener(messages: Sender<Message>) -> Listener {
    Box::new(move |request| messages.send(Message::User(request)).is_ok())
}

fn spawn(worker: Worker, messages: &Sender<Message>) -> io::Result<()> {
    let messages = messages.clone();
    thread::Builder::new()
        .name(format!("worker-{}", worker.slot))
        .stack_size(WORKER_STACK_BYTES)
        .spawn(move || worker.work(&messages))?;
    Ok(())
}

/// Passes messages of workers and signals on until every worker has exited.
fn listen(
    state: &SharedState,
    inbox: &Receiver<Message>,
    mut workers: usize,
    to: &mut dyn Observer,
) {
    let mut enforced = Instant::now();
    let mut reported = enforced;
    while workers > 0 {
        let wait = state.lock().wait();
        let mut reaction = match inbox.recv_timeout(wait) {
            Ok(Message::Finished { test, record }) => {
                to.event(&RunEvent::Finished { test, record: &record })
            }
            Ok(Message::Round { iterations }) => to.event(&RunEvent::Round { iterations }),
            Ok(Message::WorkerExited) => {
                workers -= 1;
                CONTINUE
            }
            Ok(Message::User(Request::Interrupt)) => interrupt(state, to),
            Ok(Message::User(Request::Suspend)) => suspend(state, to),
            Ok(Message::User(Request::Cancel)) => {
                state.lock().end(Stop::OutOfDate);
                CONTINUE
            }
            // The signal handler keeps a sender, so the channel never closes.
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => CONTINUE,
        };
        if reported.elapsed() >= RUNNING_INTERVAL {
            reported = Instant::now();
            let (runs, left_out) = state.lock().running();
            let running = to.event(&RunEvent::Running { runs: &runs, left_out });
            reaction = if reaction.is_break() { reaction } else { running };
        }
        if let ControlFlow::Break(reason) = reaction {
            state.lock().end(reason);
        }
        if enforced.elapsed() >= ENFORCE_INTERVAL {
            state.lock().enforce();
            enforced = Instant::now();
        }
    }
}

fn interrupt(state: &SharedState, to: &mut dyn Observer) -> ControlFlow<Stop> {
    let escalation = state.lock().interrupt();
    match escalation {
        Escalation::Terminated(running) => to.event(&RunEvent::Interrupted { running }),
        Escalation::Killed => CONTINUE,
    }
}

/// Stops every run and dstest itself until SIGCONT, as `fg` sends it.
fn suspend(state: &SharedState, to: &mut dyn Observer) -> ControlFlow<Stop> {
    let reaction = to.event(&RunEvent::Suspended);
    let mut state = state.lock();
    let since = Instant::now();
    state.pause();
    signals::suspend_process();
    let paused = since.elapsed();
    state.resume(paused);
    drop(state);
    match reaction {
        ControlFlow::Break(_) => reaction,
        ControlFlow::Continue(()) => to.event(&RunEvent::Resumed { paused }),
    }
}

const CONTINUE: ControlFlow<Stop> = ControlFlow::Continue(());

/// A worker's frames are small; the log buffer of 32 KiB is its largest.
const WORKER_STACK_BYTES: usize = 256 * 1024;

/// The interval of reports on what is running.
const RUNNING_INTERVAL: Duration = Duration::from_millis(500);

/// The interval of limit checks while messages arrive.
const ENFORCE_INTERVAL: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupt_just_after_the_last_run_is_that_of_the_next_campaign() {
        let interrupts = Interrupts::without_handler();
        let (messages, inbox) = mpsc::channel();
        messages.send(Message::User(Request::Interrupt)).unwrap();
        late_requests(&inbox, &interrupts);
        interrupts.forward_to_campaign(listener(messages));
        assert!(matches!(inbox.try_recv(), Ok(Message::User(Request::Interrupt))));
    }
}
