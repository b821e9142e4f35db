//! Logs as they are drawn.

mod common;
mod defects;
mod filters;
mod properties;
mod stream;
