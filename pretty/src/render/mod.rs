//! Rows of cells → bytes with escape codes.

mod ansi_theme;
mod canvas;
mod code;
mod full_width;
mod row_buffer;
mod styled;

pub(crate) use ansi_theme::AnsiTheme;
pub(crate) use canvas::{Canvas, CellFrame, TimeAndTopic};
pub(crate) use code::Code;
pub(crate) use full_width::FullWidth;
pub(crate) use row_buffer::RowBuffer;
pub(crate) use styled::StyledText;
