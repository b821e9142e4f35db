//! A view of a whole log for terminal programs: scrolling, searching, filtering, in the same
//! columns as the stream.
//!
//! ```text
//! bytes → Chunk (any thread) → LogView::append
//! key → action → LogView::apply → LogView::draw
//! ```
//!
//! | room | holds |
//! |---|---|
//! | `log/` | chunks, the index, lines on disk or in memory, scans |
//! | `history/` | state line by line, terms, leaders, errors, anomalies |
//! | `cause/` | happened-before, causal past, direct causes |
//! | `filter/` | lines that are shown, folding |
//! | `search/` | matches, jumps, the other line of a message |
//! | `ui/` | actions, keys, mouse, drawing, panes |
//! | `diagram.rs` | the diagram of what is shown |
//! | `log_view.rs`, `embed.rs` | the state of a view; its interface for other programs |
//!
//! The view owns its state and never uses the terminal; the embedding program passes keys, sizes
//! and chunks in and draws it where it likes. Only what is visible is ever laid out, so a view is
//! as quick on a gigabyte as on a page. Actions it cannot perform itself, such as copying to the
//! clipboard, it requests by an [`Outcome`].
//!
//! ```
//! use pretty::view::{Chunk, LogView, Outcome};
//! use ratatui::{buffer::Buffer, crossterm::event::KeyCode, layout::Rect};
//!
//! let mut view = LogView::new(pretty::Background::Dark, pretty::Depth::True);
//! let log = b"1 | VOTE | 0 | asks 1\n2 | VOTE | 1 | grants\n".to_vec();
//! view.append(Chunk::index(log, pretty::Parser::default()));
//! let area = Rect::new(0, 0, 60, 5);
//! view.resize(area.as_size());
//! assert_eq!(view.press(KeyCode::Char('j').into()), Outcome::Used);
//! let mut buffer = Buffer::empty(area);
//! view.draw(area, &mut buffer);
//! assert_eq!(view.cursor(), Some(1));
//! ```

mod cause;
mod diagram;
mod dialect_check;
mod embed;
mod filter;
mod history;
mod log;
mod log_view;
mod search;
mod ui;

pub use crate::meaning::dialect_file::{DialectError, DialectFile};
pub use crate::meaning::dialects::DialectChoice;
pub use crate::meaning::message::{Message, MessageFate};
pub use crate::meaning::rule_set::Rules;
pub use crate::meaning::rules::{MessageAt, MessageRule, RuleError, StateRule};
pub use cause::graph::Causes;
pub use cause::index::CausalFilter;
pub use dialect_check::dialect_differences;
pub use embed::Facts;
pub use log::bitmap::Bitmap;
#[cfg(feature = "cli")]
pub(crate) use log::blocks::Blocks;
pub use log::chunk::Chunk;
pub use log::source::{Part, Source};
pub use log_view::{LogView, Work};
pub use ui::actions::{ACTIONS, Action, Jump, Menu};
pub use ui::binding::{self, Binding};
pub use ui::keymap::{BINDINGS, Key, KeyError, Keys};
pub use ui::update::Outcome;
