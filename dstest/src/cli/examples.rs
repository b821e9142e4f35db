//! The ends of the help texts: examples first, then everything else.
//!
//! Each block begins with its title and a colon; `dstest man` makes sections of them.

pub(super) const RUN: &str = "\
Examples:
  dstest 2B -n 50 -p 8              tests with 2B in their name, 50 times, 8 at once
  dstest --until-fail fig8          repeat until it fails once
  dstest -n 1000 -- ./t.sh {seed}   any command, with its seed as an argument
  dstest watch 2B                   again after every save
  dstest list 2C                    the tests that would run
  dstest browse                     browse the newest campaign
  dstest replay                     repeat the first failure of the newest campaign";

pub(super) const RUN_LONG: &str = "\
Examples:
  dstest 2B -n 50 -p 8                tests with 2B in their name, 50 times, 8 at once
  dstest --until-fail fig8            repeat until it fails once
  dstest --until-fail=5 fig8 -p 16    until five failures, with more processes than cores
  dstest -l -n 10 -g 2                10 times, then 20, then 40, until a test fails
  dstest --for 10m --skip churn       for ten minutes, without the tests that match churn
  dstest -n 1000 -- ./t.sh {seed}     any command, with its seed as an argument
  dstest --fail-regex 'data race' -- ./server --test
                                      a program that always exits with 0
  dstest --skip-regex '^no docker'    runs that print this were skipped, if they passed
  dstest -r 2B                        in a Go package: with the race detector
  dstest -P core --release --build-arg --locked
                                      one package's tests, with an argument for cargo
  dstest --test api --lib             the tests of tests/api.rs and of the library itself
  dstest 2A --env RUST_BACKTRACE=1    with an environment variable
  dstest 2A 2B 2C -n 50 --by-pattern  a row for each pattern
  dstest --seed-env MADSIM_TEST_SEED --test-arg --quiet
                                      for suites that read another variable, or take arguments
  dstest TestSum/negative             in a Go package: some subtests
  dstest --wrap 'valgrind --error-exitcode=9' -- ./a.out
                                      each run under a tool
  dstest --setup './db start' --teardown './db stop'
                                      something that all runs need
  dstest -n 1000 --max-fail-per-test 5
                                      do not repeat what has failed often enough
  dstest 2B -n 50 -t --hist           percentiles, CPU time, memory, histograms
  dstest 2B -n 50 --export-junit junit.xml --export-json out.json
  dstest watch 2B                     again after every save
  dstest list 2C                      the tests that would run
  dstest browse                       browse the newest campaign
  dstest replay                       repeat the first failure of the newest campaign

Environment:
  Each run gets DSTEST_SEED (below 2^53), DSTEST_ITER, DSTEST_ATTEMPT (2 in the first retry),
  DSTEST_SLOT (the worker's number, from 0), DSTEST_RUN_DIR (a private directory, kept with the log of
  a failed run) and a private TMPDIR, removed after it. VERBOSE is set by -v. DSTEST_CASE=FILE, set by
  you, names a case to play instead of a seed.
  --setup writes NAME=VALUE lines for all runs to the file DSTEST_ENV. In a cargo project, [env] and
  target runners of .cargo/config.toml count. Colours: --color, then NO_COLOR, CLICOLOR_FORCE.

Files:
  dstest.toml   next to the workspace's Cargo.toml or the go.mod: defaults, presets, timeouts,
                variables (one of them may select a preset), a further variable for the seed,
                retries of runs that fail, groups of tests that must not all run at once
  .dstest/      in the same directory: results, logs and binaries of campaigns (`dstest prune`),
                and the tests of each cargo target: a PATTERN builds only targets with a match, and
                those that have changed

Signals:
  The first Ctrl-C (SIGTERM, SIGHUP) ends all runs and prints the table; the second kills them at
  once. Ctrl-Z stops the runs and their timeouts too.

Exit codes:
  0    all passed; flaky runs, which failed and passed when repeated, are named
  1    some run failed, or could not be started
  2    bad usage, or results that cannot be written
  3    a replay or --verify differs
  4    no test matches, the share is empty, or every run was skipped
  5    stopped, without a failure, because the command was edited
  101  the build failed
  130  interrupted

At a timeout, the stacks of all threads are added to the log: by SIGQUIT for Go and the JVM, by gdb or
eu-stack for other programs, where installed.";

pub(super) const WATCH: &str = "\
Examples:
  dstest watch 2B                     10 runs of each test, now and after every save
  dstest watch 2B -n 50 --seed 7      with the seeds of another campaign
  dstest watch --until-fail fig8      after every save, until it fails
  dstest watch -n 20 -- sh test.sh    any command, after a save in its directory

