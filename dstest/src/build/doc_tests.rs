//! Detection of doc tests: examples in a library's documentation that cargo would run.
//!
//! They have no program that could be built once and run often, so dstest leaves them to cargo and
//! notes it. The search reads line comments only.

use std::fs;
use std::path::Path;

use super::sources::rust_files;

/// `true` if any Rust file at or below the directory of the library's root has such an example.
pub(super) fn exist_in(library: &Path) -> bool {
    let files = library.parent().map(rust_files).unwrap_or_default();
    files.iter().any(|file| fs::read_to_string(file).is_ok_and(|source| source_has(&source)))
}

fn source_has(source: &str) -> bool {
    let mut is_open = false;
    for line in source.lines() {
        let line = line.trim_start();
        let Some(text) = line.strip_prefix("///").or(line.strip_prefix("//!")) else {
            // The end of a comment closes its blocks.
            is_open = false;
            continue;
        };
        let Some(info) = text.trim().strip_prefix("```") else { continue };
        if !is_open && is_run(info) {
            return true;
        }
        is_open = !is_open;
    }
    false
}

/// `true` if rustdoc compiles a block with these words behind its fence.
fn is_run(info: &str) -> bool {
    let known = |word: &str| {
        ["rust", "no_campaign", "should_panic", "compile_fail"].contains(&word)
            || word.starts_with("edition")
    };
    info.split([',', ' ']).filter(|word| !word.is_empty()).all(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_rustdoc_would_run_is_an_example() {
        let rows = [
            ("/// ```\n/// f();\n/// ```\n", true),
            ("    //! ```no_campaign,edition2024\n", true),
            ("/// ```text\n/// a\n/// ```\nfn f() {}\n", false),
            ("/// ```ignore\n/// ```\n", false),
            ("/// ```text\n/// ```\n/// ```rust\n", true),
            ("// ```\nlet a = \"```\";\n", false),
            ("", false),
        ];
        for (source, want) in rows {
            assert_eq!(source_has(source), want, "{source}");
        }
    }
}
