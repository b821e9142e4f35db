//! The report of a campaign as one page for a browser, to be passed on: it needs neither dstest nor a
//! network nor the store.
//!
//! Numbers and sentences are those of the table and of the text below it; only their places are the
//! page's own. Everything is on it without scripts; the page's script sorts, filters, and opens what is
//! closed before it is printed.
//!
//! Invariants: text gets into it through [`Markup`] alone; its size is bounded, and what is left out is
//! said where it would be.

mod failures;
mod past;
mod tests_table;

use pretty::Diagram;

use super::coverage::Coverage;
use super::history::History;
use super::json::Document;
use super::summary;
use super::tally::{Group, Tally};
use crate::record::Verdict;
use crate::seed::Iteration;
use crate::text::markup::Markup;
use crate::text::style::TextStyle;
use crate::text::width::{cut, shortened};

/// The sources of a page.
pub(crate) struct Page<'a> {
    /// The campaign's id.
    pub(crate) id: &'a str,
    /// Head and times.
    pub(crate) document: &'a Document,
    /// Counts.
    pub(crate) tally: &'a Tally,
    /// Facts on the campaign, each with its name.
    pub(crate) facts: &'a [(&'static str, String)],
    /// Sentences on what is missing, but for those that follow from the tally.
    pub(crate) missing: &'a [String],
    /// The load of the processors, if it is worth a word.
    pub(crate) load: Option<String>,
    /// The command that repeats a run.
    pub(crate) replay: &'a dyn Fn(usize, Iteration) -> String,
    /// The evidence of the first failure of a kind.
    pub(crate) evidence: &'a dyn Fn(&Group, Parts) -> Evidence,
    /// The campaigns of its store up to this one; `None` outside of a store.
    pub(crate) past: Option<&'a Past>,
}

/// The campaigns of the store up to this one.
#[derive(Debug)]
pub(crate) struct Past {
    /// Their results.
    pub(crate) history: History,
    /// The id of this one among them.
    pub(crate) this: String,
    /// Sentences on those that are left out.
    pub(crate) left_out: Vec<String>,
}

/// The evidence of a failed run.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// Its report, as `dstest show` prints it.
    pub(crate) report: String,
    /// The user has marked this kind of failure as known.
    pub(crate) is_known: bool,
    /// The events that led to it.
    pub(crate) drawing: Drawing,
}

/// The parts of the evidence that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parts {
    /// Without a diagram.
    Report,
    /// With one.
    All,
}

/// The events that led to a failure, as far as its log tells.
#[derive(Debug, Default)]
pub(crate) enum Drawing {
    /// No log, or none that tells of messages, or not asked for.
    #[default]
    Nothing,
    /// The log is too large to be read here.
    TooLarge,
    /// Its messages.
    Messages(Diagram),
}

impl Page<'_> {
    /// The page.
    #[must_use]
    pub(crate) fn text(&self) -> String {
        let mut page = Markup::default();
        let (style, verdict) = self.verdict();
        page.add(HEAD);
        page.put("<title>dstest {}: {}</title>\n<style>\n", &[&self.id, &verdict]);
        page.add(STYLE);
        page.add("</style></head>\n<body>\n<header>\n");
        page.put("<p class=\"dim\">dstest {}</p>\n", &[&self.id]);
        page.put("<h1 class=\"{}\">{}</h1>\n", &[&class(style), &verdict]);
        self.lead(&mut page);
        page.add("</header>\n");
        self.ways(&mut page);
        page.add("<main>\n");
        failures::write(self, &mut page);
        tests_table::write(self, &mut page);
        coverage(self.tally.coverage(), &mut page);
        past::write(self, &mut page);
        self.campaign(&mut page);
        page.add("</main>\n<script>");
        page.add(SCRIPT);
        page.add("</script>\n</body></html>\n");
        page.into_text()
    }

    /// The result in a few words.
    fn verdict(&self) -> (TextStyle, String) {
        let (failed, total) = (self.tally.failed(), self.tally.total());
        let of_all = if self.document.complete { "" } else { " so far" };
        match (failed, self.tally.count(Verdict::Flaky)) {
            (0, _) if self.tally.nothing_tested() || total == 0 => {
                (TextStyle::Warning, format!("Nothing was tested{of_all}"))
            }
            (0, 0) if self.document.complete && self.tally.count(Verdict::NotStarted) == 0 => {
                (TextStyle::Good, format!("{} passed", all(total)))
            }
            (0, 0) => {
                (TextStyle::Warning, format!("No failure in {}{of_all}", summary::runs(total)))
            }
            (0, flaky) => {
                let flaky = summary::runs(flaky);
                (
                    TextStyle::Warning,
                    format!("{flaky} of {total} passed only when repeated{of_all}"),
                )
            }
            (failed, _) => {
                (TextStyle::Bad, format!("{failed} of {} failed{of_all}", summary::runs(total)))
            }
        }
    }

    /// The sentences that belong to the result.
    fn lead(&self, page: &mut Markup) {
        let tests = self.tally.tests();
        let failing = tests.iter().filter(|test| test.failed() > 0).count();
        if failing > 0 && tests.len() > 1 {
            page.put("<p>{} of {} tests failed</p>\n", &[&failing, &tests.len()]);
        }
        let untested = tests.iter().filter(|test| test.total() == 0).count();
        if untested > 0 {
            page.put(
                "<p class=\"warn\">{} of {} tests have no run with a result</p>\n",
                &[&untested, &tests.len()],
            );
        }
        let remarks = summary::remarks(self.tally);
        for sentence in self.missing.iter().chain(&remarks) {
            page.put("<p class=\"warn\">{}</p>\n", &[&sentence.trim_end()]);
        }
        for sentence in [summary::proof(self.tally), self.load.clone().unwrap_or_default()] {
            if !sentence.is_empty() {
                page.put("<p>{}</p>\n", &[&sentence.trim_end()]);
            }
        }
    }

    /// The ways to the parts.
    fn ways(&self, page: &mut Markup) {
        page.add("<nav>");
        if !self.tally.groups().is_empty() {
            page.add("<a href=\"#failures\">Failures</a> ");
        }
        page.add("<a href=\"#tests\">Tests</a> ");
        if !self.tally.coverage().rows().is_empty() {
            page.add("<a href=\"#coverage\">Coverage</a> ");
        }
        if self.past.is_some() {
            page.add("<a href=\"#history\">History</a> ");
        }
        page.add("<a href=\"#campaign\">Campaign</a>");
        page.add("<label class=\"script\">Filter <input id=\"filter\" type=\"search\" autocomplete=\"off\"></label>");
        page.add("</nav>\n");
    }

    fn campaign(&self, page: &mut Markup) {
        page.add("<section id=\"campaign\"><h2>Campaign</h2>\n<dl>\n");
        for (name, value) in self.facts {
            page.put("<dt>{}</dt><dd>{}</dd>\n", &[name, &cut(value, SENTENCE_COLUMNS)]);
        }
        let nothing = "nothing that was planned";
        if self.missing.is_empty() {
            page.put("<dt>Missing</dt><dd>{}</dd>\n", &[&nothing]);
        }
        page.add(
            "</dl>\n<p class=\"dim\">A test repeats a run where the variable DSTEST_SEED has the seed of the run. \
             Logs as a whole are in the campaign's directory, not on this page.</p>\n</section>\n",
        );
    }
}

