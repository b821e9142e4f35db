//! Bytes of one line → [`Line`](crate::Line). Never fails: a line that no format claims is
//! [`Line::Other`](crate::Line::Other).
//!
//! The formats differ in their first bytes, so each line is recognised by itself; a log may mix
//! them. The parser's only state is the unit a header line named. It must not depend on filters,
//! layout or output.

mod custom;
mod dslogs;
mod fields;
mod format;
mod json;
mod logfmt;
mod parser;
mod text_fields;
mod timestamp;
mod verbose;

pub use custom::{CustomFormat, FormatError};
pub use format::Format;
pub use parser::Parser;
