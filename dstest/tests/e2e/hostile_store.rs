//! Stores that are not what they seem: links, files of the user among them, planted locks. Whatever
//! they look like, nothing that dstest has not made is changed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::support::{CallResult, Sandbox};
use crate::terminal::Terminal;

const CAMPAIGN: &str = "20200101T000000Z-4f2a";
const PROGRAM: &str = "0123456789abcdef0123456789abcdef";

/// Everything below a directory, but for the directory `except`: kinds, contents, targets of links.
fn tree(dir: &Path, except: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let kind = path.symlink_metadata().unwrap();
        if path == except {
            continue;
        }
        if kind.is_symlink() {
            let target = fs::read_link(&path).unwrap();
            all.insert(path, target.into_os_string().into_encoded_bytes());
        } else if kind.is_dir() {
            all.extend(tree(&path, except));
            all.insert(path, b"dir".to_vec());
        } else {
            all.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    all
}

/// A directory with a campaign, a program, and files of its user under names like dstest's.
fn precious(at: &Path) {
    for dir in ["bin/mytool", "runs/exp1", "runs/exp1/logs", "src", "live", "livestock"] {
        fs::create_dir_all(at.join(dir)).unwrap();
        fs::write(at.join(dir).join("file"), dir).unwrap();
    }
    fs::create_dir_all(at.join("bin").join(PROGRAM)).unwrap();
    fs::write(at.join("bin").join(PROGRAM).join("file"), "mine").unwrap();
    let campaign = at.join("runs").join(CAMPAIGN);
    fs::create_dir_all(campaign.join("live")).unwrap();
    fs::write(campaign.join("campaign.json"), "my own description").unwrap();
    fs::write(campaign.join("live/lock"), "").unwrap();
    fs::write(at.join("campaign.json"), "{}").unwrap();
}

/// A store that dstest has made, with one old campaign, in `at`.
fn real_store(sandbox: &Sandbox, at: &str) -> PathBuf {
    let called = sandbox.call(&["-n", "2", "-o", at, "--", "false"]);
    called.exits_with(1);
    let store = sandbox.path().join(at);
    let campaign = store.join("latest").canonicalize().unwrap();
    let old = campaign.with_file_name(CAMPAIGN);
    fs::rename(campaign, &old).unwrap();
    fs::remove_file(store.join("latest")).unwrap();
    symlink(Path::new("runs").join(CAMPAIGN), store.join("latest")).unwrap();
    old
}

/// A way to lay a store out, and what must be said of it; `None` where dstest may do its work.
struct Layout {
    name: &'static str,
    lay: fn(&Sandbox, store: &Path, precious: &Path),
    refusal: Option<&'static str>,
}

const LAYOUTS: &[Layout] = &[
    Layout {
        name: "the user's own bin and runs",
        lay: |_, store, _| precious(store),
        refusal: Some("is not a store that dstest has made"),
    },
    Layout {
        name: "an empty directory",
        lay: |_, store, _| fs::create_dir(store).unwrap(),
        refusal: Some("is not a store that dstest has made"),
    },
    Layout {
        name: "a file",
        lay: |_, store, _| fs::write(store, "mine").unwrap(),
        refusal: Some("cannot open"),
    },
    Layout {
        name: "a link to the user's directory",
        lay: |_, store, precious| symlink(precious, store).unwrap(),
        refusal: Some("is not a store that dstest has made"),
    },
    Layout {
        name: "runs is a link",
        lay: |sandbox, store, precious| {
            real_store(sandbox, "store");
            fs::remove_dir_all(store.join("runs")).unwrap();
            symlink(precious.join("runs"), store.join("runs")).unwrap();
        },
        refusal: Some("it is a symbolic link"),
    },
    Layout {
        name: "bin is a link",
        lay: |sandbox, store, precious| {
            real_store(sandbox, "store");
            symlink(precious.join("bin"), store.join("bin")).unwrap();
        },
        refusal: Some("it is a symbolic link"),
    },
    Layout {
        name: "the marker is a link to a real one",
        lay: |sandbox, store, _| {
            real_store(sandbox, "other");
            precious(store);
            symlink(sandbox.path().join("other/dstest-store"), store.join("dstest-store")).unwrap();
        },
        refusal: Some("is not a store that dstest has made"),
    },
    Layout {
        name: "the marker is a directory",
        lay: |_, store, _| {
            precious(store);
            fs::create_dir(store.join("dstest-store")).unwrap();
        },
        refusal: Some("is not a store that dstest has made"),
    },
    Layout {
        name: "the marker is a list of things to buy",
        lay: |_, store, _| {
            precious(store);
            fs::write(store.join("dstest-store"), "things to buy\n").unwrap();
        },
        refusal: Some("is not a store that dstest has made"),
    },
    Layout {
        name: "a store without its marker",
        lay: |sandbox, store, _| {
            real_store(sandbox, "store");
            fs::remove_file(store.join("dstest-store")).unwrap();
        },
        refusal: Some("is a store of an older dstest, without a marker: the next campaign"),
    },
    Layout {
        name: "the user's files beside the campaigns and programs",
        lay: |sandbox, store, _| {
            real_store(sandbox, "store");
            fs::create_dir_all(store.join("runs/exp1")).unwrap();
            fs::create_dir_all(store.join("runs/20200101T000000Z-4f2a-backup")).unwrap();
            fs::create_dir_all(store.join("bin/mytool")).unwrap();
            fs::write(store.join("bin/mytool/file"), "mine").unwrap();
            fs::write(store.join("notes"), "mine").unwrap();
        },
        refusal: None,
    },
    Layout {
        name: "a campaign is a link",
        lay: |sandbox, store, precious| {
            let old = real_store(sandbox, "store");
            fs::rename(old, store.join("runs/elsewhere")).unwrap();
            symlink(precious.join("runs").join(CAMPAIGN), store.join("runs").join(CAMPAIGN))
                .unwrap();
        },
        refusal: None,
    },
    Layout {
        name: "a program is a link",
        lay: |sandbox, store, precious| {
            real_store(sandbox, "store");
            fs::create_dir(store.join("bin")).unwrap();
            symlink(precious.join("bin/mytool"), store.join("bin").join(PROGRAM)).unwrap();
        },
        refusal: None,
    },
    Layout {
        name: "logs is a link",
        lay: |sandbox, store, precious| {
            let old = real_store(sandbox, "store");
            fs::remove_dir_all(old.join("logs")).unwrap();
            symlink(precious, old.join("logs")).unwrap();
            let _ = store;
        },
        refusal: None,
    },
    Layout {
        name: "the logs of a test are a link",
        lay: |sandbox, _, precious| {
            let old = real_store(sandbox, "store");
            let logs = fs::read_dir(old.join("logs")).unwrap().next().unwrap().unwrap().path();
            fs::remove_dir_all(&logs).unwrap();
            symlink(precious, logs).unwrap();
        },
        refusal: None,
    },
    Layout {
        name: "replays is a link",
        lay: |sandbox, _, precious| {
            let old = real_store(sandbox, "store");
            symlink(precious, old.join("replays")).unwrap();
        },
        refusal: None,
    },
    Layout {
        name: "the live directory is a link",
        lay: |sandbox, _, precious| {
            let old = real_store(sandbox, "store");
            symlink(precious, old.join("live")).unwrap();
        },
        refusal: None,
    },
    Layout {
        name: "a lock names the user's directory",
        lay: |sandbox, _, precious| {
            let old = real_store(sandbox, "store");
            let named = precious.with_file_name("dstest-project");
            fs::create_dir_all(named.join("src")).unwrap();
            fs::create_dir_all(old.join("live")).unwrap();
            fs::write(old.join("live/lock"), named.to_str().unwrap()).unwrap();
        },
        refusal: None,
    },
    Layout {
        name: "a lock names a link in dstest's pattern",
        lay: |sandbox, _, precious| {
            let old = real_store(sandbox, "store");
            let named = precious.with_file_name("dstest-0123456789abcdef");
            symlink(precious, &named).unwrap();
            fs::create_dir_all(old.join("replays/live")).unwrap();
            fs::write(old.join("replays/live/lock"), named.to_str().unwrap()).unwrap();
        },
        refusal: None,
    },
    Layout {
        name: "a lock is a link",
        lay: |sandbox, _, precious| {
            let old = real_store(sandbox, "store");
            fs::create_dir_all(old.join("live")).unwrap();
            symlink(precious.join("src/file"), old.join("live/lock")).unwrap();
        },
        refusal: None,
    },
    Layout {
        name: "a lock is another name of the user's file",
        lay: |sandbox, _, precious| {
            let old = real_store(sandbox, "store");
            for live in [old.join("live"), old.join("replays/live")] {
                fs::create_dir_all(&live).unwrap();
                fs::hard_link(precious.join("src/file"), live.join("lock")).unwrap();
            }
        },
        refusal: None,
    },
    Layout {
        name: "the records are another name of the user's file",
        lay: |sandbox, _, precious| {
            let old = real_store(sandbox, "store");
            fs::remove_file(old.join("events.jsonl")).unwrap();
            fs::hard_link(precious.join("src/file"), old.join("events.jsonl")).unwrap();
        },
        refusal: None,
    },
    Layout {
        name: "the newest campaign is a link to one elsewhere",
        lay: |sandbox, store, _| {
            real_store(sandbox, "store");
            let other = real_store(sandbox, "other");
            fs::remove_file(store.join("latest")).unwrap();
            symlink(&other, store.join("latest")).unwrap();
            symlink(&other, store.join("runs/20990101T000000Z-4f2a")).unwrap();
        },
        refusal: None,
    },
    Layout {
        name: "pipes in place of files",
        lay: |sandbox, store, _| {
            let old = real_store(sandbox, "store");
            let pipe = |at: &Path| {
                let _ = fs::remove_file(at);
                assert!(std::process::Command::new("mkfifo").arg(at).status().unwrap().success());
            };
            fs::create_dir_all(old.join("live")).unwrap();
            for name in ["events.jsonl", "live/lock", "summary.json"] {
                pipe(&old.join(name));
            }
            for name in ["known.json", "targets.json"] {
                pipe(&store.join(name));
            }
            fs::create_dir_all(store.join("runs/20990101T000000Z-4f2a")).unwrap();
            pipe(&store.join("runs/20990101T000000Z-4f2a/campaign.json"));
        },
        refusal: None,
    },
    Layout {
        name: "a record names a log elsewhere",
        lay: |sandbox, _, precious| {
            let old = real_store(sandbox, "store");
            let events = fs::read_to_string(old.join("events.jsonl")).unwrap();
            let path = precious.join("src/file");
            let events = events.replace("logs/", &format!("{}/../", path.display()));
            fs::write(old.join("events.jsonl"), events).unwrap();
        },
        refusal: None,
    },
    Layout {
        name: "links among the files of a run",
        lay: |sandbox, _, precious| {
            let old = real_store(sandbox, "store");
            let files = old.join("logs/false/1.dir");
            fs::create_dir_all(&files).unwrap();
            symlink(precious, files.join("link")).unwrap();
            fs::hard_link(precious.join("src/file"), files.join("same")).unwrap();
        },
        refusal: None,
    },
];

/// The commands that write, remove or read, each on a layout of its own.
const COMMANDS: &[&[&str]] = &[
    &["prune", "--keep", "0", "-o", "store"],
    &["resume", "-n", "4", "-o", "store"],
    &["replay", "-o", "store"],
    &["report", "-o", "store", "--export-json", "report.json"],
    &["-n", "1", "-o", "store", "--", "true"],
];

#[test]
fn nothing_outside_a_store_changes_in_hostile_layouts() {
    for Layout { name, lay, refusal } in LAYOUTS {
        for args in COMMANDS {
            let sandbox = Sandbox::new();
            let (store, others) = (sandbox.path().join("store"), sandbox.path().join("precious"));
            precious(&others);
            lay(&sandbox, &store, &others);
            let before = tree(sandbox.path(), &store);
            let mine = mine(&store);
            let called = sandbox.call(args);
            let _ = fs::remove_file(sandbox.path().join("report.json"));
            let place = format!("{name}: {args:?} {called:?}");
            assert_eq!(tree(sandbox.path(), &store), before, "{place}");
            let left = self::mine(&store);
            assert!(mine.iter().all(|(path, text)| left.get(path) == Some(text)), "{place}");
            let is_new = fs::read_dir(&store).is_ok_and(|entries| entries.count() < 6);
            assert!(is_new || left.len() == mine.len(), "no .gitignore beside others: {place}");
            if let ("prune", Some(words)) = (args[0], refusal) {
                called.exits_with(2).warns(words);
            }
            assert!(!called.stderr.contains("panicked"), "{place}");
        }
    }
    assert!(LAYOUTS.len() >= 20);
}

#[test]
fn delete_in_the_browser_changes_nothing_outside_a_store_in_hostile_layouts() {
    let mut deleted = 0;
    for Layout { name, lay, .. } in LAYOUTS {
        let sandbox = Sandbox::new();
        let (store, others) = (sandbox.path().join("store"), sandbox.path().join("precious"));
        precious(&others);
        lay(&sandbox, &store, &others);
        let (before, mine) = (tree(sandbox.path(), &store), mine(&store));
        let mut terminal = Terminal::start(&sandbox, &["browse", "-o", "store"], 120, 30);
        if terminal.reaches("? keys") {
            terminal.try_press(DELETE);
            if terminal.reaches("press Delete again to delete campaign") {
                terminal.try_press(DELETE);
                deleted += 1;
            }
        }
        terminal.try_press("qqqq");
        terminal.wait_for_end();
        assert_eq!(tree(sandbox.path(), &store), before, "{name}");
        let left = self::mine(&store);
        assert!(mine.iter().all(|(path, text)| left.get(path) == Some(text)), "{name}");
    }
    assert!(deleted >= 8, "{deleted}");
}

const DELETE: &str = "\x1b[3~";

/// The files in a store that dstest has not made there.
fn mine(store: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for name in ["runs/exp1", "runs/20200101T000000Z-4f2a-backup", "bin/mytool", "src", "livestock"]
    {
        if !store.is_symlink() && store.join(name).is_dir() {
            all.extend(tree(&store.join(name), Path::new("")));
        }
    }
    for name in ["notes", ".gitignore"] {
        all.extend(fs::read(store.join(name)).ok().map(|text| (store.join(name), text)));
    }
    all
}

#[test]
fn a_store_beside_the_users_files_does_not_hide_them_from_git() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path().join("main.c"), "").unwrap();
    sandbox.call(&["-n", "1", "-o", ".", "--", "true"]).exits_with(0);
    assert!(sandbox.path().join("dstest-store").is_file());
    assert!(!sandbox.path().join(".gitignore").exists());
    sandbox.call(&["prune", "--keep", "0", "-o", "."]).exits_with(0).prints("removed 1 campaign");
    assert!(sandbox.path().join("main.c").is_file());
    sandbox.call(&["-n", "1", "-o", "fresh", "--", "true"]).exits_with(0);
    assert_eq!(fs::read(sandbox.path().join("fresh/.gitignore")).unwrap(), b"*\n");
}

