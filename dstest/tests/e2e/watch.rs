//! `dstest watch`: a verdict after every save.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::support::{Sandbox, is_alive, wait_until};
use crate::terminal::Terminal;

/// A running watch, with everything it has written so far.
struct Watch {
    child: Child,
    written: Arc<Mutex<Vec<u8>>>,
}

impl Watch {
    fn start(sandbox: &Sandbox, args: &[&str]) -> Self {
        let mut all = vec!["watch", "-o", "store", "--dir", "project"];
        all.extend(args);
        let mut command = sandbox.command(&all);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let written = Arc::default();
        collect(child.stdout.take().unwrap(), &written);
        collect(child.stderr.take().unwrap(), &written);
        Self { child, written }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.written.lock().unwrap()).into_owned()
    }

    /// Waits until it has written this so often; returns everything.
    #[track_caller]
    fn wait_for(&self, text: &str, times: usize) -> String {
        wait_until(&format!("{text:?} in {}", self.text()), || {
            self.text().matches(text).count() >= times
        });
        self.text()
    }

    /// Ends it as Ctrl-C does, and returns its exit code.
    fn interrupt(mut self) -> Option<i32> {
        let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It has ended, unless the test has failed.
        let _ = self.child.kill();
    }
}

fn collect(mut stream: impl Read + Send + 'static, into: &Arc<Mutex<Vec<u8>>>) {
    let into = Arc::clone(into);
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut bytes) {
            into.lock().unwrap().extend_from_slice(&bytes[..count]);
        }
    });
}

/// Writes a file of the project in one step, as editors do.
fn save(sandbox: &Sandbox, name: &str, text: &str) {
    let file = sandbox.path().join("project").join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let fresh = file.with_file_name(".fresh");
    fs::write(&fresh, text).unwrap();
    fs::rename(&fresh, &file).unwrap();
}

/// The fixture project as `project`, to be edited.
fn copy_fixture(sandbox: &Sandbox) {
    fn copy(from: &Path, to: PathBuf) {
        if from.is_dir() {
            fs::create_dir_all(&to).unwrap();
            for entry in fs::read_dir(from).unwrap() {
                let entry = entry.unwrap();
                copy(&entry.path(), to.join(entry.file_name()));
            }
        } else {
            fs::copy(from, to).unwrap();
        }
    }
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixture");
    copy(Path::new(fixture), sandbox.path().join("project"));
}

const ON_SCRIPT: [&str; 3] = ["--", "sh", "script.sh"];

#[test]
fn a_save_brings_a_verdict_and_the_failed_seed_comes_first() {
    let sandbox = Sandbox::new();
    let failing = "[ $DSTEST_ITER != 7 ] || { echo error: seven; exit 1; }";
    save(&sandbox, "script.sh", failing);
    let mut args = vec!["-n", "9", "-p", "1", "--seed", "5"];
    args.extend(ON_SCRIPT);
    let watch = Watch::start(&sandbox, &args);
    let first = watch.wait_for("failed; waiting for a save", 1);
    assert!(first.contains("1: watching project"), "{first}");
    assert!(
        first.contains("sh × 9, 1 worker, seed 5") && first.contains("error: seven"),
        "{first}"
    );
    assert_eq!(sandbox.field("iter").join(""), "123456789");
    let seed = sandbox.field("seed").remove(6);

    save(&sandbox, "script.sh", &format!("{failing} # no cure"));
    let second = watch.wait_for("failed; waiting for a save", 2);
    assert!(second.contains("2: script.sh saved"), "{second}");
    let still = format!("sh #7  still fails: error: seven\n        seed  {seed}\n");
    assert!(second.contains(&still), "no {still} in {second}");
    assert_eq!(sandbox.field("iter").join(""), "712345689");

    save(&sandbox, "script.sh", "true");
    let third = watch.wait_for("passed; waiting for a save", 1);
    let now = format!("sh #7  passes now with seed {seed}");
    assert!(third.contains(&now), "no {now} in {third}");
    assert_eq!(sandbox.field("iter").join(""), "712345689");
    assert_eq!(watch.interrupt(), Some(0), "the last verdict");
    let report = sandbox.call(&["report", "-o", "store"]);
    assert_eq!(report.exits_with(0).row("sh")[1..3], ["0", "9"], "it is stored like any other");
}

#[test]
fn a_save_ends_a_campaign_that_is_out_of_date() {
    let sandbox = Sandbox::new();
    save(&sandbox, "script.sh", "echo $$ >> ../pids; sleep 600 & echo $! >> ../pids; wait");
    let mut args = vec!["-n", "4", "-p", "2", "--grace", "30"];
    args.extend(ON_SCRIPT);
    let watch = Watch::start(&sandbox, &args);
    wait_until("two runs are under way", || sandbox.lines("pids").len() == 4);
    save(&sandbox, "script.sh", "exit 1");
    let text = watch.wait_for("failed; waiting for a save", 1);
    assert!(text.contains("stopped because the sources have changed"), "{text}");
    assert!(!text.contains("cancelled"), "those that were ended are not part of a verdict: {text}");
    assert!(sandbox.lines("pids").iter().all(|pid| !is_alive(pid)), "no process survives");
    assert_eq!(watch.interrupt(), Some(1));
}

