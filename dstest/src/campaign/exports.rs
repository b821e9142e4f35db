//! The files of `--export-*`: checked before a campaign, written after it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::hints::CommandHints;
use super::output::Output;
use super::stored::StoredCampaign;
use crate::cli::ExportArgs;
use crate::error::Error;
use crate::record::RunRecord;
use crate::record::signature::printable;
use crate::report::json::Document;
use crate::report::junit::{self, CaseName, Evidence, MixedResults};
use crate::report::tally::Tally;
use crate::report::{chrome_trace, summary, tables};
use crate::seed::Iteration;
use crate::store::open_dir::read_end;
use crate::store::{StoreError, io_error, log_path, unused_beside, write_atomically};
use crate::suite::Test;
use crate::text::console;

/// Makes sure that every file can be written, before hours are spent on its contents. With standard
/// output among them, everything for people goes to standard error from now on.
///
/// # Errors
/// [`Error::Export`] with the option and the reason; [`Error::TwoOutputs`].
pub(crate) fn check_exports(args: &ExportArgs) -> Result<(), Error> {
    if let Some(dir) = &args.export_ci {
        let prepared = fs::create_dir_all(dir).and_then(|()| check(&dir.join(CI_SUMMARY)));
        let (option, path) = ("--export-ci", dir.clone());
        prepared.map_err(|source| Error::Export { option, path, source })?;
    }
    check_files(args.files())
}

/// Like [`check_exports`], for these options.
pub(crate) fn check_files<'a>(
    files: impl IntoIterator<Item = (&'static str, &'a Option<PathBuf>)>,
) -> Result<(), Error> {
    let mut output = None;
    for (option, file) in files {
        let Some(file) = file else { continue };
        if is_output(file) {
            if let Some(first) = output.replace(option) {
                return Err(Error::TwoOutputs { first, second: option });
            }
            console::leave_output_to_data();
        } else {
            let path = file.clone();
            check(file).map_err(|source| Error::Export { option, path, source })?;
        }
    }
    Ok(())
}

fn is_output(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// Tries to write beside the file, as [`write_atomically`] will, or into a pipe or device.
fn check(file: &Path) -> io::Result<()> {
    match fs::metadata(file) {
        Ok(found) if found.is_dir() => Err(io::Error::from(io::ErrorKind::IsADirectory)),
        Ok(found) if !found.is_file() => Ok(()),
        Ok(_) | Err(_) => {
            file.file_name().ok_or(io::ErrorKind::InvalidInput)?;
            let probe = unused_beside(file);
            File::create_new(&probe)?;
            fs::remove_file(probe)
        }
    }
}

/// Writes an exported document: to standard output (`-`), into a pipe or device, or as a whole file.
///
/// # Errors
/// [`StoreError::Io`].
pub(crate) fn write_export(file: &Path, text: &str) -> Result<(), StoreError> {
    if is_output(file) {
        console::print_data(text);
        return Ok(());
    }
    let is_special = fs::metadata(file).is_ok_and(|found| !found.is_file());
    if !is_special {
        return write_atomically(file, text.as_bytes());
    }
    let written = OpenOptions::new().write(true).open(file);
    let written = written.and_then(|mut pipe| pipe.write_all(text.as_bytes()));
    written.map_err(io_error("write", file))
}

/// A campaign and its results, in the form of each export.
pub(super) struct Results<'a> {
    pub(super) output: &'a Output<'a>,
    pub(super) stored: &'a StoredCampaign,
    pub(super) document: &'a Document,
    pub(super) tally: &'a Tally,
    pub(super) hints: &'a CommandHints,
}

impl Results<'_> {
    /// Writes every file that has an option of its own; the first that cannot be written is the error.
    pub(super) fn write(&self) -> Result<(), StoreError> {
        let args = self.output.exports;
        let write = |file: &Option<PathBuf>, text: &dyn Fn() -> Result<String, StoreError>| {
            file.as_ref().map_or(Ok(()), |file| write_export(file, &text()?))
        };
        write(&args.export_json, &|| Ok(self.document.text()))?;
        write(&args.export_junit, &|| Ok(self.junit()))?;
        write(&args.export_markdown, &|| Ok(self.markdown()))?;
        write(&args.export_csv, &|| Ok(tables::csv(self.tally)))?;
        write(&args.export_chrome_trace, &|| self.trace())?;
        write(&args.export_html, &|| self.page())
    }

    pub(super) fn replay(&self, test: usize, iter: Iteration) -> String {
        self.hints.replay(&self.tally.tests()[test].name, iter)
    }

    pub(super) fn markdown(&self) -> String {
        let rows = self.stored.tally_of_rows(self.output.columns.rows);
        let rows = rows.as_ref().unwrap_or(self.tally);
        let table = tables::markdown(&summary::results(rows, self.output.columns));
        let replay = |test, iter| self.replay(test, iter);
        let failures = tables::markdown_failures(self.tally, replay);
        let missing = match self.document.complete {
            true => String::new(),
            false => format!("\n{} done; not complete\n", self.document.runs()),
        };
        table + &failures + &missing
    }

    pub(super) fn trace(&self) -> Result<String, StoreError> {
        let mut runs = Vec::new();
        self.stored.each(|test, record| {
            // Without what is not shown: a campaign may have millions of runs.
            runs.push((test, RunRecord { metrics: None, coverage: None, ..record }));
        })?;
        let (id, workers) = (&self.stored.dir.short_id, self.stored.file.workers);
        let named = runs.iter().map(|(test, record)| (&*self.tally.tests()[*test].name, record));
        Ok(chrome_trace::text(&format!("dstest {id}, {workers} workers"), named))
    }

    pub(super) fn junit(&self) -> String {
        let case_name = |test: &Test| CaseName {
            // Its program, which is the same in every campaign.
            class: test.key.split('$').next().unwrap_or(&test.key).to_owned(),
            name: test.id.clone(),
        };
        let names: Vec<CaseName> = self.stored.file.tests.iter().map(case_name).collect();
        let evidence = |test: usize, iter: Iteration| {
            let log = log_path(&self.tally.tests()[test].name, iter);
            let tail = tail(&self.stored.dir.path.join(&log)).unwrap_or_default();
            let dir = self.hints.dir();
            let log = if tail.is_empty() { String::new() } else { format!("{dir}/{log}") };
            Evidence { replay: self.replay(test, iter), log, tail }
        };
        let is_flaky = self.output.exports.junit_flaky;
        junit::text(&junit::Results {
            document: self.document,
            tally: self.tally,
            names: &names,
            mixed: if is_flaky { MixedResults::AreFlaky } else { MixedResults::Fail },
            evidence: &evidence,
        })
    }
}

/// The last lines of a log that are not blank, without colours.
fn tail(log: &Path) -> io::Result<Vec<String>> {
    let bytes = read_end(log, TAIL_BYTES)?;
    Ok(crate::record::tail(&bytes, TAIL_LINES).into_iter().map(printable).collect())
}

/// The summary in the directory of `--export-ci`.
pub(super) const CI_SUMMARY: &str = "summary.md";

/// Enough to see what happened last, without a second click.
const TAIL_LINES: usize = 30;

/// Some thousand lines: the stacks of a program are long.
const TAIL_BYTES: u64 = 256 * 1024;
