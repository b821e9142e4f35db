//! Lines that say something of those behind them: first lines of records of two, names of sources.

use pretty::view::{Chunk, LogView, Work};
use pretty::{Background, Depth, Parser};

use super::{draw, press, text};

const TWO_LINES: &str = "\
May 02, 2024 8:11:22 AM io.atomix.raft.Node start
INFO: became leader
May 02, 2024 8:11:23 AM io.atomix.raft.Node stop
SEVERE: no quorum
java.lang.IllegalStateException: no quorum
\tat io.atomix.raft.Node.stop(Node.java:7)
May 02, 2024 8:11:24 AM io.atomix.raft.Node stop
WARNING: slow
";

const NAMED: &str = "\
==> logs/n1.log <==
2024-05-02T08:11:22.101Z INFO became leader
2024-05-02T08:11:22.102Z INFO sends heartbeats

==> logs/n2.log <==
2024-05-02T08:11:22.201Z INFO follows
2024-05-02T08:11:22.202Z WARN is slow
";

/// A log in two chunks, cut before each of its lines, and line by line.
fn views(log: &str) -> Vec<LogView> {
    let lines: Vec<_> = log.split_inclusive('\n').map(str::to_owned).collect();
    let mut cuts: Vec<_> =
        (0..lines.len()).map(|at| vec![lines[..at].concat(), lines[at..].concat()]).collect();
    cuts.push(lines);
    let view = |parts: Vec<String>| {
        let mut view = LogView::new(Background::Dark, Depth::None);
        let mut parser = Parser::default();
        parser.look_at(log.as_bytes());
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            let chunk = Chunk::index(part.into_bytes(), parser);
            parser = chunk.parser_after();
            view.append(chunk);
        }
        view
    };
    cuts.into_iter().map(view).collect()
}

fn shown(view: &mut LogView) -> String {
    while view.work() == Work::More {}
    text(&draw(view, 64, 14))
}

#[test]
fn a_record_of_two_lines_is_one_event() {
    let all = views(TWO_LINES).iter_mut().map(shown).collect::<Vec<_>>();
    insta::assert_snapshot!(all[0]);
    for (cut, own) in all.iter().enumerate() {
        assert_eq!(*own, all[0], "cut {cut}");
    }
}

#[test]
fn lines_behind_the_name_of_a_file_are_its_own() {
    let all = views(NAMED).iter_mut().map(shown).collect::<Vec<_>>();
    insta::assert_snapshot!(all[0]);
    for (cut, own) in all.iter().enumerate() {
        assert_eq!(*own, all[0], "cut {cut}");
    }
}

#[test]
fn what_is_found_in_a_record_of_two_lines_is_its_second() {
    for (cut, mut view) in views(TWO_LINES).into_iter().enumerate() {
        press(&mut view, "&no quorum\n");
        let seen = shown(&mut view);
        assert!(seen.contains("no quorum") && seen.contains("8:11:23"), "cut {cut}: {seen}");
        assert!(!seen.contains("slow"), "cut {cut}: {seen}");
    }
}
