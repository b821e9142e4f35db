//! `dstest submit`: a campaign for the machines of an engine that is there already.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::archive::pack;
use super::archived::{parsed, refuse_build_options};
use crate::archive::Archive;
use crate::build::Project;
use crate::campaign;
use crate::cli::{
    BudgetArgs, EngineArgs, KubernetesArgs, SlurmArgs, SubmissionArgs, SubmitArgs, plan_options,
};
use crate::error::Error;
use crate::exit::Exit;
use crate::plan::{Plan, PlanError, Rounds};
use crate::process::signals::Interrupts;
use crate::store::io_error;
use crate::submit::kubernetes::{Kubernetes, MANIFEST};
use crate::submit::scripts::{self, ARCHIVE, MERGE, TASK};
use crate::submit::slurm::{Slurm, job};
use crate::submit::{Engine, Submission, SubmitError};
use crate::text::utc::Utc;
use crate::text::{console, shell};

/// Prepares the directory of a campaign, and hands it over.
pub(super) fn run(
    args: &SubmitArgs,
    argv: &[String],
    interrupts: &Interrupts,
) -> Result<Exit, Error> {
    match &args.engine {
        EngineArgs::Slurm(args) => {
            let options = plan_options(argv, &["submit", "slurm"]);
            slurm(args, Prepared::new(&args.campaign, Engine::Slurm, options)?, interrupts)
        }
        EngineArgs::Kubernetes(args) => {
            let options = plan_options(argv, &["submit", "kubernetes"]);
            kubernetes(
                args,
                &Prepared::new(&args.campaign, Engine::Kubernetes, options)?,
                interrupts,
            )
        }
    }
}

/// A campaign that is ready to be written into its directory.
struct Prepared<'a> {
    args: &'a SubmissionArgs,
    /// The typed options of the campaign.
    options: Vec<String>,
    /// The directory, absolute.
    dir: PathBuf,
    submission: Submission,
    workers: u32,
    /// The text of the script of a task.
    task: String,
}

impl<'a> Prepared<'a> {
    fn new(args: &'a SubmissionArgs, engine: Engine, options: Vec<String>) -> Result<Self, Error> {
        let contents = &args.contents;
        let archive = match &args.archive {
            None => None,
            Some(file) => {
                refuse_build_options(&contents.target, &contents.command)?;
                if !contents.include.is_empty() {
                    return Err(PlanError::NothingToBuild("--include").into());
                }
                Some(Archive::open(file)?)
            }
        };
        let plan = plan(args, archive.as_ref(), &options)?;
        let started = Utc::now();
        let dir =
            args.output.clone().unwrap_or_else(|| format!("dstest-{}", started.compact()).into());
        let dir = std::path::absolute(&dir).map_err(Error::system("use -o DIR"))?;
        // What is typed goes into an archive that is made here, and else to each task.
        let of_tasks: Vec<String> = match archive {
            None => Vec::new(),
            Some(_) => {
                let typed = options.iter().filter(|option| is_for_tasks(option));
                typed.chain(&contents.patterns).cloned().collect()
            }
        };
        let submission = Submission {
            schema: Submission::SCHEMA,
            engine,
            tasks: args.tasks,
            seed: plan.seed,
            created: started.rfc3339(),
            jobs: Vec::new(),
        };
        let task = scripts::task(args.tasks, plan.seed, &of_tasks);
        let workers = contents.budget.workers.unwrap_or(1);
        Ok(Self { args, options, dir, submission, workers, task })
    }

