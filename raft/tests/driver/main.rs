//! The driver: every promise of its documentation, on a clock that tests hold in their hands where
//! no thread is part of the story.

mod builder;
mod disks;
mod extensions;
mod observability;
mod paused_process;
mod requests;
mod state_machines;
mod support;
