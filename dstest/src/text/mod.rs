//! Text for people and shells: colours, tables, durations, names, and the terminal itself.

pub mod console;
pub mod duration;
pub(crate) mod echo;
pub mod log_line;
pub(crate) mod markup;
pub mod names;
pub mod shell;
pub mod sink;
pub mod size;
pub mod style;
pub mod table;
pub mod utc;
pub mod width;
