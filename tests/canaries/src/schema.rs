//! One source that holds all canaries: every changed piece of code becomes
//! `if canary::on(n) { wrong } else { right }`, so that one build serves all of them.
//!
//! Invariant: with no canary on, the rewritten source does what the original does.

use std::fmt::Write as _;
use std::ops::Range;

use crate::canary::Change;

/// A change, and the number of the canary it belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbered<'a> {
    pub(crate) canary: &'a str,
    pub(crate) number: usize,
    pub(crate) change: &'a Change,
}

/// A change that does not fit the source any more.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SchemaError {
    #[error("canary {canary}: `{text}` must occur once in {file}, and occurs {times} times")]
    Place { canary: String, file: String, text: String, times: usize },
    #[error("canaries {one} and {other} change pieces of {file} that overlap")]
    Overlap { one: String, other: String, file: String },
}

struct Edit<'a> {
    place: Range<usize>,
    of: Numbered<'a>,
}

/// Rewrites a source. `on` is the path of the function that tells which canary is on.
///
/// # Errors
/// The first change whose place cannot be found, or that overlaps another.
pub(crate) fn rewrite(
    source: &str,
    changes: &[Numbered<'_>],
    on: &str,
) -> Result<String, SchemaError> {
    let mut edits = Vec::new();
    for of in changes {
        edits.push(Edit { place: locate(source, *of)?, of: *of });
    }
    // The outer one of two nested pieces comes first; pieces of one place stay together.
    edits.sort_by_key(|edit| (edit.place.start, usize::MAX - edit.place.end, edit.of.number));
    let rewritten = render(source, 0..source.len(), &edits, on)?;
    // What asks which canary is on cannot be evaluated by the compiler.
    Ok(rewritten.replace("const fn ", "fn "))
}

/// Where a change's right code stands.
fn locate(source: &str, of: Numbered<'_>) -> Result<Range<usize>, SchemaError> {
    let Numbered { canary, change, .. } = of;
    let unless_once = |text: &str, times| SchemaError::Place {
        canary: canary.to_owned(),
        file: change.file.clone(),
        text: text.to_owned(),
        times,
    };
    let once = |text: &str| match source.matches(text).count() {
        1 => Ok(source.find(text).unwrap_or_default()),
        times => Err(unless_once(text, times)),
    };
    let right = change.right.trim();
    let start = match &change.after {
        None => once(right)?,
        Some(after) => {
            let from = once(after.trim())? + after.trim().len();
            from + source[from..].find(right).ok_or_else(|| unless_once(right, 0))?
        }
    };
    Ok(start..start + right.len())
}

/// The source within `range`, with these edits, all of which lie in it.
fn render(
    source: &str,
    range: Range<usize>,
    edits: &[Edit<'_>],
    on: &str,
) -> Result<String, SchemaError> {
    let mut text = String::new();
    let mut at = range.start;
    let mut rest = edits;
    while let Some(first) = rest.first() {
        let place = first.place.clone();
        let within = rest.partition_point(|edit| edit.place.start < place.end);
        let same = rest.partition_point(|edit| edit.place == place);
        let (inside, after) = rest.split_at(within);
        let (here, nested) = inside.split_at(same);
        if let Some(other) = nested.iter().find(|edit| edit.place.end > place.end) {
            return Err(SchemaError::Overlap {
                one: first.of.canary.to_owned(),
                other: other.of.canary.to_owned(),
                file: first.of.change.file.clone(),
            });
        }
        text += &source[at..place.start];
        let right = render(source, place.clone(), nested, on)?;
        text += &choose(here, &right, on);
        at = place.end;
        rest = after;
    }
    text += &source[at..range.end];
    Ok(text)
}

/// The choice between right code and what some canaries have in its place. Parentheses make it an
/// expression wherever one may stand; statements need none.
fn choose(here: &[Edit<'_>], right: &str, on: &str) -> String {
    let statements = right.ends_with([';', '}']);
    let mut text = String::from(if statements { "" } else { "(" });
    for Edit { of: Numbered { number, change, .. }, .. } in here {
        let wrong = change.wrong.trim();
        // Writing into a string cannot fail.
        let _ = write!(text, "if {on}({number}) {{ {wrong} }} else ");
    }
    let _ = write!(text, "{{ {right} }}{}", if statements { "" } else { ")" });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(after: Option<&str>, right: &str, wrong: &str) -> Change {
        let (right, wrong) = (right.to_owned(), wrong.to_owned());
        Change { file: "f.rs".to_owned(), after: after.map(str::to_owned), right, wrong }
    }

    fn check(source: &str, changes: &[Change], expected: &str) {
        let numbered: Vec<_> = changes
            .iter()
            .enumerate()
            .map(|(number, change)| Numbered { canary: ["a", "b", "c"][number], number, change })
            .collect();
        let found = rewrite(source, &numbered, "on").unwrap_or_else(|error| error.to_string());
        assert_eq!(found, expected);
    }

    #[test]
    fn code_becomes_a_choice() {
        check(
            "if x < y {}",
            &[change(None, "x < y", "x > y")],
            "if (if on(0) { x > y } else { x < y }) {}",
        );
        check(
            "go(); stop();",
            &[change(None, "stop();", "run();")],
            "go(); if on(0) { run(); } else { stop(); }",
        );
        check(
            "const fn f() { 1 }",
            &[change(None, "1", "2")],
            "fn f() { (if on(0) { 2 } else { 1 }) }",
        );
        check(
            "a(1); b(1);",
            &[change(Some("b("), "1", "2")],
            "a(1); b((if on(0) { 2 } else { 1 }));",
        );
    }

    #[test]
    fn canaries_share_a_place_or_nest() {
        check(
            "f(x + y)",
            &[change(None, "x + y", "x"), change(None, "y", "z"), change(None, "x + y", "y")],
            "f((if on(0) { x } else if on(2) { y } else { x + (if on(1) { z } else { y }) }))",
        );
    }

    #[test]
    fn a_canary_that_does_not_fit_is_named() {
        check(
            "f()",
            &[change(None, "g()", "h()")],
            "canary a: `g()` must occur once in f.rs, and occurs 0 times",
        );
        check(
            "f() f()",
            &[change(None, "f()", "g()")],
            "canary a: `f()` must occur once in f.rs, and occurs 2 times",
        );
        check(
            "f()",
            &[change(Some("f"), "g", "h")],
            "canary a: `g` must occur once in f.rs, and occurs 0 times",
        );
        check(
            "x + y + z",
            &[change(None, "x + y", "x"), change(None, "y + z", "y")],
            "canaries a and b change pieces of f.rs that overlap",
        );
    }
}
