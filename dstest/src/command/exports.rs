//! Writes the files of `--export-*`.

use std::path::Path;

use crate::cli::ExportArgs;
use crate::export::json::Document;
use crate::export::{junit, tables};
use crate::plan::Columns;
use crate::store::{StoreError, write_atomically};
use crate::summary;
use crate::tally::Tally;

/// Writes every file that was asked for; the first that cannot be written is the error.
pub(super) fn write(
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
