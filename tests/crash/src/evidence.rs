//! Evidence of a failure: the history of all calls, and the picture of a round that failed its check.

use std::error::Error;
use std::path::Path;

use raft_tests::harness::run_directory;
use raft_tests::kv::Operation;

use crate::Outcome;
use crate::recorder::Recorder;

/// Saves it in a directory, the picture where dstest shows it, if it runs this. Returns the failure, with the
/// reason why its evidence is missing.
pub(crate) fn save(
    failure: Box<dyn Error>,
    recorder: &Recorder,
    directory: &Path,
) -> Box<dyn Error> {
    let of_run = run_directory();
    match recorder.save(directory, of_run.as_deref().unwrap_or(directory)) {
        Ok(()) => failure,
        Err(error) => format!("{failure}\nits history cannot be saved: {error}").into(),
    }
}

/// Checks that the picture of a wrong answer is saved, and that a full disk hides no failure.
pub(crate) fn check() -> Outcome {
    let recorder = Recorder::new();
    for (serial, operation, seen) in
        [(1, Operation::Put { key: 0, value: 7 }, 0), (2, Operation::Get { key: 0 }, 0)]
    {
        let call = recorder.begin(0, 1, serial, operation);
        recorder.complete(call, operation, seen);
    }
    let failure = recorder.check(0).err().ok_or("a stale read passes the check")?;
    let base = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let directory = base.join(format!("evidence-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    recorder.save(&directory, &directory)?;
    for (file, part) in [("history.jsonl", "read"), ("picture.txt", "C1"), ("picture.html", "C1")] {
        let text = std::fs::read_to_string(directory.join(file))?;
        if !text.contains(part) {
            return Err(format!("{file} should contain {part}: {text}").into());
        }
    }
    std::fs::remove_dir_all(&directory)?;
    let text = failure.to_string();
    let told = save(failure, &recorder, &directory).to_string();
    if !told.starts_with(&text) || !told.contains("cannot be saved") {
        return Err(format!("both should be told: {told}").into());
    }
    Ok(())
}
