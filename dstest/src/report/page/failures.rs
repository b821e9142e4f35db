//! The kinds of failures: reason, runs, command, report and diagram of the first of each kind.

use std::cmp::Reverse;

use super::{Drawing, Evidence, NAME_COLUMNS, Page, Parts, left_out};
use crate::record::FailureKind;
use crate::report::summary::runs;
use crate::report::tally::{Failure, Group, Tally};
use crate::text::markup::Markup;
use crate::text::width::{cut, shortened};

/// Writes the section; nothing without failures.
pub(super) fn write(results: &Page<'_>, page: &mut Markup) {
    let (kinds, all) = (shown(results.tally), results.tally.groups().len());
    if kinds.is_empty() {
        return;
    }
    let failures = failures_of_groups(results, all);
    page.add("<section id=\"failures\"><h2>Failures by kind</h2>\n");
    let mut room = Room { bytes: EVIDENCE_BYTES, diagrams: DIAGRAMS_MAX };
    for (place, (group, kind)) in kinds.iter().enumerate() {
        self::kind(results, (*group, kind), &failures[*group], place == 0, &mut room, page);
    }
    left_out(all, KINDS_MAX, "kinds", page);
    page.add("</section>\n");
}

/// The kinds that are on the page, each with its number, in their order there.
pub(super) fn shown(tally: &Tally) -> Vec<(usize, &Group)> {
    let mut kinds: Vec<(usize, &Group)> = tally.groups().iter().enumerate().collect();
    kinds.sort_by_key(|(_, group)| (group.kind, Reverse(group.count)));
    kinds.truncate(KINDS_MAX);
    kinds
}

/// The room that is left for evidence.
struct Room {
    bytes: usize,
    diagrams: usize,
}

/// The failures of each group, by their numbers.
fn failures_of_groups(results: &Page<'_>, groups: usize) -> Vec<Vec<Failure>> {
    let mut failures = vec![Vec::new(); groups];
    for test in results.tally.tests() {
        for failure in test.failures.iter().chain(&test.flaky) {
            failures[failure.group].push(*failure);
        }
    }
    failures.iter_mut().for_each(|of_group| of_group.sort_by_key(|failure| failure.iter));
    failures
}

fn kind(
    results: &Page<'_>,
    (group, kind): (usize, &Group),
    failures: &[Failure],
    is_open: bool,
    room: &mut Room,
    page: &mut Markup,
) {
    let test = &results.tally.tests()[kind.test];
    let name = shortened(&test.name, NAME_COLUMNS);
    let has_room = room.bytes > 0;
    let parts = if room.diagrams > 0 { Parts::All } else { Parts::Report };
    let evidence = if has_room { (results.evidence)(kind, parts) } else { Evidence::default() };
    page.add(if is_open { "<details class=\"kind\" open>" } else { "<details class=\"kind\">" });
    page.put("<summary><span class=\"count\">{} ×</span> <b>{}</b> ", &[&kind.count, &name]);
    if kind.kind == FailureKind::Flaky {
        page.add("<span class=\"tag\">flaky: passed when repeated</span> ");
    }
    if evidence.is_known {
        page.add("<span class=\"tag\">known</span> ");
    }
    page.put(
        "<span class=\"reason\">{}</span></summary>\n",
        &[&cut(&kind.signature, REASON_COLUMNS)],
    );
    page.put("<p id=\"k{}\">in {} of {}: ", &[&group, &kind.count, &runs(test.total())]);
    for failure in failures.iter().take(RUNS_MAX) {
        page.put(
            "<span class=\"run\">#{} <span class=\"dim\">seed {}</span></span> ",
            &[&failure.iter, &failure.seed],
        );
    }
    if let Some(more @ 1..) = failures.len().checked_sub(RUNS_MAX) {
        page.put("… and {} more", &[&more]);
    }
    page.put(
        "</p>\n<p><code class=\"command\">{}</code></p>\n",
        &[&(results.replay)(kind.test, kind.first)],
    );
    let before = page.len();
    match has_room {
        true => {
            report(&evidence.report, page);
            drawing(&evidence.drawing, &format!("{name}#{}", kind.first), room, page);
        }
        false => page.add("<p class=\"warn\">No report here: the page would be too large; <code>dstest show</code> prints it.</p>\n"),
    }
    room.bytes = room.bytes.saturating_sub(page.len() - before);
    page.add("</details>\n");
}

fn report(report: &str, page: &mut Markup) {
    let mut lines = report.lines();
    page.add("<pre tabindex=\"0\">");
    for line in lines.by_ref().take(REPORT_LINES) {
        page.put("{}\n", &[&cut(line, REPORT_COLUMNS)]);
    }
    match lines.count() {
        0 => {}
        more => page.put("… and {} lines more\n", &[&more]),
    }
    page.add("</pre>\n");
}

fn drawing(drawing: &Drawing, run: &str, room: &mut Room, page: &mut Markup) {
    if room.diagrams == 0 {
        return page
            .put("<p class=\"dim\">Only {} kinds have a diagram here.</p>\n", &[&DIAGRAMS_MAX]);
    }
    let diagram = match drawing {
        Drawing::Nothing => return,
        Drawing::TooLarge => {
            return page.add(
                "<p class=\"dim\">No diagram here: the log is too large to be read for this page.</p>\n",
            );
        }
        Drawing::Messages(diagram) => diagram,
    };
    room.diagrams -= 1;
    page.put(
        "<details><summary>Space–time diagram of what led to the failure of {}</summary>\
         <div class=\"scroll\" tabindex=\"0\">\n",
        &[&run],
    );
    page.diagram(diagram, run);
    page.add("</div></details>\n");
}

/// More kinds than a person looks at.
const KINDS_MAX: usize = 1000;

/// The runs that are named of each kind.
const RUNS_MAX: usize = 40;

/// Room for the reports of some hundred kinds, and for their diagrams.
const EVIDENCE_BYTES: usize = 3 << 20;

/// As many as have full logs.
const DIAGRAMS_MAX: usize = 20;

/// Longer reasons are data.
const REASON_COLUMNS: usize = 500;

/// A report in full, of a usual length.
const REPORT_LINES: usize = 120;
const REPORT_COLUMNS: usize = 240;
