use std::collections::HashSet;
use std::process::{Command, Stdio};

use pretty::Rgb;
use proptest::prelude::*;

use super::*;
use crate::origin::Commit;
use crate::record::{RunRecord, Verdict};
use crate::report::completion::{Completion, End};
use crate::report::history::Source;
use crate::report::json::Head;
use crate::report::tally::tests::record;
use crate::seed::Seed;
use crate::store::campaign_file::tests::campaign_file;

/// A campaign of three tests, of which one failed in two ways and one has not run, all of whose texts
/// are this one.
fn page(text: &str) -> String {
    let names = ["a", "b", "c"].map(|name| format!("{name} {text}"));
    let mut tally = Tally::new(names.clone());
    for iter in 1..=40 {
        let passed = record(&names[0], iter, Verdict::Passed, 0.003 * f64::from(iter));
        tally.record(0, &passed);
    }
    let coverage = crate::record::RunCoverage::of_line(b"sometimes: leader_lost=3 torn_write=0");
    for (iter, verdict, reason) in [
        (1, Verdict::Failed, "first"),
        (2, Verdict::Failed, "second"),
        (3, Verdict::Failed, "second"),
        (4, Verdict::Flaky, "third"),
        (5, Verdict::Skipped, "no docker"),
        (6, Verdict::Passed, ""),
    ] {
        let signature = Some(format!("{reason} {text}"));
        let own = record(&names[1], iter, verdict, 2.0);
        tally.record(1, &RunRecord { signature, coverage: coverage.clone(), ..own });
    }
    page_of(&tally, text, &format!("FAILED\nTAIL  {text}\n"))
}

fn page_of(tally: &Tally, text: &str, report: &str) -> String {
    page_with(tally, text, report, &past(text))
}

fn page_with(tally: &Tally, text: &str, report: &str, past: &Past) -> String {
    let completion = Completion { planned: Some(99), done: 46, left_out: None, end: End::Time };
    let (seed, started) = (Seed::new(7), "2026-12-01T10:00:00Z".to_owned());
    let document = Document::new(Head { seed, started, wall_s: 5.0, completion }, tally);
    let log = format!(
        "1 | RPC | 0 | sends Vote to=1 id=1 {text}\n2 | RPC | 1 | receives Vote from=0 id=1\n"
    );
    let diagram = || {
        let (mut parser, mut builder) =
            (pretty::Parser::default(), pretty::DiagramBuilder::default());
        log.lines().for_each(|line| builder.draw(&parser.parse(line.as_bytes())));
        builder.finish().ok().filter(Diagram::has_messages)
    };
    let page = Page {
        id: "4f2a",
        document: &document,
        tally,
        facts: &[("Patterns", text.to_owned())],
        missing: &[format!("53 runs are missing; to run the rest: {text}")],
        load: None,
        replay: &|test, iter| format!("dstest replay 4f2a {test}#{iter} {text}"),
        evidence: &|kind, parts| Evidence {
            report: report.to_owned(),
            is_known: kind.count == 2,
            drawing: match parts {
                Parts::Report => Drawing::Nothing,
                Parts::All if report.contains("too large here") => Drawing::TooLarge,
                Parts::All => diagram().map_or(Drawing::Nothing, Drawing::Messages),
            },
        },
        past: Some(past),
    };
    page.text()
}

/// Three campaigns of the same tests, in the last of which one fails.
fn past(text: &str) -> Past {
    let names = ["a", "b"].map(|name| format!("{name} {text}"));
    let source = |campaign: u32| {
        let of_b = |iter| if campaign == 3 && iter > 8 { Verdict::Failed } else { Verdict::Passed };
        source(campaign, &names, |test, iter| if test == 1 { of_b(iter) } else { Verdict::Passed })
    };
    let history = History::of(&[1, 2, 3].map(source));
    Past { history, this: "c3".to_owned(), left_out: vec![format!("campaign {text} is left out")] }
}

/// A campaign of 20 runs of each test.
fn source(campaign: u32, names: &[String; 2], verdict: impl Fn(usize, u32) -> Verdict) -> Source {
    let mut file = campaign_file(&names.each_ref().map(String::as_str));
    let commit = format!("{campaign}{}", "0".repeat(39));
    file.commit = Some(Commit { id: commit, modified: false });
    let mut tally = Tally::of(&file.tests);
    for iter in 1..=20 {
        tally.record(0, &record(&names[0], iter, verdict(0, iter), 0.01 * f64::from(iter)));
        tally.record(1, &record(&names[1], iter, verdict(1, iter), 0.5));
    }
    let completion = Completion::of(&file, &tally, End::Complete);
    Source { id: format!("c{campaign}"), file, tally, completion }
}

/// The section of the history.
fn history_of(past: &Past) -> String {
    let page = page_with(&Tally::new(["a x", "b x"]), "x", "", past);
    page.split_once("id=\"history\"").unwrap().1.split_once("</section>").unwrap().0.to_owned()
}

