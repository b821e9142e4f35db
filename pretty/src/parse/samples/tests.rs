//! The samples of the built-in formats.

use super::super::catalog::{CATALOG, FILES, FormatFile};
use super::super::pattern::Pattern;
use super::*;

#[test]
fn every_sample_is_read_as_its_file_says() {
    let mut all = Vec::new();
    for file in &CATALOG.files {
        let mut check = |what: &str, format: &Format| {
            let wrong = differences(&file.sample, format).into_iter();
            all.extend(wrong.map(|text| format!("{}{what}: {text}", file.name)));
        };
        check("", &Format::Auto);
        if file.has_records() && file.name != "bare" {
            check(", alone", &Format::named(&file.name).unwrap());
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn every_file_has_samples_and_is_listed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("formats");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        let file = CATALOG.files.iter().find(|file| file.name == name);
        let file =
            file.unwrap_or_else(|| panic!("{name}: list it in `files!` of parse/catalog.rs"));
        assert!(name == "keys" || !file.sample.is_empty(), "{name}: add a [[sample]]");
    }
}

#[test]
fn no_key_has_two_meanings() {
    let text = FILES.iter().find(|(name, _)| *name == "keys").unwrap().1;
    let file: toml::Table = toml::from_str(text).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for (role, names) in file["keys"].as_table().unwrap() {
        for name in names.as_array().unwrap() {
            assert!(
                seen.insert(name.as_str().unwrap()),
                "{role}: {name} is a key of another role too"
            );
        }
    }
}

fn patterns() -> impl Iterator<Item = &'static Pattern> {
    let transports = CATALOG.transports.iter().filter_map(|own| own.pattern());
    let lists = [&CATALOG.heads, &CATALOG.subjects];
    transports.chain(&CATALOG.records).chain(lists.into_iter().flatten().map(|own| &**own))
}

#[test]
fn every_expression_compiles() {
    for pattern in patterns() {
        let expression = &pattern.expression;
        assert!(expression.check().is_ok(), "formats/{}.toml: {}", pattern.name, expression.text());
    }
}

fn sample_lines(file: &FormatFile) -> impl Iterator<Item = &str> {
    file.sample.iter().map(|sample| sample["line"].as_str().unwrap())
}

/// Lines as they are, and with a byte left out, or with all behind a byte.
#[test]
fn pieces_find_what_the_whole_expression_finds() {
    let mut decided = 0;
    for line in CATALOG.files.iter().flat_map(sample_lines) {
        let line = line.as_bytes();
        let cuts = (0..line.len()).step_by(40).flat_map(|at| {
            [[&line[..at], &line[at + 1..]].concat(), line[at..].to_vec(), line[..at].to_vec()]
        });
        for line in cuts.chain([line.to_vec()]) {
            for pattern in patterns() {
                let own = &pattern.expression;
                assert_eq!(own.find(&line), own.find_whole(&line), "{}", own.text());
                decided += usize::from(own.is_decided_by_pieces(&line));
            }
        }
    }
    assert!(decided > 0);
}

/// Others take several times as long.
#[test]
fn most_lines_are_read_by_pieces() {
    let mut whole = String::new();
    for file in &CATALOG.files {
        for line in sample_lines(file) {
            let line = line.as_bytes();
            let own = patterns().filter(|own| *own.name == *file.name);
            let mut reads = own.filter(|own| own.expression.find(line).is_some()).peekable();
            if reads.peek().is_some() && !reads.any(|own| own.expression.is_decided_by_pieces(line))
            {
                whole += &format!("{}: {}\n", file.name, line.escape_ascii());
            }
        }
    }
    insta::assert_snapshot!(whole, @r#"
    web: 10.0.0.1 - - [02/May/2024:08:11:22 +0000] \"GET / HTTP/1.1\" 200 71
    databases: 2024-05-02 08:11:22.101 UTC [71]: [1-1] user=,db= ERROR:  no quorum
    databases: 2024-05-02 08:11:22.101 UTC [71] raft@db ERROR:  deadlock detected
    log4j: [2024-04-30 08:06:02,073] INFO [RaftManager id=1] Attempting election (org.apache.kafka.raft.KafkaRaftClient)
    log4j: [2024-05-06T13:35:32,214][INFO ][o.e.c.s.MasterService    ] [node-1] elected-as-master
    log4j: [2024-05-02 08:11:22,401] ERROR [ReplicaManager broker=3] no quorum (kafka.server)
    system: 05-02 08:11:22.101   71   72 E raft    : no quorum
    dated: [2024-05-02][08:11:22][my::raft][INFO] elected
    "#);
}

#[test]
fn a_file_of_the_user_is_read_in_the_words_of_the_built_in_ones() {
    let text = r#"
about = "racks of a house"

[[transport]]
name = "rack"
match = '^<(?<source>rack\d+)> '

[[record]]
match = '^(?<time>{iso}) (?<level>[!.]) '
levels = { "!" = "error", "." = "info" }

[[head]]
match = '^unit (?<peer>\d+): '

[keys]
peer = ["shelf"]

[[sample]]
line = "<rack7> 2024-05-02 08:11:22 ! unit 3: no quorum"
time = "08:11:22"
level = "ERROR"
peer = "3"
text = "no quorum"

[[sample]]
line = '{"level":"info","msg":"elected","shelf":"s4"}'
peer = "s4"
"#;
    let format = CustomFormat::read("racks", text).unwrap();
    assert_eq!(format.differences(), [""; 0]);
    assert_eq!((format.name(), format.about()), ("racks", "racks of a house"));
    for (old, new, message) in [
        ("3\"\ntext", "4\"\ntext", "peer is \"3\", not \"4\""),
        ("peer = \"s4\"", "shelf = \"s4\"", "unknown field `shelf`; fields: time, level"),
        ("line = '{", "lime = '{", "a [[sample]] has no `line`"),
    ] {
        let wrong = CustomFormat::read("racks", &text.replace(old, new)).unwrap().differences();
        assert!(wrong.iter().any(|text| text.contains(message)), "{message}: {wrong:?}");
    }
    for (text, message) in [
        ("about = 'x'", "no [[record]]"),
        ("[[record]]\nmatch = '('", "unclosed group"),
        ("[[record]]\nmatch = 'x'", "no named group"),
        ("[[recrod]]\nmatch = 'x'", "unknown field `recrod`"),
    ] {
        let error = CustomFormat::read("racks", text).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}
