//! The page for a browser.

use pretty::{Filter, HtmlPage, NameSet, Parser};

fn page(filter: Filter, log: &[u8]) -> String {
    let mut page = HtmlPage::new(Parser::default(), filter, Vec::new()).expect("memory");
    for line in log.split(|byte| *byte == b'\n') {
        page.line(line).expect("memory");
    }
    String::from_utf8(page.finish().expect("memory")).expect("pages are UTF-8")
}

/// The texts between the tags, without those of the page itself.
fn body(page: &str) -> &str {
    let (_, body) = page.split_once("<pre id=\"log\">\n").expect("a page has a log");
    body.split_once("</pre>").expect("a page has a log").0
}

#[test]
fn a_page() {
    let log = b"1 | VOTE | 1 | asks 0\n2 | LEAD | 0 | is leader\npanic: x\n3 | TEST | - | cuts 1";
    insta::assert_snapshot!(body(&page(Filter::default(), log)));
}

#[test]
fn a_log_cannot_add_anything_to_the_page() {
    let evil =
        "</p></main></style><script>alert(1)</script><img src=x onerror='a' \"b\">&amp;\u{202e}";
    let log = format!(
        "1 | VOTE | 0 | {evil}\n{evil}\n1 | {0} | {0} | x\t\r\n# verbose/1 {evil}\x1b\0",
        "\"><script>"
    );
    let page = page(Filter::default(), log.as_bytes());
    let own = page.matches("<script>").count() + page.matches("<img").count();
    assert_eq!(own, 1, "only the page's own script");
    assert_eq!(page.matches("</pre>").count(), 1);
    let rows: Vec<_> = body(&page).lines().map(|row| row.matches('\t').count()).collect();
    assert_eq!(rows, [3, 1, 3, 1], "a row for each line, fields between tabs");
    assert!(!page.contains(['\u{202e}', '\x1b', '\0']));
    assert!(page.contains("&lt;img src=x onerror=&#39;a&#39; &quot;b&quot;&gt;&amp;amp;"));
}

#[test]
fn peers_have_columns_and_topics_colours() {
    let page = page(Filter::default(), b"1 | VOTE | 10 | a\n1 | LEAD | 2 | b");
    for rule in [
        ":root{--peers:2}",
        ".p0 p{grid-column:4}",
        ".p1 p{grid-column:3}",
        ".t0{color:light-dark(rgb(71,124,140),rgb(103,160,178))}",
    ] {
        assert!(page.contains(rule), "{rule} is not in\n{page}");
    }
}

#[test]
fn filters_hide_events_only() {
    let filter = Filter { ignore: NameSet::new(["vote"]), ..Filter::default() };
    let page = page(filter, b"1 | VOTE | 0 | hidden\n--- FAIL: TestX\n1 | LEAD | 0 | shown");
    assert!(!body(&page).contains("hidden"));
    assert!(page.contains("FAIL: TestX") && page.contains("shown"));
}

#[test]
fn the_event_of_a_line_is_behind_a_tab_for_searches() {
    let page = page(Filter::default(), b"1 | RPC | 0 | sends X to=1 kind=X event=sent");
    assert_eq!(
        body(&page),
        "1\tRPC\t0\tsends X to=1\t kind=X event=sent\t\
         {&quot;m&quot;:[&quot;S&quot;,&quot;X&quot;,&quot;0&quot;,&quot;1&quot;,&quot;&quot;]}\n"
    );
}

#[test]
fn a_peer_that_is_down_is_known_to_the_diagram() {
    let page = page(Filter::default(), b"5.0 | TEST | - | crashes 1: 0 are lost event=crashed");
    assert!(body(&page).contains("{&quot;o&quot;:[[&quot;1&quot;,&quot;down&quot;]]}"), "{page}");
}

/// Lines that continue an event go with it; each day has a rule; a stack trace is part of its event.
#[test]
fn continuations_and_days_in_a_page() {
    let page = |filter: Filter| {
        let mut page = HtmlPage::new(Parser::default(), filter, Vec::new()).unwrap();
        for line in [
            "2024-05-02 23:59:59,201 ERROR [node2] raft.Node - no quorum",
            "java.io.EOFException: null",
            "\tat raft.Node.run(Node.java:7)",
            "2024-05-03 00:00:01,301 INFO  [node1] raft.Node - retries",
            "{\"ts\":\"2024-05-03T00:00:02Z\",\"level\":\"info\",\"msg\":\"x\",\"stack\":\"a\\nb\"}",
        ] {
            page.line(line.as_bytes()).unwrap();
        }
        let text = String::from_utf8(page.finish().unwrap()).unwrap();
        text.split("<pre id=\"log\">").nth(1).unwrap().split("</pre>").next().unwrap().to_owned()
    };
    let all = page(Filter::default());
    assert!(all.contains("day\t2024-05-02\n") && all.contains("day\t2024-05-03\n"), "{all}");
    assert!(all.contains("more\tjava.io.EOFException: null\nmore\t    at raft"), "{all}");
    assert!(all.contains("\tx\u{2028}a\u{2028}b"), "{all}");
    let some = page(Filter { level: Some(pretty::Level::Fatal), ..Filter::default() });
    assert!(!some.contains("Exception") && !some.contains("at raft"), "{some}");
}
