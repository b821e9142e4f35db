//! The page of `--export html` in a real browser.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail them")]

use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use pretty::{Filter, HtmlPage, Parser, make_safe};

/// A browser, if there is one; says so where there is none.
fn browser(test: &str) -> Option<&'static str> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let runs = |name: &&str| {
        let said = Command::new(name).arg("--version").stderr(Stdio::null()).output();
        said.is_ok_and(|said| said.status.success())
    };
    let found = names.into_iter().find(runs);
    if found.is_none() {
        // Not by a macro: the harness would keep it to itself.
        let line = format!("SKIPPED {test}: no Chromium found\n");
        io::stderr().write_all(line.as_bytes()).unwrap();
    }
    found
}

/// The page of a log in a browser, once its scripts have run: the document as HTML.
fn open(browser: &str, log: &[u8], state: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("page.html");
    let mut page = HtmlPage::new(Parser::default(), Filter::default(), Vec::new()).unwrap();
    for line in log.split(|byte| *byte == b'\n') {
        page.line(line).unwrap();
    }
    std::fs::write(&file, page.finish().unwrap()).unwrap();
    dump(browser, directory.path(), &format!("file://{}{state}", file.display()))
}

fn dump(browser: &str, directory: &Path, address: &str) -> String {
    let output = Command::new(browser)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"])
        .args(["--disable-dev-shm-usage", "--window-size=1200,800"])
        .arg(format!("--user-data-dir={}", directory.join("profile").display()))
        // So much time on the page's own clock, however slow the machine is.
        .args(["--virtual-time-budget=5000", "--dump-dom", address])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The text between two tags.
fn between<'a>(document: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = document.split_once(start).unwrap_or_else(|| panic!("no {start}"));
    rest.split_once(end).unwrap_or_else(|| panic!("no {end}")).0
}

/// The texts of the rows on the screen and near it.
fn texts(document: &str) -> Vec<String> {
    let rows = between(document, "<main>", "</main>");
    let texts = rows.split("<p>").skip(1).map(|rest| rest.split_once("</p>").unwrap().0);
    let plain = |text: &str| {
        let text = text.replace("<mark>", "").replace("</mark>", "");
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    };
    texts.map(plain).collect()
}

#[test]
fn nothing_in_a_log_becomes_a_part_of_the_page() {
    let Some(browser) = browser("nothing_in_a_log_becomes_a_part_of_the_page") else {
        return;
    };
    let evil: [&[u8]; 9] = [
        b"</pre></main><script>document.title='owned'</script>",
        b"<img src=x onerror=\"document.title='owned'\">",
        b"<!-- --!> <![CDATA[ ]]> <svg/onload=document.title='owned'>",
        b"</style><style>*{display:none}",
        b"&lt;b&gt; &amp; &#60;i&#62; &quot; ' \"",
        b"\0\x1b[2J\x07\r\x0b tab\there \xff\xfe",
        "\u{202e}rtl \u{2028} \u{feff} 日本語 e\u{301} 👩\u{200d}👧".as_bytes(),
        b"__proto__ constructor toString ${document.title} `x`",
        b"javascript:alert(1) \\u003cscript\\u003e \\\"",
    ];
    let mut log = Vec::new();
    for (at, text) in evil.iter().enumerate() {
        log.extend(format!("{at} | VOTE | 0 | ").bytes().chain(text.iter().copied()));
        log.extend([b"\n", *text, b"\n1 | \"><script> | </b><i> | x\n"].concat());
    }
    log.extend(
        b"1 | __proto__ | constructor | y\n# verbose/1 <script>document.title='owned'</script>",
    );
    let document = open(browser, &log, "");
    assert_eq!(between(&document, "<title>", "</title>"), "Log");
    assert_eq!(document.matches("<script").count(), 1, "only the page's own script");
    for tag in ["<img", "<svg", "<i>"] {
        assert!(!document.contains(tag), "{tag}");
    }
    let shown = texts(&document);
    for text in evil {
        let safe = make_safe(text, &mut String::new()).text().to_owned();
        assert!(shown.contains(&safe), "{safe} is not among\n{shown:#?}");
    }
    assert_eq!(shown.iter().filter(|text| *text == "y").count(), 1);
    let document = open(browser, &log, "#d=1");
    assert_eq!(document.matches("<svg").count(), 1, "only the page's own diagram");
    assert_eq!(document.matches("<script").count(), 1);
    for tag in ["<img", "<i>"] {
        assert!(!document.contains(tag), "{tag} in the diagram");
    }
}

const LOG: &[u8] = b"\
0.100 | VOTE | 0 | asks 1
0.200 | VOTE | 1 | grants
0.300 | LEAD | 0 | leads term=1
--- FAIL: TestX
0.400 | RPC | 2 | gets term=1
0.500 | TEST | - | cuts 2";

