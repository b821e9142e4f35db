//! Recipes: a format or a topic is complete when all places have it; the failing test names the
//! one that is missing.

use std::fs;
use std::path::Path;

use pretty::{Format, Line, Parser, Theme};
use regex::Regex;

#[test]
fn every_format_has_a_description_and_lines_that_are_read() {
    for (name, about) in Format::documented() {
        assert!(!about.is_empty(), "{name}: add `about` to formats/{name}.toml");
        let mut lines = Format::examples(name).peekable();
        assert!(lines.peek().is_some(), "{name}: add a [[sample]] to formats/{name}.toml");
        for line in lines {
            let mut parser = Parser::new(Format::named(name).unwrap(), None);
            parser.look_at(format!("{line}\n{line}\n").as_bytes());
            assert!(!matches!(parser.parse(line.as_bytes()), Line::Other(..)), "{name}: {line}");
        }
    }
}

/// The topics of `raft` are the strings of a table there; this crate must not depend on it.
#[test]
fn every_topic_of_raft_has_a_colour() {
    let known: Vec<_> = Theme::known_topics().collect();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../raft/src/verbose");
    let row = Regex::new(r#"(?m)^\s*(?:Self::\w+ =>|[A-Z]\w*) "([A-Z0-9]{3,7})"[ ,]"#).unwrap();
    let mut count = 0;
    for file in fs::read_dir(directory).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        for [topic] in row.captures_iter(&text).map(|row| row.extract().1) {
            assert!(known.contains(&topic), "{topic}: give it colours in src/style/topic.rs");
            count += 1;
        }
    }
    assert!(
        count >= 18,
        "only {count} topics found in raft/src/verbose: adapt this test to their table"
    );
}
