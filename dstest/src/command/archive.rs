//! `dstest archive`: the tests of a project in one file.

use std::path::Path;
use std::process::Command;

use crate::archive::{self, Contents, Manifest, Wanted};
use crate::build::Project;
use crate::cli::{ArchiveArgs, ContentArgs, plan_options};
use crate::config;
use crate::discover::{Surroundings, discover};
use crate::error::Error;
use crate::exit::Exit;
use crate::git;
use crate::origin::{Origin, architecture};
use crate::plan::{BuildPlan, PlanError, selection};
use crate::process::signals::Interrupts;
use crate::seed::Seed;
use crate::suite::{Suite, Test};
use crate::text::style::Color;
use crate::text::utc::Utc;
use crate::text::{console, shell, sink, size};

/// Builds the tests and writes the archive.
pub(super) fn run(
    args: &ArchiveArgs,
    argv: &[String],
    interrupts: &Interrupts,
) -> Result<Exit, Error> {
    let options = plan_options(argv, &["archive"]);
    let words = pack(&args.contents, None, options, &args.output, args.color, interrupts)?;
    let (file, program) = (args.output.to_string_lossy(), shell::this_program());
    let command = format!("{program} --archive {}", shell::quote(&file));
    console::print(&format!("{}: {words}\nRun it: {command}\n", sink::screen(&file)));
    Ok(Exit::Success)
}

/// Writes an archive with this seed and these options of campaigns, and describes it in a few words.
pub(super) fn pack(
    args: &ContentArgs,
    seed: Option<Seed>,
    options: Vec<String>,
    file: &Path,
    color: Color,
    interrupts: &Interrupts,
) -> Result<String, Error> {
    if let Some(shard) = &args.budget.shard {
        return Err(PlanError::ShardOfArchive(shard.to_string()).into());
    }
    let project = Project::open(&args.target, &args.command, &args.process.env)?;
    let selection = selection(&args.patterns, &args.budget.skip, &args.target)?;
    let plan = BuildPlan::resolve(&args.target, &args.patterns, &project.config);
    let store = project.store(None)?;
    let at = Surroundings { project: &project, store: &store, color };
    let found = discover(at, &plan, &selection, interrupts)?;
    found.remember(&store);
    let suite = programs_of(&found.suite, &found.tests);
    let include = [project.config.archive.include.clone(), args.include.clone()].concat();
    let contents = Contents::find(Wanted {
        root: &project.root,
        suite: &suite,
        built: project.is_built_here(),
        include: &include,
    })?;
    contents.notes.iter().for_each(|note| console::warn(&sink::screen(note)));
    let Contents { places, files, sources, .. } = contents;
    let config = project.root.join(config::FILE_NAME);
    let manifest = Manifest {
        format: archive::FORMAT,
        origin: origin(&project),
        seed: seed.or(args.budget.seed).unwrap_or_else(Seed::fresh),
        patterns: args.patterns.clone(),
        options,
        config: std::fs::read_to_string(config).ok(),
        listing: suite,
        places,
        files,
    };
    let bytes = archive::write(file, &manifest, &sources)?;
    Ok(words_on(&manifest, bytes))
}

/// The programs of these tests, with all of their tests.
fn programs_of(suite: &Suite, tests: &[Test]) -> Suite {
    let is_wanted = |index: usize| tests.iter().any(|test| test.binary == index);
    let wanted: Vec<usize> = (0..suite.binaries.len()).filter(|index| is_wanted(*index)).collect();
    let place = |index: usize| wanted.iter().position(|wanted| *wanted == index);
    let renumbered = |test: &Test| Some(Test { binary: place(test.binary)?, ..test.clone() });
    // A subtest of Go is in no list, but among the selected.
    let more = tests.iter().filter(|test| !suite.tests.iter().any(|known| known.id == test.id));
    Suite {
        binaries: wanted.iter().map(|index| suite.binaries[*index].clone()).collect(),
        tests: suite.tests.iter().chain(more).filter_map(renumbered).collect(),
        runner: suite.runner.clone(),
        notes: suite.notes.iter().filter_map(|note| note.renumbered(place)).collect(),
    }
}

fn words_on(manifest: &Manifest, bytes: u64) -> String {
    let count = |number: usize, what: &str| match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    };
    let listing = &manifest.listing;
    let programs = manifest.files.iter().filter(|file| file.path.starts_with("bin/")).count();
    let files = count(manifest.files.len() - programs, "other file");
    let (tests, programs) = (count(listing.tests.len(), "test"), count(programs, "program"));
    let (size, origin) = (size::human(bytes), sink::screen(&manifest.origin.words()));
    format!("{tests}, {programs}, {files}, {size} ({origin})")
}

fn origin(project: &Project) -> Origin {
    let compiler = |[tool, argument]: [&str; 2]| {
        git::said(Command::new(tool).arg(argument).current_dir(&project.dir))
    };
    Origin {
        dstest: env!("CARGO_PKG_VERSION").to_owned(),
        created: Utc::now().rfc3339(),
        architecture: architecture(),
        toolchain: project.compiler().and_then(compiler),
        commit: git::commit_at(&project.dir),
    }
}
