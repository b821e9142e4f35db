//! System calls: waiting without reaping, resource usage, process groups.
//!
//! Everything here is a thin, checked wrapper around a system call for which neither std nor a
//! small safe crate has an interface. No other module of dstest contains unsafe code.

#![expect(
    unsafe_code,
    reason = "waitid, wait4, kill, sigaction and prctl have no safe interface in std"
)]

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

/// The id of a process that leads its own group, and so the id of that group too.
///
/// Invariant: above 1, so that a signal to the group can never mean "every process".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pid(libc::pid_t);

impl Pid {
    /// The id of a child that `std` started; `None` for numbers that are not a group of ours.
    pub(crate) fn of_child(id: u32) -> Option<Self> {
        libc::pid_t::try_from(id).ok().filter(|&id| id > 1).map(Self)
    }
}

impl std::fmt::Display for Pid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The signals dstest sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGQUIT: dump stacks and end.
    Dump,
    /// SIGINT: as Ctrl-C.
    Interrupt,
    /// SIGTERM: end.
    Terminate,
    /// SIGKILL: end at once.
    Kill,
    /// SIGSTOP: stop.
    Stop,
    /// SIGCONT: continue.
    Continue,
}

/// A child that has been waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reaped {
    /// The exit status.
    pub(crate) status: ExitStatus,
    /// CPU time in the program.
    pub(crate) user: Duration,
    /// CPU time in the kernel.
    pub(crate) system: Duration,
    /// Peak memory in KiB.
    pub(crate) max_rss_kib: u64,
}

/// Makes orphaned descendants children of this process, so that they can be found and reaped.
/// Without kernel support this does nothing, and groups are probed by signal 0 instead.
pub(crate) fn become_subreaper() {
    #[cfg(target_os = "linux")]
    // SAFETY: PR_SET_CHILD_SUBREAPER takes one integer and touches no memory of ours.
    unsafe {
        libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1_u64, 0_u64, 0_u64, 0_u64);
    }
}

/// Waits until the child has ended and leaves it unreaped, so that its id cannot be reused yet.
pub(crate) fn wait_for_exit(child: Pid) -> io::Result<()> {
    loop {
        // SAFETY: an all-zero siginfo_t is valid, and the kernel only writes into it.
        let result = unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            let flags = libc::WEXITED | libc::WNOWAIT;
            libc::waitid(libc::P_PID, child.0.cast_unsigned(), &raw mut info, flags)
        };
        if !is_interrupted(result) {
            return check(result).map(|_| ());
        }
    }
}

/// Reaps the child, waiting for it if it still runs; returns its resource usage.
pub(crate) fn reap(child: Pid) -> io::Result<Reaped> {
    loop {
        let mut status = 0;
        // SAFETY: an all-zero rusage is valid; both pointers are to live locals that wait4 fills.
        let (result, usage) = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            (libc::wait4(child.0, &raw mut status, 0, &raw mut usage), usage)
        };
        if !is_interrupted(result) {
            check(result)?;
            return Ok(Reaped {
                status: ExitStatus::from_raw(status),
                user: duration(usage.ru_utime),
                system: duration(usage.ru_stime),
                max_rss_kib: usage.ru_maxrss.cast_unsigned() / RSS_UNITS_PER_KIB,
            });
        }
    }
}

/// Reaps a child if it has ended; `true` if it is gone.
pub(crate) fn reap_if_dead(child: Pid) -> bool {
    // SAFETY: a null status pointer is allowed; the kernel writes nothing then.
    let result = unsafe { libc::waitpid(child.0, std::ptr::null_mut(), libc::WNOHANG) };
    result != 0
}

/// Sends a signal to every process of the group; a group that is gone already is fine.
pub(crate) fn signal_group(group: Pid, signal: Signal) {
    // SAFETY: kill touches no memory, and a Pid is above 1, so the group is a single one.
    unsafe {
        libc::kill(-group.0, signal_number(signal));
    }
}

/// Sends a signal to one process.
pub(crate) fn signal_process(process: Pid, signal: Signal) {
    // SAFETY: kill touches no memory.
    unsafe {
        libc::kill(process.0, signal_number(signal));
    }
}

/// Reaps dead members of the group, which are children by now; `true` if a member is alive. The
/// group's first process must have been reaped before.
pub(crate) fn reap_group(group: Pid) -> bool {
    loop {
        // SAFETY: a null status pointer is allowed; the kernel writes nothing then.
        let result = unsafe { libc::waitpid(-group.0, std::ptr::null_mut(), libc::WNOHANG) };
        match result {
            0 => return true,
            -1 if !is_interrupted(result) => return probe_group(group),
            _ => {}
        }
    }
}

/// `true` if a group without a child of this process exists, as on systems without subreapers.
fn probe_group(group: Pid) -> bool {
    // SAFETY: signal 0 only asks whether the group exists.
    let result = unsafe { libc::kill(-group.0, 0) };
    result == 0
}

/// `true` if this process was started with SIGHUP ignored, as by `nohup`.
pub(crate) fn ignores_hang_up() -> bool {
    // SAFETY: an all-zero sigaction is valid; without a new action the kernel only writes the present one.
    let (result, action) = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        (libc::sigaction(libc::SIGHUP, std::ptr::null(), &raw mut action), action)
    };
    result == 0 && action.sa_sigaction == libc::SIG_IGN
}

/// Rows and columns of the terminal behind standard error; `None` without one.
pub(crate) fn terminal_size() -> Option<(u16, u16)> {
    // SAFETY: an all-zero winsize is valid, and TIOCGWINSZ only writes into it.
    let (result, size) = unsafe {
        let mut size: libc::winsize = std::mem::zeroed();
        (libc::ioctl(libc::STDERR_FILENO, libc::TIOCGWINSZ, &raw mut size), size)
    };
    (result == 0 && size.ws_row > 0 && size.ws_col > 0).then_some((size.ws_row, size.ws_col))
}

const fn signal_number(signal: Signal) -> libc::c_int {
    match signal {
        Signal::Dump => libc::SIGQUIT,
        Signal::Interrupt => libc::SIGINT,
        Signal::Terminate => libc::SIGTERM,
        Signal::Kill => libc::SIGKILL,
        Signal::Stop => libc::SIGSTOP,
        Signal::Continue => libc::SIGCONT,
    }
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn is_interrupted(result: libc::c_int) -> bool {
    result == -1 && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
}

fn duration(time: libc::timeval) -> Duration {
    let seconds = Duration::from_secs(time.tv_sec.cast_unsigned());
    seconds + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
}

/// Linux counts peak memory in KiB, the BSDs' descendants in bytes.
const RSS_UNITS_PER_KIB: u64 = if cfg!(target_vendor = "apple") { 1024 } else { 1 };
