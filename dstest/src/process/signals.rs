//! Ctrl-C, SIGTERM and SIGHUP, and their receiver at each stage of dstest.
//!
//! ```text
//! a tool runs (build, list, setup)    the tool, which is asked to end, and killed the second time
//! the teardown runs                   the same from the second one on: it is what an interrupt should lead to
//! a campaign runs                     its dispatcher, which decides
//! between such stages                 kept for the next campaign; the second one ends dstest
//! otherwise                           dstest ends
//! ```
//!
//! Ctrl-Z takes the same way, and so does the cancellation of work that is out of date (`dstest watch`).

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGXFSZ};
use signal_hook::iterator::Signals;

use super::sys::{self, Pid, Signal};
use crate::exit::Exit;
use crate::text::console::note;
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
    state: Mutex<State>,
}

/// The stage of dstest.
struct State {
    target: Target,
    /// Running tools; they come before the target.
    tools: Vec<RunningTool>,
    /// The number of changes of the target and the tools.
    stage: u64,
    /// Interrupts of this stage: since the last change of the target, or since no tool runs.
    interrupts: u32,
    /// An interrupt waits for the next campaign.
    is_kept: bool,
}

struct RunningTool {
    pid: Pid,
    reach: Reach,
}

impl RunningTool {
    fn signal(&self, signal: Signal) {
        match self.reach {
            Reach::Process => sys::signal_process(self.pid, signal),
            Reach::Group | Reach::GroupLater => sys::signal_group(self.pid, signal),
        }
    }
}

/// The receiver of signals while no tool runs.
enum Target {
    /// None: dstest exits.
    Exit,
    /// The campaign to come, or none if there is none: results are being written, or a script is to come.
    Next,
    /// A campaign's dispatcher.
    Campaign(Listener),
}

/// The processes that a tool's signals reach, and the first one that does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The tool alone: it is in the foreground, where the terminal's signals reach its children.
    Process,
    /// The process group that it leads.
    Group,
    /// The same, but for the first interrupt, which the tool is to survive.
    GroupLater,
}

impl Interrupts {
    /// Installs the handler.
    ///
    /// # Errors
    /// If the system refuses the handler or the thread.
    pub fn install() -> io::Result<Self> {
        let interrupts = Self::without_handler();
        // Under `nohup` the end of the terminal is to be ignored.
        let hang_up = (!sys::ignores_hang_up()).then_some(SIGHUP);
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGTSTP].into_iter().chain(hang_up))?;
        // With a handler, a file that reaches the shell's limit (`ulimit -f`) is an error of the
        // write, and not the end of dstest.
        signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
        let listener = Arc::clone(&interrupts.shared);
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            signals.forever().for_each(|signal| match signal {
                SIGTSTP => listener.suspend(),
                _ => Shared::interrupt(&listener),
            });
        })?;
        Ok(interrupts)
    }

    /// A receiver that no signal reaches.
    pub(crate) fn without_handler() -> Self {
        let (target, tools) = (Target::Exit, Vec::new());
        let state = State { target, tools, stage: 0, interrupts: 0, is_kept: false };
        let shared = Shared {
            count: AtomicU32::new(0),
            is_cancelled: AtomicBool::new(false),
            groups_builds: AtomicBool::new(false),
            state: Mutex::new(state),
        };
        Self { shared: Arc::new(shared) }
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

    /// The reach of a build tool's signals. At a terminal a tool may ask for a password, for which it must
    /// be in the foreground; there Ctrl-C reaches its children too.
    pub(crate) fn reach_of_builds(&self) -> Reach {
        let is_grouped = self.shared.groups_builds.load(Ordering::SeqCst);
        let has_terminal = || std::fs::File::open("/dev/tty").is_ok();
        if is_grouped || !has_terminal() { Reach::Group } else { Reach::Process }
    }

    /// Starts a tool that gets the signals until it has ended. None is missed, as it starts under the
    /// lock under which signals are passed on; one that came while others already ran, it gets at once.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn start(&self, tool: &mut Command, reach: Reach) -> io::Result<Tool> {
        if reach != Reach::Process {
            tool.process_group(0);
        }
        let mut state = self.state();
        let child = tool.spawn()?;
        let pid = Pid::of_child(child.id());
        if state.tools.is_empty() {
            state.changed();
        }
        let tool = pid.map(|pid| RunningTool { pid, reach });
        let is_out_of_date = self.is_cancelled() && reach != Reach::GroupLater;
        let cancellation = is_out_of_date.then_some(Signal::Terminate);
        let signal = state.interrupt_signal().or(cancellation);
        tool.iter().zip(signal).for_each(|(tool, signal)| tool.signal(signal));
        state.tools.extend(tool);
        drop(state);
        Ok(Tool { child, pid, interrupts: self.clone() })
    }

    /// Ends the present build or campaign, or the next one until [`Self::renew`] is called.
    pub(crate) fn cancel(&self) {
        let state = self.state();
        self.shared.is_cancelled.store(true, Ordering::SeqCst);
        state.cancel();
    }

    /// `true` after a cancellation.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.shared.is_cancelled.load(Ordering::SeqCst)
    }

    /// `true` if what is being done for a campaign is to end, for either reason.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.count() > 0 || self.is_cancelled()
    }

    /// Lets the next build or campaign run.
    pub(crate) fn renew(&self) {
        self.shared.is_cancelled.store(false, Ordering::SeqCst);
    }

    /// Lets the next signal end dstest.
    pub(crate) fn stop_forwarding(&self) {
        self.set(Target::Exit);
    }

    /// Keeps an interrupt for the next campaign, so that what has begun is brought to its end. After a
    /// campaign that was interrupted, that must not take long.
    pub(crate) fn keep(&self) {
        let mut state = self.state();
        let was_interrupted = matches!(state.target, Target::Campaign(_)) && state.interrupts > 0;
        state.target = Target::Next;
        state.changed();
        if was_interrupted {
            Shared::exit_after(&self.shared, state.stage);
        }
    }

    /// Keeps for the next campaign an interrupt that reached one that had ended.
    pub(crate) fn postpone(&self) {
        self.state().is_kept = true;
    }

    /// Forwards signals to a campaign.
    pub(crate) fn forward_to_campaign(&self, listener: Listener) {
        self.set(Target::Campaign(listener));
    }

    fn set(&self, target: Target) {
        let mut state = self.state();
        state.target = target;
        state.changed();
        if let (Target::Campaign(send), true) = (&state.target, state.is_kept) {
            send(Request::Interrupt);
            (state.is_kept, state.interrupts) = (false, 1);
        }
        if self.is_cancelled() {
            state.cancel();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }
}

