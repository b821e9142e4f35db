//! Engines that run the shares of a campaign as jobs of their own, each of which gets its number in variables.
//!
//! What differs between them is data: the table `ENGINES`.

use thiserror::Error;

use crate::seed::Seed;
use crate::shard::Shard;

/// An engine, by the variables that it sets for a job.
#[derive(Debug)]
struct Engine {
    name: &'static str,
    /// The job's number.
    index: &'static str,
    /// The number of jobs.
    count: &'static str,
    numbers: Numbers,
    /// The number or name of all jobs together, equal in each of them, also if one is started again.
    campaign: Option<&'static str>,
    /// The origin of the variables.
    setting: &'static str,
}

/// The numbers of an engine's jobs.
#[derive(Debug, Clone, Copy)]
enum Numbers {
    FromZero,
    FromOne,
    /// From any number, in steps.
    Range {
        first: &'static str,
        last: &'static str,
        step: &'static str,
    },
}

const ENGINES: [Engine; 6] = [
    Engine {
        name: "Slurm",
        index: "SLURM_ARRAY_TASK_ID",
        count: "SLURM_ARRAY_TASK_COUNT",
        numbers: Numbers::Range {
            first: "SLURM_ARRAY_TASK_MIN",
            last: "SLURM_ARRAY_TASK_MAX",
            step: "SLURM_ARRAY_TASK_STEP",
        },
        campaign: Some("SLURM_ARRAY_JOB_ID"),
        setting: "`sbatch --array=1-N`",
    },
    Engine {
        name: "Kubernetes",
        index: "JOB_COMPLETION_INDEX",
        count: "JOB_COMPLETIONS",
        numbers: Numbers::FromZero,
        campaign: None,
        setting: "an Indexed Job; set JOB_COMPLETIONS in its `env` to the value of `completions`",
    },
    Engine {
        name: "GitLab",
        index: "CI_NODE_INDEX",
        count: "CI_NODE_TOTAL",
        numbers: Numbers::FromOne,
        campaign: Some("CI_PIPELINE_ID"),
        setting: "`parallel: N`",
    },
    Engine {
        name: "Buildkite",
        index: "BUILDKITE_PARALLEL_JOB",
        count: "BUILDKITE_PARALLEL_JOB_COUNT",
        numbers: Numbers::FromZero,
        campaign: Some("BUILDKITE_BUILD_ID"),
        setting: "`parallelism: N`",
    },
    Engine {
        name: "CircleCI",
        index: "CIRCLE_NODE_INDEX",
        count: "CIRCLE_NODE_TOTAL",
        numbers: Numbers::FromZero,
        campaign: Some("CIRCLE_WORKFLOW_ID"),
        setting: "`parallelism: N`",
    },
    Engine {
        name: "GitHub",
        index: "STRATEGY_JOB_INDEX",
        count: "STRATEGY_JOB_TOTAL",
        numbers: Numbers::FromZero,
        campaign: Some("GITHUB_RUN_ID"),
        setting: "a matrix; set STRATEGY_JOB_INDEX and STRATEGY_JOB_TOTAL in `env` to strategy.job-index \
            and strategy.job-total",
    },
];

/// The share that an engine has given to this job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineShare {
    /// The share.
    pub shard: Shard,
    /// The seed of all shares, if the engine has a number of all of them.
    pub seed: Option<Seed>,
    engine: &'static str,
    /// The variables, with their values.
    variables: String,
    /// The variable from which the seed follows.
    seed_variable: Option<String>,
}

impl EngineShare {
    /// The share of this job, by the variables that `environment` gives.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub fn find(environment: impl Fn(&str) -> Option<String>) -> Result<Self, EngineError> {
        let is_set = |engine: &&Engine| environment(engine.index).is_some();
        let found = ENGINES.iter().filter(is_set).map(|engine| engine.share(&environment));
        let mut found = found.collect::<Result<Vec<_>, _>>()?;
        // A job of one engine may run inside of another's.
        found.sort_by_key(|share| std::cmp::Reverse(share.shard.count()));
        let mut found = found.into_iter();
        match (found.next(), found.next()) {
            (None, _) => Err(EngineError::None),
            (Some(first), Some(second)) if second.shard.count() > 1 => {
                Err(EngineError::Two(first.by(), second.by()))
            }
            (Some(share), _) => Ok(share),
        }
    }

    /// The share, its engine and the variables: `2/4, by Slurm (…)`.
    fn by(&self) -> String {
        format!("{} by {} ({})", self.shard, self.engine, self.variables)
    }

    /// A line about the share, and about the seed if that is the engine's.
    #[must_use]
    pub fn note(&self, is_seed_used: bool) -> String {
        let seed = self.seed.zip(self.seed_variable.as_ref()).filter(|_| is_seed_used);
        let seed =
            seed.map(|(seed, variable)| format!("; seed {seed} of all shares, by {variable}"));
        format!("share {}{}", self.by(), seed.unwrap_or_default())
    }
}

