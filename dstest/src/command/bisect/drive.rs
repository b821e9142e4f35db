//! The search itself: the bad commit, the good one, then those between them.

use super::{is_of_commit, note_unused, parsed, report};
use crate::bisect::{
    Answer, BadCommit, BisectError, Finding, Goal, GoodTest, Kind, Measurement, Next, Repository,
    SeenKind, SequentialTest, State, Step, Trials, Workplace,
};
use crate::build::BuildError;
use crate::campaign::{Detail, StoredCampaign};
use crate::cli::{BisectArgs, RunArgs};
use crate::command::run::{Measured, Purpose, run_campaign};
use crate::error::Error;
use crate::exit::Exit;
use crate::process::signals::Interrupts;
use crate::record::signature::group_key;
use crate::text::{console, sink};

/// A search, and what it works with.
pub(super) struct Drive<'a> {
    pub(super) repository: &'a Repository,
    pub(super) place: &'a Workplace,
    pub(super) state: State,
    pub(super) interrupts: &'a Interrupts,
    pub(super) args: &'a BisectArgs,
    pub(super) argv: &'a [String],
}

/// The measurement of a commit.
enum Outcome {
    /// It was run.
    Run(Box<StoredCampaign>),
    /// It cannot be tested, for this reason.
    Untestable(String),
    /// The user has interrupted it.
    Interrupted,
}

