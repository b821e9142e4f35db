//! Archives: built once, run elsewhere; whatever is in them, nothing is written outside the store.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tar::{EntryType, Header};

use crate::support::{CallResult, Sandbox, called};

/// A project whose tests need files and a program of its own, and fail with odd seeds.
fn project(sandbox: &Sandbox) -> PathBuf {
    let dir = sandbox.path().join("project");
    let files = [
        ("Cargo.toml", "[package]\nname = \"ship\"\nedition = \"2024\"\n[workspace]\n"),
        ("dstest.toml", "[env]\nFROM_CONFIG = \"yes\"\n[archive]\ninclude = [\"golden/*.txt\"]\n"),
        ("src/main.rs", "fn main() { println!(\"cargo on board\"); }\n"),
        ("testdata/deep/a.txt", "fixture"),
        ("golden/b.txt", "golden"),
        ("golden/b.bin", "not this"),
        ("more/c.txt", "more"),
        (
            "tests/sails.rs",
            "use std::{env, fs, process::Command};\n\
             fn var(name: &str) -> String { env::var(name).unwrap_or_else(|_| panic!(\"{name}\")) }\n\
             #[test]\nfn sails() {\n\
             let home = var(\"CARGO_MANIFEST_DIR\");\n\
             println!(\"home={home}\");\n\
             assert_eq!(env::current_dir().unwrap().to_str().unwrap(), home);\n\
             assert_eq!(fs::read_to_string(\"testdata/deep/a.txt\").unwrap(), \"fixture\");\n\
             assert_eq!(fs::read_to_string(home + \"/golden/b.txt\").unwrap(), \"golden\");\n\
             assert_eq!(fs::read_to_string(\"more/c.txt\").unwrap(), \"more\");\n\
             assert!(!fs::exists(\"golden/b.bin\").unwrap() && !fs::exists(\"src\").unwrap());\n\
             let ship = Command::new(var(\"CARGO_BIN_EXE_ship\")).output().unwrap();\n\
             assert_eq!(ship.stdout, b\"cargo on board\\n\");\n\
             assert_eq!((var(\"FROM_CONFIG\"), var(\"TYPED\")), (\"yes\".into(), \"1\".into()));\n\
             let seed: u64 = var(\"DSTEST_SEED\").parse().unwrap();\n\
             println!(\"trace={seed:016x}\");\n\
             assert!(seed % 2 == 0, \"an odd seed\");\n}\n\
             #[test]\nfn other() {}\n",
        ),
    ];
    for (name, text) in files {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

/// Calls dstest where no tool of any kind is found.
fn without_tools(sandbox: &Sandbox, args: &[&str]) -> CallResult {
    let mut command = sandbox.command(args);
    called(command.env("PATH", sandbox.path()).env_remove("CARGO").env_remove("RUSTC"))
}

#[test]
fn an_archive_runs_merges_and_replays_where_its_project_is_gone() {
    let sandbox = Sandbox::new();
    let dir = project(&sandbox);
    let mut build = sandbox.command(&["archive", "sails", "-o", "a.tar.zst", "-n", "6"]);
    let build = build.args(["--seed", "7", "--env", "TYPED=1", "--include", "more", "--dir"]);
    build.arg(&dir).env("CARGO_TARGET_DIR", dir.join("target"));
    called(build).exits_with(0).prints("2 tests, 1 program, 4 other files").prints("rustc 1.");
    fs::remove_dir_all(&dir).unwrap();
    let run = ["--archive", "a.tar.zst", "-o", "store"];
    let whole = without_tools(&sandbox, &run);
    assert_eq!(whole.row("sails")[2], "6", "the archive has patterns and options: {whole:#?}");
    let (mut seeds, failures) = (sandbox.field("seed"), whole.row("sails")[1].clone());
    assert!(failures != "0" && failures != "6", "both kinds of seeds: {whole:#?}");
    let home = sandbox.path().canonicalize().unwrap().join("store/archives");
    let log = fs::read_dir(sandbox.latest().join("logs/sails")).unwrap().next().unwrap().unwrap();
    let log = fs::read_to_string(log.path()).unwrap();
    assert!(log.contains(&format!("home={}", home.display())), "{log}");
    without_tools(&sandbox, &[&run[..], &["other", "-n", "2"]].concat()).exits_with(0);

    for shard in ["1/2", "2/2"] {
        let store = format!("share{}", &shard[..1]);
        let args = ["--archive", "a.tar.zst", "--extract-to", "programs", "--shard", shard];
        without_tools(&sandbox, &[&args[..], &["-o", &store]].concat());
    }
    assert!(!sandbox.path().join("share1/archives").exists(), "one place for both");
    sandbox.call(&["merge", "share1", "share2", "-o", "store"]).exits_with(1);
    seeds.sort();
    let mut merged = sandbox.field("seed");
    merged.sort();
    assert_eq!(merged, seeds, "two shares of the archive's seed are the whole");
    for gone in ["share1", "share2", "programs", "a.tar.zst"] {
        let path = sandbox.path().join(gone);
        fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path)).unwrap();
    }
    fs::rename(sandbox.path().join("store"), sandbox.path().join("laptop")).unwrap();
    let replay = without_tools(&sandbox, &["replay", "-o", "laptop"]);
    replay.exits_with(0).prints("same result as before, trace");
    without_tools(&sandbox, &["resume", "-o", "laptop", "-n", "7"]).prints("7 runs");
    let prune = ["prune", "--keep", "1", "-o", "laptop"];
    sandbox.call(&prune).exits_with(0).prints("removed 2 campaigns and 0 programs");
    sandbox.call(&["prune", "--keep", "0", "-o", "laptop"]).prints("1 campaign and 1 program");
}

