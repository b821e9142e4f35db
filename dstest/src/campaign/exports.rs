//! Writes the files of `--export-*`.

use std::path::Path;

use crate::cli::ExportArgs;
use crate::plan::Columns;
use crate::report::json::Document;
use crate::report::tally::Tally;
use crate::report::{junit, summary, tables};
use crate::store::{StoreError, write_atomically};

/// Writes every file that was asked for; the first that cannot be written is the error.
pub(crate) fn write_exports(
    args: &ExportArgs,
    document: &Document,
    tally: &Tally,
    columns: Columns,
) -> Result<(), StoreError> {
    let table = || summary::results(tally, columns);
    let write = |path: &Option<_>, text: &dyn Fn() -> String| match path {
        Some(path) => write_atomically(Path::new::<std::path::PathBuf>(path), text().as_bytes()),
        None => Ok(()),
    };
    write(&args.export_json, &|| document.text())?;
    write(&args.export_junit, &|| junit::text(document))?;
    write(&args.export_markdown, &|| tables::markdown(&table()))?;
    write(&args.export_csv, &|| tables::csv(&table()))
}
