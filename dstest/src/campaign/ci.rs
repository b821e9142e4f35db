//! The files of `--export-ci`, and annotations where the lines of a job are read for them.
//!
//! ```text
//! DIR/summary.md          the table, the failures with the commands that repeat them
//! DIR/junit.xml           for the service's view of tests
//! DIR/results.json        as of --export-json
//! DIR/trace.json          as of --export-chrome-trace
//! DIR/report.html         as of --export-html
//! DIR/code-quality.json   the failures at their lines, for GitLab
//! DIR/store/              the campaign with its logs (`dstest ci`)
//! ```

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use super::exports::{CI_SUMMARY, Results, write_export};
use super::stored::StoredCampaign;
use crate::record::FailureKind;
use crate::record::signature::group_key;
use crate::report::annotations::{self, Finding, Place};
use crate::report::junit::seed_note;
use crate::report::summary::runs;
use crate::report::tally::Group;
use crate::store::StoreError;
use crate::suite::{Binary, Harness};
use crate::text::{console, names};

/// Writes every export that was asked for, that for a CI service last.
pub(super) fn write_exports(results: &Results<'_>) -> Result<(), StoreError> {
    results.write()?;
    let dir = results.output.exports.export_ci.as_ref();
    dir.map_or(Ok(()), |dir| write(dir, results))
}

/// Writes the files, and tells the service.
fn write(dir: &Path, results: &Results<'_>) -> Result<(), StoreError> {
    let repository = Repository::of(results.stored);
    let findings = findings(results, &repository);
    let summary = summary(results);
    for (name, text) in [
        (CI_SUMMARY, summary.clone()),
        ("junit.xml", results.junit()),
        ("results.json", results.document.text()),
        ("trace.json", results.trace()?),
        ("report.html", results.page()?),
        ("code-quality.json", annotations::code_quality(&findings)),
    ] {
        write_export(&dir.join(name), &text)?;
    }
    if std::env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true") {
        console::print(&annotations::github(&findings));
    }
    if let Some(file) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty()) {
        let path = PathBuf::from(file);
        if let Err(error) = append(&path, beginning(&summary)) {
            let path = path.display();
            console::warn(&format!("cannot append to {path} (GITHUB_STEP_SUMMARY): {error}"));
        }
    }
    Ok(())
}

fn append(file: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().append(true).create(true).open(file)?.write_all(text.as_bytes())
}

/// The lines of a summary that the service accepts.
fn beginning(summary: &str) -> &str {
    if summary.len() <= SUMMARY_BYTES_MAX {
        return summary;
    }
    let end = summary.floor_char_boundary(SUMMARY_BYTES_MAX);
    summary[..end].rfind('\n').map_or("", |end| &summary[..=end])
}

fn summary(results: &Results<'_>) -> String {
    let (document, tally) = (results.document, results.tally);
    let state = match (tally.failed(), tally.nothing_tested()) {
        (0, true) => "nothing was tested".to_owned(),
        (failed, _) => format!("{failed} failed"),
    };
    let shard = results.stored.file.shard.as_ref();
    let shard = shard.map_or_else(String::new, |shard| format!(", share {shard}"));
    let mut text = format!("### dstest: {}, {state}{shard}\n\n", document.runs());
    text.push_str(&results.markdown());
    if tally.failed() > 0 {
        text.push_str(
            "\nOn another machine, the test repeats a run with its seed in `DSTEST_SEED`.\n",
        );
    }
    text.push('\n');
    text
}

/// Each kind of failure, the most frequent first.
fn findings(results: &Results<'_>, repository: &Repository) -> Vec<Finding> {
    let mut groups: Vec<&Group> = results.tally.groups().iter().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups.into_iter().map(|group| finding(results, group, repository)).collect()
}

fn finding(results: &Results<'_>, group: &Group, repository: &Repository) -> Finding {
    let test = &results.tally.tests()[group.test];
    let word = match group.kind {
        FailureKind::Final => "failed in",
        FailureKind::Flaky => "passed only when repeated in",
    };
    let title = format!("{} {word} {} of {}", test.name, group.count, runs(test.total()));
    let seed = seed_note(test, group.first);
    let replay = results.replay(group.test, group.first);
    let file = &results.stored.file;
    let described = &file.tests[group.test];
    let binary = &file.binaries[described.binary];
    Finding {
        kind: group.kind,
        title,
        reason: group.signature.clone(),
        details: vec![format!("run #{}{seed}", group.first), format!("replay: {replay}")],
        place: repository.place(&group.signature, binary, described.harness),
        fingerprint: names::fingerprint(&format!("{} {}", test.key, group_key(&group.signature))),
    }
}

/// The repository that the tests are in.
struct Repository {
    root: PathBuf,
    /// The store, where archives are unpacked: its copies of files are not the repository's.
    store: PathBuf,
}

