//! A view of a whole log for terminal programs: scrolling, searching, filtering, in the same
//! columns as the stream.
//!
//! ```text
//! bytes → Chunk (any thread) → LogView::append
//! key → action → LogView::apply → LogView::draw
//! ```
//!
//! The view owns its state and never asks the terminal anything; whoever embeds it passes keys,
//! sizes and chunks in and draws it where it likes. Only what is visible is ever laid out, so a
//! view is as quick on a gigabyte as on a page. What the view cannot do itself, such as copying to
//! the clipboard, it asks of its owner by an [`Outcome`].
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

pub mod binding;
mod bitmap;
mod blocks;
mod cause;
mod chunk;
mod draw;
mod facts;
mod filtering;
mod folding;
mod help;
mod history;
mod jump;
mod keymap;
mod keys;
mod marks;
mod menu;
mod message;
mod mouse;
mod names;
mod notes;
mod owner;
mod panes;
mod prompt;
mod rules;
mod scan;
mod search;
mod sentence;
mod shown;
mod source;
mod store;
mod timeline;
mod told;
mod update;
mod why;

use std::collections::BTreeSet;

use ratatui::layout::Size;

pub use binding::Binding;
pub use bitmap::Bitmap;
pub(crate) use blocks::Blocks;
pub use cause::Causes;
pub use chunk::Chunk;
pub use keymap::{Key, KeyError, Keys};
pub use keys::{Action, BINDINGS, Jump, NAMES};
pub use message::{Message, MessageFate};
pub use owner::Facts;
pub use rules::{MessageAt, MessageRule, RuleError, Rules, StateRule};
pub use search::Work;
pub use source::{Part, Source};
pub use update::Outcome;
pub use why::CausalFilter;

use crate::color::Depth;
use crate::layout::Layout;
use crate::theme::{Background, Palette, Theme};
use filtering::{BaseFilter, RegexFilter};
use folding::Folding;
use marks::Marks;
use names::{PeerId, TopicId};
use owner::HiddenLines;
use prompt::Prompt;
use search::Search;
use shown::VisibleLines;
use store::Store;
use timeline::Timeline;
use why::CauseIndex;

/// The state of a view. See the [module](self) for how it is used.
#[derive(Debug)]
pub struct LogView {
    store: Store,
    theme: Theme,
    background: Background,
    depth: Depth,
    keys: Keys,
    rules: Rules,
    layout: Layout,
    size: Size,
    /// What the owner of the view does not want to see at all.
    base_filter: Option<BaseFilter>,
    /// Lines it hides for now, and lines it marks.
    hidden_lines: Option<HiddenLines>,
    highlight: Option<Bitmap>,
    cause_index: CauseIndex,
    hidden: Hidden,
    search: Option<Search>,
    regex_filter: Option<RegexFilter>,
    /// Lines whose topic and peer may be shown.
    by_kind: Bitmap,
    visible: VisibleLines,
    /// The first line on the screen and the selected one. Invariant: while anything is shown, the
    /// selected line is.
    top: usize,
    cursor: usize,
    /// The line the user has gone to: the selected one, unless that is hidden now.
    chosen: usize,
    follow: Follow,
    wrap: Wrap,
    /// What repeats have been folded, if they are.
    folding: Option<Folding>,
    timeline: Timeline,
    marks: Marks,
    /// The chosen row of the menu of topics, or the first one of the help.
    menu: usize,
    panes: Panes,
    prompt: Option<Prompt>,
    /// What the last action has to say.
    note: String,
    /// What the owner is doing.
    busy: String,
}

/// What the user has switched off.
#[derive(Debug, Default)]
struct Hidden {
    topics: BTreeSet<TopicId>,
    peers: BTreeSet<PeerId>,
}

/// Whether the view stays at the end while the log grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follow {
    Yes,
    No,
}

/// Whether a line takes as many rows as it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrap {
    Yes,
    No,
}

/// What is shown besides the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Panes {
    None,
    /// What each peer last said of itself.
    State,
    Topics,
    Help,
}

impl LogView {
    /// An empty view with colours for this background, so many of them.
    #[must_use]
    pub fn new(background: Background, depth: Depth) -> Self {
        let size = Size::new(80, 24);
        let store = Store::default();
        Self {
            layout: Layout::new(usize::from(size.width), store.columns()),
            store,
            theme: Theme::new(background),
            background,
            depth,
            keys: Keys::default(),
            rules: Rules::default(),
            size,
            base_filter: None,
            hidden_lines: None,
            highlight: None,
            cause_index: CauseIndex::default(),
            hidden: Hidden::default(),
            search: None,
            regex_filter: None,
            by_kind: Bitmap::new(),
            visible: VisibleLines::default(),
            top: 0,
            cursor: 0,
            chosen: 0,
            follow: Follow::No,
            wrap: Wrap::Yes,
            folding: None,
            timeline: Timeline::Shown,
            marks: Marks::default(),
            menu: 0,
            panes: Panes::None,
            prompt: None,
            note: String::new(),
            busy: String::new(),
        }
    }

    /// The same view with the user's own colours for topics.
    #[must_use]
    pub fn with_palette(mut self, palette: Palette) -> Self {
        self.theme = Theme::with_palette(self.background, palette);
        self
    }

    /// The same view with other keys.
    #[must_use]
    pub fn with_keys(mut self, keys: Keys) -> Self {
        self.keys = keys;
        self
    }

    /// The same view with rules of the user's own for messages; those for the state of the peers
    /// go to [`Chunk::index_with`].
    #[must_use]
    pub fn with_rules(mut self, rules: Rules) -> Self {
        self.cause_index = CauseIndex::with_rules(rules.clone());
        self.rules = rules;
        self
    }

    /// Adds the next part of the log.
    pub fn append(&mut self, chunk: Chunk) {
        let before = self.store.len();
        let changed = self.store.append(chunk);
        self.lay_out();
        self.extend_shown(before, changed);
    }

    /// Forgets the log, but not how it is to be shown: what follows is another one.
    pub fn clear(&mut self) {
        self.store = Store::default();
        self.hidden = Hidden::default();
        self.marks = Marks::default();
        self.hidden_lines = None;
        self.highlight = None;
        // Setting lines anew reaches only as far as the new log does.
        self.visible = VisibleLines::default();
        (self.top, self.cursor, self.chosen) = (0, 0, 0);
        self.restart_scans();
        self.refilter();
    }

    /// The view gets this much room, its header and status line included.
    pub fn resize(&mut self, size: Size) {
        if self.size != size {
            self.size = size;
            self.lay_out();
            self.scroll_to_cursor();
            self.fill_screen();
        }
    }

    /// Lines in the log.
    #[must_use]
    pub fn len(&self) -> usize {
        self.store.len()
    }

    /// Whether the log has no lines.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of the selected line, counted from 0; `None` if nothing is shown.
    #[must_use]
    pub fn cursor(&self) -> Option<usize> {
        self.visible.contains(self.cursor).then_some(self.cursor)
    }

    fn lay_out(&mut self) {
        let hidden = self.hidden.peers.len();
        self.layout = self.store.layout(usize::from(self.size.width), hidden);
    }
}