#[test]
fn a_campaign_without_a_result_of_a_test_has_no_rate_in_its_graph() {
    let names = ["a x", "b x"].map(str::to_owned);
    let skipped = |test, campaign| test == 1 || campaign == 2;
    let source = |campaign| {
        source(campaign, &names, |test, _| match skipped(test, campaign) {
            true => Verdict::Skipped,
            false => Verdict::Passed,
        })
    };
    let history = History::of(&[1, 2, 3].map(source));
    let section = history_of(&Past { history, this: "c3".to_owned(), left_out: Vec::new() });
    let axes: Vec<&str> = section.split("<td class=\"graph\">").skip(1).step_by(2).collect();
    assert!(axes[0].starts_with("<span>16.8 %</span>"), "0 of 20: {}", axes[0]);
    assert!(axes[1].starts_with("<svg"), "no runs, no axis: {}", axes[1]);
    assert!(!section.contains("NaN") && !section.contains("inf"), "{section}");
}

#[test]
fn campaigns_that_are_left_out_are_not_said_to_be_absent() {
    let rows = [(vec![], true), (vec!["campaign c1 is left out: no".to_owned()], false)];
    for (left_out, is_alone) in rows {
        let sentences = left_out.clone();
        let past = Past { history: History::of(&[]), this: "c3".to_owned(), left_out };
        let section = history_of(&past);
        assert_eq!(section.contains("no earlier campaign"), is_alone, "{section}");
        assert!(sentences.iter().all(|sentence| section.contains(sentence)), "{section}");
    }
}

#[test]
fn a_page_of_a_campaign() {
    let page = page("x");
    let own = page.replace(STYLE, "STYLE\n").replace(SCRIPT, "SCRIPT");
    let mut shown = String::new();
    // Pretty's tests look at its diagrams.
    for (at, part) in own.split("<svg xmlns").enumerate() {
        shown.push_str(if at == 0 { part } else { part.split_once("</svg>").unwrap().1 });
    }
    insta::assert_snapshot!(shown);
}

/// The tags of a page, without the values of their attributes, and the commands of its diagrams.
fn tags(page: &str) -> Vec<String> {
    let tags = page.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default());
    tags.map(|tag| tag.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")).collect()
}