All campaigns of a watch have the same seed, so that #3 has the same seed in each. A run that failed
is the first one of the next campaign, which says if it still fails. A save during a build or a
campaign ends it, and the next one begins. Each campaign is stored; `dstest prune` removes old ones.

It watches the workspace, the Go module or the command's directory: all files but hidden ones, those
that git ignores, build directories, temporary files of editors, and the store. A file that tests
write again and again no longer counts while they run; leave it out with .gitignore or --ignore.

Keys:
  Enter, r    run again, while it waits for a save
  q, Ctrl-C   end it

Exit codes:
  0    while it waited: the last campaign has passed
  1    the last campaign has failed
  2    an error, for example in a manifest
  3    --verify differs
  4    no test matches
  101  the last build failed
  130  Ctrl-C during a build or a campaign";

pub(super) const LIST: &str = "\
Examples:
  dstest list                         the tests that plain `dstest` would run
  dstest list 2C --skip unreliable    those with 2C in their name, without some
  dstest list --include-ignored | wc -l
                                      their number, ignored ones included";

pub(super) const SHRINK: &str = "\
Examples:
  dstest shrink                                   the first failure of the newest campaign
  dstest shrink swarm_mixed#17                    a run of the newest campaign
  dstest shrink swarm_mixed#17 --to tests/cases/split-vote.case
  DSTEST_CASE=split-vote.case dstest swarm_mixed  play a case

It runs the recorded binary with the same seed and DSTEST_SHRINK=FILE; a test that supports
shrinking writes the case to that file. DSTEST_CASE=FILE plays a case.

Exit codes:
  0    a case was written
  1    no case was written";

pub(super) const BROWSE: &str = "\
Examples:
  dstest browse            the newest campaign, even while it runs
  dstest browse 4f2a       another campaign
  dstest browse -o DIR     the newest campaign of another store

Enter opens, Esc goes back, ? shows all keys. A log opens at its failure: W shows only the causes of
the selected line, < goes to its cause, D shows a diff with a run that passed.";

pub(super) const SHOW: &str = "\
Examples:
  dstest show                       the first failure of the newest campaign
  dstest show backup_2b#17          a run of the newest campaign
  dstest show 4f2a backup_2b#17     a run of the campaign 4f2a";

pub(super) const REPLAY: &str = "\
Examples:
  dstest replay                           the first failure of the newest campaign
  dstest replay backup_2b#17              a run of the newest campaign
  dstest replay 4f2a backup_2b#17 -vv     a run of the campaign 4f2a, with VERBOSE=2
  dstest replay backup_2b --seed 42       another seed
  dstest replay backup_2b#17 --seeds 200  its seed and the 199 after it, as a new campaign
  dstest replay backup_2b#17 --print      the shell command, for a debugger
  dstest replay backup_2b#17 --wrap 'strace -f -o {run_dir}/strace'
                                          under a tool, whose files are kept

It runs the recorded binary.

Exit codes:
  0    the result is the same (with --seed: it passed)
  1    it failed (with --seed)
  3    the result differs";

pub(super) const REPORT: &str = "\
Examples:
  dstest report                          the newest campaign's table
  dstest report 4f2a -t --metrics        a campaign with every column
  dstest report --hist                   histograms of the times of each test
  dstest report --export html > r.html   one page to pass on: table, failures, logs' ends, diagrams
  dstest report --export-junit j.xml     the results for another tool
  dstest report ../other/.dstest         the newest campaign of another store";

pub(super) const RESUME: &str = "\
Examples:
  dstest resume                          the remaining runs of the newest campaign
  dstest resume 4f2a -n 1000             continue a campaign to 1000 runs of each test

It runs the recorded binaries with the same seeds, so that the result is that of an uninterrupted
campaign. Runs that were cancelled or could not be started are repeated.";

pub(super) const COMPARE: &str = "\
Examples:
  dstest compare 4f2a                    the newest campaign with an older one
  dstest compare 4f2a 81kx               two campaigns
  dstest compare ../main/.dstest         with the newest campaign of another checkout
  dstest compare ../main/.dstest --fail-on-worse --export-markdown summary.md
                                         in CI: exit code 1 if a test got worse

Failure rates are compared by Fisher's exact test, times by ranks (Mann and Whitney, from 8 passed runs
on each side). Differences are significant at p < 0.05 for all tests together (Holm): a suite compared
with itself shows any in one comparison of twenty. From ten tests on, what their times have in common is
taken for the machine's, and said once. Tests of only one campaign are listed too.

