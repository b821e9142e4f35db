//! Runs a build tool to its end. Its messages go to standard error unchanged.

use std::process::{Command, Stdio};

use super::BuildError;
use crate::process::signals::Interrupts;

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
    let child = command.spawn().map_err(cannot_run)?;
    interrupts.forward_to(child.id());
    let output = child.wait_with_output();
    interrupts.stop_forwarding();
    if interrupts.count() > 0 {
        return Err(BuildError::Interrupted);
    }
    let output = output.map_err(cannot_run)?;
    if output.status.success() { Ok(output.stdout) } else { Err(BuildError::BuildFailed) }
}
