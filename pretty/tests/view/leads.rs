//! Lines that say something of those behind them: first lines of records of two, names of sources.

use pretty::view::{Chunk, LogView, Work};
use pretty::{Background, Depth, Filter, HtmlPage, Options, Parser, Printer};

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

/// Records of two containers at a time; the last one of `c-1` never gets its second line.
const INTERLEAVED: &str = "\
a-1  | May 02, 2024 8:11:22 AM io.atomix.raft.Node start
b-1  | May 02, 2024 8:11:23 AM io.atomix.raft.Node start
b-1  | INFO: became leader
a-1  | INFO: became follower
c-1  | May 02, 2024 8:11:24 AM io.atomix.raft.Node stop
a-1  | May 02, 2024 8:11:25 AM io.atomix.raft.Node stop
b-1  | plain text
a-1  | SEVERE: no quorum
b-1  | SEVERE: not a record of its own
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

/// Class: the view reads a line by itself, and takes another line before it for its first.
#[test]
fn a_line_is_read_in_the_view_as_in_order() {
    // Longer than a group of the index.
    let long = INTERLEAVED.repeat(8);
    for (log, step) in [(TWO_LINES, 1), (NAMED, 1), (INTERLEAVED, 1), (&long, 35)] {
        let mut parser = Parser::default();
        parser.look_at(log.as_bytes());
        let lines: Vec<_> =
            log.lines().map(|line| format!("{:?}", parser.parse(line.as_bytes()))).collect();
        for (cut, view) in views(log).into_iter().enumerate().rev().step_by(step) {
            for (at, expected) in lines.iter().enumerate() {
                let read = view.read(at, |line| format!("{line:?}"));
                assert_eq!(read.as_ref(), Some(expected), "cut {cut}, line {at}");
            }
        }
    }
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

/// First lines of records of two without their second: in the middle, before another, at the end.
const UNPAIRED: &str = "\
May 02, 2024 8:11:22 AM io.atomix.raft.Node start
INFO: became leader
May 02, 2024 8:11:23 AM io.atomix.raft.Node cut
May 02, 2024 8:11:24 AM io.atomix.raft.Node stop
WARNING: slow
May 02, 2024 8:11:25 AM io.atomix.raft.Node torn
something else
May 02, 2024 8:11:26 AM io.atomix.raft.Node last
";

const ALONE: [&str; 3] =
    ["8:11:23 AM io.atomix.raft.Node cut", "Node torn", "8:11:26 AM io.atomix.raft.Node last"];

/// Class: a line is hidden because of one behind it that does not come.
#[track_caller]
fn check_alone(what: &str, shown: &str) {
    for line in ALONE {
        assert_eq!(shown.matches(line).count(), 1, "{what}, {line}: {shown}");
    }
    assert!(shown.contains("slow") && !shown.contains("Node stop"), "{what}: {shown}");
}

#[test]
fn a_first_line_without_its_second_is_shown() {
    for (cut, mut view) in views(UNPAIRED).into_iter().enumerate() {
        check_alone(&format!("cut {cut}"), &shown(&mut view));
    }
    let mut printer = Printer::new(Options { width: 100, ..Options::default() }, Vec::new());
    let mut page = HtmlPage::new(Parser::default(), Filter::default(), Vec::new()).unwrap();
    page.parser_mut().look_at(UNPAIRED.as_bytes());
    for line in UNPAIRED.lines() {
        printer.line(line.as_bytes()).unwrap();
        page.line(line.as_bytes()).unwrap();
    }
    check_alone("rows", &String::from_utf8(printer.finish().unwrap()).unwrap());
    let page = String::from_utf8(page.finish().unwrap()).unwrap();
    ALONE.iter().for_each(|line| assert_eq!(page.matches(line).count(), 1, "{line}: {page}"));
}

/// Records of two lines of two containers, one line of each in turn.
#[test]
fn records_of_two_lines_of_several_containers_are_events() {
    let lines =
        TWO_LINES.lines().filter(|line| !line.contains("Exception") && !line.starts_with('\t'));
    let turns = |line: &str| format!("n1  | {line}\nn2  | {line}\n");
    let log: String = lines.map(turns).collect();
    let all = views(&log).iter_mut().map(shown).collect::<Vec<_>>();
    insta::assert_snapshot!(all[0]);
    for (cut, own) in all.iter().enumerate() {
        assert_eq!(*own, all[0], "cut {cut}");
    }
}

/// Class: an event is lost where it is not shown at once.
#[test]
fn a_record_of_two_lines_is_context() {
    let filter = Filter { grep: Some(regex::Regex::new("slow").unwrap()), ..Filter::default() };
    let options = Options { width: 64, filter, before: 1, ..Options::default() };
    let mut printer = Printer::new(options, Vec::new());
    TWO_LINES.lines().for_each(|line| printer.line(line.as_bytes()).unwrap());
    let rows = String::from_utf8(printer.finish().unwrap()).unwrap();
    let shown: Vec<_> = rows.lines().filter(|row| row.contains('│')).collect();
    assert_eq!(shown, ["8:11:23 AM ERROR│no quorum", "8:11:24 AM WARN │slow"]);
}

/// Times of day over two midnights; a thread writes late.
const NIGHTS: &str = "\
23:59:58.100 INFO one
23:59:59.900 INFO two
00:00:00.100 INFO three
23:59:59.950 INFO late
00:00:00.200 INFO four
12:30:00.000 INFO five
23:59:59.000 INFO six
00:00:01.000 INFO seven
00:00:02.000 INFO eight
";

/// Class: a day is not counted where a log is read in parts.
#[test]
fn times_of_day_have_the_same_days_however_a_log_is_cut() {
    let day = 86_400_000;
    let of = |days: i64, millis: i64| days * day + millis;
    let expected = [
        of(0, day - 1_900),
        of(0, day - 100),
        of(1, 100),
        of(0, day - 50),
        of(1, 200),
        of(1, day / 2 + 1_800_000),
        of(1, day - 1_000),
        of(2, 1_000),
        of(2, 2_000),
    ];
    // Parts that are read side by side know nothing of each other.
    let side_by_side = |cut: usize| {
        let lines: Vec<_> = NIGHTS.split_inclusive('\n').collect();
        let mut parser = Parser::default();
        parser.look_at(NIGHTS.as_bytes());
        let mut view = LogView::new(Background::Dark, Depth::None);
        for part in lines.chunks(cut) {
            view.append(Chunk::index(part.concat().into_bytes(), parser.clone()));
        }
        view
    };
    let all = views(NIGHTS).into_iter().chain((1..6).map(side_by_side));
    for (cut, view) in all.enumerate() {
        let at = |line| {
            let time = view.facts(line, |facts| facts.at).flatten();
            time.map(|time| time.nanos() / 1_000_000)
        };
        let found: Vec<_> = (0..expected.len()).filter_map(at).collect();
        assert_eq!(found, expected, "cut {cut}");
    }
}
