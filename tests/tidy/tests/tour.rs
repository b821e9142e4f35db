//! The commands of the README, run as they are written.
//!
//! They build the workspace in release mode, so that they run only where `README_TOUR` is set:
//! `README_TOUR=copy` for a copy of the workspace, `README_TOUR=here` for a clean clone, as in
//! `.ci/run`, whose later steps find built what the tour has built.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail them")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tidy::sources::workspace;
use tidy::tour::{Seeded, Step, compare, steps};

/// Commands that take long as they are written: what is replaced by what, or why it is left out.
const LONG: [(&str, Long); 4] = [
    ("dstest swarm", Long::Replaced("-n 1000", "-n 5")),
    ("--bin swarm", Long::Replaced("10000", "50")),
    ("--bin model", Long::LeftOut("millions of states; the test `model` looks at fewer")),
    (
        "kill_9",
        Long::LeftOut("a release build of its own; `.ci/run` has it in the profile of tests"),
    ),
];

/// Treatment of a long command.
enum Long {
    /// A number in it is replaced by a smaller one.
    Replaced(&'static str, &'static str),
    /// It does not run, for this reason.
    LeftOut(&'static str),
}

/// The place of the tour.
struct Place {
    /// A directory for its script.
    root: PathBuf,
    /// The sources.
    workspace: PathBuf,
}

impl Place {
    /// A copy of the sources under version control, with a build of its own.
    fn copy() -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tour");
        let this = Self { workspace: root.join("workspace"), root };
        let _ = fs::remove_dir_all(&this.workspace);
        fs::create_dir_all(&this.root).unwrap();
        this.sh(&format!(
            "git clone -q '{0}' workspace && cd '{0}' && git ls-files -z --modified --others --exclude-standard \
             | while IFS= read -r -d '' file; do [ ! -e \"$file\" ] || cp --parents \"$file\" '{1}/workspace'; done \
             && cd '{1}/workspace' && git add -A && git -c user.name=tour -c user.email=tour@localhost commit -qm now --allow-empty",
            workspace().display(),
            this.root.display(),
        ));
        this
    }

    /// This clone, which has no changes: the tour makes one and undoes it.
    fn here() -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).to_owned();
        let this = Self { workspace: workspace(), root };
        this.sh(&format!("cd '{}' && git diff --quiet HEAD", this.workspace.display()));
        this
    }

    fn sh(&self, script: &str) {
        let status = Command::new("bash").args(["-euc", script]).current_dir(&self.root).status();
        assert!(status.is_ok_and(|status| status.success()), "{script}");
    }

    /// Runs a script in one shell, and gives all that it prints.
    fn session(&self, script: &str) -> String {
        let file = self.root.join("tour.sh");
        fs::write(&file, script).unwrap();
        let mut shell = Command::new("bash");
        shell.arg("-m").arg(&file).current_dir(&self.workspace);
        // The tests' own variables are not a reader's.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            let kept = name == "CARGO_HOME" || name.starts_with("CARGO_PROFILE_");
            if name.starts_with("CARGO_") && !kept || name == "RUST_BACKTRACE" {
                shell.env_remove(name);
            }
        }
        let output = shell.stdin(Stdio::null()).stderr(Stdio::inherit()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// The script of the tour: before each block its number, after a command without documented
/// output a complaint if it fails.
fn script(steps: &[Step]) -> String {
    let mut script = String::new();
    for (number, step) in steps.iter().enumerate() {
        script += &format!("echo; echo '{MARK}{number}'\n");
        for command in step.commands.iter().filter_map(|command| shorter(command)) {
            script += &match &step.output {
                None => format!("{{ {command}; }} >/dev/null || echo \"exit code $?\"\n"),
                Some(_) => format!("{command}\n"),
            };
        }
    }
    script
}

const MARK: &str = "@@@ step ";

/// The command as the tour runs it; `None` if it leaves it out.
fn shorter(command: &str) -> Option<String> {
    let long = LONG.iter().find(|(part, _)| command.contains(part));
    match long {
        Some((part, Long::Replaced(from, to))) => {
            assert!(command.contains(from), "no `{from}` for `{part}` in `{command}`");
            Some(command.replace(from, to))
        }
        Some((_, Long::LeftOut(_))) => None,
        None => Some(command.to_owned()),
    }
}

/// The output of each step, by its number.
fn outputs(printed: &str) -> BTreeMap<usize, Vec<String>> {
    let mut outputs: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut step = 0;
    for line in printed.lines() {
        match line.strip_prefix(MARK) {
            Some(number) => step = number.parse().unwrap(),
            None => outputs.entry(step).or_default().push(line.to_owned()),
        }
    }
    outputs
}

/// Writes a line for people, not by a macro: the harness would keep it to itself.
fn say(line: &str) {
    io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

#[test]
fn the_tour_goes_as_the_readme_says() {
    let place = match std::env::var("README_TOUR").as_deref() {
        Ok("copy") => Place::copy(),
        Ok("here") => Place::here(),
        _ => {
            return say("SKIPPED the_tour_goes_as_the_readme_says: set README_TOUR=copy (minutes)");
        }
    };
    for (part, long) in &LONG {
        if let Long::LeftOut(reason) = long {
            say(&format!("left out: {part}: {reason}"));
        }
    }
    let readme = fs::read_to_string(workspace().join("README.md")).unwrap();
    let steps = steps(&readme);
    let printed = place.session(&script(&steps));
    let outputs = outputs(&printed);
    let mut wrong = String::new();
    for (number, step) in steps.iter().enumerate() {
        let real = outputs.get(&number).map(Vec::as_slice).unwrap_or_default();
        let seeded = step.commands.iter().any(|command| command.contains("--seed"));
        let seeded = if seeded { Seeded::Yes } else { Seeded::No };
        let documented = step.output.as_deref().unwrap_or_default();
        if let Err(difference) = compare(documented, real, seeded) {
            let (line, real) = (step.line, real.join("\n"));
            wrong += &format!("README.md:{line}:\n{difference}\nall of it:\n{real}\n\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