#[test]
fn options_that_contradict_an_archive_are_named() {
    let sandbox = Sandbox::new();
    let called = sandbox.call(&["--archive", "no.zst"]);
    called.exits_with(2).warns("cannot read no.zst: No such file");
    command_archive(&sandbox);
    let rows: [(&[&str], &str); 6] = [
        (&["--release"], "--release cannot be combined with --archive"),
        (&["--package", "a"], "--package cannot be combined with --archive"),
        (&["--", "true"], "a COMMAND after `--` cannot be combined with --archive"),
        (&["--until-fail"], "--until-fail=1 already limits the failures"),
        (&["absent"], "no test matches `absent`"),
        (&["-o", "store", "-n", "2"], "2 runs"),
    ];
    for (args, words) in rows {
        let called = sandbox.call(&[&["--archive", "a.tar.zst"], args].concat());
        assert!((called.stdout.clone() + &called.stderr).contains(words), "{words}: {called:#?}");
    }
    let called = sandbox.call(&["watch", "--archive", "a.tar.zst"]);
    called.exits_with(2).warns("no sources to watch");
    let called = sandbox.call(&["archive", "--shard", "1/2", "--", "true"]);
    called.exits_with(2).warns("dstest --archive FILE --shard 1/2");
    let called = sandbox.call(&["archive", "--include", "no*", "--", "true"]);
    called.exits_with(2).warns("--include `no*` matches no file below");
    // The long form of `-a` in earlier versions.
    sandbox.call(&["-n", "1", "-o", "store", "--archive", "--", "true"]).exits_with(0);
    assert_eq!(sandbox.logs(), ["true/1.log"]);
}

/// Writes an archive of a script that needs a file, as `a.tar.zst`.
fn command_archive(sandbox: &Sandbox) {
    let script = "#!/bin/sh\ngrep -q x data/file || exit 9\necho seed $1\n";
    sandbox.write_program("t.sh", script);
    fs::create_dir_all(sandbox.path().join("data")).unwrap();
    fs::write(sandbox.path().join("data/file"), "x").unwrap();
    let args = ["archive", "--include", "data", "--max-fail", "9", "-o", "a.tar.zst"];
    let called = sandbox.call(&[&args[..], &["--", "./t.sh", "{seed}"]].concat());
    called.exits_with(0).prints("1 test, 0 programs, 2 other files");
    fs::remove_file(sandbox.path().join("t.sh")).unwrap();
    fs::remove_dir_all(sandbox.path().join("data")).unwrap();
}

/// The parts of an archive, to be changed.
#[derive(Clone)]
struct Parts {
    manifest: Value,
    files: Vec<(EntryType, String, Vec<u8>)>,
}

