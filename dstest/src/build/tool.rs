//! Runs a build tool to its end. Its messages go to standard error unchanged.

use std::process::{Command, Stdio};

use super::BuildError;
use crate::process::group::clean_up;
use crate::process::signals::Interrupts;
use crate::process::sys::Pid;

/// Runs a tool, forwards interrupts to it, and returns its standard output.
///
/// # Errors
/// It cannot be run, was interrupted, or failed.
pub(super) fn run(
    mut command: Command,
    tool: &str,
    interrupts: &Interrupts,
) -> Result<Vec<u8>, BuildError> {
    let cannot_run = |source| BuildError::Tool { tool: tool.to_owned(), source };
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    interrupts.prepare(&mut command);
    let child = command.spawn().map_err(cannot_run)?;
    let group = Pid::of_child(child.id());
    interrupts.forward_to(child.id());
    let output = child.wait_with_output();
    interrupts.stop_forwarding();
    if interrupts.is_cancelled() {
        // Compilers that are still ending write into the same files as those of the next build.
        group.map(clean_up);
    }
    if interrupts.count() > 0 || interrupts.is_cancelled() {
        return Err(BuildError::Interrupted);
    }
    let output = output.map_err(cannot_run)?;
    if output.status.success() { Ok(output.stdout) } else { Err(BuildError::BuildFailed) }
}
