//! Finding the next line of some kind among those shown.

use regex::Regex;

use super::LogView;
use super::keys::Jump;
use super::told::fact;
use crate::class::Class;
use crate::filter::Bound;
use crate::line::{Line, Stamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

impl LogView {
    pub(super) fn jump(&mut self, jump: Jump) {
        let search = self.search.as_ref().map(|search| search.regex.clone());
        let found = match jump {
            Jump::NextMatch => self.find_match(search.as_ref(), Direction::Forward),
            Jump::PreviousMatch => self.find_match(search.as_ref(), Direction::Backward),
            Jump::NextError => self.next_of(self.store.history.errors(), |line| *line),
            Jump::PreviousError => self.last_of(self.store.history.errors(), |line| *line),
            Jump::NextTerm => self.next_of(self.store.history.terms(), |(line, _)| *line),
            Jump::PreviousTerm => self.last_of(self.store.history.terms(), |(line, _)| *line),
            Jump::NextLeader => self.next_of(self.store.history.leaders(), |(line, _)| *line),
            Jump::PreviousLeader => self.last_of(self.store.history.leaders(), |(line, _)| *line),
            Jump::NextOddity => self.next_of(self.store.history.oddities(), |(line, _)| *line),
            Jump::PreviousOddity => self.last_of(self.store.history.oddities(), |(line, _)| *line),
            Jump::NextTest => self.find(Direction::Forward, |line| self.is_test(line)),
            Jump::PreviousTest => self.find(Direction::Backward, |line| self.is_test(line)),
            Jump::Cause => self.find_cause(),
            Jump::OtherEnd => self.find_other_end(),
        };
        match found {
            Some(at) => self.go_to(at),
            None => "nothing found".clone_into(&mut self.note),
        }
    }

    /// The first of some lines after the selected one, if it is shown.
    fn next_of<T>(&self, lines: &[T], line: impl Fn(&T) -> u32) -> Option<usize> {
        let after = u32::try_from(self.cursor()? + 1).ok()?;
        let start = lines.partition_point(|own| line(own) < after);
        lines[start..].iter().find_map(|own| self.shown.binary_search(&line(own)).ok())
    }

    /// The last of some lines before the selected one.
    fn last_of<T>(&self, lines: &[T], line: impl Fn(&T) -> u32) -> Option<usize> {
        let cursor = u32::try_from(self.cursor()?).ok()?;
        let end = lines.partition_point(|own| line(own) < cursor);
        lines[..end].iter().rev().find_map(|own| self.shown.binary_search(&line(own)).ok())
    }

    /// To a line by its number, counted from 1, or to the first event at or after `@` a time.
    pub(super) fn go_to_place(&mut self, place: &str) {
        let found = match place.strip_prefix('@') {
            Some(time) => Bound::parse(time).ok().and_then(|bound| self.find_time(bound)),
            None => place
                .trim()
                .parse::<usize>()
                .ok()
                .map(|number| self.shown.partition_point(|line| (*line as usize) + 1 < number)),
        };
        match found {
            Some(at) => self.go_to(at),
            None => self.note = format!("{place:?} is no line number and no @time of this log"),
        }
    }

    fn find_time(&self, bound: Bound) -> Option<usize> {
        let at_or_after = |stamp: &Stamp<'_>| {
            let unit = stamp.unit.unwrap_or(crate::time::Tick::SECOND);
            stamp.at.is_some_and(|at| bound.at(unit) <= at)
        };
        self.shown.iter().position(|line| match self.store.line(*line as usize) {
            Line::Event(event) => event.stamp.as_ref().is_some_and(at_or_after),
            Line::Header(_) | Line::Other(..) => false,
        })
    }

    /// The nearest match; past the end the search goes on at the other one.
    fn find_match(&mut self, regex: Option<&Regex>, direction: Direction) -> Option<usize> {
        let matches = |line: usize| regex.is_some_and(|regex| self.store.matches(line, regex));
        if let Some(found) = self.find(direction, matches) {
            return Some(found);
        }
        let all = 0..self.shown.len();
        let wanted = |at: &usize| matches(self.shown[*at] as usize);
        let (found, note) = match direction {
            Direction::Forward => (all.into_iter().find(wanted), "on from the first line"),
            Direction::Backward => (all.into_iter().rfind(wanted), "on from the last line"),
        };
        found.inspect(|_| note.clone_into(&mut self.note))
    }

    fn is_test(&self, line: usize) -> bool {
        let class = self.store.entry(line).class();
        class.is_some_and(|class| [Class::Test, Class::Passed, Class::Failed].contains(&class))
    }

    /// The other end of the selected message; of another line with an `id=` the nearest line with
    /// the same: after it, else before it.
    fn find_other_end(&self) -> Option<usize> {
        if let Some(line) = self.other_end().and_then(|line| u32::try_from(line).ok()) {
            return self.shown.binary_search(&line).ok();
        }
        let id = fact(self.store.bytes(self.cursor()?), b"id")?;
        let same = |line: usize| fact(self.store.bytes(line), b"id") == Some(id);
        self.find(Direction::Forward, same).or_else(|| self.find(Direction::Backward, same))
    }

    /// The nearest cause of the selected line that is shown, or of its cause, and so on.
    fn find_cause(&mut self) -> Option<usize> {
        let mut line = self.cause_of(self.cursor()?)?;
        loop {
            if let Some(at) =
                u32::try_from(line).ok().and_then(|n| self.shown.binary_search(&n).ok())
            {
                return Some(at);
            }
            line = self.cause_of(line)?;
        }
    }

    /// The nearest line from the selected one on, itself left out.
    fn find(&self, direction: Direction, wanted: impl Fn(usize) -> bool) -> Option<usize> {
        let wanted = |at: &usize| wanted(self.shown[*at] as usize);
        match direction {
            Direction::Forward => (self.cursor + 1..self.shown.len()).find(wanted),
            Direction::Backward => (0..self.cursor.min(self.shown.len())).rev().find(wanted),
        }
    }
}
