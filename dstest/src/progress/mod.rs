//! Progress of a running campaign.
//!
//! A view has its own thread: when its output is not read, only it waits, and limits and interrupts
//! are still honoured. Results go to standard output, progress to standard error.

mod display;
mod estimate;
mod failure;
mod live;
mod plain;

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

pub(crate) use self::display::ViewContext;

use self::display::{Display, Moment};
use crate::report::tally::Tally;
use crate::text::console::is_live;

pub(crate) use self::estimate::rate;
pub(crate) use failure::{FailureReport, FixedReport, Novelty};

/// A message to the view; everything else it reads from the tally when it draws.
#[derive(Debug)]
pub(crate) enum Notice {
    /// A run failed.
    Failure(FailureReport),
    /// A run passed that failed in the campaign before.
    Fixed(FixedReport),
    /// The runs that are running, by name, the longest first.
    Running {
        /// Name and time.
        runs: Vec<(String, Duration)>,
        /// Runs that will not be started.
        left_out: u64,
    },
    /// A line for standard output.
    Line(String),
    /// A line for standard error.
    Note(String),
    /// The campaign is about to be suspended: the terminal is to be restored.
    Suspend(Sender<()>),
    /// The campaign continues after this time.
    Resume(Duration),
}

/// A tally that the dispatcher's side writes and the view reads.
#[derive(Debug, Clone)]
pub(crate) struct SharedTally(Arc<Mutex<Tally>>);

impl SharedTally {
    /// Shares a tally.
    #[must_use]
    pub(crate) fn new(tally: Tally) -> Self {
        Self(Arc::new(Mutex::new(tally)))
    }

    /// The tally, for a moment.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running view.
#[derive(Debug)]
pub(crate) struct View {
    notices: Sender<Notice>,
    thread: JoinHandle<()>,
}

impl View {
    /// Starts a view: live where standard error is a terminal, lines otherwise.
    ///
    /// # Errors
    /// If the system refuses the thread.
    pub(crate) fn start(context: ViewContext, tally: SharedTally) -> io::Result<Self> {
        let (notices, inbox) = mpsc::channel();
        let thread = thread::Builder::new().name("view".to_owned()).spawn(move || {
            if is_live(context.color) {
                watch(&mut live::Live::new(context), &inbox, &tally);
            } else {
                watch(&mut plain::Plain::new(context), &inbox, &tally);
            }
        })?;
        Ok(Self { notices, thread })
    }

    /// Sends a message to the view. The campaign continues without a view that has failed.
    pub(crate) fn send(&self, notice: Notice) {
        let _ = self.notices.send(notice);
    }

    /// Restores the terminal for a while, without waiting for a view that is blocked.
    pub(crate) fn suspend(&self) {
        let (done, is_done) = mpsc::channel();
        self.send(Notice::Suspend(done));
        let _ = is_done.recv_timeout(SUSPEND_WAIT_MAX);
    }

    /// Ends the view; nothing of it is left on the screen but what it printed.
    pub(crate) fn finish(self) {
        drop(self.notices);
        // A view that panicked has nothing more to show; the results do not depend on it.
        let _ = self.thread.join();
    }
}

fn watch<D: Display>(display: &mut D, inbox: &Receiver<Notice>, tally: &SharedTally) {
    let mut started = Instant::now();
    let mut next = started + D::INTERVAL;
    let (mut running, mut left_out) = (Vec::new(), 0);
    loop {
        match inbox.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Ok(Notice::Failure(failure)) => display.print(&failure.text(display.paint())),
            Ok(Notice::Fixed(fixed)) => display.print(&fixed.text(display.paint())),
            Ok(Notice::Running { runs, left_out: count }) => (running, left_out) = (runs, count),
            Ok(Notice::Line(line)) => display.print(&line),
            Ok(Notice::Note(line)) => display.note(&line),
            Ok(Notice::Suspend(done)) => {
                display.suspend();
                let _ = done.send(());
            }
            Ok(Notice::Resume(paused)) => {
                display.resume();
                started += paused;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if next <= Instant::now() {
            let now = Moment { elapsed: started.elapsed(), running: &running, left_out };
            display.tick(&tally.lock(), now);
            next = Instant::now() + D::INTERVAL;
        }
    }
    display.clear();
}

/// Long enough for a view that is not blocked to clear its lines.
const SUSPEND_WAIT_MAX: Duration = Duration::from_millis(300);