    /// Writes the directory: program, archive, scripts.
    fn write(&self, interrupts: &Interrupts) -> Result<(), Error> {
        claim(&self.dir)?;
        let archive = self.dir.join(ARCHIVE);
        let contents = &self.args.contents;
        match &self.args.archive {
            Some(file) => copy(file, &archive)?,
            None => {
                let seed = self.submission.seed;
                let options = self.options.clone();
                let words =
                    pack(contents, Some(seed), options, &archive, self.args.color, interrupts)?;
                console::note(&words);
            }
        }
        let program = std::env::current_exe().map_err(Error::system("find this program"))?;
        copy(&program, &self.dir.join("dstest"))?;
        for (name, text) in [(TASK, &self.task), (MERGE, &scripts::merge())] {
            write(&self.dir.join(name), text)?;
        }
        Ok(self.submission.write(&self.dir)?)
    }

    /// The directory as typed after `-o`.
    fn shown(&self) -> String {
        shell::quote(&shell::relative(&self.dir))
    }

    fn script(&self, name: &str, text: &str) -> String {
        format!("# {}/{name}\n{text}\n", self.shown())
    }
}

/// The plan of the whole campaign: the options of an archive, then those that were typed.
fn plan(args: &SubmissionArgs, archive: Option<&Archive>, typed: &[String]) -> Result<Plan, Error> {
    let contents = &args.contents;
    if let Some(shard) = &contents.budget.shard {
        return Err(PlanError::ShardOfArchive(shard.to_string()).into());
    }
    let archived = archive.map_or(&[][..], |archive| &archive.manifest.options);
    let mut run = parsed("run", &[archived, typed].concat())?;
    run.command.clone_from(&contents.command);
    run.patterns.clone_from(&contents.patterns);
    if let (Some(archive), true) = (archive, run.patterns.is_empty()) {
        run.patterns.clone_from(&archive.manifest.patterns);
    }
    run.archive = archive.map(|archive| archive.path.clone().into_os_string());
    let config = match archive {
        None => Project::open(&contents.target, &contents.command, &contents.process.env)?.config,
        Some(archive) => Project::archived_config(archive, &run.target, &run.process.env)?,
    };
    refuse_limits(&run.budget)?;
    let plan = Plan::resolve(&run, &config, campaign::cores())?;
    if let Some(Archive { manifest, .. }) = archive {
        // Else each task would find out that there is no such test.
        manifest.listing.select(&plan.selection)?;
    }
    match plan.budget.rounds {
        Rounds::Fixed(count) if count.get() < args.tasks => {
            Err(PlanError::MoreTasksThanRuns { tasks: args.tasks, iterations: count.get() }.into())
        }
        Rounds::Fixed(_) | Rounds::Endless | Rounds::Growing { .. } => Ok(plan),
    }
}

/// Refuses limits, which `resume` does not keep.
fn refuse_limits(budget: &BudgetArgs) -> Result<(), PlanError> {
    let given = [
        ("--loop", budget.repeat),
        ("--until-fail", budget.until_fail.is_some()),
        ("--for", budget.duration.is_some()),
        ("--max-fail", budget.max_fail.is_some()),
        ("--max-fail-per-test", budget.max_fail_per_test.is_some()),
    ];
    let given = given.into_iter().find(|(_, is_given)| *is_given);
    given.map_or(Ok(()), |(option, _)| Err(PlanError::LimitOfTasks(option)))
}

/// Seed and workers are in the script already.
fn is_for_tasks(option: &str) -> bool {
    !option.starts_with("--seed=") && !option.starts_with("--workers=")
}