/// A running tool that gets the signals.
pub(crate) struct Tool {
    pub(crate) child: Child,
    pid: Option<Pid>,
    interrupts: Interrupts,
}

impl Tool {
    /// Its process, and the group of one that leads a group.
    pub(crate) fn pid(&self) -> Option<Pid> {
        self.pid
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// The system cannot wait for it.
    pub(crate) fn wait(mut self) -> io::Result<ExitStatus> {
        // Reaped under the lock, so that no signal goes to another process with its id.
        self.pid.map_or(Ok(()), sys::wait_for_exit)?;
        let pid = self.pid.take();
        let mut state = self.interrupts.state();
        state.remove(pid);
        self.child.wait()
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        self.interrupts.state().remove(self.pid);
    }
}

impl State {
    fn changed(&mut self) {
        self.stage += 1;
        self.interrupts = 0;
    }

    fn remove(&mut self, tool: Option<Pid>) {
        let before = self.tools.len();
        self.tools.retain(|running| Some(running.pid) != tool);
        if self.tools.len() < before && self.tools.is_empty() {
            self.changed();
        }
    }

    /// The signal that the newest interrupt is for tools; `None` if they are spared it.
    fn interrupt_signal(&self) -> Option<Signal> {
        let is_spared = self.tools.iter().any(|tool| tool.reach == Reach::GroupLater);
        match self.interrupts.saturating_sub(u32::from(is_spared)) {
            0 => None,
            1 => Some(Signal::Terminate),
            _ => Some(Signal::Kill),
        }
    }

    /// Ends the work that is out of date. What was set up is to be torn down all the same.
    fn cancel(&self) {
        let out_of_date = self.tools.iter().filter(|tool| tool.reach != Reach::GroupLater);
        out_of_date.for_each(|tool| tool.signal(Signal::Terminate));
        if let Target::Campaign(send) = &self.target {
            // A campaign that has ended is not out of date.
            send(Request::Cancel);
        }
    }
}

impl Shared {
    fn interrupt(shared: &Arc<Self>) {
        let mut state = shared.state();
        // Under the lock: who has seen the count meets its interrupt no more.
        shared.count.fetch_add(1, Ordering::SeqCst);
        state.interrupts += 1;
        let is_first = state.interrupts == 1;
        if !state.tools.is_empty() {
            return match state.interrupt_signal() {
                Some(signal) => state.tools.iter().for_each(|tool| tool.signal(signal)),
                None => tell("dstest: interrupted; --teardown is running (Ctrl-C again ends it)"),
            };
        }
        match &state.target {
            Target::Next if is_first => {
                state.is_kept = true;
                Self::exit_after(shared, state.stage);
            }
            Target::Exit | Target::Next => exit_interrupted(),
            Target::Campaign(send) => {
                if !send(Request::Interrupt) {
                    exit_interrupted();
                }
            }
        }
    }

    /// Ends dstest if this stage lasts too long, as when its output is not read.
    fn exit_after(shared: &Arc<Self>, stage: u64) {
        let shared = Arc::clone(shared);
        let watch = move || {
            thread::sleep(STAGE_TIME_MAX);
            if shared.state().stage == stage {
                exit_interrupted();
            }
        };
        if thread::Builder::new().name("stage-limit".to_owned()).spawn(watch).is_err() {
            exit_interrupted();
        }
    }

    fn suspend(&self) {
        let state = self.state();
        let is_handled = state.tools.is_empty()
            && matches!(&state.target, Target::Campaign(send) if send(Request::Suspend));
        if is_handled {
            return;
        }
        // A tool in the foreground gets the signals of the terminal itself.
        let signal_groups = |signal| {
            let groups = state.tools.iter().filter(|tool| tool.reach != Reach::Process);
            groups.for_each(|group| group.signal(signal));
        };
        signal_groups(Signal::Stop);
        suspend_process();
        signal_groups(Signal::Continue);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stops this process as Ctrl-Z would without a handler; returns at SIGCONT.
pub(crate) fn suspend_process() {
    // If it cannot be stopped, it continues at once.
    let _ = signal_hook::low_level::emulate_default_handler(SIGTSTP);
}

/// Writes a line to standard error, for which no signal waits.
fn tell(line: &'static str) {
    let _ = thread::Builder::new().name("note".to_owned()).spawn(|| note(line));
}

/// Ends dstest at once, and restores the terminal.
fn exit_interrupted() -> ! {
    echo::restore();
    std::process::exit(i32::from(Exit::Interrupted.code()))
}

/// A table and its exports are written in this time on a busy machine too, unless something blocks them.
const STAGE_TIME_MAX: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
