//! Settings: which files count, and what they change.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail them")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown, lchown, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A project in a home.
struct Home(tempfile::TempDir);

impl Home {
    fn new(project: &str, user: &str) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(home.path().join("project/src")).unwrap();
        fs::create_dir_all(home.path().join(".config/pretty")).unwrap();
        fs::write(home.path().join("project/pretty.toml"), project).unwrap();
        fs::write(home.path().join(".config/pretty/config.toml"), user).unwrap();
        home
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs the program in a directory of the project.
    fn run(&self, arguments: &[&str], log: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pretty"));
        command.args(arguments).env_clear().env("HOME", self.path()).stdin(Stdio::piped());
        command.current_dir(self.path().join("project/src"));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A program that refuses its settings reads nothing.
        let _ = child.stdin.take().unwrap().write_all(log.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Its rows, without the header.
    fn rows(&self, arguments: &[&str], log: &str) -> Vec<String> {
        let output = self.run(&[arguments, &["--width=40"]].concat(), log);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let rows = text(&output.stdout).lines().skip(1);
        rows.map(|row| row.trim().to_owned()).collect()
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

const LOG: &str = "1 | VOTE | 0 | asks\n2 | TIMR | 0 | fires\n";

#[test]
fn options_come_before_the_project_and_that_before_the_user() {
    let home = Home::new("ignore = 'timr'\n", "time = false\nignore = 'vote'\n");
    assert_eq!(home.rows(&[], LOG), ["VOTE│asks"]);
    assert_eq!(home.rows(&["-i", "lead"], LOG), ["VOTE│asks", "TIMR│fires"]);
    assert_eq!(home.rows(&["-j", "timr"], LOG), ["TIMR│fires"]);
    assert_eq!(home.rows(&["--no-config"], LOG), ["1 VOTE│asks", "2 TIMR│fires"]);
    let user = home.path().join(".config/pretty/config.toml");
    assert_eq!(home.rows(&["--config", user.to_str().unwrap()], LOG), ["TIMR│fires"]);
}

#[test]
fn custom_formats_of_a_project_are_found() {
    let home = Home::new("[formats]\nnodes = '^<(?<peer>\\w+)> (?<topic>\\w+): (?<msg>.*)$'\n", "");
    let log = "<n1> VOTE: asks\n<n2> LEAD: leads\n";
    assert_eq!(home.rows(&[], log), ["VOTE│asks             │", "LEAD│                 │leads"]);
    assert_eq!(home.rows(&["--format", "nodes"], log), home.rows(&[], log));
    let output = home.run(&["--format", "nods"], log);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("unknown format `nods`; did you mean nodes?"));
}

#[test]
fn topics_have_the_projects_colours() {
    let home = Home::new("color = 'true'\n[topics]\nvote = '#01fa03'\n", "");
    assert!(home.rows(&[], LOG)[0].contains("\x1b[38;2;1;250;3m"));
    let output = home.run(&["--export=html"], LOG);
    assert!(text(&output.stdout).contains("rgb(1,250,3)"));
}

#[test]
fn a_mistake_names_its_file_and_line_and_nothing_is_shown() {
    for (project, what) in [
        ("fold = true\nspeed = 9\n", "line 2"),
        ("pager = 'sh evil'\n", "line 1: a project's file may not name a program"),
        ("[keys]\nq = 'none'\nQ = 'none'\nctrl-c = 'none'\nf10 = 'none'\n", "`quit` is unbound"),
        ("format = 'nope'\n", "unknown format `nope`"),
    ] {
        let output = Home::new(project, "").run(&[], LOG);
        assert_eq!(output.status.code(), Some(2), "{project}");
        assert_eq!(text(&output.stdout), "");
        assert!(text(&output.stderr).contains(what), "{}", text(&output.stderr));
    }
}

#[test]
fn all_settings_can_be_printed_and_read_again() {
    let home = Home::new("fold = true\n", "");
    let printed = home.run(&["--print-config"], "");
    assert!(text(&printed.stdout).starts_with("# read: /"));
    fs::write(home.path().join("project/pretty.toml"), &printed.stdout).unwrap();
    assert_eq!(home.rows(&[], LOG).len(), 2);
}

#[test]
fn files_of_another_user_count_only_by_their_name() {
    let home = Home::new("ignore = 'timr'\n", "time = false\n");
    let file = home.path().join("project/pretty.toml");
    let own = home.path().join("pretty.toml");
    fs::write(&own, "ignore = 'vote'\n").unwrap();
    if chown(&file, Some(54321), None).is_err() {
        eprintln!("SKIPPED files_of_another_user: only root can give a file to another user");
        return;
    }
    // The next one above counts.
    let output = home.run(&["--width=40"], LOG);
    let warning = format!("pretty: {} belongs to another user and is not read", file.display());
    assert!(text(&output.stderr).starts_with(&warning), "{output:?}");
    assert_eq!(home.rows(&[], LOG), ["TIMR│fires"]);
    let named = ["--config", file.to_str().unwrap()];
    assert_eq!(home.rows(&named, LOG), ["1 VOTE│asks"]);
    // What they forbid to read is passed over, and so is a link of theirs.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    assert_eq!(home.rows(&[], LOG), ["TIMR│fires"]);
    fs::remove_file(&file).unwrap();
    symlink(home.path().join(".config/pretty/config.toml"), &file).unwrap();
    lchown(&file, Some(54321), None).unwrap();
    assert_eq!(home.rows(&[], LOG), ["TIMR│fires"]);
    fs::remove_file(&file).unwrap();
    let theirs = home.path().join("theirs.toml");
    fs::write(&theirs, "ignore = 'timr'\n").unwrap();
    chown(&theirs, Some(54321), None).unwrap();
    symlink(&theirs, &file).unwrap();
    assert_eq!(home.rows(&[], LOG), ["TIMR│fires"]);
}

#[test]
fn mistakes_in_a_file_are_no_orders_to_the_terminal() {
    let home = Home::new("a = \"\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}\"\n", "");
    let output = home.run(&[], LOG);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let error = text(&output.stderr);
    assert!(!error.contains(|c: char| c.is_control() && c != '\n' || c == '\u{202e}'), "{error:?}");
}

/// Each layer of a line can be the user's own, in the words of the built-in ones, or left out.
#[test]
fn every_layer_can_be_given() {
    let directory = tempfile::tempdir().unwrap();
    let settings = directory.path().join("own.toml");
    let own = "[formats]\n\
        racks = { match = '^(?<time>{iso}) (?<level>[!.]) (?<peer>\\w+) ', \
        levels = { '!' = 'error', '.' = 'info' } }\n\
        [[transport]]\nname = 'rack'\nmatch = '^<(?<source>\\w+)> '\n\
        [[state]]\nmatch = '^rises$'\nset = { role = 'leader' }\nincrement = ['term']\n\
        [[message]]\nkind = 'Ping'\nanswered = '^pong of (?<from>\\w+)$'\n";
    fs::write(&settings, own).unwrap();
    let log = directory.path().join("log");
    let lines = "<r1> 2024-05-02 08:11:22 ! n1 rises\n<r2> 2024-05-02 08:11:23 . n2 pong of n1\n";
    fs::write(&log, lines).unwrap();
    let run = |options: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pretty"));
        command.args(["--tz", "utc", "--export", "json"]).arg("--config").arg(&settings);
        let output = command.args(options).arg(&log).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let all = run(&[]);
    for part in [
        r#""peer":"n1","level":"ERROR""#,
        r#""state":{"role":"leader","term":"+1"}"#,
        r#""network":{"fate":"answered","kind":"Ping","from":"n2","to":"n1"}"#,
        r#""transports":["rack"],"format":"racks""#,
    ] {
        assert!(all.contains(part), "{part} is not in {all}");
    }
    assert!(run(&["--transport", "rack"]).contains("racks"));
    assert!(!run(&["--transport", "none"]).contains("racks"));
    assert!(run(&["--transport", "rakc"]).contains("unknown transport `rakc`; did you mean rack?"));
    assert!(run(&["--dialect", "etdc"]).contains("unknown dialect `etdc`; did you mean etcd?"));
}

#[test]
fn formats_lists_every_layer() {
    let list = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pretty"));
        String::from_utf8(command.args(arguments).output().unwrap().stdout).unwrap()
    };
    let text = list(&["formats"]);
    assert_eq!(text, list(&["--formats"]));
    for name in ["compose ", "journald ", "json ", "log4j ", "etcd ", "students "] {
        assert!(text.lines().any(|line| line.starts_with(name)), "{name} is not in {text}");
    }
    let (transports, _) = text.split_once("Formats are").unwrap();
    for line in transports.lines().skip(2).filter(|line| !line.is_empty()) {
        assert!(line.trim_end().contains("  ") || line.len() > 12, "no example: {line}");
    }
}

const RACKS: &str = r#"
about = "racks of a house"

[[record]]
match = '^(?<time>{iso}) (?<level>[!.]) '
levels = { "!" = "error", "." = "info" }

[[head]]
match = '^unit (?<peer>\d+): '

[[sample]]
line = "2024-05-02 08:11:22 ! unit 3: no quorum"
level = "ERROR"
peer = "3"
text = "no quorum"
"#;

const HOUSE: &str = r#"
about = "the words of a house"
roles = { leader = ["captain"] }

[[state]]
match = '^crowned (?<role>captain) of year (?<term>\d+)'

[[sample]]
log = "1 | A | 0 | crowned captain of year 7\n"
state = { 0 = "role=leader term=7" }
"#;

const HOUSE_LOG: &str = "2024-05-02 08:11:22 . unit 3: crowned captain of year 7\n\
                         2024-05-02 08:11:23 . unit 4: follows unit 3\n";

/// A home with a file of a format and one of a dialect beside the project's settings.
fn house(settings: &str) -> Home {
    let home = Home::new(settings, "");
    fs::write(home.path().join("project/racks.toml"), RACKS).unwrap();
    fs::write(home.path().join("project/house.toml"), HOUSE).unwrap();
    home
}

fn states(home: &Home, arguments: &[&str]) -> String {
    let output = home.run(&[arguments, &["--export=json"]].concat(), HOUSE_LOG);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).to_owned()
}

#[test]
fn formats_and_dialects_in_files_are_read_by_name_and_by_path() {
    let named =
        house("[formats]\nracks.file = 'racks.toml'\n[dialects]\nhouse.file = 'house.toml'\n");
    let unnamed = house("");
    let by_path = ["--format", "../racks.toml", "--dialect", "../house.toml"];
    for (home, arguments) in
        [(&named, &[][..]), (&named, &["--format=racks", "--dialect=house"]), (&unnamed, &by_path)]
    {
        let found = states(home, arguments);
        assert!(
            found.contains("\"role\":\"leader\"") && found.contains("\"term\":\"7\""),
            "{found}"
        );
        assert!(found.contains("\"peer\":\"3\",\"level\":\"INFO\""), "{found}");
    }
    assert!(!states(&unnamed, &[]).contains("\"role\""));
    assert!(!states(&named, &["--dialect=none"]).contains("\"role\""));
    let list = named.run(&["formats"], "");
    let list = text(&list.stdout);
    for line in [
        "racks       racks of a house (",
        "project/racks.toml)",
        "house       the words of a house (",
    ] {
        assert!(list.contains(line), "{line}: {list}");
    }
    assert!(!text(&unnamed.run(&["formats"], "").stdout).contains("house"));
}

#[test]
fn a_dialect_may_stand_in_the_settings() {
    let home = house(
        "[dialects.house]\nstate = [{ match = '^crowned', set = { role = 'leader' } }]\n\
         [formats]\nracks.file = 'racks.toml'\n",
    );
    let found = states(&home, &[]);
    assert!(
        found.contains("\"dialect\":\"house\"") && found.contains("\"role\":\"leader\""),
        "{found}"
    );
}

#[test]
fn samples_of_files_are_checked() {
    let home = house("");
    let check = |names: &[&str]| home.run(&[&["formats", "--check"], names].concat(), "");
    let right = check(&["../racks.toml", "../house.toml"]);
    assert!(right.status.success(), "{}", text(&right.stderr));
    let shown = "../racks.toml: format, 1 sample right\n../house.toml: dialect, 1 sample right\n";
    assert_eq!(text(&right.stdout), shown);
    for (file, content, what) in [
        ("x.toml", RACKS.replace("peer = \"3\"", "peer = \"4\""), "peer is \"3\", not \"4\""),
        ("x.toml", HOUSE.replace("term=7", "term=8"), "is \"role=leader term=7\", not"),
        ("x.toml", HOUSE.replace("'^crowned", "'crowned"), "begin it with `^`"),
        ("x.toml", RACKS.replace("[[head]]", "[[hat]]"), "unknown field `hat`"),
        ("y.toml", String::new(), "cannot read missing.toml"),
    ] {
        fs::write(home.path().join("project/src").join(file), content).unwrap();
        let name = if file == "y.toml" { "missing.toml" } else { file };
        let wrong = check(&[name]);
        assert_eq!(wrong.status.code(), Some(1), "{what}");
        assert!(text(&wrong.stderr).contains(what), "{what}: {}", text(&wrong.stderr));
    }
}

#[test]
fn levels_keys_and_roles_may_have_words_of_ones_own() {
    let home = Home::new(
        "[levels]\nerror = ['boom']\n[state_keys]\nterm = ['epoch']\n[roles]\nleader = ['captain']\n",
        "",
    );
    let log = "{\"time\":\"2024-05-02T08:11:22Z\",\"level\":\"boom\",\"msg\":\"x\",\"node\":\"n1\",\
               \"epoch\":7,\"state\":\"captain\"}\n";
    let output = home.run(&["--export=json", "--level=error"], log);
    let found = text(&output.stdout);
    for part in ["\"level\":\"ERROR\"", "\"term\":\"7\"", "\"role\":\"leader\""] {
        assert!(found.contains(part), "{part}: {found}");
    }
}

#[test]
fn a_layer_that_cannot_be_read_is_named() {
    let home = house("");
    let empty = "about = 'x'\n\n[[message]]\nkind = 'Vote'\n";
    fs::write(home.path().join("empty.toml"), empty).unwrap();
    for (arguments, what) in [
        (["--format", "no.toml"], "cannot read no.toml"),
        (["--dialect", "../racks.toml"], "unknown field `head`"),
        (["--format", "../house.toml"], "unknown field `roles`"),
        (["--dialect", "../../empty.toml"], "line 3, column 1"),
        (["--dialect", "../../empty.toml"], "empty rule; set one of sent, received, lost"),
    ] {
        let output = home.run(&arguments, LOG);
        assert_eq!(output.status.code(), Some(2), "{what}");
        assert!(text(&output.stderr).contains(what), "{what}: {}", text(&output.stderr));
    }
    // More than is read of it would be left out.
    let record = "[[record]]\nmatch = '^(?<peer>r\\d+) '\n";
    fs::write(home.path().join("large.toml"), record.to_owned() + &"#".repeat(1 << 20)).unwrap();
    for arguments in [&["--format", "../../large.toml"][..], &["--config", "../../large.toml"]] {
        let output = home.run(arguments, LOG);
        assert!(
            text(&output.stderr).contains("large.toml: not a file of at most 1048576 bytes"),
            "{}",
            text(&output.stderr)
        );
    }
    let home = house("[formats]\nx.file = 'gone.toml'\n");
    let output = home.run(&[], LOG);
    assert!(text(&output.stderr).contains("project/gone.toml"), "{}", text(&output.stderr));
}