fn slurm(
    args: &SlurmArgs,
    mut prepared: Prepared<'_>,
    interrupts: &Interrupts,
) -> Result<Exit, Error> {
    let dir = prepared.dir.clone();
    let (tasks, workers, options) = (args.campaign.tasks, prepared.workers, &args.sbatch[..]);
    let slurm = Slurm { dir: &dir, tasks, workers, options };
    let shown = prepared.shown();
    if args.campaign.dry_run {
        let quoted = |words: Vec<String>| {
            words.iter().map(|word| shell::quote(word)).collect::<Vec<_>>().join(" ")
        };
        let merge = quoted(slurm.merge("JOB")).replace("afterany:JOB", "afterany:\"$job\"");
        console::print(&format!(
            "{}{}# commands\njob=$({})\n{merge}\n",
            prepared.script(TASK, &prepared.task),
            prepared.script(MERGE, &scripts::merge()),
            quoted(slurm.tasks()),
        ));
        return Ok(Exit::Success);
    }
    prepared.write(interrupts)?;
    let logs = dir.join("logs");
    fs::create_dir(&logs).map_err(io_error("create", &logs))?;
    let array = submitted(&slurm.tasks(), &shown)?;
    prepared.submission.jobs.push(array.clone());
    prepared.submission.write(&dir)?;
    let merge = submitted(&slurm.merge(&array), &shown)?;
    prepared.submission.jobs.push(merge.clone());
    prepared.submission.write(&dir)?;
    let (program, seed) = (shell::this_program(), prepared.submission.seed);
    let each = if tasks == 1 { "1 task".to_owned() } else { format!("{tasks} tasks") };
    console::print(&format!(
        "submitted: {each} as job {array}, seed {seed}; job {merge} merges them\n  \
         progress  {program} status {shown}\n  \
         cancel    scancel {array}    (what is done by then is merged)\n  \
         result    {program} report -o {shown}/merged\n  \
         logs      {shown}/logs\n"
    ));
    Ok(Exit::Success)
}

/// Submits a job; returns its number.
fn submitted(words: &[String], dir: &str) -> Result<String, Error> {
    let (program, args) = words.split_first().map_or(("", &[][..]), |(p, args)| (p.as_str(), args));
    let ready = format!("{dir} is complete, and --dry-run prints the commands");
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| SubmitError::NoEngine {
            program: program.to_owned(),
            source,
            ready: ready.clone(),
        })?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = job(&printed).filter(|_| output.status.success()).map(ToOwned::to_owned);
    Ok(found.ok_or_else(|| SubmitError::Refused { program: program.to_owned(), ready })?)
}

fn kubernetes(
    args: &KubernetesArgs,
    prepared: &Prepared<'_>,
    interrupts: &Interrupts,
) -> Result<Exit, Error> {
    let manifest = Kubernetes {
        name: &args.name,
        image: &args.image,
        tasks: args.campaign.tasks,
        workers: prepared.workers,
        claim: args.claim.as_deref(),
        storage: &args.storage,
    };
    let text = manifest.manifest();
    if args.campaign.dry_run {
        console::print(&format!(
            "{}{}{}{text}",
            prepared.script(TASK, &prepared.task),
            prepared.script(MERGE, &scripts::merge()),
            prepared.script("Dockerfile", &Kubernetes::dockerfile()),
        ));
        return Ok(Exit::Success);
    }
    prepared.write(interrupts)?;
    write(&prepared.dir.join(MANIFEST), &text)?;
    write(&prepared.dir.join("Dockerfile"), &Kubernetes::dockerfile())?;
    let (dir, image, name) = (prepared.shown(), shell::quote(&args.image), &args.name);
    console::print(&format!(
        "written: {dir}, seed {}; the next steps:\n  \
         image     docker build -t {image} {dir} && docker push {image}\n  \
         start     kubectl apply -f {dir}/{MANIFEST}\n  \
         result    kubectl logs -f job/{name}-merge\n  \
         cancel    kubectl delete job {name}    (what is done stays in the volume)\n",
        prepared.submission.seed
    ));
    Ok(Exit::Success)
}

/// Creates the directory; one with anything in it is refused.
fn claim(dir: &Path) -> Result<(), Error> {
    fs::create_dir_all(dir).map_err(io_error("create", dir))?;
    let mut entries = fs::read_dir(dir).map_err(io_error("read", dir))?;
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(SubmitError::NotEmpty(dir.to_owned()).into()),
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    fs::copy(from, to).map(drop).map_err(|error| io_error("copy", from)(error).into())
}

fn write(file: &Path, text: &str) -> Result<(), Error> {
    fs::write(file, text).map_err(|error| io_error("write", file)(error).into())
}
