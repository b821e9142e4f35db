//! The driver: every promise of its documentation, on a clock that tests hold in their hands where
//! no thread is part of the story.

mod building;
mod calls;
mod disks;
mod machines;
mod stopped;
mod support;
mod troubles;
mod watching;
