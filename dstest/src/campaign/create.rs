//! A fresh campaign: its programs copied, its description written.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use super::stored::StoredCampaign;
use crate::build::Project;
use crate::git;
use crate::plan::{Keep, Plan, ProcessPlan, Rounds, TestRule};
use crate::run::inputs_of;
use crate::seed::SeedWidth;
use crate::shard::Shard;
use crate::store::{
    CampaignFile, Input, Invocation, Limits, Rule, Store, StoreError, is_kept, program_hash,
};
use crate::suite::{Binary, Harness, Suite, Test};
use crate::text::utc::Utc;

/// Creates the campaign of a plan in the store.
pub(crate) fn create(
    plan: &Plan,
    argv: Vec<String>,
    project: &Project,
    store: &Store,
    suite: &Suite,
    tests: Vec<Test>,
) -> Result<StoredCampaign, StoreError> {
    let started = Utc::now();
    let dir = store.create_campaign(started)?;
    let (tests, binaries) = copy_binaries(project, store, suite, tests)?;
    let file = CampaignFile {
        copied_from_user: None,
        origin: project.origin().cloned(),
        commit: project.origin().is_none().then(|| git::commit_at(&project.dir)).flatten(),
        build: plan.build.words(),
        store: Some(store.root().to_owned()),
        schema: CampaignFile::SCHEMA,
        dstest: env!("CARGO_PKG_VERSION").to_owned(),
        started: started.rfc3339(),
        seed: plan.seed,
        seed_bits: SeedWidth::Bits53,
        following: None,
        invocation: Invocation { args: argv, cwd: project.dir.clone() },
        iterations: match plan.budget.rounds {
            Rounds::Fixed(count) => Some(count.get()),
            Rounds::Endless | Rounds::Growing { .. } => None,
        },
        patterns: plan.selection.typed.clone(),
        planned: None,
        max_fail_per_test: plan.budget.max_fail_per_test.map(NonZeroU32::get),
        shard: (plan.shard != Shard::WHOLE).then(|| plan.shard.to_string()),
        archive: plan.keep == Keep::Everything,
        workers: plan.workers.get(),
        cores: Some(cores().get()),
        verbose: plan.process.verbose,
        limits: limits(&plan.process),
        env: plan.process.env.clone(),
        seed_env: plan.process.seed_env.clone(),
        inputs: inputs(&tests, &binaries),
        test_args: plan.process.test_args.clone(),
        wrap: plan.process.wrap.clone(),
        runner: suite.runner.clone(),
        rules: plan.process.rules.iter().map(rule).collect(),
        groups: plan.process.groups.clone(),
        setup: plan.setup.clone(),
        teardown: plan.teardown.clone(),
        binaries,
        tests,
    };
    file.write(&dir.path)?;
    Ok(StoredCampaign { dir, file })
}

/// The files of commands; programs that were built here are copies.
fn inputs(tests: &[Test], binaries: &[Binary]) -> Vec<Input> {
    let is_command =
        |test: &&Test| binaries[test.binary].contents.is_some() || !test.args.is_empty();
    let commands = tests.iter().filter(|test| test.harness == Harness::Opaque).filter(is_command);
    let of_test = |test: &Test| {
        let binary = &binaries[test.binary];
        inputs_of(&binary.path, &test.args, &binary.cwd)
    };
    commands.flat_map(of_test).collect()
}

/// Copies the programs of these tests into the store, out of reach of a rebuild, and drops the
/// other programs.
fn copy_binaries(
    project: &Project,
    store: &Store,
    suite: &Suite,
    mut tests: Vec<Test>,
) -> Result<(Vec<Test>, Vec<Binary>), StoreError> {
    let mut new_index = vec![None; suite.binaries.len()];
    let mut binaries = Vec::new();
    for test in &mut tests {
        let from = test.binary;
        test.binary = *new_index[from].get_or_insert_with(|| {
            binaries.push(suite.binaries[from].clone());
            binaries.len() - 1
        });
    }
    for binary in &mut binaries {
        if project.is_built_here() {
            binary.path = store.keep_binary(&binary.path)?;
        } else if !is_kept(&binary.path) {
            // It may be edited at any time; its hash shows that.
            binary.contents = program_hash(&binary.path);
        }
    }
    Ok((tests, binaries))
}

fn rule(rule: &TestRule) -> Rule {
    let (group, env) = (rule.group.clone(), rule.env.clone());
    let (threads, retries) = (rule.threads, rule.retries);
    Rule { pattern: rule.pattern.to_string(), group, threads, retries, env }
}

fn limits(plan: &ProcessPlan) -> Limits {
    let exceptions = plan.timeouts.iter();
    Limits {
        timeout_ms: millis(plan.timeout),
        grace_ms: millis(plan.grace),
        max_output: plan.max_output,
        exceptions: exceptions.map(|(p, timeout)| (p.to_string(), millis(*timeout))).collect(),
        fail_regex: plan.fail_regex.as_ref().map(ToString::to_string),
        skip_regex: plan.skip_regex.as_ref().map(ToString::to_string),
    }
}

/// Processors of this machine.
pub(crate) fn cores() -> NonZeroU32 {
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    cores.try_into().unwrap_or(NonZeroU32::MAX)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