impl Drive<'_> {
    /// Searches; `None` if it was interrupted.
    pub(super) fn search(&mut self) -> Result<Option<Exit>, Error> {
        note_unused(&self.run_args()?);
        if self.state.bad.is_none() && !self.measure_bad()? {
            return Ok(None);
        }
        if let Some(bad) = &self.state.bad {
            self.print(&report::expectation(&self.state, bad));
        }
        if self.state.good.is_none() && !self.measure_good()? {
            return Ok(None);
        }
        loop {
            let (good, bad) = self.state.ends();
            let skipped = self.state.commits(Finding::Skip);
            let is_straight = self.state.search.first_parent;
            match self.repository.next(&good, bad, &skipped, is_straight)? {
                Next::Found => {
                    self.print(&report::found(self.repository, &self.state));
                    return Ok(Some(Exit::Success));
                }
                Next::Unclear(others) => {
                    self.print(&report::unclear(self.repository, &self.state, &others));
                    return Ok(Some(Exit::Incomplete));
                }
                Next::Test(commit) => {
                    let Some(step) = self.step(commit)? else { return Ok(None) };
                    self.state.steps.push(step.clone());
                    self.place.write(&self.state)?;
                    self.print(&report::step(self.repository, &self.state, &step));
                }
            }
        }
    }

    fn print(&self, text: &str) {
        console::print(&console::folded(text, |line| line.trim_start().starts_with("git ")));
    }

    /// Measures the bad commit; `false` if it was interrupted.
    fn measure_bad(&mut self) -> Result<bool, Error> {
        let commit = self.state.search.bad.clone();
        let words = sink::screen(&self.repository.words(&commit));
        let steps = self.state.steps_expected;
        self.print(&format!(
            "BAD {words}: runs until one kind of failure was seen {FAILURES} times (a failure of 3 % takes some \
             {} runs), then about {steps} steps\n",
            FAILURES * 100 / 3
        ));
        let mut measured = self.measurement(Goal::Failures(FAILURES))?;
        let stored = match self.measure(&commit, &mut measured)? {
            Outcome::Run(stored) => stored,
            Outcome::Interrupted => return Ok(false),
            Outcome::Untestable(reason) => return Err(untestable("BAD", words, reason).into()),
        };
        let trials = measured.trials();
        let kind = measured.most_frequent().filter(|kind| kind.count >= FAILURES_MIN);
        let Some(kind @ SeenKind { test, reason, .. }) = kind else {
            let (failed, runs) = (trials.failed, trials.counted());
            let hint = report::others(trials);
            return Err(BisectError::BadIsGood { commit: words, failed, runs, hint }.into());
        };
        let trials = measured.trials_of(kind);
        let (test, reason) = (&stored.file.tests[*test], reason.clone());
        let bad = BadCommit {
            test: test.key.clone(),
            name: test.name.clone(),
            kind: group_key(&reason),
            reason,
            trials,
            interval_s: measured.mean_s() / f64::from(stored.file.workers),
        };
        let (name, reason) = (sink::screen(&bad.name), sink::screen(&bad.reason));
        self.print(&format!("BAD: {}, {name}: {reason}\n", report::rate(trials)));
        self.state.bad = Some(bad);
        self.place.write(&self.state)?;
        Ok(true)
    }

    /// Measures the good commit; `false` if it was interrupted.
    fn measure_good(&mut self) -> Result<bool, Error> {
        let commit = self.state.search.good.clone();
        let words = sink::screen(&self.repository.words(&commit));
        let Some(bad) = self.state.bad.as_ref().map(|bad| bad.trials) else { return Ok(false) };
        let error = self.state.error_of_each();
        let mut measured = self.measurement(Goal::Distinguish(GoodTest::new(bad.rate(), error)))?;
        match self.measure(&commit, &mut measured)? {
            Outcome::Run(_) => {}
            Outcome::Interrupted => return Ok(false),
            Outcome::Untestable(reason) => return Err(untestable("GOOD", words, reason).into()),
        }
        let trials = measured.trials();
        if !measured.is_reached() {
            let (failed, runs) = (trials.failed, trials.counted());
            if failed == 0 {
                let reason = format!("{runs} runs are too few{}", report::others(trials));
                return Err(untestable("GOOD", words, reason).into());
            }
            let bad = format!("{} of {}", bad.failed, bad.counted());
            return Err(BisectError::GoodIsBad { commit: words, failed, runs, bad }.into());
        }
        self.print(&format!("GOOD {words}: {}\n", report::rate(trials)));
        self.state.good = Some(trials);
        self.place.write(&self.state)?;
        Ok(true)
    }

    /// Tests one commit between them; `None` if it was interrupted.
    fn step(&mut self, commit: String) -> Result<Option<Step>, Error> {
        let Some((good, bad)) = self.state.rates() else { return Ok(None) };
        let test = SequentialTest::new(good, bad, self.state.error_of_each());
        let mut measured = self.measurement(Goal::Decide(test))?;
        let skip = |trials: Trials, reason: String| {
            let (finding, reason, commit) = (Finding::Skip, Some(reason), commit.clone());
            Ok(Some(Step { commit, finding, trials, reason }))
        };
        match self.measure(&commit, &mut measured)? {
            Outcome::Run(_) => {}
            Outcome::Interrupted => return Ok(None),
            Outcome::Untestable(reason) => return skip(Trials::default(), reason),
        }
        let trials = measured.trials();
        let answer: Option<Answer> = measured.answer();
        let Some(finding) = answer.map(Finding::from) else {
            return skip(trials, format!("not decided{}", report::others(trials)));
        };
        Ok(Some(Step { commit, finding, trials, reason: None }))
    }

    fn measurement(&self, goal: Goal) -> Result<Measurement, Error> {
        let kind: Kind = self.state.kind()?;
        Ok(Measurement::new(kind, goal, self.state.search.runs_max))
    }

    /// Checks a commit out and runs it. An interrupt may have come at any time before.
    fn measure(&self, commit: &str, measurement: &mut Measurement) -> Result<Outcome, Error> {
        if self.interrupts.count() > 0 {
            return Ok(Outcome::Interrupted);
        }
        let tree = self.place.tree();
        self.repository.check_out(&tree, commit)?;
        let mut run = self.run_args()?;
        let dir = tree.join(&self.repository.prefix);
        if !dir.is_dir() {
            let prefix = self.repository.prefix.display();
            return Ok(Outcome::Untestable(format!("it has no directory {prefix}")));
        }
        run.target.dir = Some(dir);
        run.show.store.output = Some(self.state.search.store.clone());
        run.show.store.color = self.args.location.store.color;
        let only = self.state.bad.as_ref().map(|bad| bad.test.as_str());
        let measured = Measured { measurement, only, detail: Detail::Silent };
        let purpose = Purpose::Measurement(measured);
        match run_campaign(&run, None, self.argv.to_vec(), purpose, self.interrupts) {
            Ok((_, Exit::Interrupted)) | Err(Error::Build(BuildError::Interrupted)) => {
                Ok(Outcome::Interrupted)
            }
            Ok((stored, _)) => Ok(Outcome::Run(Box::new(stored))),
            Err(error) if is_of_commit(&error) => Ok(Outcome::Untestable(error.to_string())),
            Err(error) => Err(error),
        }
    }

    /// The options of the campaign at each commit.
    fn run_args(&self) -> Result<RunArgs, BisectError> {
        parsed(&self.state.search.command)
    }
}

fn untestable(end: &'static str, commit: String, reason: String) -> BisectError {
    BisectError::Untestable { end, commit, reason }
}

/// The number of failures at the bad commit. With fewer the rate is so uncertain that each step takes longer
/// than is saved, with more the measurement takes longer than it saves in some five steps.
const FAILURES: u64 = 10;

/// With fewer failures than this there is hardly a rate.
const FAILURES_MIN: u64 = 3;
