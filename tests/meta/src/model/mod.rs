//! The core as a model that can be checked exhaustively: all orders of everything that can happen
//! to a few peers, within bounds.
//!
//! ```text
//! State ─► actions (what can happen) ─► State::after (one of them) ─► rules (what it broke)
//! ```
//!
//! The very [`raft::Node`] runs; there is no clock. A timer may fire whenever the peer has one, a
//! message may arrive at any later time, never, or twice, a flush ends when it likes, and a crash
//! keeps any prefix of the writes under way. Nothing here searches: a model checker does, see the
//! program `model`. Invariant: equal states have equal futures.

mod action;
mod bounds;
mod enabled;
mod history;
mod initial_state;
mod membership;
mod peer;
mod reads;
mod state;

pub use self::action::Action;
pub use self::bounds::{Bounds, CASES, Change, ModelCase, Size, Start};
pub use self::history::ModelInvariant;
pub use self::state::State;
