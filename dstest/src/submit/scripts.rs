//! The scripts of tasks and of the merge, the same for every engine.

use std::fmt::Write as _;

use crate::seed::Seed;
use crate::text::shell;

/// The name of the script of a task.
pub(crate) const TASK: &str = "task.sh";

/// The name of the script that merges.
pub(crate) const MERGE: &str = "merge.sh";

/// The name of the archive.
pub(crate) const ARCHIVE: &str = "tests.tar.zst";

/// The script of a task: `task.sh I [WORKERS [RESULTS]]`. `options` go to the campaign of every task.
pub(crate) fn task(tasks: u32, seed: Seed, options: &[String]) -> String {
    let options = options.iter().fold(String::new(), |mut text, option| {
        let _ = write!(text, " \\\n    {}", shell::literal(option));
        text
    });
    format!(
        r#"#!/bin/sh
# One of {tasks} tasks of a campaign, by its number from 1: begins its share, or goes on with it after a kill.
#   sh {TASK} TASK [WORKERS [RESULTS]]
set -eu
programs=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
task=$1 workers=${{2:-1}} results=${{3:-$programs}}
store=$results/tasks/$task
if [ -e "$store/latest/campaign.json" ]; then
    exec "$programs/dstest" resume -o "$store" -p "$workers"
fi
exec "$programs/dstest" run --archive "$programs/{ARCHIVE}" --extract-to "$results/programs" \
    -o "$store" --shard "$task/{tasks}" --seed {seed} -p "$workers"{options}
"#
    )
}

/// The script that merges: `merge.sh [RESULTS]`.
pub(crate) fn merge() -> String {
    format!(
        r#"#!/bin/sh
# Merges what the tasks of a campaign have done, whether or not all of them have ended.
#   sh {MERGE} [RESULTS]
set -eu
programs=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
results=${{1:-$programs}}
set --
for store in "$results"/tasks/*; do
    # A task that was ended before its first run has no campaign.
    [ ! -e "$store/latest/campaign.json" ] || set -- "$@" "$store"
done
[ $# -gt 0 ] || {{ echo "no task has begun: nothing to merge in $results/tasks" >&2; exit 5; }}
exec "$programs/dstest" merge -o "$results/merged" --export-json "$results/result.json" \
    --export-junit "$results/result.xml" --export-markdown "$results/result.md" \
    --export-html "$results/result.html" "$@"
"#
    )
}
