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
    output: Option<String>,
    short_id: String,
    directory: String,
}

impl CommandHints {
    pub(crate) fn new(directory: &CampaignDir, output: Option<&Path>) -> Self {
        Self {
            program: shell::this_program(),
            output: output.map(|output| shell::quote(&output.to_string_lossy())),
            short_id: directory.short_id.clone(),
            directory: shell::relative(&directory.path),
        }
    }

    /// The command that repeats a run.
    pub(crate) fn replay(&self, test: &str, iter: Iteration) -> String {
        let output = self.output.as_ref().map_or_else(String::new, |dir| format!(" -o {dir}"));
        let run = shell::quote(&format!("{test}#{iter}"));
        format!("{} replay{output} {} {run}", self.program, self.short_id)
    }

    /// The command that runs the remaining runs.
    pub(crate) fn resume(&self) -> String {
        let output = self.output.as_ref().map_or_else(String::new, |dir| format!(" -o {dir}"));
        format!("`{} resume{output} {}`", self.program, self.short_id)
    }

    /// The line with the browse command; empty without a terminal.
    pub(crate) fn browse(&self) -> String {
        if !std::io::stdout().is_terminal() {
            return String::new();
        }
        let Self { program, short_id, .. } = self;
        let output = self.output.as_ref().map_or_else(String::new, |dir| format!(" -o {dir}"));
        format!("Browse: {program} browse{output} {short_id}\n")
    }

    /// The campaign's directory, relative if possible.
    pub(crate) fn dir(&self) -> &str {
        &self.directory
    }
}
