//! Logs as they are drawn.

mod common;
mod defects;
mod properties;
mod stream;
