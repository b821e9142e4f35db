//! Child processes with log files, and the addresses they listen on.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::workload::PROGRESS_TIMEOUT;

/// A child process, killed when this is dropped.
pub(crate) struct Process {
    pub(crate) child: Child,
    /// Copies the output of the process into its log file. A pipe lies between, so that a process
    /// that may write no more files can still log.
    output: Option<JoinHandle<io::Result<u64>>>,
}

impl Process {
    /// Starts a process whose output is appended to a file.
    pub(crate) fn start(mut command: Command, log: &Path) -> Outcome<Self> {
        let (mut reader, writer) = io::pipe()?;
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        let mut log = File::options().create(true).append(true).open(log)?;
        let child = command.spawn()?;
        // The command holds the writing end of the pipe, which must close with the process.
        drop(command);
        let output = thread::spawn(move || io::copy(&mut reader, &mut log));
        Ok(Self { child, output: Some(output) })
    }

    /// `kill -9`, and waits for the end of the process.
    pub(crate) fn kill(mut self) -> Outcome {
        self.child.kill()?;
        self.child.wait()?;
        self.finish()
    }

    /// Waits until the output of a process that has ended is in its log file.
    pub(crate) fn finish(mut self) -> Outcome {
        let output = self.output.take().map_or(Ok(Ok(0)), JoinHandle::join);
        output.map_err(|_| "the thread that copies the output panicked")??;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An exit status in words.
pub(crate) fn exit_text(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("with exit code {code}"),
        (None, signal) => format!("by signal {}", signal.unwrap_or_default()),
    }
}

/// Polls until there is a value.
pub(crate) fn wait<T>(what: &str, mut poll: impl FnMut() -> Option<T>) -> Outcome<T> {
    let deadline = Instant::now() + PROGRESS_TIMEOUT;
    loop {
        if let Some(value) = poll() {
            return Ok(value);
        }
        if Instant::now() >= deadline {
            return Err(format!("timed out after {PROGRESS_TIMEOUT:?} waiting for {what}").into());
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Free addresses. They are outside the ranges from which systems take the ports of outgoing
/// connections, so that they are still free for a process that restarts; concurrent runs begin their
/// search at different ports.
pub(crate) fn free_addresses(count: usize) -> Outcome<Vec<SocketAddr>> {
    let block = u16::try_from(count)?;
    let blocks = (PORTS.end - PORTS.start) / block;
    let first = std::process::id() % u32::from(blocks);
    for offset in 0..blocks {
        let start = PORTS.start + (first as u16 + offset) % blocks * block;
        let ports = start..start + block;
        let addresses: Vec<_> =
            ports.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))).collect();
        if addresses.iter().all(|address| TcpListener::bind(address).is_ok()) {
            return Ok(addresses);
        }
    }
    Err(format!("no {block} free ports in a row in {PORTS:?}").into())
}

const PORTS: std::ops::Range<u16> = 12_000..30_000;
