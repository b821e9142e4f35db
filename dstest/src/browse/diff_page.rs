//! A diff of two runs: both logs side by side in pretty's view, with their differences.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use pretty::view::{Bitmap, LogView, Outcome, Work};
use ratatui::crossterm::event::{KeyCode, KeyEvent};

use super::colors::ColorScheme;
use super::diff::{Divergence, PeerLine, comparable, divergences};
use super::log_page::select_failure;
use crate::record::passed_line;

/// Two runs.
pub(crate) struct DiffPage {
    /// The run on the left.
    pub(crate) run: usize,
    pub(crate) names: [String; 2],
    pub(crate) views: [LogView; 2],
    pub(crate) found: Vec<Divergence>,
    /// The difference that is shown.
    pub(crate) at: Option<usize>,
    /// The side that gets the keys.
    pub(crate) side: usize,
    /// The peer of each numbered event, on the left and on the right.
    pub(crate) milestones: BTreeMap<u64, [Option<String>; 2]>,
}

impl DiffPage {
    /// Opens two logs where they first differ.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(crate) fn open(
        run: usize,
        names: [String; 2],
        [left, right]: [&Path; 2],
        colors: ColorScheme,
    ) -> io::Result<Self> {
        let open = |path| LogView::of_file(path, colors.background, colors.depth);
        let mut views = [open(left)?, open(right)?];
        let [lines_left, lines_right] = views.each_ref().map(peer_lines);
        let found = divergences(&lines_left, &lines_right);
        let milestones = milestones(&views);
        for (side, view) in views.iter_mut().enumerate() {
            let lines = |d: &Divergence| if side == 0 { d.left.clone() } else { d.right.clone() };
            let differ: Bitmap = found.iter().flat_map(lines).collect();
            view.set_highlight(Some(differ));
            select_failure(view);
        }
        let mut page = Self { run, names, views, found, at: None, side: 0, milestones };
        page.go(|_, _| 0);
        Ok(page)
    }

    /// Takes a key: `n` and `N` go from difference to difference, Tab to the other side, and the
    /// rest is for the side that has the keys.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other keys are the view's")]
    pub(crate) fn press(&mut self, key: KeyEvent) -> Outcome {
        match key.code {
            KeyCode::Char('n') => self.go(|at, last| (at + 1).min(last)),
            KeyCode::Char('N') => self.go(|at, _| at.saturating_sub(1)),
            KeyCode::Tab | KeyCode::BackTab => self.side = 1 - self.side,
            _ => return self.views[self.side].press(key),
        }
        Outcome::Used
    }

    /// Goes on with what the two logs do in pieces.
    pub(crate) fn work(&mut self) -> Work {
        let both = self.views.each_mut().map(LogView::work);
        if both.contains(&Work::More) { Work::More } else { Work::Done }
    }

    /// Shows another difference, on both sides.
    fn go(&mut self, step: impl FnOnce(usize, usize) -> usize) {
        let Some(last) = self.found.len().checked_sub(1) else { return };
        let at = self.at.map_or(0, |at| step(at, last));
        self.at = Some(at);
        let places = self.found[at].at;
        for (view, line) in self.views.iter_mut().zip(places) {
            view.select(line);
        }
    }

    /// The first difference of each peer, in the order in which they come.
    pub(crate) fn first_of_each_peer(&self) -> Vec<(&str, usize)> {
        let mut seen: Vec<(&str, usize)> = Vec::new();
        for (at, divergence) in self.found.iter().enumerate() {
            if !seen.iter().any(|(peer, _)| *peer == divergence.peer) {
                seen.push((&divergence.peer, at));
            }
        }
        seen
    }
}

/// The lines of a log, reduced to what is compared.
fn peer_lines(view: &LogView) -> Vec<PeerLine> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let read = |line: usize| {
        view.facts(line, |facts| PeerLine {
            line,
            peer: text(facts.peer),
            text: comparable(&text(facts.topic), &text(facts.text)),
        })
    };
    (0..view.len()).filter_map(read).collect()
}

/// The numbered events of both logs.
fn milestones(views: &[LogView; 2]) -> BTreeMap<u64, [Option<String>; 2]> {
    let mut milestones: BTreeMap<u64, [Option<String>; 2]> = BTreeMap::new();
    for (side, view) in views.iter().enumerate() {
        for (number, peer) in passed_line::milestones(view) {
            milestones.entry(number).or_default()[side].get_or_insert(peer);
        }
    }
    milestones
}

#[cfg(test)]
mod tests {
    use std::fs;

    use pretty::{Background, Depth};

    use super::*;

    const LEFT: &str = "\
000001.000 | TIMR | 0 | hears no leader, stands for election term=0 role=follower
000002.000 | STATE | 0 | candidate --> leader term=1 role=leader
000003.000 | VOTE | 1 | grants vote to 0 term=1 role=follower vote=0 id=0.1
000004.000 | ERRO | 0 | wrong
";
    const RIGHT: &str = "\
000001.500 | TIMR | 0 | hears no leader, stands for election term=0 role=follower
000002.000 | VOTE | 1 | grants vote to 2 term=1 role=follower vote=2 id=2.1
000002.500 | STATE | 2 | candidate --> leader term=1 role=leader
";

    #[test]
    fn two_runs_are_opened_at_their_first_difference() {
        let dir = tempfile::tempdir().unwrap();
        let [left, right] = [("left", LEFT), ("right", RIGHT)].map(|(name, log)| {
            let path = dir.path().join(name);
            fs::write(&path, log).unwrap();
            path
        });
        let colors = ColorScheme { background: Background::Dark, depth: Depth::None };
        let names = ["a#1".to_owned(), "a#2".to_owned()];
        let mut page = DiffPage::open(7, names, [&left, &right], colors).unwrap();
        assert_eq!(page.milestones[&1], [Some("0".to_owned()), Some("2".to_owned())]);
        let peers: Vec<&str> = page.first_of_each_peer().iter().map(|(peer, _)| *peer).collect();
        assert_eq!(peers, ["2", "0", "1"]);
        let cursors = |page: &DiffPage| page.views.each_ref().map(LogView::cursor);
        press(&mut page, 'n');
        assert_eq!(cursors(&page), [Some(1), Some(0)], "0 leads on the left only");
        press(&mut page, 'n');
        assert_eq!(cursors(&page), [Some(2), Some(1)], "1 votes for another");
        press(&mut page, 'n');
        assert_eq!(page.at, Some(2), "there is no further one");
        press(&mut page, 'N');
        assert_eq!(page.at, Some(1));
    }

    fn press(page: &mut DiffPage, key: char) {
        assert_eq!(page.press(KeyCode::Char(key).into()), Outcome::Used);
    }
}
