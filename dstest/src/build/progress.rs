//! A progress line in the terminal while tests are built and listed.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::process::sys;
use crate::record::signature::printable;
use crate::text::console;
use crate::text::duration::human;
use crate::text::style::{Color, Paint, TextStyle};

/// A progress line on standard error, which ends with its owner.
#[derive(Debug)]
pub(crate) struct BuildProgress {
    bar: ProgressBar,
    paint: Paint,
    state: Arc<Mutex<State>>,
}

/// The contents of the line.
#[derive(Debug)]
struct State {
    step: &'static str,
    /// The crate that was begun last, or the subject of a later step.
    subject: String,
    done: u64,
    total: Option<u64>,
    start: Instant,
    /// The time of the last such build.
    expected: Option<Duration>,
}

impl BuildProgress {
    /// Starts the line, where standard error is a terminal. The last such build had `units` and
    /// took the `expected` time.
    pub(crate) fn start(
        color: Color,
        units: Option<u64>,
        expected: Option<Duration>,
    ) -> Option<Self> {
        if !console::is_live(color) {
            return None;
        }
        let paint = Paint::choose(color, &std::io::stderr());
        let state = Arc::new(Mutex::new(State {
            step: "build",
            subject: String::new(),
            done: 0,
            total: units,
            start: Instant::now(),
            expected,
        }));
        let shown = Arc::clone(&state);
        let line = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
            let width = sys::terminal_size().map_or(80, |(_, columns)| usize::from(columns));
            let line = shown.lock().unwrap_or_else(PoisonError::into_inner).line();
            let _ = out.write_str(&paint.apply(TextStyle::Good, &console::cut(&line, width)));
        };
        // The template is a constant that indicatif accepts; its default is as good.
        let style = ProgressStyle::with_template("{line}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner())
            .with_key("line", line);
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(20));
        bar.set_style(style);
        bar.enable_steady_tick(INTERVAL);
        Some(Self { bar, paint, state })
    }

    /// Variables for the tool: this is the only progress line, and decides about colours.
    pub(super) fn env(&self) -> [(&'static str, &'static str); 2] {
        let color = match self.paint {
            Paint::Colours => "always",
            Paint::Plain => "never",
        };
        [("CARGO_TERM_PROGRESS_WHEN", "never"), ("CARGO_TERM_COLOR", color)]
    }

    /// A line that cargo wrote to standard output.
    pub(super) fn output(&self, line: &[u8]) {
        self.state().done += u64::from(line.starts_with(ARTIFACT));
    }

    /// A line that cargo wrote to standard error: shown, unless the progress line says the same.
    pub(super) fn message(&self, line: &[u8]) {
        let text = printable(line);
        let mut words = text.split(' ');
        match (words.next(), words.next()) {
            (Some("Compiling"), Some(subject)) => subject.clone_into(&mut self.state().subject),
            (Some("Fresh" | "Finished" | "Executable"), Some(_)) => {}
            _ => self.bar.suspend(|| {
                // A closed standard error is no reason to stop.
                let _ = std::io::stderr().lock().write_all(line);
            }),
        }
    }

    /// The next step: the programs are asked for their tests.
    pub(crate) fn listing(&self) {
        let mut state = self.state();
        (state.step, state.expected) = ("list", None);
        "tests".clone_into(&mut state.subject);
        (state.done, state.total) = (0, None);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for BuildProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl State {
    /// `build 12/17 raft-tests 8 s, about 20 s last time`.
    fn line(&self) -> String {
        let mut line = self.step.to_owned();
        match self.total {
            // More units than last time: the total is not known.
            Some(total) if self.done <= total => {
                let _ = write!(line, " {}/{total}", self.done);
            }
            _ if self.done > 0 => {
                let _ = write!(line, " {}", self.done);
            }
            _ => {}
        }
        if !self.subject.is_empty() {
            let _ = write!(line, " {}", self.subject);
        }
        let _ = write!(line, " {} s", self.start.elapsed().as_secs());
        if let Some(expected) = self.expected {
            let expected = Duration::from_secs(expected.as_secs_f64().round().max(1.0) as u64);
            let _ = write!(line, ", about {} last time", human(expected));
        }
        line
    }
}

/// The beginning of cargo's message about a compiled unit.
const ARTIFACT: &[u8] = br#"{"reason":"compiler-artifact""#;

/// Seconds are shown, and the crate.
const INTERVAL: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_is_known() {
        let rows = [
            ("", 0, None, None, "build 0 s"),
            ("raft", 3, None, None, "build 3 raft 0 s"),
            ("raft", 3, Some(17), Some(19.6), "build 3/17 raft 0 s, about 20 s last time"),
            ("raft", 18, Some(17), Some(0.2), "build 18 raft 0 s, about 1 s last time"),
        ];
        for (subject, done, total, expected, want) in rows {
            let state = State {
                step: "build",
                subject: subject.to_owned(),
                done,
                total,
                start: Instant::now(),
                expected: expected.map(Duration::from_secs_f64),
            };
            assert_eq!(state.line(), want);
        }
    }
}
