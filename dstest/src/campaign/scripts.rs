//! The scripts before and after a campaign (`--setup`, `--teardown`), and the variables between them and
//! the runs.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::stored::StoredCampaign;
use crate::build::BuildError;
use crate::error::Error;
use crate::process::signals::{Interrupts, Reach};
use crate::store::StoreError;
use crate::text::console;

/// Does the runs of a campaign after its setup script and before its teardown script, if it has them. What
/// may have been set up is torn down, whatever becomes of the runs.
///
/// # Errors
/// [`Error::Setup`] if the setup fails, [`BuildError::Interrupted`] if it is ended: no run would mean
/// anything. Those of the runs.
pub(crate) fn with_scripts<T>(
    stored: &mut StoredCampaign,
    interrupts: &Interrupts,
    runs: impl FnOnce(&StoredCampaign) -> Result<T, Error>,
) -> Result<T, Error> {
    // From now on an interrupt ends the campaign with its report, and its teardown.
    interrupts.keep();
    if stored.file.setup.is_some() && interrupts.is_interrupted() {
        return Err(BuildError::Interrupted.into());
    }
    let done = set_up(stored, interrupts).and_then(|()| runs(stored));
    tear_down(stored, interrupts);
    done
}

/// Runs the setup script and hands its variables to all runs.
fn set_up(stored: &mut StoredCampaign, interrupts: &Interrupts) -> Result<(), Error> {
    let Some(script) = stored.file.setup.clone() else { return Ok(()) };
    let variables = stored.dir.path.join(VARIABLES);
    fs::write(&variables, "").map_err(Error::system("write the file of DSTEST_ENV"))?;
    let has_succeeded = run(&script, stored, &variables, Reach::Group, interrupts)?;
    if interrupts.is_interrupted() {
        return Err(BuildError::Interrupted.into());
    }
    if !has_succeeded {
        return Err(Error::Setup { script });
    }
    let text =
        fs::read_to_string(&variables).map_err(Error::system("read the file of DSTEST_ENV"))?;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (name, value) = line.split_once('=').ok_or_else(|| {
            StoreError::Unsuitable(format!("--setup wrote `{line}` to DSTEST_ENV, not NAME=VALUE"))
        })?;
        stored.file.env.retain(|(own, _)| own != name);
        stored.file.env.push((name.to_owned(), value.to_owned()));
    }
    // Replays get them, too.
    stored.file.write(&stored.dir.path)?;
    Ok(())
}

/// Runs the teardown script. Its failure changes no result.
fn tear_down(stored: &StoredCampaign, interrupts: &Interrupts) {
    let Some(script) = &stored.file.teardown else { return };
    let variables = stored.dir.path.join(VARIABLES);
    match run(script, stored, &variables, Reach::GroupLater, interrupts) {
        Ok(true) => {}
        Ok(false) => console::warn(&format!("--teardown has failed: {script}")),
        Err(error) => console::warn(&error.to_string()),
    }
}

/// Runs a script in the directory of the campaign's command, its output on standard error. Ctrl-C reaches
/// it, and all that it has started, through dstest only.
fn run(
    script: &str,
    stored: &StoredCampaign,
    variables: &Path,
    reach: Reach,
    interrupts: &Interrupts,
) -> Result<bool, Error> {
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(&stored.file.invocation.cwd);
    command.stdin(Stdio::null()).stdout(std::io::stderr());
    command.envs(stored.file.env.iter().map(|(name, value)| (name, value)));
    command.env("DSTEST_ENV", variables).env("DSTEST_CAMPAIGN_DIR", &stored.dir.path);
    let started = interrupts.start(&mut command, reach);
    let status = started.map_err(Error::system("run a script with sh"))?.wait();
    Ok(status.map_err(Error::system("wait for a script"))?.success())
}

/// The file of `DSTEST_ENV`, in the campaign's directory.
const VARIABLES: &str = "setup.env";
