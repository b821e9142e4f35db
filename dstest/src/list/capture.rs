//! Runs a short helper program and takes its output, within a time and a size.

use std::io::{self, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::process::signals::{Interrupts, Reach};
use crate::process::sys::{self, Signal};

/// The result of a helper program.
#[derive(Debug)]
pub(super) struct Captured {
    /// The exit status.
    pub(super) status: ExitStatus,
    /// Its standard output.
    pub(super) stdout: Vec<u8>,
}

/// Runs the command with nothing on its standard input; its whole group is killed after
/// [`LIST_TIMEOUT`], or ended by an interrupt. Standard error is dropped.
pub(super) fn capture(command: &mut Command, interrupts: &Interrupts) -> io::Result<Captured> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut tool = interrupts.start(command, Reach::Group)?;
    let (pid, output) = (tool.pid(), tool.child.stdout.take());
    let (done, watch) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if watch.recv_timeout(LIST_TIMEOUT) == Err(mpsc::RecvTimeoutError::Timeout)
                && let Some(pid) = pid
            {
                sys::signal_group(pid, Signal::Kill);
            }
        });
        let mut stdout = Vec::new();
        let read =
            output.map_or(Ok(0), |pipe| pipe.take(OUTPUT_BYTES_MAX).read_to_end(&mut stdout));
        let status = tool.wait();
        drop(done);
        read?;
        Ok(Captured { status: status?, stdout })
    })
}

/// A program that takes longer to list its tests is not listing them.
const LIST_TIMEOUT: Duration = Duration::from_secs(10);

/// A list of a hundred thousand long test names fits.
const OUTPUT_BYTES_MAX: u64 = 32 << 20;
