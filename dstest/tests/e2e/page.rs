//! The page of `--export-html`, and what a browser makes of it.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{Sandbox, has, skip};
use crate::terminal::Terminal;

/// Fails in every run, with orders to a browser and a terminal in its log.
const SCRIPT: &str = r#"
printf '# verbose/1 test=t seed=1 peers=2 unit=ms\n'
printf '1.0 | RPC | 0 | sends Vote to=1 id=1 </text></svg><script>document.title="owned"</script>\n'
printf '2.0 | RPC | 1 | receives Vote from=0 id=1 role=<b>leader\n'
head -c 20000 /dev/zero | tr '\0' x
printf '\n\033[31mred\033[0m \377 \342\200\256 </pre></details><script>document.title="owned"</script>\n'
printf 'error: <img src=x onerror=alert(1)>\n'
exit 1
"#;

const PAYLOADS: &[&str] = &include!("payloads.rs");

/// A campaign of tests that bear all payloads as their names, and fail with them as their reasons.
fn campaign() -> Sandbox {
    let sandbox = Sandbox::new();
    let first = sandbox.on_script(&["-n", "1", "--export-html", "first.html"], "true");
    first.exits_with(0).prints("1 run in ");
    let page = fs::read_to_string(sandbox.path().join("first.html")).unwrap();
    assert!(page.contains("There is no earlier campaign to compare with"), "{page}");
    sandbox.on_script(&["-n", "2", "--verbose"], SCRIPT).exits_with(1);
    let dir = sandbox.latest();
    let campaign = fs::read_to_string(dir.join("campaign.json")).unwrap();
    let mut campaign: serde_json::Value = serde_json::from_str(&campaign).unwrap();
    let event = sandbox.events().remove(0);
    let (mut tests, mut events) = (Vec::new(), String::new());
    for (number, payload) in (0..).zip(PAYLOADS) {
        let mut test = campaign["tests"][0].clone();
        (test["name"], test["key"]) = ((*payload).into(), (*payload).into());
        tests.push(test);
        for iter in 1..=2 {
            let mut event = event.clone();
            (event["test"], event["iter"]) = ((*payload).into(), iter.into());
            event["wall_us"] = (1000 + 100_000 * number).into();
            event["signature"] = (*payload).into();
            if iter == 2 {
                (event["verdict"], event["code"]) = ("passed".into(), 0.into());
            }
            events.push_str(&format!("{event}\n"));
        }
    }
    campaign["tests"] = tests.into();
    fs::write(dir.join("campaign.json"), campaign.to_string()).unwrap();
    fs::write(dir.join("events.jsonl"), events).unwrap();
    sandbox
}

#[test]
fn a_campaign_is_one_page_that_loads_nothing_dark_and_light_narrow_and_wide() {
    let sandbox = campaign();
    let called = sandbox.call(&["report", "-o", "store", "--export", "html"]);
    called.exits_with(1).warns(" failures of ");
    let page = called.stdout;
    assert!(page.len() < 1 << 20, "{} bytes", page.len());
    assert_eq!(page.matches("<script").count(), 1, "the page's own");
    for order in [
        "<img",
        "onerror=\"",
        "http:",
        "https:",
        "url(",
        "@import",
        " src=\"",
        "\u{1b}",
        "\u{202e}",
    ] {
        let page = page.replace("http://www.w3.org/2000/svg", "").replace("http://x", "");
        let page = page.replace("https://example.org", "");
        assert!(!page.contains(order), "{order}");
    }
    assert!(page.contains("red \\xff \\u{202e} &lt;/pre&gt;"), "the end of a log");
    assert!(page.contains("xxx…") && !page.contains(&"x".repeat(1000)), "a long line is cut");
    assert!(page.contains("<template shadowrootmode=\"open\">"), "a diagram");
    assert!(page.contains("role=&lt;b&gt;leader"), "the state of a peer");
    assert!(page.contains("0 of 18 tests worse than before, in 2 campaigns"), "the history");
    let Some(browser) = BROWSERS.into_iter().find(|browser| has(browser)) else {
        return skip("a page in a browser", "no Chromium found");
    };
    let probe = PROBE.replace("TESTS", &PAYLOADS.len().to_string());
    fs::write(sandbox.path().join("probe.html"), probe).unwrap();
    fs::write(sandbox.path().join("page.html"), page).unwrap();
    let document = dump(browser, sandbox.path());
    let found = document.split_once("<body>").map_or(&*document, |(_, body)| body);
    assert!(found.starts_with("dark: well\nlight: well</body>"), "{found}");
}

#[test]
fn in_a_terminal_a_page_is_a_file() {
    let sandbox = Sandbox::new();
    sandbox.on_script(&["-n", "1"], "true").exits_with(0);
    let args = ["report", "-o", "store", "--export", "html"];
    let mut terminal = Terminal::start(&sandbox, &args, 120, 30);
    let screen = terminal.wait_for("Written: dstest-");
    let name = screen.split("Written: ").nth(1).unwrap().split_whitespace().next().unwrap();
    assert_eq!(terminal.child.wait().unwrap().code(), Some(0));
    let page = fs::read_to_string(sandbox.path().join(name)).unwrap();
    assert!(page.contains("<h1 class=\"good\">The run passed</h1>"), "{page}");
}

/// Opens `page.html` in two frames, a narrow dark one and a wide light one, looks at each
/// and uses it, and leaves what it has found as its own text.
const PROBE: &str = include_str!("page_probe.html");

const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// The document of the probe, once its script is done.
fn dump(browser: &str, dir: &Path) -> String {
    let output = Command::new(browser)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"])
        .args([
            "--disable-dev-shm-usage",
            "--window-size=1400,1700",
            "--allow-file-access-from-files",
        ])
        .arg(format!("--user-data-dir={}", dir.join("profile").display()))
        // So much time on the page's own clock, however slow the machine is.
        .args(["--virtual-time-budget=60000", "--dump-dom"])
        .arg(format!("file://{}", dir.join("probe.html").display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
