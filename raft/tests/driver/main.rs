//! The driver: every promise of its documentation, on a clock that tests hold in their hands where
//! no thread is part of the story.

mod calls;
mod machines;
mod support;
