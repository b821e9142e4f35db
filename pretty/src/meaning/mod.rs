//! The meaning of a line: messages, and the state of peers.
//!
//! The words of programs are data: [`events`], [`sentences`], and the keys of [`state`].

pub(crate) mod events;
pub(crate) mod message;
pub(crate) mod pattern;
pub(crate) mod peer_state;
pub(crate) mod rules;
pub(crate) mod sentences;
pub(crate) mod state;
