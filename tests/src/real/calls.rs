//! Calls of a scenario's tasks to real peers, whose results come on other threads.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use raft::Instant;
use tokio::runtime::Runtime;

use super::signals::{CallResult, Signals};
use crate::sim::executor::Tasks;

/// Calls that have not ended. Clones share them.
#[derive(Clone)]
pub struct RealCalls {
    runtime: Arc<Runtime>,
    signals: Signals,
    tasks: Tasks,
    open: Rc<RefCell<Open>>,
}

/// Gives a result to the task that waits for it.
type TakeResult = Box<dyn FnOnce(Box<dyn Any + Send>)>;

#[derive(Default)]
struct Open {
    last: u64,
    calls: BTreeMap<u64, TakeResult>,
}

impl RealCalls {
    pub(super) fn new(runtime: Arc<Runtime>, signals: Signals, tasks: Tasks) -> Self {
        Self { runtime, signals, tasks, open: Rc::default() }
    }

    /// Runs a call on the threads of the peers; `None` if it has not ended by the deadline.
    pub async fn result<T: Send + 'static>(
        &self,
        deadline: Instant,
        call: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (resolver, result) = self.tasks.promise(deadline);
        let number = {
            let mut open = self.open.borrow_mut();
            open.last += 1;
            let number = open.last;
            open.calls.insert(
                number,
                Box::new(move |result| {
                    let result = result.downcast::<T>();
                    resolver.resolve(*result.expect("each call has a number of its own"));
                }),
            );
            number
        };
        let signals = self.signals.clone();
        self.runtime.spawn(async move { signals.put((number, Box::new(call.await))) });
        result.await
    }

    /// Gives results to the tasks that wait for them, or have given up.
    pub(super) fn deliver(&self, results: Vec<CallResult>) {
        for (number, result) in results {
            let waiting = self.open.borrow_mut().calls.remove(&number);
            waiting.expect("a call ends once")(result);
        }
    }
}
