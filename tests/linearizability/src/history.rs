//! Histories of many clients and keys.

use std::collections::BTreeMap;

use crate::check::{Verdict, decide_all};
use crate::explain::{Explanation, explain_calls};
use crate::model::Model;
use crate::timed::Timed;

/// A call in a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<C> {
    /// Name of the caller.
    pub client: String,
    /// The call and its times.
    pub timed: Timed<C>,
    /// Its times for people, if they are others: `call`, and `return` if it returned.
    pub shown_times: Option<(String, Option<String>)>,
    /// More about it for people.
    pub note: Option<String>,
}

/// Something else that happened: a crash, a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Description for people.
    pub text: String,
    /// Its time.
    pub from: u64,
    /// Its end, which may be the same time.
    pub until: u64,
}

/// Calls on keys that do not depend on each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History<C> {
    /// The calls on each key.
    pub keys: BTreeMap<String, Vec<Record<C>>>,
    /// Events besides.
    pub marks: Vec<Mark>,
}

impl<C> Default for History<C> {
    fn default() -> Self {
        Self { keys: BTreeMap::new(), marks: Vec::new() }
    }
}

/// The verdict on the calls of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyVerdict<S> {
    /// The verdict.
    pub verdict: Verdict,
    /// The reason, if there is no order; `None` if it takes too many steps to find out.
    pub explanation: Option<Explanation<S>>,
}

impl<S> From<Verdict> for KeyVerdict<S> {
    /// A verdict without its reason.
    fn from(verdict: Verdict) -> Self {
        Self { verdict, explanation: None }
    }
}

/// Numbers of keys by their verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Keys whose calls have an order.
    pub linearizable: usize,
    /// Keys whose calls have none.
    pub illegal: usize,
    /// Keys for which it was not found out.
    pub unknown: usize,
}

impl Counts {
    /// Counts verdicts.
    pub fn of<'a>(verdicts: impl IntoIterator<Item = &'a Verdict>) -> Self {
        let mut counts = Self::default();
        for verdict in verdicts {
            *match verdict {
                Verdict::Linearizable(_) => &mut counts.linearizable,
                Verdict::Illegal => &mut counts.illegal,
                Verdict::Unknown => &mut counts.unknown,
            } += 1;
        }
        counts
    }
}

impl<C> History<C> {
    /// Adds a call.
    pub fn add(&mut self, key: impl Into<String>, record: Record<C>) {
        self.keys.entry(key.into()).or_default().push(record);
    }

    /// Number of calls.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.keys.values().map(Vec::len).sum()
    }

    /// Checks the calls of each key; in the order of the keys.
    pub fn check<M: Model<Call = C>>(&self, model: &M, steps_max: u64) -> Vec<Verdict> {
        let histories: Vec<_> = self.keys.values().map(|records| calls(records)).collect();
        decide_all(model, &histories, steps_max)
    }

    /// Adds the reasons to verdicts.
    pub fn explain<M: Model<Call = C>>(
        &self,
        model: &M,
        verdicts: Vec<Verdict>,
        steps_max: u64,
    ) -> Vec<KeyVerdict<M::State>> {
        let reason = |(verdict, records): (Verdict, &Vec<Record<C>>)| {
            let is_illegal = verdict == Verdict::Illegal;
            let explanation = is_illegal.then(|| explain_calls(model, &calls(records), steps_max));
            KeyVerdict { verdict, explanation: explanation.flatten() }
        };
        verdicts.into_iter().zip(self.keys.values()).map(reason).collect()
    }
}

impl<C> Record<C> {
    /// A call of a client.
    pub fn new(client: impl Into<String>, timed: Timed<C>) -> Self {
        Self { client: client.into(), timed, shown_times: None, note: None }
    }

    /// Its times for people.
    #[must_use]
    pub fn times(&self) -> (String, Option<String>) {
        let own = || {
            let returned = self.timed.returned().map(|at| at.to_string());
            (self.timed.called().to_string(), returned)
        };
        self.shown_times.clone().unwrap_or_else(own)
    }
}

fn calls<C>(records: &[Record<C>]) -> Vec<Timed<&C>> {
    records.iter().map(|record| record.timed.as_ref()).collect()
}