#[test]
fn no_payload_changes_the_page() {
    let plain = tags(&page("x"));
    for payload in include!("../../../tests/e2e/payloads.rs") {
        let page = page(&payload.replace('\n', " "));
        assert_eq!(tags(&page), plain, "{payload:?}");
        assert!(
            !page.chars().any(|c| c.is_control() && c != '\n' || c == '\u{202e}'),
            "{payload:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn no_text_changes_the_page(text in "[<>&\"'/=a-z;#{}\\PC]{0,30}") {
        // What makes no log line of its own.
        let text = text.replace(['\u{85}', '\u{2028}', '\u{2029}'], " ");
        prop_assert_eq!(tags(&page(&text)), tags(&page("x")));
    }
}

#[test]
fn a_page_is_bounded_whatever_failed_and_says_what_it_leaves_out() {
    let mut tally = Tally::new(["a".repeat(2_000)]);
    for iter in 1..=1500 {
        let own = record("a", iter, Verdict::Failed, 1.0);
        let letters = |number: u32| char::from(b'a' + (number % 26) as u8);
        let kind: String = (0..3).map(|at| letters((iter % 1100) / 26_u32.pow(at))).collect();
        let signature = Some(format!("{kind} {}", "x".repeat(600)));
        tally.record(0, &RunRecord { signature, ..own });
    }
    let page = page_of(&tally, "x", &format!("{}\n", "x".repeat(300)).repeat(500));
    assert!(page.len() < 6 << 20, "{} bytes", page.len());
    for sign in [
        "… and 100 more kinds",
        "… and 380 lines more",
        "xx…",
        "aa…",
        "the page would be too large",
    ] {
        assert!(page.contains(sign), "{sign}");
    }
    assert_eq!(page.matches("<template").count(), 20);
    assert!(page.contains("Only 20 kinds have a diagram here"));
}

#[test]
fn a_page_of_many_tests_and_situations_is_bounded_and_has_no_link_to_what_is_left_out() {
    let names: Vec<String> = (0..6000).map(|test| format!("{test} {}", "n".repeat(200))).collect();
    let mut tally = Tally::new(names.clone());
    let situations = (0..3000).map(|at| format!(" {at}{}={}", "s".repeat(300), at % 2));
    let line = format!("sometimes:{}", situations.collect::<String>());
    let coverage = crate::record::RunCoverage::of_line(line.as_bytes());
    for (test, name) in names.iter().enumerate() {
        let verdict = if test < 1200 { Verdict::Failed } else { Verdict::Passed };
        let signature = (test < 1200).then(|| "lost a write".to_owned());
        let coverage = coverage.clone().filter(|_| test == 0);
        tally.record(test, &RunRecord { signature, coverage, ..record(name, 1, verdict, 1.0) });
    }
    let page = page_of(&tally, "x", "STATE      not read: the log is too large here\n");
    assert!(page.len() < 8 << 20, "{} bytes", page.len());
    for sign in ["200 more kinds", "1000 more tests", "2000 more situations", "No diagram here"] {
        assert!(page.contains(sign), "{sign}");
    }
    let places: HashSet<&str> = page.split("<p id=\"").skip(1).filter_map(end).collect();
    let links: Vec<&str> = page.split("href=\"#k").skip(1).filter_map(end).collect();
    assert_eq!((places.len(), links.len()), (1000, 1000));
    for link in links {
        assert!(places.contains(&*format!("k{link}")), "{link}");
    }
}

/// The rest of a value of an attribute.
fn end(rest: &str) -> Option<&str> {
    rest.split('"').next()
}

#[test]
fn the_result_is_not_better_than_it_is() {
    let verdict = |end: End, done: u64, runs: &[Verdict]| {
        let mut tally = Tally::new(["a"]);
        for (iter, verdict) in (1..).zip(runs) {
            tally.record(0, &record("a", iter, *verdict, 1.0));
        }
        let completion = Completion { planned: Some(3), done, left_out: None, end };
        let head = Head { seed: Seed::new(7), started: String::new(), wall_s: 1.0, completion };
        let document = Document::new(head, &tally);
        let page = Page {
            id: "",
            document: &document,
            tally: &tally,
            facts: &[],
            missing: &[],
            load: None,
            replay: &|_, _| String::new(),
            evidence: &|_, _| Evidence::default(),
            past: None,
        };
        let (style, words) = page.verdict();
        format!("{} {words}", class(style))
    };
    let (pass, fail, skip) = (Verdict::Passed, Verdict::Failed, Verdict::Skipped);
    let rows = [
        (End::Complete, 3, vec![pass; 3], "good All 3 runs passed"),
        (End::Complete, 3, vec![pass, pass, skip], "good All 2 runs passed"),
        (End::Complete, 3, vec![pass, fail, pass], "bad 1 of 3 runs failed"),
        (End::Complete, 3, vec![Verdict::Flaky; 3], "warn 3 runs of 3 passed only when repeated"),
        (End::Complete, 3, vec![skip; 3], "warn Nothing was tested"),
        (
            End::Complete,
            2,
            vec![pass, pass, Verdict::NotStarted],
            "warn No failure in 2 runs so far",
        ),
        (End::Interrupted, 0, vec![], "warn Nothing was tested so far"),
        (End::Interrupted, 2, vec![pass; 2], "warn No failure in 2 runs so far"),
        (End::Running, 2, vec![pass, fail], "bad 1 of 2 runs failed so far"),
    ];
    for (end, done, runs, want) in rows {
        assert_eq!(verdict(end, done, &runs), want, "{end:?} {runs:?}");
    }
}

/// The value of a colour in each `:root` of the style: light, dark, print.
fn colors(name: &str) -> Vec<Rgb> {
    let value = format!("--{name}: #");
    let hex = |at: &str, place: usize| u8::from_str_radix(&at[place..place + 2], 16).unwrap();
    let found = STYLE.split(&value).skip(1);
    found.map(|at| Rgb(hex(at, 0), hex(at, 2), hex(at, 4))).collect()
}

#[test]
fn every_colour_of_text_can_be_read_on_every_ground() {
    for text in ["text", "dim", "bad", "good", "warn", "link"] {
        for ground in ["back", "panel"] {
            let pairs: Vec<_> = colors(text).into_iter().zip(colors(ground)).collect();
            assert_eq!(pairs.len(), 3, "light, dark, print");
            for (color, ground) in pairs {
                let contrast = color.contrast(ground);
                assert!(contrast >= 4.5, "{text}: {color:?} on {ground:?} has {contrast:.2}");
            }
        }
    }
}

#[test]
fn the_policy_names_the_script() {
    let run = |program: &str, args: &[&str], input: &[u8]| {
        use std::io::Write as _;
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().ok()?;
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        output.status.success().then_some(output.stdout)
    };
    let Some(hex) = run("sha256sum", &[], SCRIPT.as_bytes()) else {
        // Not by a macro: the harness would keep it to itself.
        use std::io::Write as _;
        return std::io::stderr()
            .write_all(b"SKIPPED the_policy_names_the_script: no sha256sum\n")
            .unwrap();
    };
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16).unwrap()).unwrap();
    let hash: Vec<u8> =
        hex[..64].chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect();
    let base64 = run("base64", &["-w0"], &hash).unwrap();
    let policy = format!("script-src 'sha256-{}'", String::from_utf8(base64).unwrap());
    assert!(HEAD.contains(&policy), "the script has changed: {policy}");
}
