//! Commands that the user can copy: replay, resume, browse.

use std::io::IsTerminal;
use std::path::Path;

use crate::seed::Iteration;
use crate::store::CampaignDir;
use crate::text::shell;

/// The parts of commands on a campaign.
#[derive(Debug, Clone)]
pub(crate) struct CommandHints {
    program: String,
    /// ` -o DIR` as typed, or empty.
    output: String,
    short_id: String,
    directory: String,
}

impl CommandHints {
    pub(crate) fn new(directory: &CampaignDir, output: Option<&Path>) -> Self {
        Self {
            program: shell::this_program(),
            output: output.map_or_else(String::new, |dir| {
                format!(" -o {}", shell::quote(&dir.to_string_lossy()))
            }),
            short_id: directory.short_id.clone(),
            directory: shell::relative(&directory.path),
        }
    }

    /// The command that repeats a run.
    pub(crate) fn replay(&self, test: &str, iter: Iteration) -> String {
        let run = shell::quote(&format!("{test}#{iter}"));
        // A name may begin like an option.
        let end = if test.starts_with('-') { " --" } else { "" };
        format!("{} replay{} {}{end} {run}", self.program, self.output, self.short_id)
    }

    /// The command that runs the remaining runs.
    pub(crate) fn resume(&self) -> String {
        format!("`{} resume{} {}`", self.program, self.output, self.short_id)
    }

    /// The line with the browse command; empty without a terminal.
    pub(crate) fn browse(&self) -> String {
        if !std::io::stdout().is_terminal() {
            return String::new();
        }
        let Self { program, output, short_id, .. } = self;
        format!("Browse: {program} browse{output} {short_id}\n")
    }

    /// The directory that a run left beside its log, if it holds more than the report of its failure.
    pub(crate) fn files_beside(&self, log: &str) -> Option<String> {
        let dir = Path::new(&self.directory).join(log).with_extension("dir");
        let names = std::fs::read_dir(&dir).ok()?.flatten().map(|entry| entry.file_name());
        let mut others = names.filter(|name| name != "report.json");
        others.next().is_some().then(|| dir.to_string_lossy().into_owned())
    }

    /// The campaign's directory, relative if possible.
    pub(crate) fn dir(&self) -> &str {
        &self.directory
    }
}
