//! A child process that writes to a store until it is killed or fails: the test starts its own
//! program again, in another role.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use raft::PersistentState;
use raft::storage::Storage;
use raft::storage::conformance::{Script, streamed};

use crate::stores::Durable;

const DIRECTORY: &str = "RAFT_TEST_STORE_DIRECTORY";
const SEED: &str = "RAFT_TEST_STORE_SEED";
const KIND: &str = "RAFT_TEST_STORE_KIND";

/// Output lines of the child: batches begun, and durable batches. The names are distinct from the
/// output of the test harness, which writes to the same pipe.
const BEGINS: &str = "store-begins ";
const DURABLE: &str = "store-durable ";
const FAILED: &str = "store-failed ";

/// In the child: writes the script of its seed without end, starting from the stored state. `false`
/// in the test itself.
pub(crate) fn is_child() -> bool {
    let (Some(directory), Ok(seed)) = (std::env::var_os(DIRECTORY), std::env::var(SEED)) else {
        return false;
    };
    let script = Script::new(seed.parse().expect("a number"));
    let kind = std::env::var(KIND).expect("the parent has set it");
    let durable = Durable::ALL.into_iter().find(|durable| format!("{durable:?}") == kind);
    let durable = durable.expect("a store of the table");
    if let Err(error) = write_for_ever(durable, Path::new(&directory), script) {
        report(FAILED, &error.to_string());
    }
    true
}

fn write_for_ever(
    durable: Durable,
    directory: &Path,
    mut script: Script,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut store = durable.open(directory)?;
    script.resume_from(store.load()?);
    for number in 1_u64.. {
        let batch = script.batch();
        report(BEGINS, &number.to_string());
        let writes = streamed(&mut store, &batch)?;
        store.write(&writes)?;
        report(DURABLE, &number.to_string());
    }
    Ok(())
}

fn report(what: &str, text: &str) {
    let mut output = std::io::stdout().lock();
    // The parent may have stopped; then this process is killed soon.
    let _ = writeln!(output, "\n{what}{text}").and_then(|()| output.flush());
}

/// A handle of the child.
pub(crate) struct Writer {
    process: Child,
    output: BufReader<std::process::ChildStdout>,
}

/// Output of a child.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub(crate) begun: usize,
    pub(crate) durable: usize,
    pub(crate) failed: Option<String>,
}

impl Writer {
    /// Runs `test` again as a child; `launcher` is a command prefix.
    pub(crate) fn start(
        test: &str,
        durable: Durable,
        directory: &Path,
        seed: u64,
        launcher: &[&str],
    ) -> Self {
        let this = std::env::current_exe().expect("a test is a program");
        let this = this.to_str().expect("a path of letters");
        let words =
            [launcher, &[this, "--exact", test, "--nocapture", "--test-threads=1"]].concat();
        let mut process = Command::new(words[0])
            .args(&words[1..])
            .env(DIRECTORY, directory)
            .env(SEED, seed.to_string())
            .env(KIND, format!("{durable:?}"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a process starts");
        let output = BufReader::new(process.stdout.take().expect("it is piped"));
        Self { process, output }
    }

    /// Waits until the child has made this many batches durable, then kills it.
    pub(crate) fn kill_after(mut self, batches: usize) -> Output {
        let mut output = Output::default();
        while output.durable < batches && self.read_line(&mut output) {}
        self.process.kill().expect("it is ours");
        while self.read_line(&mut output) {}
        self.process.wait().expect("it was killed");
        output
    }

    /// Waits until the child fails by itself.
    pub(crate) fn fail(mut self) -> Output {
        let mut output = Output::default();
        while self.read_line(&mut output) {}
        self.process.wait().expect("it ended");
        output
    }

    /// Reads one line; `false` at the end.
    fn read_line(&mut self, output: &mut Output) -> bool {
        let mut line = String::new();
        if self.output.read_line(&mut line).expect("a pipe of ours") == 0 {
            return false;
        }
        // An incomplete line, cut by the kill.
        let Some(line) = line.strip_suffix('\n') else { return true };
        if line.starts_with(BEGINS) {
            output.begun += 1;
        } else if line.starts_with(DURABLE) {
            output.durable += 1;
        } else if let Some(error) = line.strip_prefix(FAILED) {
            output.failed = Some(error.to_owned());
        }
        true
    }
}

/// Opens the directory of a child and checks it: everything reported is there, and anything else is
/// a part of the batch begun, in order. Returns the state.
pub(crate) fn check_recovered(
    durable: Durable,
    directory: &Path,
    before: &PersistentState,
    seed: u64,
    output: &Output,
) -> PersistentState {
    let mut script = Script::new(seed);
    script.resume_from(before.clone());
    (0..output.durable).for_each(|_| drop(script.batch()));
    let reported = script.model().clone();
    let under_way = script.batch();
    let mut possible = vec![reported.clone()];
    // The child may have begun one batch more than it reported.
    possible.extend(raft::storage::conformance::survivors(&reported, &under_way));
    let mut store = durable.open(directory).expect("what a crash leaves behind opens");
    let found = store.load().expect("and is read");
    assert!(possible.contains(&found), "{output:?}: found {found:?}, reported {reported:?}");
    found
}
