//! Linearizability: whether a history of concurrent calls has an order in which each takes effect
//! between its call and its return (Herlihy and Wing 1990).
#![forbid(unsafe_code)]

pub mod check;
pub mod explain;
mod formats;
pub mod history;
pub mod json;
pub mod model;
pub mod models;
pub mod picture;
mod search;
pub mod timed;

pub use self::check::{STEPS_MAX, Verdict, check, check_all};
pub use self::explain::{Explanation, explain};
pub use self::model::{Effect, Model};
pub use self::timed::{ReturnsBeforeCall, Timed};