Exit codes:
  0    compared (with --fail-on-worse: nothing is worse)
  1    with --fail-on-worse: a test fails more often, or takes longer
  2    bad usage, or a campaign compared with itself";

pub(super) const HISTORY: &str = "\
Examples:
  dstest history                        a line for each test of the stored campaigns
  dstest history backup_2b              the campaigns of one test
  dstest history 2B --export-json h.json
                                        the tests that match, for another program
  dstest history -o ci/store            of another store

Rates have exact 95 % intervals, medians and 95th percentiles of passed runs those of ranks. A change is
a split of the campaigns into earlier and later ones that chance does not explain: failures by Fisher's
exact test, times as in `compare` and by their differences between campaigns, beyond what all tests of
a campaign have in common: values before and after are without that, too. A store in which nothing changes
shows any change at all with a probability of about 5 % at most, however many tests, campaigns and splits
were looked at; so a rare failure, or a longer time, takes several campaigns to show. The change lies most
likely in `first one: A to B`, if that is not one campaign.

Each campaign is that of the commit that was checked out; + means uncommitted changes. Campaigns with other
options than the newest one (variables, arguments, build, limits) are shown and count for no change,
with another number of workers not for times. A run that is in two campaigns of one seed, commit and options
counts once; campaigns of several seeds count beside what `merge` has made of them.";

pub(super) const BISECT: &str = "\
Examples:
  dstest bisect v1.2..HEAD -- dstest stress
                                    the commit from which on a test of stress fails
  dstest bisect HEAD~20..HEAD -- dstest -p 4 -- sh test.sh {seed}
                                    with a command
  dstest bisect a1b2c3d..main --failure 'lost update' --error 0.001 -- dstest 2B --release
                                    one kind of failure, and with less error
  dstest bisect                     go on with the search that was interrupted
  dstest bisect --abort             drop it
  git bisect run dstest bisect --decide 3% -- dstest stress
                                    as a step of git's own bisection

BAD is run until one kind of failure was seen ten times; that kind of that test is what is searched for, other
failures say nothing. GOOD is run often enough to be told apart. Each commit between them is run until a
sequential probability ratio test decides between the two rates. Its error is divided among the steps, so
that all of them together are right with the probability that --error leaves: if commits fail either
as GOOD does or as BAD does. The numbers of runs to be expected are said beforehand.

Commits are checked out in a worktree below XDG_CACHE_HOME (~/.cache), never in yours: changes that are not
committed are neither touched nor tested. Builds reuse that worktree's files. Commits that do not build, do
not have the test, or fail only otherwise are skipped. After Ctrl-C, or a kill, `dstest bisect` goes on. Campaigns
are stored as any others: `dstest show` has their failures.

Exit codes:
  0    found; with --decide: good
  1    with --decide: bad
  2    nothing to search for, or an error
  5    it is one of several commits, as others were skipped
  125  with --decide: not decided: it does not build, has no such test, or --max-runs or --for was reached
  128  with --decide: an error, at which git bisect ends
  130  interrupted";

pub(super) const CI: &str = "\
Examples:
  dstest ci -n 50                    all tests, 50 times
  dstest ci 2B --for 10m             as any campaign
  dstest ci --shard auto -n 1000     in each of several jobs: its share
  dstest merge a/store b/store -o all/store --export-ci all
                                     in the job after them: the results of all

Writes into dstest-results (--artifacts DIR; --export-ci DIR of other commands writes the same):
  summary.md          the table, and each kind of failure with its seed and the command that repeats it
  junit.xml           for the service's view of tests
  results.json        as of --export-json
  trace.json          as of --export-chrome-trace
  report.html         as of --export-html: one page to pass on
  code-quality.json   failures at the lines that they name, for GitLab
  store/              the campaign with the logs of failures: -o dstest-results/store for show, browse,
                      merge, report

On GitHub (GITHUB_ACTIONS), each kind of failure is also an annotation at the line that it names, and the
summary is appended to GITHUB_STEP_SUMMARY. An action for GitHub and a template for GitLab are in the
repository's docs/ci. The exit code is that of the campaign.";

pub(super) const MERGE: &str = "\
Examples:
  dstest --shard 1/2 --seed 7 -o a    on one machine
  dstest --shard 2/2 --seed 7 -o b    on another
  dstest --shard auto -o c            as a job of Slurm, Kubernetes, GitLab, GitHub, Buildkite, CircleCI
  dstest merge a b                    all runs, as a new campaign in the local store
  dstest merge --partial a            what there is of it, as a success

Shards that are missing, double, unfinished or of another campaign are named. `dstest resume` runs
what is missing of a merged campaign.

A run that is in several of them counts once. A test must have been run by the same binary in all.

