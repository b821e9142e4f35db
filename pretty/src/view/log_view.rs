//! The state of a view, and the way a log gets into it.

use std::collections::BTreeSet;

use ratatui::layout::Size;

use crate::layout::Layout;
use crate::meaning::rule_set::Rules;
use crate::style::color::Depth;
use crate::style::theme::{Background, Palette, Theme};
use crate::view::cause::index::CauseIndex;
use crate::view::filter::folding::Folding;
use crate::view::filter::state::{BaseFilter, HiddenLines, RegexFilter};
use crate::view::filter::visible_lines::VisibleLines;
use crate::view::log::bitmap::Bitmap;
use crate::view::log::chunk::Chunk;
use crate::view::log::ids::{PeerId, TopicId};
use crate::view::log::store::Store;
use crate::view::search::query::Search;
use crate::view::ui::actions::Menu;
use crate::view::ui::keymap::Keys;
use crate::view::ui::marks::Marks;
use crate::view::ui::prompt::Prompt;

/// The state of a view. See the [module](crate::view) for how it is used.
#[derive(Debug)]
pub struct LogView {
    pub(crate) store: Store,
    pub(crate) theme: Theme,
    pub(crate) background: Background,
    pub(crate) depth: Depth,
    pub(crate) keys: Keys,
    pub(crate) rules: Rules,
    pub(crate) layout: Layout,
    pub(crate) size: Size,
    /// The filter given by the embedding program.
    pub(crate) base_filter: Option<BaseFilter>,
    /// Lines hidden for now, and marked lines.
    pub(crate) hidden_lines: Option<HiddenLines>,
    pub(crate) highlight: Option<Bitmap>,
    pub(crate) cause_index: CauseIndex,
    pub(crate) hidden: Hidden,
    pub(crate) search: Option<Search>,
    pub(crate) regex_filter: Option<RegexFilter>,
    /// Lines with topics and peers that are shown.
    pub(crate) by_kind: Bitmap,
    pub(crate) visible: VisibleLines,
    /// The first line on the screen and the selected one. Invariant: while anything is shown, the
    /// selected line is.
    pub(crate) top: usize,
    pub(crate) cursor: usize,
    /// The line the user has gone to: the selected one, unless that is hidden now.
    pub(crate) chosen: usize,
    pub(crate) follow: Follow,
    /// Wrapping of lines into as many rows as they need.
    pub(crate) wrap: Switch,
    /// The repeats, if they are folded.
    pub(crate) folding: Option<Folding>,
    pub(crate) timeline: Switch,
    pub(crate) marks: Marks,
    /// The chosen row of a menu, or the first one of the help.
    pub(crate) menu: usize,
    /// The first row of the state of the peers.
    pub(crate) state_row: usize,
    pub(crate) pane: Pane,
    pub(crate) prompt: Option<Prompt>,
    /// The note of the last action.
    pub(crate) note: String,
    /// The current work of the embedding program.
    pub(crate) busy: String,
}

/// Topics and peers the user has switched off.
#[derive(Debug, Default)]
pub(crate) struct Hidden {
    pub(crate) topics: BTreeSet<TopicId>,
    pub(crate) peers: BTreeSet<PeerId>,
}

/// A setting that is on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    On,
    Off,
}

impl Switch {
    pub(crate) fn toggle(&mut self) {
        *self = match self {
            Self::On => Self::Off,
            Self::Off => Self::On,
        };
    }
}

/// Staying at the end while the log grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follow {
    Off,
    /// For as long as the embedding program is busy reading the log.
    UntilRead,
    On,
}

/// The rest of the work of [`LogView::work`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Work {
    /// Call it again when there is time.
    More,
    /// Nothing to do.
    Done,
}

/// The pane shown besides the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pane {
    None,
    /// The state of the peers.
    State,
    Menu(Menu),
    Help,
}

impl LogView {
    /// An empty view with this number of colours for this background.
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
            follow: Follow::Off,
            wrap: Switch::On,
            folding: None,
            timeline: Switch::On,
            marks: Marks::default(),
            menu: 0,
            state_row: 0,
            pane: Pane::None,
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
        let (changed, hidden) = self.store.append(chunk);
        self.lay_out();
        hidden.iter().for_each(|line| self.by_kind.remove(*line));
        let first = hidden.into_iter().fold(before, usize::min);
        self.extend_shown(first, before, changed);
    }

    /// Forgets the log, but not how it is to be shown: what follows is another one.
    pub fn clear(&mut self) {
        self.store = Store::default();
        self.hidden = Hidden::default();
        self.marks = Marks::default();
        self.hidden_lines = None;
        self.highlight = None;
        // Replacing lines reaches only as far as the new log does.
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

    /// Tells whether the log has no lines.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of the selected line, counted from 0; `None` if nothing is shown.
    #[must_use]
    pub fn cursor(&self) -> Option<usize> {
        self.visible.contains(self.cursor).then_some(self.cursor)
    }

    pub(crate) fn lay_out(&mut self) {
        let order = self.store.peer_order();
        let hidden = order.iter().filter(|peer| self.hidden.peers.contains(peer)).count();
        self.layout = self.store.layout(usize::from(self.size.width), hidden);
    }

    /// Does a little of what can wait: filtering, folding and searching large logs. To be called
    /// while there is nothing else to do, for as long as it says [`Work::More`].
    pub fn work(&mut self) -> Work {
        let work = self.filter_step().or_else(|| self.fold_step()).or_else(|| self.search_step());
        work.unwrap_or(Work::Done)
    }
}
