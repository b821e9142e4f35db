//! The tour in the README: its commands in order, each with the output printed below it.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// One block of commands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The line in the README at which it begins, counted from 1.
    pub line: usize,
    /// The texts after `$ `, each without a comment at its end.
    pub commands: Vec<String>,
    /// The lines of the block of output below, if there is one.
    pub output: Option<Vec<String>>,
}

/// Reads the steps of a document: a block of `console` holds commands after `$ `, and a block of
/// `text` that follows it without prose between holds what they print.
#[must_use]
pub fn steps(document: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut block = None;
    let mut follows = false;
    for (number, line) in document.lines().enumerate() {
        match (block, line.strip_prefix("```")) {
            (None, Some("console")) => {
                steps.push(Step { line: number + 1, ..Step::default() });
                block = Some("console");
            }
            (None, Some("text")) if follows => {
                last(&mut steps).output = Some(Vec::new());
                block = Some("text");
            }
            (None, Some(_)) => block = Some("other"),
            (None, None) => follows &= line.trim().is_empty(),
            (Some(kind), Some(_)) => {
                follows = kind == "console";
                block = None;
            }
            (Some("console"), None) => {
                let command = line.strip_prefix("$ ").map(without_comment);
                last(&mut steps).commands.extend(command);
            }
            (Some("text"), None) => {
                last(&mut steps).output.get_or_insert_default().push(line.to_owned());
            }
            (Some(_), None) => {}
        }
    }
    steps
}

fn last(steps: &mut [Step]) -> &mut Step {
    steps.last_mut().expect("a block of commands has begun")
}

/// A command without a comment, which stands after at least two spaces and `#`.
fn without_comment(command: &str) -> String {
    let end = command.find("  #").unwrap_or(command.len());
    command[..end].trim_end().to_owned()
}

/// The difference between the output that is documented and the real one, in kind: times, rates,
/// dates, identifiers and the widths that follow from them may differ, counts and names may not.
/// A line `…` in the documented output stands for any lines, `…` in a line for any text.
///
/// # Errors
/// The first documented line that is missing.
pub fn compare(documented: &[String], real: &[String], seeded: Seeded) -> Result<(), String> {
    let ids = identifiers(documented).into_iter().chain(identifiers(real)).collect::<Vec<_>>();
    let kind = |line: &String| kind_of(line, &ids, seeded);
    let documented: Vec<String> = documented.iter().map(kind).collect();
    let real: Vec<String> = real.iter().map(kind).filter(|line| !line.is_empty()).collect();
    let mut at = 0;
    let mut anywhere = false;
    for line in documented.iter().filter(|line| !line.is_empty()) {
        if line == "…" {
            anywhere = true;
            continue;
        }
        let rest = &real[at..];
        let place = if anywhere {
            rest.iter().position(|real| fits(line, real))
        } else {
            rest.first().filter(|real| fits(line, real)).map(|_| 0)
        };
        let Some(place) = place else {
            let next = rest.first().map_or("the end", String::as_str);
            return Err(format!("documented: {line}\n      real: {next}"));
        };
        at += place + 1;
        anywhere = false;
    }
    match real.get(at) {
        Some(more) if !anywhere => Err(format!("documented: the end\n      real: {more}")),
        _ => Ok(()),
    }
}

/// Says if the command fixes its seed: then the figures that follow from a seed must be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seeded {
    /// Counts, traces and simulated times follow from the seed.
    Yes,
    /// They differ from run to run.
    No,
}

fn fits(documented: &str, real: &str) -> bool {
    let mut parts = documented.split('…');
    let Some(rest) = parts.next().and_then(|first| real.strip_prefix(first)) else { return false };
    let mut rest = Some(rest);
    let mut open = false;
    for part in parts {
        open = true;
        rest = rest.and_then(|rest| Some(&rest[rest.find(part)? + part.len()..]));
    }
    rest.is_some_and(|rest| rest.is_empty() || open && documented.ends_with('…'))
}

/// The short identifiers of campaigns named in an output.
fn identifiers(lines: &[String]) -> Vec<String> {
    static ID: LazyLock<Regex> = LazyLock::new(|| compiled(r"\d{8}T\d{6}Z-(\w{4})"));
    let found = lines.iter().flat_map(|line| ID.captures_iter(line));
    found.map(|found| found[1].to_owned()).collect()
}

