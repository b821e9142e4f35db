//! Everything that is printed or written, with names, settings and words of tests that are orders to
//! a terminal, a browser or a spreadsheet.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::{CallResult, Sandbox};
use crate::terminal::Terminal;

/// A test with the payload in its name, in each of its words, in its report and its case.
const TEST: &str = r#"#!/bin/sh
payload=$(cat "${0%/*}/../payload")
[ -z "$DSTEST_SHRINK" ] || { printf 'case %s' "$payload" | tr '\n' ' ' > "$DSTEST_SHRINK"; exit 0; }
printf 'trace=%016x\n' "$DSTEST_ITER"
printf '1.0 | VOTE | 0 | %s role=%s\n' "$payload" "$payload"
[ "$DSTEST_ITER" != 2 ] || exit 0
printf 'Passed -- %s\nsometimes: %s=0\nerror: %s\n' "$payload" "$payload" "$payload"
[ "$DSTEST_ITER" != 3 ] || printf '{"signature":"%s","text":"%s"}' "$(cat "${0%/*}/../json")" \
    "$(cat "${0%/*}/../json")" > "$DSTEST_RUN_DIR/report.json"
exit 1
"#;

/// A project with a test of this name, which a campaign has run.
fn campaign(payload: &str) -> (Sandbox, String, CallResult) {
    let sandbox = Sandbox::new();
    let name = payload.replace(['/', '\0'], "_");
    fs::create_dir(sandbox.path().join("t")).unwrap();
    fs::write(sandbox.path().join("payload"), payload.replace('\0', "_")).unwrap();
    let json = serde_json::to_string(&payload.replace('\n', " ")).unwrap();
    fs::write(sandbox.path().join("json"), json.trim_matches('"')).unwrap();
    let program = sandbox.path().join("t").join(&name);
    fs::write(&program, TEST).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let variable = format!("SETTING={name}");
    let args = ["-n", "3", "-p", "1", "-o", "store", "--verify", "--hist", "--timing", "--metrics"];
    let mut all = args.to_vec();
    let program = format!("t/{name}");
    all.extend(["--env", &variable, "--archive", "--", &program, payload.trim_matches('\0')]);
    all.retain(|word| !word.contains('\0'));
    let called = sandbox.call(&all);
    (sandbox, name, called)
}

#[track_caller]
fn check(place: &str, text: &str) {
    let is_order = |c: char| {
        let is_hidden = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        c.is_control() && c != '\n' || is_hidden
    };
    let found = text.chars().find(|c| is_order(*c));
    assert_eq!(found, None, "{place}: {text:?}");
    let forged = text.lines().find(|line| line.trim_end() == "dstest: all passed");
    assert_eq!(forged, None, "{place}: {text}");
}

/// Calls dstest, and checks what it says.
#[track_caller]
fn call(sandbox: &Sandbox, args: &[&str]) -> CallResult {
    let called = sandbox.call(args);
    check(&format!("{args:?}: standard output"), &called.stdout);
    check(&format!("{args:?}: standard error"), &called.stderr);
    assert!(!called.stderr.contains("panicked"), "{called:#?}");
    called
}

const PAYLOADS: &[&str] = &include!("payloads.rs");

/// All payloads, several in one, as long as a file's name may be.
fn joined() -> Vec<String> {
    let mut all = vec![String::new()];
    for payload in PAYLOADS {
        match all.last_mut() {
            Some(last) if last.len() + payload.len() < 200 => last.push_str(payload),
            Some(_) | None => all.push((*payload).to_owned()),
        }
    }
    all
}

#[test]
fn every_command_on_a_campaign_of_every_payload() {
    for payload in joined() {
        let (sandbox, name, campaign) = campaign(&payload);
        check("a campaign", &campaign.stdout);
        check("a campaign", &campaign.stderr);
        campaign.exits_with(1).prints("Full logs (VERBOSE=2)");
        let edit = fs::read_to_string(sandbox.latest().join("campaign.json")).unwrap();
        let run = |iter: u32| format!("{name}#{iter}");
        let (first, third) = (run(1), run(3));
        for args in [
            &["report", "--hist", "--timing"][..],
            &["show", "--", &first],
            &["show", "--", &third],
            &["replay", "--print", "--", &first],
            &["replay", "--", &first],
            &["replay", "--seeds", "2", "--", &first],
            &["shrink", "--", &first],
            &["resume", "-n", "4"],
            &["prune", "--dry-run", "--keep", "0"],
            // What is not there is named.
            &["report", "--", &name],
            &["replay", "--", &format!("{name}#9")],
            &["compare", "--", &name],
            &["merge", "--", &name],
            &["browse", "--", &name],
            &["list", &format!("--preset={name}")],
            &["list", &format!("--dir={name}")],
            &["--skip", "[", "--", &name],
            &["list", &format!("--test={name}"), "--", &name],
        ] {
            let [command, rest @ ..] = args else { continue };
            call(&sandbox, &[&[*command, "-o", "store"], rest].concat());
        }
        // A program that has been edited, and one that is gone, are named.
        fs::write(sandbox.path().join("t").join(&name), "#!/bin/sh\nexit 1\n").unwrap();
        call(&sandbox, &["resume", "-o", "store", "-n", "9"]);
        fs::write(
            sandbox.latest().join("campaign.json"),
            edit.replace("\"schema\": 1", "\"schema\": 9"),
        )
        .unwrap();
        call(&sandbox, &["report", "-o", "store"]);
        fs::write(sandbox.latest().join("campaign.json"), format!("{{\"{name}\":")).unwrap();
        call(&sandbox, &["report", "-o", "store"]);
    }
}

#[test]
fn every_export_of_every_payload() {
    let sandbox = Sandbox::new();
    sandbox.on_script(&["-n", "1"], "echo error: lost; exit 1").exits_with(1);
    // The same for tests of other names, that have failed in other words.
    let edit = |name: &str, change: &dyn Fn(serde_json::Value) -> String| {
        let path = sandbox.latest().join(name);
        let value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        fs::write(path, change(value)).unwrap();
    };
    edit("campaign.json", &|mut campaign| {
        let test = campaign["tests"][0].clone();
        let named = |payload: &&str| {
            let mut test = test.clone();
            (test["name"], test["key"]) = ((*payload).into(), (*payload).into());
            test
        };
        campaign["tests"] = PAYLOADS.iter().map(named).collect();
        campaign.to_string()
    });
    edit("events.jsonl", &|event| {
        let named = |payload: &&str| {
            let mut event = event.clone();
            (event["test"], event["signature"]) = ((*payload).into(), (*payload).into());
            format!("{event}\n")
        };
        PAYLOADS.iter().map(named).collect()
    });
    let exports = ["--export-json=j", "--export-junit=x", "--export-markdown=m", "--export-csv=c"];
    let report = call(&sandbox, &[&["report", "-o", "store"], &exports[..]].concat());
    report.exits_with(1).prints("--trust");
    let old = sandbox.latest();
    let old = old.to_str().unwrap();
    call(&sandbox, &["merge", "-o", "store", old]).exits_with(1);
    call(&sandbox, &["compare", "-o", "store", old, "--export-markdown", "d"]).exits_with(0);
    let read = |file: &str| fs::read_to_string(sandbox.path().join(file)).unwrap();
    for file in ["x", "m", "c", "d"] {
        check(file, &read(file).replace("\r\n", "\n"));
    }
    let json: serde_json::Value = serde_json::from_str(&read("j")).unwrap();
    assert_eq!(json["tests"].as_array().unwrap().len(), PAYLOADS.len());
    assert!(!read("x").contains("<script"), "{}", read("x"));
    let own = ["<code>", "</code>", "(p < 0.05"];
    let markdown = own.iter().fold(read("m") + &read("d"), |text, own| text.replace(own, ""));
    for order in ["](http", "](java", "://", "www.", "@", "<", ">"] {
        assert!(!markdown.contains(order), "{order}: {markdown}");
    }
    for line in read("c").lines().skip(1) {
        let mut fields = line.split([',', ';']).map(|field| field.trim_matches(['"', ' ']));
        let is_formula = |field: &str| {
            let is_number = field.parse::<f64>().is_ok();
            !is_number && field.starts_with(['=', '+', '-', '@', '\u{ff1d}'])
        };
        assert!(!fields.any(is_formula), "{line}");
    }
}

#[test]
fn every_pane_of_the_browser_in_a_terminal() {
    let payload = "\u{1b}]0;title\u{7}\u{1b}[2J\u{202e}";
    let (sandbox, name, _) = campaign(payload);
    let mut terminal = Terminal::start(&sandbox, &["browse", "-o", "store"], 120, 30);
    let spelled = r"\x1b]0;title\x07\x1b[2J\u{202e}";
    assert!(terminal.wait_for("3 runs, 2 failed").contains(spelled));
    terminal.press("\r");
    assert!(terminal.wait_for("First").contains(spelled));
    terminal.press("\r");
    assert!(terminal.wait_for("Enter log").contains(spelled));
    terminal.press("p");
    assert!(terminal.wait_for("REPLAY").contains(spelled));
    terminal.press("q");
    terminal.wait_for("Enter log");
    terminal.press("S");
    assert!(terminal.wait_for("shrunk case of").contains(spelled));
    terminal.press("q");
    terminal.wait_for("Enter log");
    terminal.press("\r");
    assert!(terminal.wait_for("W causes only").contains(spelled));
    terminal.press("qqqq");
    assert_eq!(terminal.child.wait().unwrap().code(), Some(0));
    assert_eq!(terminal.title(), "", "{name:?}");
}

#[test]
fn the_name_of_a_saved_file_in_a_watch() {
    let sandbox = Sandbox::new();
    let project = sandbox.path().join("project");
    fs::create_dir(&project).unwrap();
    let args = ["watch", "-o", "store", "--dir", "project", "-n", "1", "--", "true"];
    let mut watch = Terminal::start(&sandbox, &args, 250, 60);
    watch.wait_for("passed; waiting for a save");
    for (number, payload) in (2..).zip(joined()) {
        fs::write(project.join(payload.replace(['/', '\0'], "_")), "").unwrap();
        watch.wait_for(&format!("── {number}: "));
        watch.wait_for("passed; waiting for a save");
        assert_eq!(watch.title(), "");
        watch.clear();
    }
}