impl Engine {
    fn share(
        &self,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<EngineShare, EngineError> {
        let number = |variable: &'static str| {
            let value = environment(variable).ok_or(EngineError::Missing {
                variable,
                index: self.index,
                setting: self.setting,
            })?;
            value.parse::<u32>().map_err(|_| EngineError::NoNumber { variable, value })
        };
        let (index, count) = (number(self.index)?, number(self.count)?);
        let mut variables = format!("{}={index}, {}={count}", self.index, self.count);
        let place = match self.numbers {
            Numbers::FromZero => Some(index),
            Numbers::FromOne => index.checked_sub(1),
            Numbers::Range { first, last, step } => {
                let (low, high, width) = (number(first)?, number(last)?, number(step)?.max(1));
                variables = format!("{variables}, from {low} to {high} in steps of {width}");
                let places = high.checked_sub(low).map(|range| range / width + 1);
                // The numbers of a list, such as 1,5,7, are not known.
                let is_range = places == Some(count);
                index.checked_sub(low).filter(|at| is_range && at % width == 0).map(|at| at / width)
            }
        };
        let shard = place.and_then(|place| Shard::new(place.checked_add(1)?, count));
        let shard = shard.ok_or_else(|| EngineError::NoShare {
            engine: self.name,
            variables: variables.clone(),
            setting: self.setting,
        })?;
        let campaign =
            self.campaign.and_then(|name| Some(format!("{name}={}", environment(name)?)));
        Ok(EngineShare {
            shard,
            seed: campaign.as_deref().map(Seed::of_text),
            engine: self.name,
            variables,
            seed_variable: campaign,
        })
    }
}

