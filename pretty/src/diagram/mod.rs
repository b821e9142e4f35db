//! Space–time diagrams (Lamport, CACM 21(7), 1978): a lifeline for each peer, time downwards, arrows
//! for messages, crosses for lost ones, role and term along the line.
//!
//! ```text
//! Line → DiagramBuilder (state, messages) → Diagram → Scene (places) → SVG
//! ```
//!
//! Places follow from the diagram alone, without fonts or a screen. The page for a browser draws
//! the same picture by itself, of whatever lines it shows.

mod builder;
mod layout;
mod model;
mod svg;

pub use builder::DiagramBuilder;
pub(crate) use model::Role;
pub use model::{Diagram, DiagramError};

#[cfg(test)]
mod tests;
