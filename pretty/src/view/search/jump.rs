//! Finding the next line of some kind among those shown.

use crate::bound::Bound;
use crate::line::Stamp;
use crate::meaning::facts::fact;
use crate::time::Time;
use crate::view::log_view::LogView;
use crate::view::search::counterpart::LINES_MAX;
use crate::view::search::query::Direction;
use crate::view::ui::actions::{ACTIONS, Action, Jump};

impl LogView {
    pub(crate) fn jump(&mut self, jump: Jump) {
        let history = &self.store.history;
        let found = match jump {
            Jump::NextMatch => return self.go_to_match(Direction::Forward),
            Jump::PreviousMatch => return self.go_to_match(Direction::Backward),
            Jump::NextError => self.next_of(history.errors(), |line| *line),
            Jump::PreviousError => self.last_of(history.errors(), |line| *line),
            Jump::NextTerm => self.next_of(history.terms(), |(line, _)| *line),
            Jump::PreviousTerm => self.last_of(history.terms(), |(line, _)| *line),
            Jump::NextLeader => self.next_of(history.leaders(), |(line, _)| *line),
            Jump::PreviousLeader => self.last_of(history.leaders(), |(line, _)| *line),
            Jump::NextAnomaly => self.next_of(history.anomalies(), |(line, _)| *line),
            Jump::PreviousAnomaly => self.last_of(history.anomalies(), |(line, _)| *line),
            Jump::NextTest => self.next_of(history.tests(), |line| *line),
            Jump::PreviousTest => self.last_of(history.tests(), |line| *line),
            Jump::Cause => self.find_cause(),
            Jump::OtherEnd => self.find_other_end(),
        };
        match found {
            Some(line) => self.jump_to_line(line),
            None => self.note = self.not_found(jump),
        }
    }

    /// The note of a jump that leads nowhere, in the words of its key's help.
    fn not_found(&self, jump: Jump) -> String {
        let own = ACTIONS.iter().find(|(_, action, ..)| *action == Action::Jump(jump));
        let target = own.map_or("", |(_, _, help, _)| help);
        let hidden = self.visible.len() < self.store.len();
        let among = if hidden { " among the lines shown" } else { "" };
        format!("not found{among}: {target}")
    }

    /// The first of some lines after the selected one that is shown.
    fn next_of<T>(&self, lines: &[T], line: impl Fn(&T) -> u32) -> Option<usize> {
        let cursor = self.cursor()?;
        let start = lines.partition_point(|own| line(own) as usize <= cursor);
        let mut lines = lines[start..].iter().map(|own| line(own) as usize);
        lines.find(|line| self.visible.contains(*line))
    }

    /// The last of some lines before the selected one that is shown.
    fn last_of<T>(&self, lines: &[T], line: impl Fn(&T) -> u32) -> Option<usize> {
        let cursor = self.cursor()?;
        let end = lines.partition_point(|own| (line(own) as usize) < cursor);
        let mut lines = lines[..end].iter().rev().map(|own| line(own) as usize);
        lines.find(|line| self.visible.contains(*line))
    }

    /// To a line by its number, counted from 1, or to the first event at or after `@` a time.
    pub(crate) fn go_to_place(&mut self, place: &str) {
        let found = match place.strip_prefix('@') {
            Some(time) => Bound::parse(time).ok().and_then(|bound| self.find_time(bound)),
            None => place.trim().parse::<usize>().ok().map(|number| number.saturating_sub(1)),
        };
        match found {
            Some(line) => self.jump_to_line(line),
            None => self.note = format!("no line number or @time {place:?} in this log"),
        }
    }

    /// The first event shown at or after a time. Groups know the latest time in them, so that only
    /// those are read that may have it.
    fn find_time(&self, bound: Bound) -> Option<usize> {
        let time = self.resolve_bound(bound)?;
        let reached = |line: usize| {
            let at = self.store.read_event(line, |event| event.stamp.as_ref()?.at);
            at.flatten().is_some_and(|at| time <= at)
        };
        let mut group = 0;
        loop {
            group = self.store.group_at(group, time)?;
            let mut lines = self.store.first_line(group)..self.store.first_line(group + 1);
            let found = lines.find(|line| self.visible.contains(*line) && reached(*line));
            if found.is_some() {
                return found;
            }
            group += 1;
        }
    }

    /// The time a bound means in this log: a bare number or a time of day is one of its time column,
    /// and lengths of time count from the first date.
    fn resolve_bound(&self, bound: Bound) -> Option<Time> {
        let bound = bound.resolve(self.store.calendar()?);
        let first = |line| {
            let stamp = |stamp: &Stamp<'_>| {
                let range = bound.range(stamp, self.store.origin().or(stamp.at)?);
                range.map(|range| *range.start())
            };
            self.store.read_event(line, |event| event.stamp.as_ref().map(stamp)).flatten()
        };
        (0..self.store.len().min(UNIT_LINES_MAX)).find_map(first)?
    }

    /// The other end of the selected message; of another line with an `id=` the nearest line with
    /// the same: after it, else before it.
    fn find_other_end(&self) -> Option<usize> {
        if let Some(line) = self.other_end() {
            return self.visible.contains(line).then_some(line);
        }
        let cursor = self.cursor()?;
        let text = self.store.text(cursor);
        let id = fact(&text, b"id")?;
        let same = |line: &usize| {
            self.visible.contains(*line) && fact(&self.store.text(*line), b"id") == Some(id)
        };
        let mut after = cursor + 1..self.store.len().min(cursor + LINES_MAX);
        let before = cursor.saturating_sub(LINES_MAX)..cursor;
        after.find(same).or_else(|| before.rev().find(same))
    }

    /// The nearest cause of the selected line that is shown, or of its cause, and so on.
    fn find_cause(&mut self) -> Option<usize> {
        let mut line = self.cause_of(self.cursor()?)?;
        while !self.visible.contains(line) {
            line = self.cause_of(line)?;
        }
        Some(line)
    }
}

/// A log with times has one in its first lines.
const UNIT_LINES_MAX: usize = 1_000;