#[test]
fn a_directory_with_other_files_under_the_stores_names_is_refused() {
    for name in ["bin", "runs", "latest", "targets.json"] {
        let sandbox = Sandbox::new();
        fs::create_dir_all(sandbox.path().join("x").join(name)).unwrap();
        let called = sandbox.call(&["-n", "1", "-o", "x", "--", "true"]);
        called.exits_with(2).warns(&format!("has `{name}`, which dstest has not made"));
        assert_eq!(fs::read_dir(sandbox.path().join("x")).unwrap().count(), 1, "{name}");
    }
}

#[test]
fn a_store_of_an_older_version_is_marked_by_the_next_campaign() {
    let sandbox = Sandbox::new();
    real_store(&sandbox, "store");
    fs::remove_file(sandbox.path().join("store/dstest-store")).unwrap();
    let refused = |called: CallResult| {
        called
            .exits_with(2)
            .warns("without a marker: the next campaign that is stored in it marks");
    };
    refused(sandbox.call(&["prune", "-o", "store"]));
    refused(sandbox.call(&["resume", "-n", "3", "-o", "store"]));
    sandbox.call(&["report", "-o", "store"]).exits_with(1);
    sandbox.call(&["-n", "1", "-o", "store", "--", "true"]).exits_with(0);
    let called = sandbox.call(&["prune", "--keep", "0", "-o", "store"]);
    called.exits_with(0).prints("removed 2 campaigns");
}

