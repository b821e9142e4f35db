//! Progress for a terminal: an overall line and the tests worth looking at, redrawn in place.

use std::io::Write;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::display::{Display, Moment, ViewContext};
use super::estimate::Progress;
use crate::record::Verdict;
use crate::report::summary::percent;
use crate::report::tally::{Tally, TestTally};
use crate::text::console::{cut, note, print};
use crate::text::duration;
use crate::text::echo::NoEcho;
use crate::text::sink;
use crate::text::style::{Paint, TextStyle};

pub(super) struct Live {
    context: ViewContext,
    paint: Paint,
    screen: MultiProgress,
    /// The overall line, then one for each test that is shown.
    lines: Vec<ProgressBar>,
    no_echo: Option<NoEcho>,
}

impl Live {
    pub(super) fn new(context: ViewContext) -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(20);
        let paint = Paint::choose(context.color, &std::io::stderr());
        let screen = MultiProgress::with_draw_target(target);
        Self { context, paint, screen, lines: Vec::new(), no_echo: Some(NoEcho::new()) }
    }

    /// Shows exactly these lines, cut to the width of the terminal.
    fn show(&mut self, lines: &[(TextStyle, String)], width: usize) {
        while self.lines.len() > lines.len() {
            self.lines.pop().iter().for_each(|line| {
                line.finish_and_clear();
                self.screen.remove(line);
            });
        }
        while self.lines.len() < lines.len() {
            // The template is a constant that indicatif accepts; its default is as good.
            let style = ProgressStyle::with_template("{msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            self.lines.push(self.screen.add(ProgressBar::new_spinner().with_style(style)));
        }
        for (line, (style, text)) in self.lines.iter().zip(lines) {
            line.set_message(self.paint.apply(*style, &cut(&sink::screen(text), width)));
        }
    }
}

impl Display for Live {
    const INTERVAL: Duration = Duration::from_millis(100);

    fn print(&mut self, text: &str) {
        self.screen.suspend(|| print(text));
    }

    fn note(&mut self, text: &str) {
        self.screen.suspend(|| note(text));
    }

    fn paint(&self) -> Paint {
        self.context.paint
    }

    fn tick(&mut self, tally: &Tally, now: Moment<'_>) {
        let (height, width) = terminal_size();
        let total = self.context.total.map(|total| total.saturating_sub(now.left_out));
        let progress = Progress::of(tally, total, self.context.duration, now.elapsed);
        let mut lines = compose(tally, &progress, height, width);
        if let Some(words) = now.running_words(LONG).filter(|_| height >= RUNNING_HEIGHT_MIN) {
            lines.insert(1, (TextStyle::Faint, format!("  {words}")));
        }
        self.show(&lines, width);
    }

    fn clear(&mut self) {
        // A closed terminal cannot be cleared.
        let _ = self.screen.clear();
        let _ = std::io::stderr().flush();
    }

    fn suspend(&mut self) {
        self.clear();
        self.no_echo = None;
    }

    fn resume(&mut self) {
        self.no_echo = Some(NoEcho::new());
    }
}

/// The lines for a terminal of this size: the overall one, then the tests that have failed, then
/// those that take longest.
fn compose(
    tally: &Tally,
    progress: &Progress,
    height: usize,
    width: usize,
) -> Vec<(TextStyle, String)> {
    let style = if progress.failed > 0 { TextStyle::Bad } else { TextStyle::Good };
    let mut lines = vec![(style, overall(progress, width))];
    let mut tests: Vec<&TestTally> = tally.tests().iter().collect();
    let room = (height / 2).clamp(1, TEST_LINES_MAX);
    let hidden = if tests.len() > room { tests.len() - (room - 1) } else { 0 };
    if hidden > 0 {
        tests.sort_by(|a, b| {
            b.failed().cmp(&a.failed()).then(b.expected_s().total_cmp(&a.expected_s()))
        });
        tests.truncate(room - 1);
    }
    let name_width = tests.iter().map(|test| test.name.len()).max().unwrap_or(0);
    lines.extend(tests.iter().map(|test| test_line(test, name_width)));
    if hidden > 0 {
        lines.push((TextStyle::Faint, format!("  and {hidden} more tests")));
    }
    lines
}

fn overall(progress: &Progress, width: usize) -> String {
    let words = progress.words();
    let bar_width = width.saturating_sub(words.len() + 4).min(BAR_WIDTH_MAX);
    match progress.share() {
        Some(share) if bar_width >= BAR_WIDTH_MIN => {
            let filled = (share * bar_width as f64) as usize;
            let (full, empty) = ("━".repeat(filled), "─".repeat(bar_width - filled));
            format!("{full}{empty} {words}")
        }
        Some(_) | None => words,
    }
}

fn test_line(test: &TestTally, name_width: usize) -> (TextStyle, String) {
    let (failed, total) = (test.failed(), test.total());
    let rate = if failed > 0 {
        format!(" ({})", percent(failed as f64 / total as f64))
    } else {
        String::new()
    };
    let time = match test.time.moments().mean() {
        Some(mean) => format!(", {}", duration::short(mean)),
        None => String::new(),
    };
    let flaky = match test.count(Verdict::Flaky) {
        0 => String::new(),
        count => format!(", {count} flaky"),
    };
    let text =
        format!("  {:<name_width$}  {failed} of {total} failed{rate}{flaky}{time}", test.name);
    (if failed > 0 { TextStyle::Bad } else { TextStyle::Normal }, text)
}

/// Rows and columns; 24 and 80 if unknown.
fn terminal_size() -> (usize, usize) {
    let (rows, columns) = crate::process::sys::terminal_size().unwrap_or((24, 80));
    (usize::from(rows), usize::from(columns))
}

/// Shorter runs are a flicker.
const LONG: Duration = Duration::from_secs(2);

/// In a lower terminal, the tests need the line.
const RUNNING_HEIGHT_MIN: usize = 8;

/// More lines belong into the table at the end.
const TEST_LINES_MAX: usize = 12;

/// A longer bar is not more precise.
const BAR_WIDTH_MAX: usize = 30;

/// A shorter bar is too coarse.
const BAR_WIDTH_MIN: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tally::tests::record;

    fn screen(tests: u32, height: usize, width: usize) -> String {
        let names: Vec<String> = (0..tests).map(|test| format!("scenario_{test}")).collect();
        let mut tally = Tally::new(names.clone());
        for (index, name) in names.iter().enumerate() {
            tally.record(index, &record(name, 1, Verdict::Passed, 0.01 * (index + 1) as f64));
        }
        tally.record(1, &record("scenario_1", 2, Verdict::Failed, 0.01));
        tally.record(2, &record("scenario_2", 2, Verdict::Flaky, 0.01));
        let elapsed = Duration::from_secs(2);
        let progress = Progress::of(&tally, Some(50), None, elapsed);
        let lines = compose(&tally, &progress, height, width);
        lines.into_iter().map(|(_, line)| cut(&line, width) + "\n").collect()
    }

    #[test]
    fn few_tests_are_all_shown_in_their_order() {
        insta::assert_snapshot!(screen(3, 24, 80));
    }

    #[test]
    fn of_many_tests_the_failed_and_the_slow_are_shown() {
        insta::assert_snapshot!(screen(28, 10, 80));
    }

    #[test]
    fn every_size_of_terminal_is_kept() {
        for width in 1..120 {
            for height in 1..30 {
                let screen = screen(28, height, width);
                assert!(screen.lines().count() <= height.max(4), "{height} rows");
                assert!(screen.lines().all(|line| line.chars().count() < width.max(2)), "{width}");
            }
        }
    }
}
