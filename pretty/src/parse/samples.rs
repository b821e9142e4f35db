//! The samples in the files of formats: each line is read as the file says, by its own format alone
//! and in a log of such lines.

use super::catalog::{CATALOG, FormatFile, Sample};
use super::pattern::Pattern;
use super::{Calendar, Format, Parser, ParserSettings};
use crate::line::{Event, Line};
use crate::time::Time;

fn field<'t>(name: &str, event: &'t Event<'_>) -> std::borrow::Cow<'t, str> {
    String::from_utf8_lossy(match name {
        "time" => event.stamp.as_ref().map_or(b"", |stamp| &stamp.text),
        "level" => event.level.map_or(b"", |level| level.name().as_bytes()),
        "topic" => &event.topic,
        "peer" => &event.peer,
        "text" => event.split_text().0,
        other => panic!("{other}: no such field"),
    })
}

fn wrong(file: &FormatFile, sample: &Sample, parser: &mut Parser) -> Vec<String> {
    let text = sample["line"].as_str().unwrap();
    let is_event = sample.get("read").is_none_or(|read| read.as_bool() == Some(true));
    let line = parser.parse(text.as_bytes());
    let Line::Event(event) = &line else {
        return if is_event {
            vec![format!("{}: not read: {text}", file.name)]
        } else {
            Vec::new()
        };
    };
    if !is_event {
        return vec![format!("{}: read: {text} as {event:?}", file.name)];
    }
    let fields = sample.iter().filter(|(name, _)| !["line", "read"].contains(&name.as_str()));
    let different = fields.filter(|(name, wanted)| wanted.as_str() != Some(&*field(name, event)));
    different
        .map(|(name, wanted)| {
            format!("{}: {name} is {:?}, not {wanted}: {text}", file.name, field(name, event))
        })
        .collect()
}

/// A log of nothing but such lines.
fn log(sample: &Sample) -> Vec<u8> {
    format!("{0}\n{0}\n{0}\n", sample["line"].as_str().unwrap()).into_bytes()
}

fn parser(format: Format) -> Parser {
    // 2027-01-15, which is the year of dates without one.
    let calendar = Calendar::default().with_now(Time::from_nanos(1_800_000_000_000_000_000));
    Parser::with_settings(ParserSettings { format, calendar, ..ParserSettings::default() })
}

#[test]
fn every_sample_is_read_as_its_file_says() {
    let mut all = Vec::new();
    for file in &CATALOG.files {
        for sample in &file.sample {
            let mut found = parser(Format::Auto);
            found.look_at(&log(sample));
            all.extend(wrong(file, sample, &mut found));
            if file.has_records() && file.name != "bare" {
                let mut alone = parser(Format::named(&file.name).unwrap());
                alone.look_at(&log(sample));
                all.extend(
                    wrong(file, sample, &mut alone)
                        .into_iter()
                        .map(|text| format!("alone: {text}")),
                );
            }
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
    let text = super::catalog::FILES.iter().find(|(name, _)| *name == "keys").unwrap().1;
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
    let lists = [&CATALOG.records, &CATALOG.heads, &CATALOG.subjects];
    transports.chain(lists.into_iter().flatten())
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
    databases: 2024-05-02 08:11:22.101 UTC [71] raft@db ERROR:  deadlock detected
    log4j: [2024-04-30 08:06:02,073] INFO [RaftManager id=1] Attempting election (org.apache.kafka.raft.KafkaRaftClient)
    log4j: [2024-05-06T13:35:32,214][INFO ][o.e.c.s.MasterService    ] [node-1] elected-as-master
    log4j: [2024-05-02 08:11:22,401] ERROR [ReplicaManager broker=3] no quorum (kafka.server)
    system: 05-02 08:11:22.101   71   72 E raft    : no quorum
    dated: [2024-05-02][08:11:22][my::raft][INFO] elected
    "#);
}