/// Reasons why no share is found.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum EngineError {
    /// No engine has set its variables.
    #[error(
        "no job of an engine: none of {} is set; write the share as I/M",
        ENGINES.map(|engine| engine.index).join(", ")
    )]
    None,
    /// Two engines have.
    #[error("share {0}, or {1}; write the one that is meant as I/M")]
    Two(String, String),
    /// A variable is missing.
    #[error("{index} is set, but not {variable}: shares come from {setting}")]
    Missing {
        /// The missing one.
        variable: &'static str,
        /// The one that is set.
        index: &'static str,
        /// Their origin.
        setting: &'static str,
    },
    /// A variable is not a number.
    #[error("{variable}={value} is not a number")]
    NoNumber {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: String,
    },
    /// The numbers give no share.
    #[error("{engine} gives no share ({variables}): shares come from {setting}")]
    NoShare {
        /// The engine.
        engine: &'static str,
        /// The variables.
        variables: String,
        /// Their origin.
        setting: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(variables: &str) -> Result<EngineShare, EngineError> {
        EngineShare::find(|name| {
            let mut pairs = variables.split(' ').filter_map(|pair| pair.split_once('='));
            pairs.find(|(own, _)| *own == name).map(|(_, value)| value.to_owned())
        })
    }

    fn slurm(id: u32, range: [u32; 3], count: u32) -> String {
        let [first, last, step] = range;
        format!(
            "SLURM_ARRAY_TASK_ID={id} SLURM_ARRAY_TASK_COUNT={count} SLURM_ARRAY_TASK_MIN={first} \
             SLURM_ARRAY_TASK_MAX={last} SLURM_ARRAY_TASK_STEP={step} SLURM_ARRAY_JOB_ID=812"
        )
    }

    #[test]
    fn each_engine_has_its_own_numbers() {
        let rows = [
            (slurm(1, [1, 4, 1], 4), "1/4"),
            (slurm(0, [0, 9, 3], 4), "1/4"),
            (slurm(6, [0, 9, 3], 4), "3/4"),
            // The end of the range as typed, which has no task of its own.
            (slurm(6, [0, 11, 3], 4), "3/4"),
            (slurm(7, [7, 7, 1], 1), "1/1"),
            ("JOB_COMPLETION_INDEX=3 JOB_COMPLETIONS=4".to_owned(), "4/4"),
            ("CI_NODE_INDEX=1 CI_NODE_TOTAL=3".to_owned(), "1/3"),
            ("BUILDKITE_PARALLEL_JOB=0 BUILDKITE_PARALLEL_JOB_COUNT=2".to_owned(), "1/2"),
            ("CIRCLE_NODE_INDEX=0 CIRCLE_NODE_TOTAL=1".to_owned(), "1/1"),
            ("STRATEGY_JOB_INDEX=4 STRATEGY_JOB_TOTAL=5".to_owned(), "5/5"),
            // A runner of GitLab in a pod, and a container of one.
            (
                "JOB_COMPLETION_INDEX=0 JOB_COMPLETIONS=1 CI_NODE_INDEX=2 CI_NODE_TOTAL=3".into(),
                "2/3",
            ),
        ];
        for (variables, want) in rows {
            let share = find(&variables).map(|share| share.shard.to_string());
            assert_eq!(share.as_deref(), Ok(want), "{variables}");
        }
    }

    #[test]
    fn what_gives_no_share_is_refused_with_what_to_set() {
        let two = slurm(1, [1, 4, 1], 4) + " CI_NODE_INDEX=2 CI_NODE_TOTAL=3";
        let rows = [
            ("", "none of SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX, CI_NODE_INDEX"),
            ("JOB_COMPLETION_INDEX=3", "not JOB_COMPLETIONS: shares come from an Indexed Job; set"),
            ("CI_NODE_INDEX=x CI_NODE_TOTAL=3", "CI_NODE_INDEX=x is not a number"),
            ("CI_NODE_INDEX=0 CI_NODE_TOTAL=3", "GitLab gives no share"),
            ("CI_NODE_INDEX=4 CI_NODE_TOTAL=3", "(CI_NODE_INDEX=4, CI_NODE_TOTAL=3)"),
            ("CIRCLE_NODE_INDEX=0 CIRCLE_NODE_TOTAL=0", "CircleCI gives no share"),
            ("CIRCLE_NODE_INDEX=-1 CIRCLE_NODE_TOTAL=2", "not a number"),
            ("STRATEGY_JOB_INDEX=4294967295 STRATEGY_JOB_TOTAL=2", "GitHub gives no share"),
            // A list, whose order is not known.
            (&slurm(5, [1, 7, 1], 3), "shares come from `sbatch --array=1-N`"),
            (&slurm(1, [1, 7, 1], 3), "Slurm gives no share"),
            (&two, "share 1/4 by Slurm (SLURM_ARRAY_TASK_ID=1, "),
            (&two, "or 2/3 by GitLab (CI_NODE_INDEX=2, CI_NODE_TOTAL=3); write the one"),
        ];
        for (variables, want) in rows {
            let error = find(variables).map_err(|error| error.to_string());
            assert!(error.as_ref().is_err_and(|error| error.contains(want)), "{want}: {error:?}");
        }
    }

    #[test]
    fn all_shares_of_a_campaign_have_one_seed_and_other_campaigns_others() {
        let seed = |variables: &str| find(variables).unwrap().seed;
        let all: Vec<_> = (1..=4).map(|id| seed(&slurm(id, [1, 4, 1], 4))).collect();
        assert!(all[0].is_some() && all.iter().all(|seed| *seed == all[0]), "{all:?}");
        let next = slurm(1, [1, 4, 1], 4).replace("=812", "=813");
        assert_ne!(seed(&next), all[0]);
        assert_eq!(seed("JOB_COMPLETION_INDEX=0 JOB_COMPLETIONS=4"), None);
        let note = |is_used| find(&slurm(2, [1, 4, 1], 4)).unwrap().note(is_used);
        assert!(note(true).contains(" of all shares, by SLURM_ARRAY_JOB_ID=812"), "{}", note(true));
        assert!(note(false).ends_with("from 1 to 4 in steps of 1)"), "{}", note(false));
    }
}
