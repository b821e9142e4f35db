//! The search for the commit from which on a test fails, however rarely.
//!
//! ```text
//! BAD is measured: rate and kind of the failure ─► GOOD is measured: enough runs to tell it apart
//!   ─► the commit in the middle (git), built and run in a worktree of its own, until the sequential test
//!      decides between both rates ─► … ─► the first bad commit
//! ```
//!
//! Git chooses the commits; what was measured is in a state file beside the worktree, from which an
//! interrupted search goes on.

mod error;
mod evidence;
mod measurement;
mod repository;
mod state;

pub use self::error::BisectError;
pub use self::evidence::Rates;
pub(crate) use self::evidence::{Answer, GoodTest, Rate, SequentialTest, expected_runs, good_rate};
pub(crate) use self::measurement::{Goal, Kind, Measurement, SeenKind, Trials};
pub(crate) use self::repository::{Next, Repository};
pub(crate) use self::state::{BadCommit, Finding, Search, State, Step, Workplace, failure_pattern};