Exit codes:
  0    every run has passed
  1    some run failed
  2    results that cannot be merged
  5    no failure, but runs or shards are missing, double or foreign (without --partial)";

pub(super) const ARCHIVE: &str = "\
Examples:
  dstest archive 2B -n 1000              tests.tar.zst, whose campaign is 1000 runs of each
  dstest --archive tests.tar.zst         run it, on a machine without sources or compiler
  dstest --archive tests.tar.zst 2B -n 5 --seed 7
                                         options that are typed win over those in the archive
  dstest --archive tests.tar.zst --shard 1/4
                                         a share: all shares have the archive's seed
  dstest archive --include core/data -o /shared/core.tar.zst
                                         with working files
  dstest archive -- ./check.sh {seed}    a command, its program and scripts

In it: the test programs and the list of their tests, their environment, the programs that they start,
shared libraries, dstest.toml, the options of campaigns, the names of commit and compiler, and working
files: those in directories called fixtures, fixture, testdata and test-data below the packages, and
what --include and [archive] of dstest.toml name, from the project's directory.

Tests find their files by their working directory, or by std::env::var(\"CARGO_MANIFEST_DIR\") and
CARGO_BIN_EXE_*, whose paths are replaced. env!(...) was replaced by the compiler, and has the paths of
the machine that built it.

It runs on the same kind of processor and system. `replay`, `resume` and all other commands work as for
any campaign: its programs and files are in the store.";

pub(super) const SUBMIT: &str = "\
Examples:
  dstest submit slurm 2B -n 10000 --tasks 40 -o /shared/2b
  dstest submit kubernetes --image registry.example/tests:1 2B -n 10000 --tasks 40 -o 2b
  dstest status /shared/2b                progress, from the stores alone

Tests are built and archived once; each task runs a share of the iterations, and a last job merges.
docs/many-machines.md describes the directory and what to do with it.";

pub(super) const SUBMIT_SLURM: &str = "\
Examples:
  dstest submit slurm 2B -n 10000 --tasks 40 -o /shared/2b
                                          40 tasks of 250 runs of each test
  dstest submit slurm -p 4 --sbatch --time=2:00:00 --sbatch --partition=long
                                          four processes at once in each task; options of sbatch
  dstest submit slurm --archive tests.tar.zst -n 1000 --dry-run
                                          scripts and commands for an archive

The directory (-o) must be the same on all machines. A task that is requeued goes on, and nothing is
counted twice. `scancel JOB` ends the tasks; what is done by then is merged.";

pub(super) const SUBMIT_KUBERNETES: &str = "\
Examples:
  dstest submit kubernetes --image registry.example/tests:1 2B -n 10000 --tasks 40 -o 2b
  docker build -t registry.example/tests:1 2b && docker push registry.example/tests:1
  kubectl apply -f 2b/kubernetes.yaml
  kubectl logs -f job/dstest-merge        the table, once all tasks are done

The image holds program, archive and scripts. Results are in a volume that all nodes can write to. A pod
that is evicted is made again, and goes on.";

pub(super) const STATUS: &str = "\
Examples:
  dstest status /shared/2b                the tasks of a submission
  dstest status                           the newest campaign here
  dstest status --wait /shared/2b         wait until no task goes on

`not ended`: no end is written. The task runs on another machine, or was killed.
`ended`: a limit (--for, --max-fail, --max-fail-per-test) ended it before everything was run.
`stopped`: it could not go on, as when its program is gone; --wait waits until it is resumed.

Exit codes:
  0    all done, and every run passed
  1    some run failed
  2    nothing there, or a store that cannot be read
  5    no failure, but not everything is done";

pub(super) const PRUNE: &str = "\
Examples:
  dstest prune                          apply the default limits
  dstest prune --keep 5                 the newest five campaigns at most
  dstest prune --max-age 7d --dry-run   what a limit of a week would remove
  dstest prune --keep 0                 everything

Nothing is removed without this command. Binaries that no kept campaign uses are removed too; a
running campaign is kept. Only campaigns and binaries of a store that dstest has made are removed (it
has a file dstest-store), and no link is followed. A store of an older version is marked by the next
campaign that is stored in it.";

pub(super) const COMPLETIONS: &str = "\
Examples:
  dstest completions bash > ~/.local/share/bash-completion/completions/dstest
  dstest completions zsh > \"${fpath[1]}/_dstest\"
  dstest completions fish > ~/.config/fish/completions/dstest.fish";

pub(super) const MAN: &str = "\
Examples:
  dstest man | man -l -                  read the manual page
  dstest man replay | man -l -           the page of a command
  dstest man --dir ~/.local/share/man/man1
                                         install all of them";
