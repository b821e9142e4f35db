//! Rows of cells → bytes with escape codes.

mod canvas;
mod page;
mod paint;
mod pen;
mod sink;

pub(crate) use canvas::{Canvas, Lead};
pub(crate) use page::Page;
pub(crate) use paint::Paint;
pub(crate) use pen::Piece;
pub(crate) use sink::Sink;