impl Parts {
    fn read(archive: &Path) -> Self {
        let bytes = fs::read(archive).unwrap();
        let tar = ruzstd::decoding::StreamingDecoder::new(&bytes[..]).unwrap();
        let mut tar = tar::Archive::new(tar);
        let mut files = Vec::new();
        for entry in tar.entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().display().to_string();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            files.push((EntryType::Regular, name, bytes));
        }
        let manifest = serde_json::from_slice(&files.remove(0).2).unwrap();
        Self { manifest, files }
    }

    fn tar(&self) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        let manifest = serde_json::to_vec(&self.manifest).unwrap();
        let name = "dstest-archive.json".to_owned();
        let first = (EntryType::Regular, name, manifest);
        for (kind, name, bytes) in std::iter::once(&first).chain(&self.files) {
            let mut header = Header::new_ustar();
            // As written, with whatever is in it.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_link_name("../../../outside").unwrap();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o777);
            header.set_cksum();
            tar.append(&header, &bytes[..]).unwrap();
        }
        tar.into_inner().unwrap()
    }
}

fn packed(tar: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(tar, ruzstd::encoding::CompressionLevel::Fastest)
}

type Change = fn(&mut Parts);

/// Changes of an archive, and what must be said of it.
const CHANGES: &[(&str, Change, &str)] = &[
    (
        "a later format",
        |p| p.manifest["format"] = json!(2),
        "has format 2, written by dstest 0.1.0",
    ),
    (
        "another machine",
        |p| p.manifest["architecture"] = json!("riscv64-plan9"),
        "has programs for riscv64-plan9, and this machine is",
    ),
    ("no manifest", |p| p.manifest = json!({"a": 1}), "is not an archive of dstest"),
    ("up", |p| p.manifest["files"][0]["path"] = json!("../outside"), "does not stay inside"),
    ("the root", |p| p.manifest["files"][0]["path"] = json!("/outside"), "does not stay inside"),
    ("a place", |p| p.manifest["places"][0]["to"] = json!("root/../.."), "does not stay inside"),
    (
        "a working directory",
        |p| {
            let cwd = p.manifest["binaries"][0]["cwd"].as_str().unwrap().to_owned();
            p.manifest["binaries"][0]["cwd"] = json!(cwd + "/../../../../outside");
        },
        "leads elsewhere",
    ),
    (
        "twice",
        |p| p.manifest["files"][0]["path"] = p.manifest["files"][1]["path"].clone(),
        "is in it twice",
    ),
    ("lost", |p| p.manifest["tests"][0]["binary"] = json!(7), "no program of the test"),
    ("a link", |p| p.files[0].0 = EntryType::Symlink, "is not a file but Symlink"),
    ("a hard link", |p| p.files[0].0 = EntryType::Link, "is not a file but Link"),
    ("a device", |p| p.files[0].0 = EntryType::Block, "is not a file but Block"),
    ("a pipe", |p| p.files[0].0 = EntryType::Fifo, "is not a file but Fifo"),
    ("a long name", |p| p.files[0].0 = EntryType::GNULongName, "is not a file but GNULongName"),
    ("a directory", |p| p.files[0].0 = EntryType::Directory, "is not a file but Directory"),
    (
        "one more",
        |p| p.files.push((EntryType::Regular, "../outside".into(), b"x".to_vec())),
        "`../outside` is not in its list",
    ),
    ("one less", |p| drop(p.files.pop()), "it ends before"),
    ("changed", |p| p.files[1].2[0] ^= 1, "is not what its list says"),
    ("longer", |p| p.files[0].2.push(b'x'), "is not what its list says"),
    ("wrong hash", |p| p.manifest["files"][0]["hash"] = json!("00"), "is not what its list says"),
    (
        "huge",
        |p| p.manifest["files"][0]["bytes"] = json!(1_u64 << 60),
        "has 1048576.0 TiB of files",
    ),
    (
        "more than huge",
        |p| {
            p.manifest["files"][0]["bytes"] = json!(u64::MAX);
            p.manifest["files"][1]["bytes"] = json!(u64::MAX);
        },
        "TiB of files, and",
    ),
    (
        "a file as a directory",
        |p| p.manifest["files"][1]["path"] = json!("root/data/file/x"),
        "cannot create",
    ),
];

/// Every file and directory below a directory that is not dstest's own; directories are empty.
fn others(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            files.extend(others(&entry));
            if !entry.ends_with("store") && !entry.ends_with("store/archives") {
                files.insert(entry, Vec::new());
            }
        } else if !entry.ends_with(".gitignore") && !entry.ends_with("dstest-store") {
            files.insert(entry.clone(), fs::read(&entry).unwrap());
        }
    }
    files
}

