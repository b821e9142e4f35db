//! Places of everything on the screen, and the pages fitted to it before they are drawn.

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;

use super::app::App;
use super::diff_page::DiffPage;
use super::page::Page;
use crate::record::passed_line;

impl App {
    /// Fits the current page to the screen: lists scroll to their selection, logs get their size.
    pub(crate) fn fit(&mut self, area: Rect) {
        self.size = area.as_size();
        let [_, body, _] = rows_of(area);
        if let Some(list) = self.page_mut().list_mut() {
            list.scroll(usize::from(body.height.saturating_sub(1)));
        }
        if let Page::Log(log) = self.page_mut() {
            log.view.resize(body.as_size());
        }
        if let Page::Diff(diff) = self.page_mut() {
            let (_, logs) = diff_areas(diff, body);
            for (view, [_, body]) in diff.views.iter_mut().zip(logs) {
                view.resize(body.as_size());
            }
        }
    }
}

/// The areas of the screen: a title row, the page, a row for messages and keys.
pub(super) fn rows_of(area: Rect) -> [Rect; 3] {
    let row = |y: u16| Rect { y, height: 1.min(area.height), ..area };
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(2), ..area };
    [row(area.y), body, row(area.bottom().saturating_sub(1))]
}

/// The facts of a diff, and below them a title and a log for each side.
pub(super) fn diff_areas(diff: &DiffPage, area: Rect) -> (Rect, [[Rect; 2]; 2]) {
    let rows = short(diff_facts(diff).len()).min(area.height / 3);
    let facts = Rect { height: rows, ..area };
    let logs = halves(Rect { y: area.y + rows, height: area.height - rows, ..area });
    let with_title = |part: Rect| {
        let title = Rect { height: 1.min(part.height), ..part };
        [title, Rect { y: part.y + title.height, height: part.height - title.height, ..part }]
    };
    (facts, logs.map(with_title))
}

/// Side by side where both are wide enough to read, else one above the other.
fn halves(area: Rect) -> [Rect; 2] {
    if area.width >= SIDE_BY_SIDE_MIN {
        let left = area.width / 2;
        [
            Rect { width: left - 1, ..area },
            Rect { x: area.x + left, width: area.width - left, ..area },
        ]
    } else {
        let top = area.height / 2;
        [Rect { height: top, ..area }, Rect { y: area.y + top, height: area.height - top, ..area }]
    }
}

/// The first difference of each peer, and the numbered events of both logs.
pub(super) fn diff_facts(diff: &DiffPage) -> Vec<Vec<Span<'static>>> {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut lines = Vec::new();
    let place = match (diff.at, diff.found.get(diff.at.unwrap_or(0))) {
        (Some(at), Some(found)) => {
            let (left, right) = (found.left.len(), found.right.len());
            format!(
                "difference {} of {}: peer {}, {left} and {right} lines",
                at + 1,
                diff.found.len(),
                found.peer
            )
        }
        _ => "no differences".to_owned(),
    };
    lines.push(vec![Span::styled(format!(" {place}"), bold)]);
    let parts = diff.first_of_each_peer().into_iter();
    let parts: Vec<String> = parts.map(|(peer, at)| format!("{peer}: {}", at + 1)).collect();
    if !parts.is_empty() {
        lines.push(vec![Span::raw(format!(
            " first difference of each peer   {}",
            parts.join("   ")
        ))]);
    }
    let peer_name = |name: &Option<String>| name.clone().unwrap_or_else(|| "–".to_owned());
    let milestones = diff.milestones.iter().map(|(number, [left, right])| {
        let text = format!("{number}: {}|{}", peer_name(left), peer_name(right));
        let style = if left == right { Style::new() } else { bold };
        [Span::styled(text, style), Span::raw("   ")]
    });
    if !diff.milestones.is_empty() {
        let mut line = vec![Span::raw(format!(" {}   ", passed_line::MILESTONES))];
        line.extend(milestones.flatten());
        lines.push(line);
    }
    lines
}

pub(super) fn short(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// Two logs of three columns each can be read side by side from here on.
const SIDE_BY_SIDE_MIN: u16 = 140;
