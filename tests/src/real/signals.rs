//! Signals from other threads to the tester's: the failure of a run, and results of calls.

use std::any::Any;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::failure::Failure;

/// The failure of a run, if any, and results that were not taken yet. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Signals(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    failed: Option<Failure>,
    results: Vec<CallResult>,
}

/// The result of a call, by the call's number.
pub(super) type CallResult = (u64, Box<dyn Any + Send>);

impl Signals {
    /// Ends the run with a failure, unless it has failed already.
    pub(super) fn fail(&self, failure: Failure) {
        self.change(|state| {
            state.failed.get_or_insert(failure);
        });
    }

    pub(super) fn put(&self, result: CallResult) {
        self.change(|state| state.results.push(result));
    }

    /// Waits for results until `timeout` has passed.
    ///
    /// # Errors
    /// The failure of the run.
    pub(super) fn wait(&self, timeout: Duration) -> Result<Vec<CallResult>, Failure> {
        let (state, changed) = &*self.0;
        let nothing = |state: &mut State| state.failed.is_none() && state.results.is_empty();
        let state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = changed.wait_timeout_while(state, timeout, nothing);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.failed.clone().map_or_else(|| Ok(std::mem::take(&mut state.results)), Err)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let (state, changed) = &*self.0;
        change(&mut state.lock().unwrap_or_else(PoisonError::into_inner));
        changed.notify_all();
    }
}