#[test]
fn a_store_that_is_only_found_must_be_a_directory_of_the_user() {
    let sandbox = Sandbox::new();
    real_store(&sandbox, "real");
    let below = sandbox.path().join("project/src");
    fs::create_dir_all(&below).unwrap();
    symlink("../real", sandbox.path().join("project/.dstest")).unwrap();
    let call = |args: &[&str]| crate::support::called(sandbox.command(args).current_dir(&below));
    for args in [&["prune", "--keep", "0"][..], &["resume"], &["report"]] {
        call(args).exits_with(2).warns("project/.dstest is a symbolic link and not a store");
    }
    call(&["report", "-o", "../../real"]).exits_with(1);
    call(&["-n", "1", "--", "true"]).exits_with(0);
    assert!(below.join(".dstest/dstest-store").is_file());
}

#[test]
fn a_store_that_was_moved_keeps_the_programs_that_its_campaigns_use() {
    let sandbox = Sandbox::new();
    sandbox.on_fixture(&["quick", "-n", "1"]).exits_with(0);
    fs::rename(sandbox.path().join("store"), sandbox.path().join("moved")).unwrap();
    let called = sandbox.call(&["prune", "-o", "moved"]);
    called.exits_with(0).prints("removed 0 campaigns and 0 programs");
}

