//! Words that the project has given up, and openings that a doc comment does not have.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

/// Retired words and the ones that took their place. A word is found in prose and as a part of a
/// name, in any case: `weather` in `Weather`, `weather_kind` and "the weather".
const RETIRED: [(&str, &str); 25] = [
    ("attended", "live session"),
    ("census", "name usage"),
    ("condemned", "matched as failed"),
    ("doomed", "pending delete"),
    ("exile", "isolated leader"),
    ("farewell", "step down, transfer of leadership"),
    ("forecast", "fault plan"),
    ("founders", "initial members"),
    ("harvest", "log scan"),
    ("insisted", "second interrupt"),
    ("leash", "process group"),
    ("letterbox", "inbox"),
    ("mishap", "fault"),
    ("mishaps", "faults"),
    ("nobody", "no peer, no one run, none"),
    ("oddity", "anomaly"),
    ("oddities", "anomalies"),
    ("somebody", "another peer, another program"),
    ("teller", "formatter"),
    ("thesis", "dissertation"),
    ("torture", "crash test"),
    ("veil", "hidden lines"),
    ("weather", "nemesis"),
    ("whoever", "the peer, the caller"),
    ("whom", "the leader, the peer"),
];

/// Question words that a doc comment does not begin with: it begins with a noun or a verb.
const OPENINGS: [&str; 11] =
    ["How", "That", "What", "When", "Where", "Whether", "Which", "Who", "Whom", "Whose", "Why"];

/// Phrases that a message does not have.
static PHRASES: LazyLock<[(Regex, &str); 2]> = LazyLock::new(|| {
    let regex = |text| Regex::new(text).expect("the expressions compile in a test");
    [
        (regex("[`}'’] is (no|none|nothing) "), "is not a …"),
        (regex("goes? by (the|a|its|an) "), "uses, is named"),
    ]
});

/// The end of a line that keeps a word for the sake of people's own files: `// kept: old settings`.
const KEPT: &str = "// kept: ";

/// Findings in the text of one file, each as `file:line: finding`.
#[must_use]
pub fn findings(file: &str, text: &str) -> Vec<String> {
    let is_rust = Path::new(file).extension().is_some_and(|extension| extension == "rs");
    let mut found = Vec::new();
    let mut before = "";
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.contains(KEPT)) {
        let line = line.trim_start();
        let mut report = |finding: String| found.push(format!("{file}:{}: {finding}", number + 1));
        for (word, instead) in retired_in(line) {
            report(format!("`{word}` is retired: write {instead}"));
        }
        for (phrase, instead) in PHRASES.iter() {
            if let Some(hit) = phrase.find(line) {
                report(format!("`{}` is retired: write {instead}", hit.as_str().trim()));
            }
        }
        if let Some(opening) = opening(line, before).filter(|_| is_rust) {
            report(format!("a doc comment begins with `{opening}`: begin with a noun or a verb"));
        }
        before = line;
    }
    found
}

fn retired_in(line: &str) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
    words(line).filter_map(|word| {
        let word = word.to_ascii_lowercase();
        RETIRED.iter().copied().find(|(retired, _)| *retired == word)
    })
}

/// The words of a line: runs of letters, split again before each capital after a small letter.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|letter: char| !letter.is_alphabetic()).flat_map(|run| {
        let mut rest = run;
        std::iter::from_fn(move || {
            let capital = rest.char_indices().zip(rest.chars().skip(1)).find_map(|((at, a), b)| {
                (a.is_lowercase() && b.is_uppercase()).then(|| at + a.len_utf8())
            });
            let (word, after) = rest.split_at(capital.unwrap_or(rest.len()));
            rest = after;
            (!word.is_empty()).then_some(word)
        })
    })
}

/// The forbidden word that a doc comment begins with in this line, if one begins here.
fn opening(line: &str, before: &str) -> Option<&'static str> {
    let begins = |marker: &str| {
        let text = line.strip_prefix(marker)?.strip_prefix(' ')?;
        (!before.starts_with(marker)).then_some(text)
    };
    let text = begins("///").or_else(|| begins("//!"))?;
    let first = text.split(|letter: char| !letter.is_alphabetic()).next()?;
    OPENINGS.into_iter().find(|opening| *opening == first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retired_words_are_found_in_names_and_prose() {
        let text = "let weather_kind = Weather::new();\n// Nobody leads.\nlet whether = 1;\n\
                    read(\"thesis\"); // kept: old files";
        let found = findings("a.rs", text);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].starts_with("a.rs:1: `weather` is retired"), "{found:?}");
        assert!(found[2].starts_with("a.rs:2: `nobody` is retired"), "{found:?}");
    }

    #[test]
    fn a_doc_comment_begins_with_a_noun_or_a_verb() {
        let text =
            "//! What a peer is.\n\n/// The term.\n/// Why it rose.\nfn f() {}\n/// Who leads.";
        let found = findings("a.rs", text);
        assert_eq!(found.len(), 2, "only the first line of a comment is its opening: {found:?}");
        assert!(found[0].starts_with("a.rs:1: a doc comment begins with `What`"), "{found:?}");
        assert!(found[1].starts_with("a.rs:6: a doc comment begins with `Who`"), "{found:?}");
        assert_eq!(findings("a.md", "/// Who leads."), Vec::<String>::new());
    }

    #[test]
    fn messages_say_is_not_a() {
        let found =
            findings("a.rs", "format!(\"`{name}` is no command\");\n// There is no leader.");
        assert_eq!(found.len(), 1, "{found:?}");
    }
}
