//! Runs a build tool to its end. Its messages go to standard error unchanged.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use super::{BuildError, BuildProgress};
use crate::process::signals::{Interrupts, Tool};
use crate::process::survivors::clean_up;

/// Runs a tool, forwards interrupts to it, and returns its standard output. A progress line reads
/// along.
///
/// # Errors
/// It cannot be run, was interrupted, or failed.
pub(super) fn run(
    mut command: Command,
    tool: &str,
    progress: Option<&BuildProgress>,
    interrupts: &Interrupts,
) -> Result<Vec<u8>, BuildError> {
    let cannot_run = |source| BuildError::Tool { tool: tool.to_owned(), source };
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    if let Some(progress) = progress {
        command.stderr(Stdio::piped()).envs(progress.env());
    }
    let tool = interrupts.start(&mut command, interrupts.reach_of_builds()).map_err(cannot_run)?;
    let group = tool.pid();
    let output = take_output(tool, progress);
    if interrupts.is_cancelled() {
        // Compilers that are still ending write into the same files as those of the next build.
        group.map(clean_up);
    }
    if interrupts.is_interrupted() {
        return Err(BuildError::Interrupted);
    }
    let (status, output) = output.map_err(cannot_run)?;
    if status.success() { Ok(output) } else { Err(BuildError::BuildFailed) }
}

fn take_output(
    mut tool: Tool,
    progress: Option<&BuildProgress>,
) -> io::Result<(ExitStatus, Vec<u8>)> {
    let (stdout, stderr) = (tool.child.stdout.take(), tool.child.stderr.take());
    let mut output = Vec::new();
    let read = thread::scope(|scope| {
        if let (Some(progress), Some(stderr)) = (progress, stderr) {
            scope.spawn(move || each_line(stderr, |line| progress.message(line)));
        }
        let Some(stdout) = stdout else { return Ok(()) };
        each_line(stdout, |line| {
            progress.iter().for_each(|progress| progress.output(line));
            output.extend_from_slice(line);
        })
    });
    let status = tool.wait()?;
    read?;
    Ok((status, output))
}

/// Calls `f` for each line, with its end.
fn each_line(pipe: impl Read, mut f: impl FnMut(&[u8])) -> io::Result<()> {
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    while pipe.read_until(b'\n', &mut line)? > 0 {
        f(&line);
        line.clear();
    }
    Ok(())
}
