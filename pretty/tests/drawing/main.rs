//! What logs look like once they are drawn.

mod common;
mod defects;
mod properties;
mod stream;
