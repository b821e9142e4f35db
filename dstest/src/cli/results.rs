//! Options for results: columns, kept logs, the store, exported files.

use std::path::PathBuf;

use clap::Args;

use crate::text::style::Color;

/// What the table shows beyond failures and times.
#[derive(Debug, Args)]
pub struct ColumnArgs {
    /// Add columns for percentiles, processor time and memory
    #[arg(short, long)]
    pub timing: bool,

    /// Add columns for the messages, bytes and commands that lab tests report
    #[arg(long)]
    pub metrics: bool,

    /// Show how the times of each test spread
    #[arg(long)]
    pub hist: bool,
}

/// What is shown and kept.
#[derive(Debug, Args)]
#[command(next_help_heading = "Results")]
pub struct ShowArgs {
    /// What the table shows beyond failures and times
    #[command(flatten)]
    pub columns: ColumnArgs,

    /// Keep the logs of passed runs too
    #[arg(short, long)]
    pub archive: bool,

    /// Where results are stored
    #[command(flatten)]
    pub store: StoreArgs,

    /// Files to write
    #[command(flatten)]
    pub exports: ExportArgs,
}

/// Files to write at the end.
#[derive(Debug, Default, Args)]
pub struct ExportArgs {
    /// Write the results as JSON to FILE
    #[arg(long, value_name = "FILE")]
    pub export_json: Option<PathBuf>,

    /// Write the results as JUnit XML to FILE
    #[arg(long, value_name = "FILE")]
    pub export_junit: Option<PathBuf>,

    /// Write the table as Markdown to FILE
    #[arg(long, value_name = "FILE")]
    pub export_markdown: Option<PathBuf>,

    /// Write the table as CSV to FILE
    #[arg(long, value_name = "FILE")]
    pub export_csv: Option<PathBuf>,
}

/// Where results are stored, and colours: shared by every command.
#[derive(Debug, Args)]
pub struct StoreArgs {
    /// Store results in DIR [default: .dstest beside the manifest or go.mod]
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,

    /// Colours and live progress
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}
