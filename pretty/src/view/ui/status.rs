//! The status line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::text::{columns, safe_text};
use crate::view::log::scan::Keep;
use crate::view::log_view::{Follow, LogView};
use crate::view::ui::draw::{put, short};

impl LogView {
    pub(crate) fn draw_status(&self, area: Rect, buffer: &mut Buffer) {
        buffer.set_style(area, Style::new().add_modifier(Modifier::REVERSED));
        buffer.set_stringn(
            area.x,
            area.y,
            " ".repeat(area.width.into()),
            area.width.into(),
            Style::new(),
        );
        let (left, right) = match &self.prompt {
            Some(prompt) => (format!("{}{}▏", prompt.sign(), prompt.text), "Enter Esc".to_owned()),
            None => (self.status(), "? help  q close ".to_owned()),
        };
        let width = usize::from(area.width);
        let x = area.right().saturating_sub(short(columns(&right)));
        if columns(&left) + columns(&right) < width {
            buffer.set_string(x, area.y, right, Style::new());
        }
        put(buffer, area, &left, Style::new());
    }

    fn status(&self) -> String {
        let at = self.cursor().map_or(0, |line| line + 1);
        let mut status = format!(" {}/{}", grouped(at), grouped(self.store.len()));
        let (shown, all) = (grouped(self.visible.len()), grouped(self.store.len()));
        if let Some(hidden_lines) = &self.hidden_lines {
            status +=
                &format!("  {}: {shown} of {all} lines", safe_text(hidden_lines.label.as_bytes()));
        } else if self.visible.len() < self.store.len() {
            status += &format!("  {shown} shown");
        }
        let topics = self.hidden.topics.iter().map(|topic| self.store.topics.safe_name(topic.0));
        status += &hidden_names("", "topics", &topics.collect::<Vec<_>>());
        let peers = self.hidden.peers.iter().map(|peer| self.store.peers.safe_name(peer.0));
        status += &hidden_names("peer ", "peers", &peers.collect::<Vec<_>>());
        if let Some(regex_filter) = &self.regex_filter {
            let not = if regex_filter.keep == Keep::Others { "!" } else { "" };
            let expression = safe_text(regex_filter.regex.as_str().as_bytes());
            status += &format!("  &{not}{expression}");
        }
        if let Some(percent) = self.filter_progress() {
            status += &format!("  filtering {percent} %");
        }
        if let Some(search) = &self.search {
            let count = self.match_count(search);
            status += &format!("  /{} {count}", safe_text(search.regex.as_str().as_bytes()));
            if search.pending.is_some() {
                status += &format!("  searching {} %", search.scan.percent(&self.store));
            }
        }
        if let Some(anomaly) = self.cursor().and_then(|line| self.store.history.anomaly(line)) {
            status += &format!("  ! {}", anomaly.description());
        }
        if self.follow != Follow::Off {
            status += "  following";
        }
        if !self.busy.is_empty() {
            status += &format!("  {}", self.busy);
        }
        if !self.note.is_empty() {
            status += &format!("  {}", self.note);
        }
        status
    }
}

/// Names that are hidden; many are counted, or nothing else would have room.
fn hidden_names(kind: &str, kinds: &str, names: &[String]) -> String {
    match names.len() {
        0..=NAMES_MAX => names.iter().map(|name| format!("  -{kind}{name}")).collect(),
        many => format!("  {many} {kinds} hidden"),
    }
}

const NAMES_MAX: usize = 4;

/// A number with thin gaps between its thousands, as a line of a long log is read: `12 403`.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    // Numbers of four digits are read as they are.
    if digits.len() <= 4 {
        return digits;
    }
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(" ")
}
