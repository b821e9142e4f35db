//! Running a campaign: one state, workers that own one process each, and a dispatcher.
//!
//! ```text
//! state: schedule, limits → worker: process, log, verdict → dispatcher → store, tally, view
//!   ↑                                                          |
//!   └──────────── signals, timeouts, output limits ────────────┘
//! ```
//!
//! Neither the state nor the dispatcher writes to a terminal or waits for a process, so limits and
//! interrupts are honoured at any time.

mod admission;
mod campaign;
mod dispatcher;
mod event;
mod inputs;
mod judge;
mod launch;
mod scratch_dir;
mod state;
mod stop;
mod timeout;
mod worker;

pub use self::campaign::{Attempts, Campaign, FirstRuns, LogNames, ReplaySpec, Seeds};
pub use self::dispatcher::{DispatchOptions, dispatch};
pub use self::event::{ExpectedDuration, Observer, Outcome, RunEvent, RunningRun, Stop};
pub use self::inputs::{Inputs, change_of, inputs_of};
pub use self::launch::{Launch, launch};