/// Runs the archive with these bytes, which must change nothing and end with words about it.
fn refused(sandbox: &Sandbox, bytes: &[u8]) -> String {
    let mut file = fs::File::create(sandbox.path().join("b.tar.zst")).unwrap();
    file.write_all(bytes).unwrap();
    let before = others(sandbox.path());
    let called = sandbox.call(&["--archive", "b.tar.zst", "-o", "store", "-n", "1"]);
    assert_eq!(called.code, Some(2), "{called:#?}");
    assert_eq!(others(sandbox.path()), before, "{called:#?}");
    called.stderr
}

#[test]
fn hostile_and_damaged_archives_are_refused_and_nothing_is_written() {
    let sandbox = Sandbox::new();
    command_archive(&sandbox);
    let archive = sandbox.path().join("a.tar.zst");
    let parts = Parts::read(&archive);
    for (name, change, words) in CHANGES {
        let mut changed = parts.clone();
        change(&mut changed);
        let said = refused(&sandbox, &packed(&changed.tar()));
        assert!(said.contains(words), "{name}: {said}");
    }
    let whole = fs::read(&archive).unwrap();
    for length in [0, 3, 10, whole.len() / 2, whole.len() - 5] {
        let said = refused(&sandbox, &whole[..length]);
        assert!(said.contains("b.tar.zst"), "{said}");
    }
    let said = refused(&sandbox, b"not an archive");
    assert!(said.contains("it is not a zstd file"), "{said}");
    let said = refused(&sandbox, &packed(&parts.tar()[512..]));
    assert!(said.contains("is not an archive of dstest"), "{said}");
    let mut more = parts.tar();
    more.extend([b'x'; 600]);
    let said = refused(&sandbox, &packed(&more));
    assert!(said.contains("more follows its last file"), "{said}");
    let mut checksum = whole.clone();
    *checksum.last_mut().unwrap() ^= 1;
    let said = refused(&sandbox, &checksum);
    assert!(said.contains("its checksum is wrong"), "{said}");
    let called = sandbox.call(&["--archive", "a.tar.zst", "-o", "store", "-n", "2"]);
    called.exits_with(0).prints("2 runs");
}

#[test]
fn shards_merge_wherever_the_paths_among_their_arguments_have_been_unpacked() {
    let sandbox = Sandbox::new();
    let at = |name: &str| sandbox.path().canonicalize().unwrap().join(name).display().to_string();
    fs::create_dir(at("data")).unwrap();
    fs::write(at("data/file"), "x").unwrap();
    for (archive, text) in [("a", "grep -q x \"$1\""), ("b", "true")] {
        fs::write(at("run.sh"), text).unwrap();
        let file = format!("{archive}.tar.zst");
        let args = ["archive", "-n", "4", "--seed", "1", "--include", "data", "-o", &file];
        let command = ["--", "sh", &at("run.sh"), &at("data/file"), "{seed}"];
        sandbox.call(&[&args[..], &command].concat()).exits_with(0);
    }
    fs::remove_file(at("run.sh")).unwrap();
    fs::remove_dir_all(at("data")).unwrap();
    for (archive, shard, store) in [("a", "1/2", "s1"), ("a", "2/2", "deep/s2"), ("b", "2/2", "s3")]
    {
        let file = format!("{archive}.tar.zst");
        let args = ["--archive", &file, "--shard", shard, "-o", store];
        sandbox.call(&args).exits_with(0);
    }
    sandbox.call(&["merge", "s1", "s3", "-o", "other"]).exits_with(2).warns("another program");
    let merged = sandbox.call(&["merge", "s1", "deep/s2", "-o", "store"]);
    merged.exits_with(0).prints("4 runs");
    ["s1", "deep", "s3"].iter().for_each(|store| fs::remove_dir_all(at(store)).unwrap());
    sandbox.call(&["replay", "-o", "store", "sh#2"]).exits_with(0);
}

#[test]
fn two_scripts_are_merged_only_when_told_and_named() {
    let sandbox = Sandbox::new();
    for (store, text) in [("a", "exit 0"), ("b", "true")] {
        fs::write(sandbox.path().join("t.sh"), text).unwrap();
        let args = ["-n", "2", "-o", store, "--seed", if store == "a" { "1" } else { "2" }];
        sandbox.call(&[&args[..], &["--", "sh", "t.sh"]].concat()).exits_with(0);
    }
    let called = sandbox.call(&["merge", "a", "b", "-o", "store"]);
    called.exits_with(2).warns("sh is another program").warns("--allow-different-builds");
    let called = sandbox.call(&["merge", "a", "b", "-o", "store", "--allow-different-builds"]);
    called.exits_with(0).prints("4 runs").warns("different build: sh was run in");
}
