//! The menus of topics and peers: which there are, and which are shown.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::{Block, Clear, Widget as _};

use crate::line::Event;
use crate::text::columns;
use crate::view::log::ids::{PeerId, TopicId};
use crate::view::log_view::{LogView, Pane};
use crate::view::ui::actions::Menu;
use crate::view::ui::draw::{put, short};

impl LogView {
    pub(crate) fn open_menu(&mut self, menu: Menu) {
        self.menu = 0;
        self.pane = Pane::Menu(menu);
    }

    /// Takes a key while a menu is open; true if it has used it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "keys are an open set")]
    pub(crate) fn press_menu_key(&mut self, menu: Menu, event: KeyEvent) -> bool {
        let items = self.menu_items(menu);
        let last = items.len().saturating_sub(1);
        let chosen = items.get(self.menu).copied();
        match event.code {
            KeyCode::Up | KeyCode::Char('k') => self.menu = self.menu.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.menu = last.min(self.menu + 1),
            KeyCode::PageUp | KeyCode::Char('b') => self.menu = self.menu.saturating_sub(PAGE),
            KeyCode::PageDown | KeyCode::Char('f') => self.menu = last.min(self.menu + PAGE),
            KeyCode::Home | KeyCode::Char('g') => self.menu = 0,
            KeyCode::End | KeyCode::Char('G') => self.menu = last,
            KeyCode::Char(' ') => {
                self.hide_items(menu, |item, is_hidden| is_hidden != (Some(item) == chosen));
            }
            KeyCode::Char('o') => self.hide_items(menu, |item, _| Some(item) != chosen),
            KeyCode::Char('a') => self.hide_items(menu, |_, _| false),
            KeyCode::Char('n') => self.hide_items(menu, |_, _| true),
            KeyCode::Enter | KeyCode::Esc | KeyCode::Char('q' | 'I' | 'C') => {
                self.pane = Pane::None;
            }
            _ => return false,
        }
        true
    }

    pub(crate) fn draw_menu(&self, menu: Menu, area: Rect, buffer: &mut Buffer) {
        let items = self.menu_items(menu);
        let names: Vec<_> = items.iter().map(|item| self.item_name(menu, *item)).collect();
        let widest = names.iter().map(|name| columns(name)).max().unwrap_or(0);
        let width = short(widest + 6).clamp(MENU_COLUMNS, MENU_COLUMNS_MAX).min(area.width);
        let height = short(names.len() + 2).min(area.height.saturating_sub(1));
        let y = area.y + (area.height - height) / 2;
        let frame = Rect { x: area.x + (area.width - width) / 2, y, width, height };
        let rows = usize::from(height.saturating_sub(2));
        let first = (self.menu + 1).saturating_sub(rows);
        Clear.render(frame, buffer);
        let block = Block::bordered().title(" Space, o only, a all, n none ");
        // More items than rows must be seen to be there.
        let more = format!(" {} of {} ", self.menu + 1, names.len());
        let block = if rows < names.len() { block.title_bottom(more) } else { block };
        block.render(frame, buffer);
        let lines = items.into_iter().zip(names).enumerate().skip(first).take(rows);
        for (row, (at, (item, name))) in lines.enumerate() {
            let sign = if self.is_item_hidden(menu, item) { '·' } else { '✓' };
            let chosen = at == self.menu;
            let marked = if chosen { Modifier::REVERSED } else { Modifier::empty() };
            let place = Rect { x: frame.x + 2, y: frame.y + 1 + short(row), height: 1, width };
            let place = Rect { width: width.saturating_sub(4), ..place };
            put(buffer, place, &format!("{sign} {name}"), Style::new().add_modifier(marked));
        }
    }

    /// The numbers of topics or peers, in the order they are shown.
    fn menu_items(&self, menu: Menu) -> Vec<u16> {
        match menu {
            Menu::Topics => {
                let topics = &self.store.topics;
                let mut numbers: Vec<_> = (0..=u16::MAX).take(topics.all().len()).collect();
                numbers.sort_by_key(|topic| topics.name(*topic));
                numbers
            }
            Menu::Peers => {
                let mut numbers: Vec<_> =
                    self.store.peer_order().into_iter().map(|peer| peer.0).collect();
                let names = self.store.peers.all().iter();
                let no_peer = names.zip(0..=u16::MAX).find(|(name, _)| &***name == Event::NO_PEER);
                numbers.extend(no_peer.map(|(_, number)| number));
                numbers
            }
        }
    }

    fn item_name(&self, menu: Menu, item: u16) -> String {
        match menu {
            Menu::Topics if self.store.topics.name(item).is_empty() => "(no topic)".to_owned(),
            Menu::Topics => self.store.topics.safe_name(item),
            Menu::Peers if self.store.peers.name(item) == Event::NO_PEER => "(no peer)".to_owned(),
            Menu::Peers => self.store.peers.safe_name(item),
        }
    }

    fn is_item_hidden(&self, menu: Menu, item: u16) -> bool {
        match menu {
            Menu::Topics => self.hidden.topics.contains(&TopicId(item)),
            Menu::Peers => self.hidden.peers.contains(&PeerId(item)),
        }
    }

    /// Hides those items for which `hide` says so, given whether they are hidden now.
    fn hide_items(&mut self, menu: Menu, hide: impl Fn(u16, bool) -> bool) {
        let items = self.menu_items(menu).into_iter();
        let hidden = items.filter(|item| hide(*item, self.is_item_hidden(menu, *item)));
        match menu {
            Menu::Topics => self.hidden.topics = hidden.map(TopicId).collect(),
            Menu::Peers => self.hidden.peers = hidden.map(PeerId).collect(),
        }
        self.refilter();
    }
}

/// Wide enough for its title.
const MENU_COLUMNS: u16 = 34;

/// Longer names are cut.
const MENU_COLUMNS_MAX: u16 = 60;

const PAGE: usize = 10;
