//! The options of `dstest submit` and `dstest status`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ContentArgs;
use crate::submit::kubernetes::parse_name;
use crate::text::style::Color;

/// The options of `dstest submit`.
#[derive(Debug, Args)]
pub struct SubmitArgs {
    /// The engine
    #[command(subcommand)]
    pub engine: EngineArgs,
}

/// The engines.
#[derive(Debug, Subcommand)]
pub enum EngineArgs {
    /// Submit an array of tasks and a job that merges, by sbatch
    #[command(after_help = super::examples::SUBMIT_SLURM)]
    Slurm(Box<SlurmArgs>),
    /// Write a manifest for kubectl: an Indexed Job, a volume, a Job that merges
    #[command(after_help = super::examples::SUBMIT_KUBERNETES)]
    Kubernetes(Box<KubernetesArgs>),
}

/// The options of `dstest submit slurm`.
#[derive(Debug, Args)]
pub struct SlurmArgs {
    /// The campaign
    #[command(flatten)]
    pub campaign: SubmissionArgs,

    /// Pass this option on to sbatch (repeatable; --sbatch --time=1:00:00)
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    pub sbatch: Vec<String>,
}

/// The options of `dstest submit kubernetes`.
#[derive(Debug, Args)]
pub struct KubernetesArgs {
    /// The campaign
    #[command(flatten)]
    pub campaign: SubmissionArgs,

    /// The image that is built from the directory (registry.example/team/tests:1)
    #[arg(long, value_name = "IMAGE")]
    pub image: String,

    /// The name of the Job; those of the merge and the volume begin with it
    #[arg(long, value_name = "NAME", default_value = "dstest", value_parser = parse_name)]
    pub name: String,

    /// Keep results in the volume of this claim, which all nodes must be able to write to
    #[arg(long, value_name = "NAME")]
    pub claim: Option<String>,

    /// The size of the volume, if it is part of the manifest
    #[arg(long, value_name = "SIZE", default_value = "1Gi", conflicts_with = "claim")]
    pub storage: String,
}

/// A campaign that is handed to an engine.
#[derive(Debug, Args)]
pub struct SubmissionArgs {
    /// The tests, their campaign and files
    #[command(flatten)]
    pub contents: ContentArgs,

    /// Run this archive (`dstest archive`) instead of building one
    #[arg(long, value_name = "FILE")]
    pub archive: Option<PathBuf>,

    /// Divide the iterations among N tasks
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub tasks: u32,

    /// Keep everything in the new directory DIR, which all machines share [default: dstest-TIME]
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,

    /// Print scripts and commands instead: build, write and submit nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Use colours and live progress
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

/// The options of `dstest status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The directory of a submission, or campaigns or stores [default: what is here]
    #[arg(value_name = "DIR | CAMPAIGN")]
    pub campaigns: Vec<String>,

    /// Wait until every task is done, or a limit such as --max-fail has ended it
    #[arg(long)]
    pub wait: bool,

    /// The store
    #[command(flatten)]
    pub location: super::LocationArgs,
}
