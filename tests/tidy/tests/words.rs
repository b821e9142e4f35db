//! The project speaks the field's language, in code, help, messages and documents.

use std::fs;
use std::path::Path;

use tidy::sources::{files, relative, workspace};
use tidy::words::findings;

#[test]
fn no_retired_word_and_no_riddle_is_left() {
    let mut found = Vec::new();
    for file in files(&workspace(), &[".rs", ".md", ".toml"]) {
        // The table of retired words itself.
        if file.starts_with(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/words.rs")) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        found.extend(findings(&relative(&file), &text));
    }
    assert!(found.is_empty(), "{} findings:\n{}", found.len(), found.join("\n"));
}