#[test]
fn an_interrupt_ends_the_campaign_and_the_watch() {
    let sandbox = Sandbox::new();
    save(&sandbox, "script.sh", "echo $$ >> ../pids; sleep 600 & echo $! >> ../pids; wait");
    let mut args = vec!["-n", "1"];
    args.extend(ON_SCRIPT);
    let watch = Watch::start(&sandbox, &args);
    wait_until("a run is under way", || sandbox.lines("pids").len() == 2);
    assert_eq!(watch.interrupt(), Some(130));
    assert!(sandbox.lines("pids").iter().all(|pid| !is_alive(pid)), "no process survives");
}

#[test]
fn after_a_build_error_the_next_save_is_built() {
    let sandbox = Sandbox::new();
    copy_fixture(&sandbox);
    let library = fs::read_to_string(sandbox.path().join("project/src/lib.rs")).unwrap();
    let watch = Watch::start(&sandbox, &["tests::unit", "-n", "2"]);
    watch.wait_for("passed; waiting for a save", 1);
    save(&sandbox, "src/lib.rs", &library.replace("    2\n", "    three\n"));
    let text = watch.wait_for("build failed; waiting for a save", 1);
    assert!(
        text.contains("cannot find value `three`") && text.contains("src/lib.rs saved"),
        "{text}"
    );
    save(&sandbox, "src/lib.rs", &library.replace("    2\n", "    1 + 1\n"));
    watch.wait_for("passed; waiting for a save", 2);
    save(&sandbox, "Cargo.toml", "[package\n");
    let text = watch.wait_for("error; waiting for a save", 1);
    assert!(text.contains("Cargo.toml saved"), "{text}");
    assert_eq!(watch.interrupt(), Some(2));
}

#[test]
fn a_save_ends_a_build_that_is_out_of_date() {
    let sandbox = Sandbox::new();
    copy_fixture(&sandbox);
    let script = r#"fn main() {
        println!("cargo::rerun-if-changed=hangs");
        if std::path::Path::new("hangs").exists() {
            std::fs::write("../pids", format!("{}\n", std::process::id())).unwrap();
            std::thread::sleep(std::time::Duration::from_secs(600));
        }
    }"#;
    save(&sandbox, "build.rs", script);
    save(&sandbox, "hangs", "");
    let watch = Watch::start(&sandbox, &["tests::unit", "-n", "1"]);
    wait_until("the build hangs", || sandbox.lines("pids").len() == 1);
    fs::remove_file(sandbox.path().join("project/hangs")).unwrap();
    let text = watch.wait_for("passed; waiting for a save", 1);
    assert!(text.contains("2: hangs saved"), "{text}");
    assert!(!text.contains("the build failed"), "{text}");
    assert!(!is_alive(&sandbox.lines("pids")[0]), "what cargo had started is ended, too");
    assert_eq!(watch.interrupt(), Some(0));
}

#[test]
fn files_that_tests_write_can_be_ignored() {
    let sandbox = Sandbox::new();
    save(&sandbox, "script.sh", "echo $DSTEST_SEED >> seeds.log");
    let mut args = vec!["-n", "3", "--ignore", r"\.log$", "--export-json", "project/results.json"];
    args.extend(ON_SCRIPT);
    let watch = Watch::start(&sandbox, &args);
    watch.wait_for("passed; waiting for a save", 1);
    save(&sandbox, "any/file", "");
    let text = watch.wait_for("passed; waiting for a save", 2);
    assert!(text.contains("2: any/file saved") || text.contains("2: any saved"), "{text}");
    assert_eq!(watch.interrupt(), Some(0));
}

#[test]
fn on_a_terminal_keys_run_again_and_quit() {
    let sandbox = Sandbox::new();
    save(&sandbox, "script.sh", "echo error: no luck; exit 1");
    let mut args = vec!["watch", "-o", "store", "--dir", "project", "-n", "30"];
    args.extend(ON_SCRIPT);
    let mut terminal = Terminal::start(&sandbox, &args, 80, 24);
    let first = terminal.wait_for("Enter: run again, q: quit");
    for words in ["1: watching project", "FAILED  sh #", "replay ", "30 failures of one kind"] {
        assert!(first.contains(words), "no {words} on one screen:\n{first}");
    }
    terminal.press("\r");
    terminal.wait_for("2: run again");
    let second = terminal.wait_for("still fails: error: no luck");
    assert!(!second.contains("same as"), "each kind is shown once:\n{second}");
    // Keys count only while it waits.
    wait_until("it quits", || {
        terminal.press("q");
        terminal.child.try_wait().unwrap().is_some()
    });
    assert_eq!(terminal.child.wait().unwrap().code(), Some(1), "the last verdict");
}

#[test]
fn contradictions_end_it_at_once() {
    let sandbox = Sandbox::new();
    let call = |args: &[&str]| sandbox.call(&[&["watch"], args, &["--", "true"]].concat());
    call(&["-l", "--until-fail"]).exits_with(2).warns("--loop and --until-fail");
    call(&["--ignore", "("]).exits_with(2).warns("--ignore `(` is not a regular expression");
}
