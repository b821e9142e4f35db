//! One source that holds all canaries: each changed piece of code becomes
//! `if !canary::on(n) { right } else { wrong }`, so that one build serves all of them.
//!
//! Invariant: with no canary on, the rewritten source does what the original does.

use std::fmt::Write as _;
use std::ops::Range;

use crate::canary::{Change, Unfit};

/// A change, its place in the source, and the number of its canary.
#[derive(Clone, Debug)]
pub(crate) struct Edit<'a> {
    pub(crate) place: Range<usize>,
    pub(crate) number: usize,
    pub(crate) change: &'a Change,
}

/// A source with canaries in it.
#[derive(Debug, Default)]
pub(crate) struct Rewritten {
    pub(crate) text: String,
    pub(crate) pieces: Vec<Piece>,
}

/// A canary's code in a rewritten source, in bytes.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) number: usize,
    pub(crate) wrong: Range<usize>,
    /// The choice between right and wrong code.
    pub(crate) choice: Range<usize>,
}

/// The place of a change's right code in the source.
///
/// # Errors
/// The code is missing or not unique.
pub(crate) fn locate(source: &str, change: &Change) -> Result<Range<usize>, Unfit> {
    let unless_once = |text: &str, times| Unfit::Place {
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

/// In wrong code, stands for whether its canary is on.
pub(crate) const ON: &str = "$on";

/// True if two edits cannot be in one source.
pub(crate) fn conflict(one: &Edit<'_>, other: &Edit<'_>) -> bool {
    let touch = one.place.start < other.place.end && other.place.start < one.place.end;
    let whole = [one, other].iter().any(|edit| edit.change.wrong.contains(ON));
    overlap(&one.place, &other.place) || touch && whole
}

/// True if two pieces overlap without one lying within the other.
const fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    (one.start < other.start && other.start < one.end && one.end < other.end)
        || (other.start < one.start && one.start < other.end && other.end < one.end)
}

/// Rewrites a source; no two edits [`conflict`]. `on` is the path of the function that tells whether
/// a canary is on.
pub(crate) fn rewrite(source: &str, mut edits: Vec<Edit<'_>>, on: &str) -> Rewritten {
    // The outer one of two nested pieces comes first; pieces of one place stay together.
    edits.sort_by_key(|edit| (edit.place.start, usize::MAX - edit.place.end, edit.number));
    let mut rewritten = Rewritten::default();
    rewritten.copy(source, 0..source.len(), &edits, on);
    // The compiler cannot evaluate a choice. Offsets of pieces stay right.
    rewritten.text = rewritten.text.replace("const fn ", "      fn ");
    rewritten
}

impl Rewritten {
    /// Appends the source within `range`, with these edits, all of which lie in it.
    fn copy(&mut self, source: &str, range: Range<usize>, edits: &[Edit<'_>], on: &str) {
        let mut at = range.start;
        let mut rest = edits;
        while let Some(first) = rest.first() {
            let place = first.place.clone();
            let within = rest.partition_point(|edit| edit.place.start < place.end);
            let same = rest.partition_point(|edit| edit.place == place);
            self.text += &source[at..place.start];
            self.choose(source, &rest[..same], &rest[same..within], on);
            at = place.end;
            rest = &rest[within..];
        }
        self.text += &source[at..range.end];
    }

    /// Appends the choice between right code and its replacements. Right code comes first, so that
    /// the compiler takes its type for the right one. Parentheses make the choice an expression;
    /// statements need none.
    fn choose(&mut self, source: &str, here: &[Edit<'_>], nested: &[Edit<'_>], on: &str) {
        let Some((last, others)) = here.split_last() else { return };
        if last.change.wrong.contains(ON) {
            return self.wrong(last, on);
        }
        let place = last.place.clone();
        let statements = source[place.clone()].ends_with([';', '}']);
        let (start, pieces) = (self.text.len(), self.pieces.len());
        self.text += if statements { "if " } else { "(if " };
        let none: Vec<String> = here.iter().map(|edit| format!("!{on}({})", edit.number)).collect();
        self.text += &none.join(" && ");
        self.text += " { ";
        self.copy(source, place, nested, on);
        for edit in others {
            // Writing into a string cannot fail.
            let _ = write!(self.text, " }} else if {on}({}) {{ ", edit.number);
            self.wrong(edit, on);
        }
        self.text += " } else { ";
        self.wrong(last, on);
        self.text += if statements { " }" } else { " })" };
        let choice = start..self.text.len();
        for piece in &mut self.pieces[pieces..] {
            if here.iter().any(|edit| edit.number == piece.number) {
                piece.choice = choice.clone();
            }
        }
    }

    fn wrong(&mut self, edit: &Edit<'_>, on: &str) {
        let start = self.text.len();
        let switch = format!("{on}({})", edit.number);
        self.text += &edit.change.wrong.trim().replace(ON, &switch);
        let wrong = start..self.text.len();
        self.pieces.push(Piece { number: edit.number, choice: wrong.clone(), wrong });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(after: Option<&str>, right: &str, wrong: &str) -> Change {
        let (right, wrong) = (right.to_owned(), wrong.to_owned());
        Change { file: "f.rs".to_owned(), after: after.map(str::to_owned), right, wrong }
    }

    fn check(source: &str, changes: &[Change], expected: &str) {
        let edits = changes.iter().enumerate().map(|(number, change)| {
            locate(source, change).map(|place| Edit { place, number, change })
        });
        let found = edits.collect::<Result<Vec<_>, _>>().map(|edits| rewrite(source, edits, "on"));
        if let Ok(Rewritten { text, pieces }) = &found {
            for piece in pieces {
                assert_eq!(text[piece.wrong.clone()], changes[piece.number].wrong);
                assert!(text[piece.choice.clone()].contains(&format!("!on({})", piece.number)));
            }
        }
        assert_eq!(found.map_or_else(|error| error.to_string(), |found| found.text), expected);
    }

    #[test]
    fn code_becomes_a_choice() {
        check(
            "if x < y {}",
            &[change(None, "x < y", "x > y")],
            "if (if !on(0) { x < y } else { x > y }) {}",
        );
        check(
            "go(); stop();",
            &[change(None, "stop();", "run();")],
            "go(); if !on(0) { stop(); } else { run(); }",
        );
        check(
            "const fn f() { 1 }",
            &[change(None, "1", "2")],
            "      fn f() { (if !on(0) { 1 } else { 2 }) }",
        );
        check(
            "a(1); b(1);",
            &[change(Some("b("), "1", "2")],
            "a(1); b((if !on(0) { 1 } else { 2 }));",
        );
    }

    #[test]
    fn canaries_share_a_place_or_nest() {
        check(
            "f(x + y)",
            &[change(None, "x + y", "x"), change(None, "y", "z"), change(None, "x + y", "y")],
            "f((if !on(0) && !on(2) { x + (if !on(1) { y } else { z }) } else if on(0) { x } else { y }))",
        );
        assert!(overlap(&(0..4), &(2..6)) && overlap(&(2..6), &(0..4)));
        for (one, other) in [(0..4, 1..3), (1..3, 0..4), (0..4, 0..4), (0..2, 2..4), (0..4, 2..4)] {
            assert!(!overlap(&one, &other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn wrong_code_with_a_switch_replaces_the_right_one() {
        let field = change(None, "a: u8,", "a: u8,\n    b: [u8; 1 + $on as usize],");
        let changes = [field, change(None, "1", "2")];
        let source = "struct S { a: u8, } fn f() { 1 }";
        let edits = changes.iter().enumerate().map(|(number, change)| {
            let place = locate(source, change).unwrap();
            Edit { place, number, change }
        });
        let edits: Vec<_> = edits.collect();
        assert!(!conflict(&edits[0], &edits[1]));
        assert!(conflict(&edits[0], &edits[0]) && !conflict(&edits[1], &edits[1]));
        assert_eq!(
            rewrite(source, edits, "on").text,
            "struct S { a: u8,\n    b: [u8; 1 + on(0) as usize], } fn f() { (if !on(1) { 1 } else { 2 }) }"
        );
    }

    #[test]
    fn right_code_that_is_missing_or_not_unique_is_an_error() {
        let wants =
            |text: &str, times| format!("`{text}` must occur once in f.rs, occurs {times} times");
        check("f()", &[change(None, "g()", "h()")], &wants("g()", 0));
        check("f() f()", &[change(None, "f()", "g()")], &wants("f()", 2));
        check("f()", &[change(Some("f"), "g", "h")], &wants("g", 0));
    }
}
