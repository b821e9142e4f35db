//! Ctrl-C, SIGTERM and SIGHUP, and their receiver at each stage of dstest.
//!
//! While nothing runs, the first one ends dstest. While a build runs, it is forwarded. While a
//! campaign runs, the dispatcher gets it and decides. Ctrl-Z takes the same way.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
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
    target: Mutex<Target>,
}

/// The receiver of signals.
enum Target {
    /// None: dstest exits.
    Exit,
    /// A build tool in the foreground.
    Child(Pid),
    /// A campaign's dispatcher.
    Campaign(Listener),
}

impl Interrupts {
    /// Installs the handler.
    ///
    /// # Errors
    /// If the system refuses the handler or the thread.
    pub fn install() -> io::Result<Self> {
        let shared =
            Arc::new(Shared { count: AtomicU32::new(0), target: Mutex::new(Target::Exit) });
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

    /// Forwards signals to a build tool.
    pub(crate) fn forward_to(&self, child: u32) {
        self.set(Pid::of_child(child).map_or(Target::Exit, Target::Child));
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
        *self.shared.target.lock().unwrap_or_else(PoisonError::into_inner) = target;
    }
}

impl Shared {
    fn interrupt(&self) {
        let count = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        match &*self.target.lock().unwrap_or_else(PoisonError::into_inner) {
            Target::Exit => exit_interrupted(),
            Target::Child(pid) => {
                sys::signal_process(
                    *pid,
                    if count == 1 { Signal::Terminate } else { Signal::Kill },
                );
            }
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
            Target::Exit | Target::Child(_) => false,
        };
        drop(target);
        if !is_handled {
            suspend_process();
        }
    }
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