impl Repository {
    /// The service's, the nearest with `.git`, or the project's own directory.
    fn of(stored: &StoredCampaign) -> Self {
        let project = &stored.file.invocation.cwd;
        let named = ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"].into_iter().filter_map(std::env::var_os);
        let mut named = named.filter_map(|dir| Path::new(&dir).canonicalize().ok());
        let with_git = || project.ancestors().find(|dir| dir.join(".git").exists());
        let named = named.find(|dir| project.starts_with(dir));
        let root = named.unwrap_or_else(|| with_git().unwrap_or(project).to_owned());
        let store = stored.dir.own_store().root().to_owned();
        Self { root, store: store.canonicalize().unwrap_or(store) }
    }

    /// The line that a reason names, if the file is in the repository.
    fn place(&self, reason: &str, binary: &Binary, harness: Harness) -> Option<Place> {
        let named = PLACE.captures_iter(reason).last()?;
        let file = Path::new(named.get(1)?.as_str());
        let line = named.get(2)?.as_str().parse().ok()?;
        let is_own = |dir: &&Path| dir.starts_with(&self.root) && !dir.starts_with(&self.store);
        let own = binary.cwd.ancestors().filter(is_own);
        let mut dirs: Vec<&Path> = own.chain([&*self.root]).collect();
        if harness == Harness::Libtest {
            // The compiler names files as seen from the workspace.
            dirs.sort_by_key(|dir| !dir.join("Cargo.lock").is_file());
        }
        let found = dirs.into_iter().map(|dir| dir.join(file)).find(|path| path.is_file())?;
        let file = found.canonicalize().ok()?.strip_prefix(&self.root).ok()?.to_owned();
        Some(Place { file, line })
    }
}

/// `tests/lab.rs:88`, behind a space or a bracket, or at the beginning.
static PLACE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:^|[\s(])([\w./@+-]+\.\w+):([0-9]+)\b").expect("compiled by the tests below")
});

/// GitHub accepts 1 MiB of a step.
const SUMMARY_BYTES_MAX: usize = 1_000_000;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_reason_names_a_line_of_the_repository_or_none() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for file in ["Cargo.lock", "src/lib.rs", "core/src/lib.rs", "core/a_test.go", "b.py"] {
            fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            fs::write(root.join(file), "").unwrap();
        }
        let binary = Binary {
            name: "core".to_owned(),
            path: "core".into(),
            cwd: root.join("core"),
            env: Vec::new(),
            contents: None,
        };
        let repository = Repository { root: root.clone(), store: root.join("store") };
        let rows = [
            (Harness::Libtest, "two leaders (core/src/lib.rs:88:9)", Some("core/src/lib.rs:88")),
            // Of the library that the package needs, not the package's own.
            (Harness::Libtest, "two leaders (src/lib.rs:88:9)", Some("src/lib.rs:88")),
            (Harness::Libtest, "moved from b.py:1 to nowhere (gone.rs:1:2)", None),
            (Harness::Libtest, "panicked (/rustc/1a2b/library/core/src/lib.rs:1:2)", None),
            (Harness::Libtest, "left: 1:30, right: 2", None),
            (Harness::Go, "a_test.go:7: want 3", Some("core/a_test.go:7")),
            (Harness::Go, "TestA/b: a_test.go:12: want src/lib.rs", Some("core/a_test.go:12")),
            (Harness::Opaque, "assert 1 == 2 (b.py:3)", Some("b.py:3")),
            (Harness::Opaque, "outside (../../etc/passwd.txt:3)", None),
            (Harness::Opaque, "too far (b.py:99999999999)", None),
            (Harness::Opaque, "no place", None),
        ];
        for (harness, reason, want) in rows {
            let place = repository.place(reason, &binary, harness);
            let place = place.map(|place| format!("{}:{}", place.file.display(), place.line));
            assert_eq!(place.as_deref(), want, "{reason}");
        }
        // As an archive is unpacked.
        let unpacked = Binary { cwd: root.join("store/core"), ..binary };
        fs::create_dir_all(&unpacked.cwd).unwrap();
        fs::write(unpacked.cwd.join("b.py"), "").unwrap();
        let place = repository.place("b.py:3", &unpacked, Harness::Opaque).unwrap();
        assert_eq!(place.file, Path::new("b.py"));
    }

    #[test]
    fn a_summary_is_cut_between_lines() {
        let line = "é".repeat(50) + "\n";
        let long = line.repeat(20_000);
        let cut = beginning(&long);
        assert!(cut.len() <= SUMMARY_BYTES_MAX && cut.len() > SUMMARY_BYTES_MAX - 200);
        assert!(cut.ends_with('\n') && long.starts_with(cut));
        assert_eq!(beginning(&line), line);
    }
}
