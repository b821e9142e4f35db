//! Commands that the user can copy: replay, resume, browse.

use std::io::IsTerminal;
use std::path::Path;

use crate::seed::Iteration;
use crate::store::{CampaignDir, Store};
use crate::text::shell;

/// The parts of commands on a campaign, as they mean it in the current directory.
#[derive(Debug, Clone)]
pub(crate) struct CommandHints {
    program: String,
    /// ` -o DIR` for a store that is not found without it, or empty.
    output: String,
    /// Its id or, outside of a store, its directory.
    campaign: String,
    directory: String,
}

impl CommandHints {
    pub(crate) fn new(directory: &CampaignDir) -> Self {
        let store = directory.store();
        let campaign = match store {
            Some(_) => directory.short_id.clone(),
            None => word(&directory.path),
        };
        let named = store.filter(|store| !is_found(store));
        let output = named.map(|store| format!(" -o {}", word(store.root())));
        Self {
            program: shell::this_program(),
            output: output.unwrap_or_default(),
            campaign,
            directory: shell::relative(&directory.path),
        }
    }

    /// The command that repeats a run.
    pub(crate) fn replay(&self, test: &str, iter: Iteration) -> String {
        let run = shell::quote(&format!("{test}#{iter}"));
        // A name may begin like an option.
        let end = if test.starts_with('-') { " --" } else { "" };
        format!("{} replay{} {}{end} {run}", self.program, self.output, self.campaign)
    }

    /// The command that runs the remaining runs.
    pub(crate) fn resume(&self) -> String {
        format!("`{} resume{} {}`", self.program, self.output, self.campaign)
    }

    /// The command that browses the campaign.
    pub(crate) fn browse(&self) -> String {
        format!("{} browse{} {}", self.program, self.output, self.campaign)
    }

    /// The line with that command; empty without a terminal.
    pub(crate) fn browse_line(&self) -> String {
        let is_terminal = std::io::stdout().is_terminal();
        if is_terminal { format!("Browse: {}\n", self.browse()) } else { String::new() }
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

/// `true` if commands in the current directory mean this store without `-o`.
fn is_found(store: &Store) -> bool {
    let here = std::env::current_dir().unwrap_or_default();
    let found = Store::nearest(&here).ok().and_then(|found| found.root().canonicalize().ok());
    found.is_some_and(|found| store.root().canonicalize().is_ok_and(|root| root == found))
}

/// The path as a word of a command.
fn word(path: &Path) -> String {
    match shell::relative(path) {
        option if option.starts_with('-') => shell::quote(&format!("./{option}")),
        path => shell::quote(&path),
    }
}
