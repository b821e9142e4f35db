//! The conditions of the tests in a campaign, as far as its description has them.

use std::collections::{BTreeMap, BTreeSet};

use crate::store::CampaignFile;

/// The conditions of the tests of a campaign, by their names.
pub(super) struct Conditions {
    /// The options that decide what a run does.
    options: BTreeMap<String, String>,
    /// The command of each test, by its index.
    commands: Vec<String>,
    /// Facts that only its time depends on.
    machine: BTreeMap<String, String>,
}

impl Conditions {
    /// Those of a campaign.
    pub(super) fn of(file: &CampaignFile) -> Self {
        let CampaignFile { limits, .. } = file;
        let mut options = BTreeMap::new();
        let mut set = |name: &str, value: String| {
            if !value.is_empty() {
                options.insert(name.to_owned(), value);
            }
        };
        let optional = |value: &Option<String>| value.clone().unwrap_or_default();
        set("VERBOSE", file.verbose.map_or_else(String::new, |verbose| verbose.to_string()));
        set("build", file.build.join(" "));
        set("arguments", file.test_args.join(" "));
        set("--wrap", file.wrap.join(" "));
        set("runner", file.runner.join(" "));
        set("--seed-env", optional(&file.seed_env));
        set("--setup", optional(&file.setup));
        set("--teardown", optional(&file.teardown));
        set("--fail-regex", optional(&limits.fail_regex));
        set("--skip-regex", optional(&limits.skip_regex));
        set("timeout", format!("{} s", limits.timeout_ms as f64 / 1000.0));
        set("output limit", limits.max_output.to_string());
        let exceptions = limits.exceptions.iter();
        let exceptions: Vec<String> =
            exceptions.map(|(pattern, ms)| format!("{pattern} {ms} ms")).collect();
        set("timeouts of tests", exceptions.join(", "));
        // The description was written by this type, so that it can be written again.
        set("rules of tests", serde_json::to_string(&file.rules).unwrap_or_default());
        for (name, value) in &file.env {
            set(name, format!("\"{value}\""));
        }
        let workers = [("workers", Some(file.workers)), ("processors", file.cores)];
        let machine = workers
            .into_iter()
            .filter_map(|(name, count)| count.map(|count| (name.to_owned(), count.to_string())));
        let commands = file.tests.iter().map(|test| test.args.join(" ")).collect();
        Self { options, commands, machine: machine.collect() }
    }

    /// The options of a test that differ from those of one in `other`, in words.
    pub(super) fn options_unlike(
        &self,
        test: usize,
        other: &Self,
        other_test: usize,
    ) -> Vec<String> {
        let command = |of: &Self, test: usize| {
            let command = Some(of.commands[test].clone()).filter(|command| !command.is_empty());
            command.map(|command| ("command".to_owned(), command)).into_iter().collect()
        };
        let commands = differences(&command(self, test), &command(other, other_test));
        let mut all = differences(&self.options, &other.options);
        all.extend(commands);
        all
    }

    /// `true` if two tests are run alike.
    pub(super) fn has_options_of(&self, test: usize, other: &Self, other_test: usize) -> bool {
        self.commands[test] == other.commands[other_test] && self.options == other.options
    }

    /// The differences that matter for times alone, in words.
    pub(super) fn machine_unlike(&self, other: &Self) -> Vec<String> {
        differences(&self.machine, &other.machine)
    }
}

fn differences(own: &BTreeMap<String, String>, other: &BTreeMap<String, String>) -> Vec<String> {
    let names: BTreeSet<&String> = own.keys().chain(other.keys()).collect();
    let differing = names.into_iter().filter(|name| own.get(*name) != other.get(*name));
    let words = |name: &String| match own.get(name) {
        Some(value) if value.len() <= VALUE_BYTES_MAX => format!("{name} {value}"),
        Some(_) => format!("another {name}"),
        None => format!("no {name}"),
    };
    differing.map(words).collect()
}

/// A longer value would fill the line.
const VALUE_BYTES_MAX: usize = 24;
