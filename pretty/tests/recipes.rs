//! Recipes: a format or a topic is complete when all places have it; the failing test names the
//! one that is missing.

use std::fs;
use std::path::Path;

use pretty::{Format, Line, Parser, Theme};
use regex::Regex;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_format_has_a_sample_help_and_a_setting() {
    let (help, settings) = (read("src/cli/args.rs"), read("src/cli/config/example.toml"));
    let setting = settings.lines().find(|line| line.starts_with("#format = ")).unwrap();
    let option = help.lines().find(|line| line.contains("/// auto, ")).unwrap();
    for name in Format::NAMES {
        assert!(option.contains(name), "{name}: name it in the help of --format, cli/args.rs");
        assert!(setting.contains(name), "{name}: name it at `format` in cli/config/example.toml");
        if name == "auto" {
            continue;
        }
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
        let sample = fs::read_to_string(&seeds);
        let sample = sample.unwrap_or_else(|_| panic!("{name}: add a log to {}", seeds.display()));
        for format in [Format::named(name).unwrap(), Format::Auto] {
            let mut parser = Parser::new(format.clone(), None);
            for line in sample.lines() {
                let is_read = !matches!(parser.parse(line.as_bytes()), Line::Other(..));
                assert!(is_read, "{name}: {format:?} does not read {line:?}, see parse/parser.rs");
            }
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
