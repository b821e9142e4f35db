//! The meaning of a line: messages, and the state of peers.
//!
//! The words of programs are data: `pretty/dialects`, `pretty/words`.

pub(crate) mod dialect_file;
pub(crate) mod dialects;
pub(crate) mod events;
pub(crate) mod facts;
pub(crate) mod message;
pub(crate) mod peer_state;
pub(crate) mod rule_set;
pub(crate) mod rules;
mod sentences;
pub(crate) mod state;
pub(crate) mod topics;
pub(crate) mod words;
