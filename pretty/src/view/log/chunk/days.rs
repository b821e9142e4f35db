//! The days of times of day in a chunk, which a line alone does not tell.

use crate::parse::ClockOfDay;

/// The days of each source.
#[derive(Debug)]
pub(super) struct Days {
    /// At its start.
    first: Vec<i64>,
    /// Lines at which another day begins, by their sources.
    changes: Vec<(u32, usize, i64)>,
    /// The clocks behind it.
    after: Vec<ClockOfDay>,
}

impl Days {
    /// The days of a chunk that these clocks start.
    pub(super) fn new(clocks: &[ClockOfDay]) -> Self {
        let first = clocks.iter().map(ClockOfDay::days).collect();
        Self { first, changes: Vec::new(), after: clocks.to_vec() }
    }

    /// Takes a line into account, behind which the clocks are these.
    pub(super) fn record(&mut self, line: u32, clocks: &[ClockOfDay]) {
        for (source, (last, clock)) in self.after.iter_mut().zip(clocks).enumerate() {
            if last.days() != clock.days() {
                self.changes.push((line, source, clock.days()));
                *last = *clock;
            }
        }
    }

    pub(super) fn ended(self, clocks: &[ClockOfDay]) -> Self {
        Self { after: clocks.to_vec(), ..self }
    }

    pub(super) fn after(&self) -> &[ClockOfDay] {
        &self.after
    }

    /// Tells whether a day ends in it.
    pub(super) fn has_several(&self) -> bool {
        !self.changes.is_empty()
    }

    /// The day of a line.
    pub(super) fn at(&self, line: usize, source: usize) -> i64 {
        let before = self.changes.partition_point(|(own, ..)| *own as usize <= line);
        let change = self.changes[..before].iter().rfind(|(_, own, _)| *own == source);
        change.map_or(self.first[source], |(.., day)| *day)
    }

    /// Lets other clocks than those assumed start it; returns the most days that this makes it later.
    pub(super) fn assume(&mut self, assumed: &[ClockOfDay], before: &[ClockOfDay]) -> i64 {
        let mut most = 0;
        for (source, (assumed, before)) in assumed.iter().zip(before).enumerate() {
            let days = self.after[source].days_late(assumed, before);
            self.first[source] += days;
            for (.., day) in self.changes.iter_mut().filter(|(_, own, _)| *own == source) {
                *day += days;
            }
            self.after[source] = self.after[source].later_by(days, before);
            most = most.max(days);
        }
        most
    }

    /// Takes over the days of a chunk that follows, whose first line has this number here.
    pub(super) fn join(&mut self, lines: u32, next: Self) {
        for (source, (last, first)) in self.after.iter().zip(next.first).enumerate() {
            if last.days() != first {
                self.changes.push((lines, source, first));
            }
        }
        let changes = next.changes.into_iter();
        self.changes.extend(changes.map(|(line, source, day)| (lines + line, source, day)));
        self.after = next.after;
    }
}
