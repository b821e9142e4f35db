//! Hashes of source files.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// The part of a file that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Part {
    /// Every byte.
    Whole,
    /// The lines that declare functions, modules and attributes, and those that call macros: the
    /// list of tests that are written as functions follows from them.
    Outline,
}

/// Reads each file once.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// Files changed later than this count as unreadable.
    until: Option<SystemTime>,
    known: RefCell<HashMap<(PathBuf, Part), Option<u64>>>,
}

impl Contents {
    /// Files as they were at this time: a build may have read what was there before a later change.
    pub(super) fn until(time: SystemTime) -> Self {
        Self { until: Some(time - CLOCK_TICK), ..Self::default() }
    }

    /// The hash of these files; `None` if one of them cannot be read, or without any.
    pub(super) fn hash(&self, files: &[PathBuf], part: Part) -> Option<String> {
        if files.is_empty() {
            return None;
        }
        let mut all = Xxh3::new();
        for file in files {
            all.update(file.as_os_str().as_encoded_bytes());
            all.update(&self.of(file, part)?.to_le_bytes());
        }
        Some(format!("{:032x}", all.digest128()))
    }

    fn of(&self, file: &Path, part: Part) -> Option<u64> {
        let key = (file.to_owned(), part);
        if let Some(known) = self.known.borrow().get(&key) {
            return *known;
        }
        let is_late = || {
            let changed = fs::metadata(file).and_then(|facts| facts.modified()).ok();
            self.until.is_some_and(|until| changed.is_none_or(|changed| changed > until))
        };
        let hash = match (is_late(), fs::read(file)) {
            (false, Ok(bytes)) => Some(match part {
                Part::Whole => xxh3_64(&bytes),
                Part::Outline => xxh3_64(outline(&String::from_utf8_lossy(&bytes)).as_bytes()),
            }),
            (true, _) | (_, Err(_)) => None,
        };
        self.known.borrow_mut().insert(key, hash);
        hash
    }
}

fn outline(text: &str) -> String {
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| DECLARATIONS.iter().any(|word| line.contains(word)) || calls_macro(line));
    lines.collect::<Vec<_>>().join("\n")
}

/// `true` if the line begins with a call of a macro that is not one of those within functions.
fn calls_macro(line: &str) -> bool {
    let Some((name, _)) = line.split_once('!') else { return false };
    let name = name.rsplit("::").next().unwrap_or(name);
    let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_name && !name.is_empty() && !STATEMENTS.iter().any(|known| name.starts_with(known))
}

/// Words that declare an item or an attribute.
const DECLARATIONS: [&str; 5] = ["#[", "#![", "fn ", "mod ", "macro_rules"];

/// The beginnings of macros that stand in functions and declare nothing.
const STATEMENTS: [&str; 9] =
    ["assert", "debug_assert", "print", "eprint", "panic", "write", "format", "vec", "unreachable"];

/// File systems note times of changes only so precisely.
const CLOCK_TICK: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outline_keeps_what_declares_tests() {
        let source = "\
//! Tests.
mod more;
#[test]
fn one() {
    // A comment.
    let a = f(1);
    assert_eq!(a, !b);
    println!(\"x\");
}
lab::table! {
    two
}
if !done {
    check!(a);
}
";
        let want = "mod more;\n#[test]\nfn one() {\nlab::table! {\ncheck!(a);";
        assert_eq!(outline(source), want);
    }
}
