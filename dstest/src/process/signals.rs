//! Ctrl-C, SIGTERM and SIGHUP, and their receiver at each stage of dstest.
//!
//! While nothing runs, the first one ends dstest. While a build runs, it is forwarded. While a
//! campaign runs, the dispatcher gets it and decides. Ctrl-Z takes the same way, and so does the
//! cancellation of work that is out of date (`dstest watch`).

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGXFSZ};
use signal_hook::iterator::Signals;

use super::sys::{self, Pid, Signal};
use crate::exit::Exit;
use crate::text::echo;

/// A user's request to a running campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// Ctrl-C, SIGTERM, SIGHUP: end.
    Interrupt,
    /// Ctrl-Z: stop until SIGCONT.
    Suspend,
    /// The sources have changed: end, as the work is out of date.
    Cancel,
}

/// Passes requests on to a campaign; `false` if it has ended.
pub(crate) type Listener = Box<dyn Fn(Request) -> bool + Send>;

/// The receiver of all signals; clones share it.
#[derive(Clone)]
pub struct Interrupts {
    shared: Arc<Shared>,
}

struct Shared {
    count: AtomicU32,
    is_cancelled: AtomicBool,
    /// `true` if build tools run in process groups of their own.
    groups_builds: AtomicBool,
    target: Mutex<Target>,
}

/// The receiver of signals.
enum Target {
    /// None: dstest exits.
    Exit,
    /// A build tool in the foreground.
    Child(Pid),
    /// A build tool in a process group of its own.
    Group(Pid),
    /// A campaign's dispatcher.
    Campaign(Listener),
}

impl Interrupts {
    /// Installs the handler.
    ///
    /// # Errors
    /// If the system refuses the handler or the thread.
    pub fn install() -> io::Result<Self> {
        let shared = Arc::new(Shared {
            count: AtomicU32::new(0),
            is_cancelled: AtomicBool::new(false),
            groups_builds: AtomicBool::new(false),
            target: Mutex::new(Target::Exit),
        });
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGTSTP])?;
        // With a handler, a file that reaches the shell's limit (`ulimit -f`) is an error of the
        // write, and not the end of dstest.
        signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
        let listener = Arc::clone(&shared);
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            signals.forever().for_each(|signal| match signal {
                SIGTSTP => listener.suspend(),
                _ => listener.interrupt(),
            });
        })?;
        Ok(Self { shared })
    }

    /// The number of signals so far.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.shared.count.load(Ordering::SeqCst)
    }

    /// Runs build tools in process groups of their own from now on, so that [`Self::cancel`] ends
    /// them with all their children. Ctrl-C at the terminal reaches them through dstest only.
    pub(crate) fn group_builds(&self) {
        self.shared.groups_builds.store(true, Ordering::SeqCst);
    }

    /// Prepares a build tool for [`Self::forward_to`].
    pub(crate) fn prepare(&self, tool: &mut Command) {
        if self.shared.groups_builds.load(Ordering::SeqCst) {
            tool.process_group(0);
        }
    }

    /// Forwards signals to a build tool.
    pub(crate) fn forward_to(&self, child: u32) {
        let is_grouped = self.shared.groups_builds.load(Ordering::SeqCst);
        let target = if is_grouped { Target::Group } else { Target::Child };
        self.set(Pid::of_child(child).map_or(Target::Exit, target));
    }

    /// Ends the present build or campaign, or the next one until [`Self::renew`] is called.
    pub(crate) fn cancel(&self) {
        let target = self.target();
        self.shared.is_cancelled.store(true, Ordering::SeqCst);
        target.cancel();
    }

    /// `true` after a cancellation.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.shared.is_cancelled.load(Ordering::SeqCst)
    }

    /// Lets the next build or campaign run.
    pub(crate) fn renew(&self) {
        self.shared.is_cancelled.store(false, Ordering::SeqCst);
    }

    /// Lets the next signal end dstest.
    pub(crate) fn stop_forwarding(&self) {
        self.set(Target::Exit);
    }

    /// Forwards signals to a campaign.
    pub(crate) fn forward_to_campaign(&self, listener: Listener) {
        self.set(Target::Campaign(listener));
    }

    fn set(&self, target: Target) {
        let mut present = self.target();
        *present = target;
        if self.is_cancelled() {
            present.cancel();
        }
    }

    fn target(&self) -> MutexGuard<'_, Target> {
        self.shared.target.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Target {
    fn cancel(&self) {
        match self {
            Self::Exit => {}
            Self::Child(pid) => sys::signal_process(*pid, Signal::Terminate),
            Self::Group(pid) => sys::signal_group(*pid, Signal::Terminate),
            // A campaign that has ended is not out of date.
            Self::Campaign(send) => drop(send(Request::Cancel)),
        }
    }
}

impl Shared {
    fn interrupt(&self) {
        let count = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        match &*self.target.lock().unwrap_or_else(PoisonError::into_inner) {
            Target::Exit => exit_interrupted(),
            Target::Child(pid) => sys::signal_process(*pid, escalated(count)),
            Target::Group(pid) => sys::signal_group(*pid, escalated(count)),
            Target::Campaign(send) => {
                // A campaign that is over has printed its table: nothing is left to stop.
                if !send(Request::Interrupt) {
                    exit_interrupted();
                }
            }
        }
    }

    fn suspend(&self) {
        let target = self.target.lock().unwrap_or_else(PoisonError::into_inner);
        let is_handled = match &*target {
            Target::Campaign(send) => send(Request::Suspend),
            // A build tool gets the signals of the terminal itself.
            Target::Exit | Target::Child(_) | Target::Group(_) => false,
        };
        drop(target);
        if !is_handled {
            suspend_process();
        }
    }
}

/// The first interrupt asks, later ones kill.
const fn escalated(count: u32) -> Signal {
    if count == 1 { Signal::Terminate } else { Signal::Kill }
}

/// Stops this process as Ctrl-Z would without a handler; returns at SIGCONT.
pub(crate) fn suspend_process() {
    // If it cannot be stopped, it continues at once.
    let _ = signal_hook::low_level::emulate_default_handler(SIGTSTP);
}

/// Ends dstest at once, and restores the terminal.
fn exit_interrupted() -> ! {
    echo::restore();
    std::process::exit(i32::from(Exit::Interrupted.code()))
}
