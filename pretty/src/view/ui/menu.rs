//! The menu of topics: which there are, and which are shown.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::{Block, Clear, Widget as _};

use crate::view::log::ids::TopicId;
use crate::view::log_view::{LogView, Pane};
use crate::view::ui::draw::short;

impl LogView {
    fn topics(&self) -> Vec<TopicId> {
        let numbers = 0..u16::try_from(self.store.topics.all().len()).unwrap_or(u16::MAX);
        let mut topics: Vec<_> = numbers.map(TopicId).collect();
        topics.sort_by_key(|topic| self.store.topics.name(topic.0));
        topics
    }

    pub(crate) fn open_menu(&mut self) {
        self.menu = 0;
        self.pane = Pane::Topics;
    }

    /// Takes a key while the menu is open; true if it has used it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "keys are an open set")]
    pub(crate) fn press_menu_key(&mut self, event: KeyEvent) -> bool {
        let topics = self.topics();
        let chosen = topics.get(self.menu).copied();
        match event.code {
            KeyCode::Up | KeyCode::Char('k') => self.menu = self.menu.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => {
                self.menu = (self.menu + 1).min(topics.len().saturating_sub(1));
            }
            KeyCode::Char(' ') => self.toggle_topics(chosen),
            KeyCode::Char('o') => {
                let others = topics.into_iter().filter(|topic| Some(*topic) != chosen);
                self.hidden.topics = others.collect();
                self.refilter();
            }
            KeyCode::Char('a') => {
                self.hidden.topics.clear();
                self.refilter();
            }
            KeyCode::Enter | KeyCode::Esc | KeyCode::Char('q' | 'I') => self.pane = Pane::None,
            _ => return false,
        }
        true
    }

    fn toggle_topics(&mut self, topics: impl IntoIterator<Item = TopicId>) {
        for topic in topics {
            if !self.hidden.topics.remove(&topic) {
                self.hidden.topics.insert(topic);
            }
        }
        self.refilter();
    }

    pub(crate) fn draw_menu(&self, area: Rect, buffer: &mut Buffer) {
        let topics = self.topics();
        let names = topics.iter().map(|topic| self.store.topics.safe_name(topic.0));
        let names: Vec<_> = names.collect();
        let width = area.width.min(MENU_COLUMNS);
        let height = short(names.len() + 2).min(area.height.saturating_sub(1));
        let y = area.y + (area.height - height) / 2;
        let frame = Rect { x: area.x + (area.width - width) / 2, y, width, height };
        Clear.render(frame, buffer);
        Block::bordered().title(" Space, o only, a all ").render(frame, buffer);
        let rows = usize::from(height.saturating_sub(2));
        let first = (self.menu + 1).saturating_sub(rows);
        let lines = topics.iter().zip(names).enumerate().skip(first).take(rows);
        for (row, (at, (topic, name))) in lines.enumerate() {
            let sign = if self.hidden.topics.contains(topic) { '·' } else { '✓' };
            let chosen = at == self.menu;
            let marked = if chosen { Modifier::REVERSED } else { Modifier::empty() };
            let room = usize::from(width.saturating_sub(4));
            let y = frame.y + 1 + short(row);
            let style = Style::new().add_modifier(marked);
            buffer.set_stringn(frame.x + 2, y, format!("{sign} {name}"), room, style);
        }
    }
}

/// Wide enough for its title and for names of topics as they are.
const MENU_COLUMNS: u16 = 28;
