//! The ends of the help texts: examples first, then what else is to be known.
//!
//! Each block begins with its title and a colon; `dstest man` makes sections of them.

pub(super) const RUN: &str = "\
Examples:
  dstest 2B -n 50 -p 8              every test with 2B in its name, 50 times, 8 at once
  dstest --until-fail fig8          repeat until it fails once
  dstest -n 1000 -- ./t.sh {seed}   any command, with its seed as an argument
  dstest list 2C                    which tests would run
  dstest browse                     look through the newest campaign
  dstest replay                     repeat the first failure of the newest campaign";

pub(super) const RUN_LONG: &str = "\
Examples:
  dstest 2B -n 50 -p 8                every test with 2B in its name, 50 times, 8 at once
  dstest --until-fail fig8            repeat until it fails once
  dstest --until-fail=5 fig8 -p 16    until it has failed five times, more at once than cores
  dstest -l -n 10 -g 2                10 times, then 20 more, then 40, until something fails
  dstest --for 10m --skip churn       as often as fits in ten minutes, but not these
  dstest -n 1000 -- ./t.sh {seed}     any command, with its seed as an argument
  dstest --fail-regex 'data race' -- ./server --test
                                      a program that exits with 0 whatever happens
  dstest -r 2B                        in a Go package: with the race detector
  dstest -P core --release --build-arg --locked
                                      one package's tests, built as cargo is told
  dstest 2A --env RUST_BACKTRACE=1    with a variable of the environment
  dstest 2B -n 50 -t --hist           percentiles, processor time, memory, and how times spread
  dstest 2B -n 50 --export-junit junit.xml --export-json out.json
  dstest list 2C                      which tests would run
  dstest browse                       look through the newest campaign
  dstest replay                       repeat the first failure of the newest campaign

Environment:
  Each run gets DSTEST_SEED, DSTEST_ITER and DSTEST_RUN_DIR (a directory of its own, kept with the log
  of a run that failed), and a TMPDIR of its own, which is emptied after it. VERBOSE is set by -v.
  Colours follow --color, then NO_COLOR and CLICOLOR_FORCE.

Files:
  dstest.toml   beside the workspace's Cargo.toml or the go.mod: defaults, presets, timeouts,
                variables (one of them may choose a preset), and the variable that a suite takes
                its seed from
  .dstest/      beside it: every campaign's results, logs and programs (`dstest prune`)

Signals:
  The first Ctrl-C (SIGTERM, SIGHUP) starts nothing more, ends what runs and prints the table; the
  second kills at once. Ctrl-Z stops the runs too, and their timeouts.

Exit codes:
  0    all passed
  1    some run failed, or could not be started
  2    bad usage, or results that cannot be written
  3    a replay or --verify went another way
  4    no test matches
  101  the build failed
  130  interrupted";

pub(super) const LIST: &str = "\
Examples:
  dstest list                         every test that plain `dstest` would run
  dstest list 2C --skip unreliable    those with 2C in their name, without some
  dstest list --include-ignored | wc -l
                                      how many there are, ignored ones too";

pub(super) const SHRINK: &str = "\
Examples:
  dstest shrink                                   the first failure of the newest campaign
  dstest shrink swarm_mixed#17                    a run of the newest campaign
  dstest shrink swarm_mixed#17 --to tests/cases/split-vote.case
  DSTEST_CASE=split-vote.case dstest swarm_mixed  play a case

The very program of the campaign runs with the same seed and DSTEST_SHRINK=FILE; a test that knows
how to shrink writes the case to that file.

Exit codes:
  0    there is a case
  1    there is none";

pub(super) const BROWSE: &str = "\
Examples:
  dstest browse            the newest campaign, also while it runs
  dstest browse 4f2a       another one
  dstest browse -o DIR     one of another store

Enter goes in, Esc goes back, ? shows all keys. A log opens where its run failed: W leaves only the
lines that led to the selected one, < goes back to its cause, D opens a run that passed beside it.";

pub(super) const SHOW: &str = "\
Examples:
  dstest show                       the first failure of the newest campaign
  dstest show backup_2b#17          a run of the newest campaign
  dstest show 4f2a backup_2b#17     a run of the campaign 4f2a";

pub(super) const REPLAY: &str = "\
Examples:
  dstest replay                          the first failure of the newest campaign
  dstest replay backup_2b#17             a run of the newest campaign
  dstest replay 4f2a backup_2b#17 -vv    a run of the campaign 4f2a, with VERBOSE=2
  dstest replay backup_2b --seed 42      a seed of your own
  dstest replay backup_2b#17 --neighbours 200
                                         its seed and the 199 after it
  dstest replay backup_2b#17 --print     the shell command for it, for a debugger
  dstest replay backup_2b#17 --neighbours 200
                                         its seed and the 199 after it, as a campaign of its own

It runs the very program the campaign ran.

Exit codes:
  0    it went the same way (with --seed: it passed)
  1    it failed (with --seed)
  3    it did not go the same way";

pub(super) const REPORT: &str = "\
Examples:
  dstest report                          the newest campaign's table
  dstest report 4f2a -t --metrics        a campaign with every column
  dstest report --hist                   how the times of each test spread
  dstest report --export-junit j.xml     the results for another tool
  dstest report ../other/.dstest         the newest campaign of another store";

pub(super) const RESUME: &str = "\
Examples:
  dstest resume                          what the newest campaign has left undone
  dstest resume 4f2a -n 1000             go on with a campaign until each test has run 1000 times

It runs the same programs with the same seeds, so that the whole is what the campaign would have
been. Runs that were cancelled or could not be started are done again.";

pub(super) const COMPARE: &str = "\
Examples:
  dstest compare 4f2a                    the newest campaign with an older one
  dstest compare 4f2a 81kx               two campaigns
  dstest compare ../main/.dstest         with the newest campaign of another checkout

A change counts where chance alone makes one like it in fewer than 1 of 20 pairs of campaigns:
failures by Fisher's exact test, times by Welch's (from 20 passed runs on each side).";

pub(super) const MERGE: &str = "\
Examples:
  dstest --shard 1/2 --seed 7 -o a    on one machine
  dstest --shard 2/2 --seed 7 -o b    on another
  dstest merge a b                    the whole, as a campaign of its own in the store here

A run that is in several of them counts once. Tests that different programs ran are refused.";

pub(super) const PRUNE: &str = "\
Examples:
  dstest prune                          keep what the defaults allow
  dstest prune --keep 5                 the newest five campaigns at most
  dstest prune --max-age 7d --dry-run   what would go if a week were enough
  dstest prune --keep 0                 everything

Nothing is ever removed without this command. Programs that no kept campaign uses go too, and a
campaign that is running stays.";

pub(super) const COMPLETIONS: &str = "\
Examples:
  dstest completions bash > ~/.local/share/bash-completion/completions/dstest
  dstest completions zsh > \"${fpath[1]}/_dstest\"
  dstest completions fish > ~/.config/fish/completions/dstest.fish";

pub(super) const MAN: &str = "\
Examples:
  dstest man | man -l -                  read the manual page
  dstest man replay | man -l -           that of a command
  dstest man --dir ~/.local/share/man/man1
                                         install all of them";
