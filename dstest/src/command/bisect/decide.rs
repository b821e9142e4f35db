//! `dstest bisect --decide`: one step of `git bisect run`.

use super::{note_unused, parsed, words};
use crate::bisect::{
    Answer, BisectError, Goal, Kind, Measurement, Rate, Rates, SequentialTest, expected_runs,
    failure_pattern,
};
use crate::build::BuildError;
use crate::campaign::Detail;
use crate::cli::BisectArgs;
use crate::command::run::{Measured, Purpose, run_campaign};
use crate::error::Error;
use crate::exit::Exit;
use crate::process::signals::Interrupts;
use crate::text::console;

/// Runs what is checked out until it is decided. Every end has an exit code that git understands: an error
/// must not be taken for a bad commit.
pub(super) fn run(
    args: &BisectArgs,
    rates: Rates,
    argv: &[String],
    interrupts: &Interrupts,
) -> Exit {
    match decided(args, rates, argv, interrupts) {
        Ok(exit) => exit,
        Err(Error::Build(BuildError::Interrupted)) => Exit::Interrupted,
        Err(error) => {
            console::warn(&error.to_string());
            let is_of_commit =
                matches!(error, Error::Select(_) | Error::Build(BuildError::BuildFailed));
            if is_of_commit { Exit::Undecided } else { Exit::NoStep }
        }
    }
}

fn decided(
    args: &BisectArgs,
    rates: Rates,
    argv: &[String],
    interrupts: &Interrupts,
) -> Result<Exit, Error> {
    let Rates { good, bad } = rates;
    if !(args.error > 0.0 && args.error <= super::ERROR_MAX) {
        return Err(BisectError::ErrorOutOfRange(args.error).into());
    }
    let mut run = parsed(&words(&args.command)?)?;
    note_unused(&run);
    run.target.dir.clone_from(&args.location.dir);
    run.show.store.output.clone_from(&args.location.store.output);
    let kind = args.failure.as_deref().map_or(Ok(Kind::Any), failure_pattern)?;
    let test = SequentialTest::new(good, bad, args.error);
    let [(if_good, _), (if_bad, _)] = [good, bad.estimate()].map(|rate| expected_runs(&test, rate));
    let good = Rate::Known(good);
    console::note(&format!(
        "dstest: about {if_good} runs if it fails as good ones do ({good}), {if_bad} if as bad ones do ({bad})"
    ));
    let mut measurement = Measurement::new(kind, Goal::Decide(test), args.max_runs);
    let measured = Measured { measurement: &mut measurement, only: None, detail: Detail::Full };
    let purpose = Purpose::Measurement(measured);
    let (_, exit) = run_campaign(&run, None, argv.to_vec(), purpose, interrupts)?;
    if exit == Exit::Interrupted {
        return Ok(exit);
    }
    let trials = measurement.trials();
    let (failed, counted) = (trials.failed, trials.counted());
    let (word, exit) = match measurement.answer() {
        Some(Answer::Good) => ("good", Exit::Success),
        Some(Answer::Bad) => ("bad", Exit::SomeFailed),
        None => ("not decided", Exit::Undecided),
    };
    let other = super::report::others(trials);
    let error = args.error;
    let sure = if exit == Exit::Undecided {
        String::new()
    } else {
        format!(", wrong with a probability of {error} at most")
    };
    console::print(&format!("{word}: {failed} of {counted} failed{other}{sure}\n"));
    Ok(exit)
}
