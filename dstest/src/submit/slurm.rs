//! Commands of Slurm: an array of tasks, and a job that merges once all of them have ended.

use std::path::Path;

use super::scripts::{MERGE, TASK};
use crate::text::shell;

/// A submission to Slurm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slurm<'a> {
    /// The directory, absolute.
    pub(crate) dir: &'a Path,
    pub(crate) tasks: u32,
    /// Processes at once in each task.
    pub(crate) workers: u32,
    /// Further options of `sbatch`, as typed.
    pub(crate) options: &'a [String],
}

impl Slurm<'_> {
    /// The command that submits the tasks. They are requeued after the failure of a node, and go on.
    pub(crate) fn tasks(&self) -> Vec<String> {
        let mut words = vec![
            "sbatch".to_owned(),
            "--parsable".to_owned(),
            format!("--array=1-{}", self.tasks),
            format!("--cpus-per-task={}", self.workers),
            "--job-name=dstest".to_owned(),
            "--requeue".to_owned(),
            "--open-mode=append".to_owned(),
            format!("--output={}", self.log("task-%a.log")),
        ];
        words.extend(self.options.iter().cloned());
        // Replaced by the shell of the job.
        let task = format!("exec sh {} \"$SLURM_ARRAY_TASK_ID\" ", self.script(TASK));
        words.push(format!("--wrap={task}{}", self.workers));
        words
    }

    /// The command that submits the merge of these tasks, whatever their results.
    pub(crate) fn merge(&self, tasks: &str) -> Vec<String> {
        let mut words = vec![
            "sbatch".to_owned(),
            "--parsable".to_owned(),
            format!("--dependency=afterany:{tasks}"),
            "--job-name=dstest-merge".to_owned(),
            "--open-mode=append".to_owned(),
            format!("--output={}", self.log("merge.log")),
        ];
        words.extend(self.options.iter().cloned());
        words.push(format!("--wrap=exec sh {}", self.script(MERGE)));
        words
    }

    fn script(&self, name: &str) -> String {
        shell::literal(&self.dir.join(name).to_string_lossy())
    }

    /// A percent sign in a path would mean something.
    fn log(&self, name: &str) -> String {
        let dir = self.dir.join("logs").to_string_lossy().replace('%', "%%");
        format!("{dir}/{name}")
    }
}

/// The number of a job in what `sbatch --parsable` prints: `12` or `12;cluster`.
pub(crate) fn job(printed: &str) -> Option<&str> {
    let job = printed.trim().lines().last()?.split(';').next()?;
    (!job.is_empty() && job.bytes().all(|byte| byte.is_ascii_digit())).then_some(job)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_read_with_and_without_a_cluster() {
        let rows =
            [("12\n", Some("12")), ("12;main\n", Some("12")), ("note\n7\n", Some("7")), ("", None)];
        for (printed, want) in rows {
            assert_eq!(job(printed), want, "{printed:?}");
        }
        assert_eq!(job("sbatch: error"), None);
    }

    #[test]
    fn paths_are_quoted_for_the_shell_and_for_slurm() {
        let dir = Path::new("/shared/50% done");
        let slurm = Slurm { dir, tasks: 4, workers: 2, options: &["--time=5".to_owned()] };
        let words = slurm.tasks().join("\n");
        assert!(words.contains("--output=/shared/50%% done/logs/task-%a.log\n--time=5"), "{words}");
        assert!(words.ends_with("exec sh '/shared/50% done/task.sh' \"$SLURM_ARRAY_TASK_ID\" 2"));
        assert!(slurm.merge("12").contains(&"--dependency=afterany:12".to_owned()));
    }
}