/// A report may be sent to others.
#[test]
fn no_text_from_outside_a_campaign_is_shown_or_exported() {
    const SECRET: &str = "error: a key of the user";
    let places = [
        "logs",
        "logs/false",
        "logs/false/1.log",
        "events.jsonl",
        "summary.json",
        "campaign.json",
        "replays",
        "shrunk",
        "../../runs",
    ];
    for place in places {
        let sandbox = Sandbox::new();
        let old = real_store(&sandbox, "store");
        let secret = sandbox.path().join("secret");
        let runs = sandbox.path().join("store/runs");
        let at = if place == "../../runs" { runs.clone() } else { old.join(place) };
        if at == runs {
            fs::rename(runs, &secret).unwrap();
            let log = secret.join(CAMPAIGN).join("logs/false/1.log");
            fs::write(log, SECRET).unwrap();
        } else if place.contains('.') {
            fs::write(&secret, SECRET).unwrap();
            fs::remove_file(&at).unwrap();
        } else {
            for name in ["1.log", "false/1.log", "logs/false/1.log"] {
                fs::create_dir_all(secret.join(name).parent().unwrap()).unwrap();
                fs::write(secret.join(name), SECRET).unwrap();
            }
            let _ = fs::remove_dir_all(&at);
        }
        symlink(&secret, &at).unwrap();
        let (name, exports) = (old.to_str().unwrap(), ["x", "m", "c", "j"]);
        for args in [
            &["show", "-o", "store", "false#1"][..],
            &[
                "report",
                "-o",
                "store",
                "--export-junit",
                "x",
                "--export-markdown",
                "m",
                "--export-csv",
                "c",
                "--export-json",
                "j",
            ],
            &["compare", "-o", "store", name, name, "--export-markdown", "d"],
            &["merge", "-o", "merged", "store"],
            &["show", "-o", "merged", "false#1"],
        ] {
            let called = sandbox.call(args);
            let mut all = called.stdout.clone() + &called.stderr;
            for export in exports {
                all += &fs::read_to_string(sandbox.path().join(export)).unwrap_or_default();
            }
            assert!(!all.contains("a key of the user"), "{place}: {args:?}: {all}");
            assert!(!called.stderr.contains("panicked"), "{place}: {called:?}");
        }
    }
}