fn kind_of(line: &str, ids: &[String], seeded: Seeded) -> String {
    static VOLATILE: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
        [
            (r"\d{8}T\d{6}Z-\w{4}", "CAMPAIGN"),
            (r"\d+(\.\d+)? (ns|µs|ms|s|min)\b", "TIME"),
            // Left out of campaigns that are too short for one.
            (r" \(\d+(\.\d+)?/s\)", ""),
            (r"(follower|leader) in term \d+, applied \d+", "ROLE in TERM"),
            (r"[━─┈]+", "─"),
            (r"[█▇▆▅▄▃▂▁]([█▇▆▅▄▃▂▁ ]*[█▇▆▅▄▃▂▁])?", "BARS"),
        ]
        .map(|(text, name)| (compiled(text), name))
        .into()
    });
    static SPREAD: LazyLock<Regex> =
        LazyLock::new(|| compiled(r"([\d.]+) ± ([\d.]+) ?(ns|µs|ms|s|min)?"));
    static UNSEEDED: LazyLock<Regex> = LazyLock::new(|| compiled(r"seed \d+"));
    // The first spread of a row is wall-clock time, the second is time in the simulated cluster.
    let mut place = 0;
    let spread = |found: &Captures<'_>| {
        place += 1;
        if place == 1 || seeded == Seeded::No {
            "SPREAD".to_owned()
        } else {
            found[0].replace(' ', "")
        }
    };
    let mut line = SPREAD.replace_all(line, spread).into_owned();
    for (regex, name) in VOLATILE.iter() {
        line = regex.replace_all(&line, *name).into_owned();
    }
    for id in ids {
        line = line.replace(id.as_str(), "ID");
    }
    if seeded == Seeded::No {
        line = UNSEEDED.replace_all(&line, "seed SEED").into_owned();
    }
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn compiled(expression: &str) -> Regex {
    Regex::new(expression).expect("the expressions of this module compile")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn commands_and_the_output_below_them_are_read_in_order() {
        let document = "Run it:\n```console\n$ run it  # now\n$ ask\n```\n\n```text\nyes\nmore\n```\n\
                        ```console\n$ end\n```\nprose\n```text\nno output\n```\n";
        let step = |line, commands: &[&str], output| Step {
            line,
            commands: commands.iter().map(|command| (*command).to_owned()).collect(),
            output,
        };
        let with_output = step(2, &["run it", "ask"], Some(lines("yes\nmore")));
        assert_eq!(steps(document), [with_output, step(11, &["end"], None)]);
    }

    #[test]
    fn times_and_identifiers_may_differ_and_counts_may_not() {
        let old = lines(
            "│ a │ 0 │ 50 │ 15.6 ± 6.6 ms │ 7.94 ± 0.88 s │\nreplay x5d7\nin 1.30 s (384/s); runs/20261123T130035Z-x5d7",
        );
        let new = lines(
            "│ a │ 0 │ 50 │ 1.2 ± 0.1 s │ 7.94 ± 0.88 s │\n\nreplay abcd\nin 900 ms (5/s); runs/20261124T130035Z-abcd",
        );
        assert_eq!(compare(&old, &new, Seeded::Yes), Ok(()));
        let fewer = lines("│ a │ 1 │ 50 │ 1.2 ± 0.1 ms │ 7.94 ± 0.88 s │");
        assert!(compare(&old, &fewer, Seeded::No).is_err());
        let other = lines("│ a │ 0 │ 50 │ 1.2 ± 0.1 ms │ 9.94 ± 0.88 s │");
        assert!(compare(&old[..1], &other, Seeded::Yes).is_err());
        assert_eq!(compare(&old[..1], &other, Seeded::No), Ok(()));
    }

    #[test]
    fn an_ellipsis_stands_for_lines_or_text() {
        let real = lines("first\nsecond\nthird of three\nlast");
        for documented in
            ["first\n…\nlast", "first\nsecond\nthird…\nlast", "first\n…\nthird of three\n…"]
        {
            assert_eq!(compare(&lines(documented), &real, Seeded::Yes), Ok(()), "{documented}");
        }
        for documented in ["first\nlast", "…\nfourth", "first\n…\nthird"] {
            assert!(compare(&lines(documented), &real, Seeded::Yes).is_err(), "{documented}");
        }
    }
}