/// A table of situations; those that were never reached come first.
fn coverage(coverage: &Coverage, page: &mut Markup) {
    if coverage.rows().is_empty() {
        return;
    }
    let line = coverage.line(crate::text::style::Paint::Plain);
    page.put(
        "<section id=\"coverage\"><h2>Coverage of situations</h2>\n<p>{}</p>\n",
        &[&cut(line.trim_end(), SENTENCE_COLUMNS)],
    );
    page.put(
        "<div class=\"scroll\" tabindex=\"0\"><table class=\"sort\"><thead><tr>\
         <th aria-sort=\"none\"><button>Situation</button></th>\
         <th aria-sort=\"none\" class=\"num\"><button>Of {} runs</button></th>\
         <th aria-sort=\"none\" class=\"num\"><button>Times</button></th></tr></thead><tbody>\n",
        &[&coverage.runs()],
    );
    let (never, reached): (Vec<_>, Vec<_>) = coverage.rows().iter().partition(|row| row.count == 0);
    for row in never.iter().chain(&reached).take(SITUATIONS_MAX) {
        let class = if row.count == 0 { "warn" } else { "" };
        page.put(
            "<tr class=\"{}\"><td>{}</td><td class=\"num\" data-v=\"{}\">{}</td>\
             <td class=\"num\" data-v=\"{}\">{}</td></tr>\n",
            &[
                &class,
                &shortened(&row.name, NAME_COLUMNS),
                &row.runs,
                &row.runs,
                &row.count,
                &row.count,
            ],
        );
    }
    page.add("</tbody></table></div>\n");
    left_out(coverage.rows().len(), SITUATIONS_MAX, "situations", page);
    page.add("</section>\n");
}

/// A sentence on the rows behind the last one that has room.
fn left_out(all: usize, max: usize, things: &str, page: &mut Markup) {
    if let Some(more @ 1..) = all.checked_sub(max) {
        page.put("<p class=\"warn\">… and {} more {}, not on this page</p>\n", &[&more, &things]);
    }
}

fn all(runs: u64) -> String {
    if runs == 1 { "The run".to_owned() } else { format!("All {runs} runs") }
}

/// The name of a style in the page's own.
fn class(style: TextStyle) -> &'static str {
    match style {
        TextStyle::Good => "good",
        TextStyle::Bad => "bad",
        TextStyle::Warning => "warn",
        TextStyle::Normal | TextStyle::Strong | TextStyle::Faint => "",
    }
}

/// No script but the page's own runs, and nothing is loaded.
const HEAD: &str = "<!doctype html>
<html lang=\"en\"><head><meta charset=\"utf-8\">
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
script-src 'sha256-e7CjyOu7HoApKQAiulNFmwmPJoMTcRzNhqSdTu58sM0='; base-uri 'none'; form-action 'none'\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\">
";

/// More situations than a program names; those never reached come first.
const SITUATIONS_MAX: usize = 1000;

/// Longer sentences are data.
const SENTENCE_COLUMNS: usize = 2000;

/// Longer names are data.
const NAME_COLUMNS: usize = 120;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

#[cfg(test)]
mod tests;
