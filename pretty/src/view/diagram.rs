//! The diagram of the lines around the selected one.

use std::ops::Range;

use crate::diagram::{Diagram, DiagramBuilder, DiagramError};
use crate::meaning::state::StateKey;
use crate::view::log_view::LogView;

impl LogView {
    /// A space–time diagram of the lines shown around the selected one, most of them before it.
    /// Filters apply: of a line's causes alone it is a picture of these.
    ///
    /// # Errors
    /// If there are no events among them.
    pub fn diagram(&self) -> Result<Diagram, DiagramError> {
        let cursor = self.cursor().ok_or(DiagramError::Empty)?;
        let lines = self.lines_around(cursor);
        let mut builder = DiagramBuilder::with_rules(self.rules.clone())
            .with_palette(self.theme.palette().clone());
        let first = lines.start.saturating_sub(OBSERVED);
        if let Some(before) = first.checked_sub(1) {
            self.set_states(before, &mut builder);
        }
        for line in first..self.len().min(lines.end + OBSERVED) {
            let drawn = lines.contains(&line) && self.visible.contains(line);
            self.store.read(
                line,
                |line| {
                    if drawn { builder.draw(line) } else { builder.observe(line) }
                },
            );
        }
        builder.finish()
    }

    /// The lines from the first to the last one that is drawn.
    fn lines_around(&self, cursor: usize) -> Range<usize> {
        let position = self.visible.position(cursor);
        let line = |position: usize| self.visible.line(position);
        let first = line(position.saturating_sub(BEFORE)).unwrap_or(cursor);
        let last = line(position + AFTER).or_else(|| self.visible.previous(self.len()));
        first..last.unwrap_or(cursor) + 1
    }

    fn set_states(&self, line: usize, builder: &mut DiagramBuilder) {
        for peer in self.store.peer_order() {
            let state = self.store.history.state(peer, line);
            let text =
                |key: StateKey| state[key as usize].as_ref().map(|value| value.text.as_str());
            let term = text(StateKey::Term).and_then(|term| term.parse().ok());
            builder.set_state(self.store.peers.name(peer.0), text(StateKey::Role), term);
        }
    }
}

/// Lines drawn before and after the selected one: some screens.
const BEFORE: usize = 150;
const AFTER: usize = 20;

/// Lines looked at on both sides for the other ends of messages.
const OBSERVED: usize = 5_000;