#[test]
fn a_link_says_what_is_shown() {
    let Some(browser) = browser("a_link_says_what_is_shown") else {
        return;
    };
    let all = open(browser, LOG, "");
    let everything = ["asks 1", "grants", "leads term=1", "gets term=1", "cuts 2"];
    assert_eq!(texts(&all), everything);
    assert!(all.contains("6 of 6 lines"), "{all}");
    for (state, shown, note) in [
        ("#t=VOTE", &["leads term=1", "gets term=1", "cuts 2"][..], "4 of 6 lines"),
        ("#p=0&p=-", &["grants", "gets term=1"], "3 of 6 lines"),
        ("#q=TERM%3D%5Cd", &["leads term=1", "gets term=1"], "3 of 6 lines, 2 matches"),
        ("#q=term&only=0", &everything, "6 of 6 lines, 2 matches"),
        ("#q=(&t=nonsense&p=unknown", &everything, "6 of 6 lines"),
    ] {
        let document = open(browser, LOG, state);
        assert_eq!(texts(&document), shown, "{state}");
        assert!(document.contains(note), "{state}");
        assert!(document.contains("FAIL: TestX"), "{state}: lines that are not events stay");
    }
    let marked = open(browser, LOG, "#q=term");
    assert_eq!(marked.matches("<mark>term</mark>").count(), 2);
}

#[test]
fn a_diagram_shows_messages_and_states_of_what_is_shown() {
    let Some(browser) = browser("a_diagram_shows_messages_and_states_of_what_is_shown") else {
        return;
    };
    let log = b"\
150.0 | STATE | 1 | becomes candidate term=1 role=candidate
150.0 | RPC | 1 | sends RequestVote to=0 id=1.1
150.0 | RPC | 1 | sends RequestVote to=2 id=1.2
151.0 | DROP | 1 | RequestVote is lost to=2 id=1.2 why=cut
154.2 | RPC | 0 | receives RequestVote from=1 id=1.1
160.0 | STATE | 1 | becomes leader term=1 role=leader
161.0 | RPC | 1 | sends AppendEntries to=0 id=1.3
162.0 | VOTE | 2 | waits
--- FAIL: TestX";
    let diagram = |state: &str| {
        let document = open(browser, log, state);
        between(&document, "<aside id=\"diagram\"", "</aside>").to_owned()
    };
    assert!(!diagram("").contains("<svg"), "it is closed at first");
    let all = diagram("#d=1");
    for (part, count) in [
        ("<g class=\"message\"", 1),
        ("RequestVote 1 \u{2192} 0<", 1),
        ("<g class=\"lost\"", 1),
        ("lost, cut", 1),
        ("<g class=\"open\"", 1),
        ("class=\"life\"", 3),
        ("class=\"band candidate\"", 1),
        ("class=\"band leader\"", 1),
        ("FAIL: TestX</text>", 1),
        (">L1</text>", 1),
        // The state at the first line.
        ("<td>candidate</td><td>1</td>", 1),
    ] {
        assert_eq!(all.matches(part).count(), count, "{part} in {all}");
    }
    // Hidden peers have no lifeline, and hidden lines no row; messages keep their ends.
    let some = diagram("#d=1&p=2&t=STATE");
    assert_eq!(some.matches("class=\"life\"").count(), 2);
    assert!(!some.contains("becomes leader") && some.contains("class=\"band leader\""), "{some}");
    assert!(some.contains("<g class=\"message\""), "{some}");
}

#[test]
fn the_event_of_a_line_is_searched_and_not_shown() {
    let Some(browser) = browser("the_event_of_a_line_is_searched_and_not_shown") else {
        return;
    };
    let log = b"0.1 | RPC | 0 | asks to=1 kind=X event=sent\n0.2 | RPC | 1 | from=0 event=received";
    for query in ["event%3Dsent", "to%3D1%20kind%3DX"] {
        assert_eq!(texts(&open(browser, log, &format!("#q={query}"))), ["asks to=1"], "{query}");
    }
}

#[test]
fn only_what_is_near_the_screen_has_elements() {
    let Some(browser) = browser("only_what_is_near_the_screen_has_elements") else {
        return;
    };
    let lines = (0..20_000).map(|at| format!("{at} | VOTE | {} | line {at}", at % 3));
    let log = lines.collect::<Vec<_>>().join("\n");
    let document = open(browser, log.as_bytes(), "");
    let shown = texts(&document);
    assert_eq!(shown.first().map(String::as_str), Some("line 0"));
    assert!((100..2_000).contains(&shown.len()), "{}", shown.len());
    assert!(document.contains("20000 of 20000 lines"));
    assert_eq!(between(&document, "id=\"log\">", "</pre>").lines().count(), 20_000);
}
