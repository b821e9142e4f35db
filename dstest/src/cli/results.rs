//! Options for results: columns, kept logs, the store, exported files.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::text::style::Color;

/// Optional columns of the table.
#[derive(Debug, Args)]
pub struct ColumnArgs {
    /// Add columns for percentiles, CPU time and memory
    #[arg(short, long)]
    pub timing: bool,

    /// Add columns for numbers that tests report (MIT labs: RPCs, bytes, commands)
    #[arg(long)]
    pub metrics: bool,

    /// Show a histogram of the times of each test
    #[arg(long)]
    pub hist: bool,

    /// Show a row for each PATTERN of the campaign instead of one for each test
    #[arg(long)]
    pub by_pattern: bool,
}

/// Results: columns, logs, store, exports.
#[derive(Debug, Args)]
#[command(next_help_heading = "Results")]
pub struct ShowArgs {
    /// Optional columns of the table
    #[command(flatten)]
    pub columns: ColumnArgs,

    /// Keep the logs of passed runs too
    #[arg(short = 'a', long)]
    pub keep_logs: bool,

    /// The store
    #[command(flatten)]
    pub store: StoreArgs,

    /// Files to write
    #[command(flatten)]
    pub exports: ExportArgs,
}

/// Files to write at the end.
#[derive(Debug, Default, Args)]
pub struct ExportArgs {
    /// Write the results as JSON to FILE (`-`: standard output, also below)
    #[arg(long, value_name = "FILE")]
    pub export_json: Option<PathBuf>,

    /// Write the results as JUnit XML to FILE
    #[arg(long, value_name = "FILE")]
    pub export_junit: Option<PathBuf>,

    /// In the JUnit file, a test that also passed is flaky (flakyFailure), not failed
    #[arg(long, requires = "export_junit")]
    pub junit_flaky: bool,

    /// Write the table and the failures as Markdown to FILE
    #[arg(long, value_name = "FILE")]
    pub export_markdown: Option<PathBuf>,

    /// Write counts and times as CSV to FILE: the same columns always, in seconds
    #[arg(long, value_name = "FILE")]
    pub export_csv: Option<PathBuf>,

    /// Write a trace to FILE, for ui.perfetto.dev or chrome://tracing: workers as tracks, runs as slices
    #[arg(long, value_name = "FILE")]
    pub export_chrome_trace: Option<PathBuf>,

    /// Write the results as one page for a browser to FILE: table, failures with their evidence, coverage
    #[arg(long, value_name = "FILE")]
    pub export_html: Option<PathBuf>,

    /// Write all that a CI service shows into DIR (`dstest ci --help`), and annotations to the output
    #[arg(long, value_name = "DIR")]
    pub export_ci: Option<PathBuf>,
}

/// A format of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// A page for a browser
    Html,
    /// JSON
    Json,
    /// JUnit XML
    Junit,
    /// Markdown
    Markdown,
    /// Comma-separated values
    Csv,
    /// A trace for ui.perfetto.dev
    ChromeTrace,
}

impl ExportFormat {
    /// The ending of a file in this format.
    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Json => "json",
            Self::Junit => "xml",
            Self::Markdown => "md",
            Self::Csv => "csv",
            Self::ChromeTrace => "trace.json",
        }
    }
}

impl ExportArgs {
    /// The file of a format.
    pub(crate) const fn file_mut(&mut self, format: ExportFormat) -> &mut Option<PathBuf> {
        match format {
            ExportFormat::Html => &mut self.export_html,
            ExportFormat::Json => &mut self.export_json,
            ExportFormat::Junit => &mut self.export_junit,
            ExportFormat::Markdown => &mut self.export_markdown,
            ExportFormat::Csv => &mut self.export_csv,
            ExportFormat::ChromeTrace => &mut self.export_chrome_trace,
        }
    }

    /// Each option with its file.
    pub(crate) const fn files(&self) -> [(&'static str, &Option<PathBuf>); 6] {
        [
            ("--export-json", &self.export_json),
            ("--export-junit", &self.export_junit),
            ("--export-markdown", &self.export_markdown),
            ("--export-csv", &self.export_csv),
            ("--export-chrome-trace", &self.export_chrome_trace),
            ("--export-html", &self.export_html),
        ]
    }
}

/// The store, and colours: shared by every command.
#[derive(Debug, Args)]
pub struct StoreArgs {
    /// Store results in DIR [default: .dstest next to the manifest or go.mod]
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,

    /// Use colours and live progress
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}
