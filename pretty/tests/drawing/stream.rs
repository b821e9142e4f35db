//! Streams of lines: formats, layouts, rules, colours.

use crate::common::{draw, visible, wide};
use insta::assert_snapshot;
use pretty::{Background, Depth, Filter, Options, Printer, Repeats, TimeColumn};

const ELECTION: &str = "\
# verbose/1 test=initial_election_2a seed=42 peers=3 unit=ms
000150.003 | TIMR | 1 | election timeout
000150.003 | VOTE | 1 | becomes candidate term=1 role=candidate
000150.003 | RPC | 1 | RequestVote to=0 id=1
000154.210 | RPC | 0 | RequestVote from=1 id=1
000154.210 | VOTE | 0 | grants vote to 1 term=1 role=follower id=1
000158.774 | LEAD | 1 | becomes leader term=1 role=leader
000200.000 | TEST | - | cuts 1 from 0 and 2
000201.500 | CLNT | C1 | put x=1
";

#[test]
fn a_verbose_log() {
    assert_snapshot!(draw(wide(80), ELECTION));
}

#[test]
fn the_json_form_looks_the_same() {
    let json = r#"{"t_us":150003,"topic":"VOTE","peer":"1","msg":"becomes candidate","term":1,"role":"candidate"}"#;
    let text = "000150.003 | VOTE | 1 | becomes candidate term=1 role=candidate";
    assert_eq!(draw(wide(60), json), draw(wide(60), text));
}

#[test]
fn older_formats() {
    let ticks = "000123 | VOTE | 1 | asks 0\n000124 | VOTE | 0 | grants\n";
    assert_snapshot!(draw(wide(60), ticks), @"
    ──10ms─────┬─0──────────────────────┬─1─────────────────────
       123 VOTE│                        │asks 0
       124 VOTE│grants                  │
    ");
    let words = "000123 VOTE S1 asks 0\n000124 VOTE S0 grants\n";
    assert_snapshot!(draw(wide(60), words), @"
    ─100us─────┬─0──────────────────────┬─1─────────────────────
       123 VOTE│                        │asks 0
       124 VOTE│grants                  │
    ");
}

#[test]
fn test_output_is_set_off_once() {
    let log = "\
=== RUN   TestBackup2B
Test (2B): backup ...
000001 | VOTE | 0 | x
panic: index out of range [3]

goroutine 1 [running]:
main.main()
\t/tmp/raft.go:12 +0x1d
exit status 2
FAIL\traft\t0.1s
000002 | VOTE | 0 | y
what is this
and that
000003 | VOTE | 0 | z
  ... Passed --   3.8  5  181   42682    4
PASS
";
    assert_snapshot!(draw(wide(44), log), @"
    ── === RUN   TestBackup2B ──────────────────
    Test (2B): backup ...
    ──10ms─────┬─0──────────────────────────────
         1 VOTE│x
    ── panic ───────────────────────────────────
    panic: index out of range [3]

    goroutine 1 [running]:
    main.main()
        /tmp/raft.go:12 +0x1d
    ── exit status 2 ───────────────────────────
    FAIL    raft    0.1s
         2 VOTE│y
    ── output ──────────────────────────────────
    what is this
    and that
         3 VOTE│z
    ────────────────────────────────────────────
      ... Passed --   3.8  5  181   42682    4
    PASS
    ");
}

#[test]
fn a_new_peer_gets_a_column_and_a_new_header() {
    let mut printer = Printer::new(wide(50), Vec::new());
    printer.line(b"1 | VOTE | 1 | first").unwrap();
    printer.pause().unwrap();
    printer.line(b"2 | VOTE | 0 | second").unwrap();
    printer.line(b"3 | CONSIST | 1 | a wider topic").unwrap();
    assert_snapshot!(String::from_utf8(printer.finish().unwrap()).unwrap(), @"
    ──10ms─────┬─1────────────────────────────────────
         1 VOTE│first
    ──10ms─────┬─0─────────────────┬─1────────────────
         2 VOTE│second             │
    ──10ms────────┬─0───────────────┬─1───────────────
         3 CONSIST│                 │a wider topic
    ");
}

#[test]
fn the_layout_follows_the_width() {
    let mut printer = Printer::new(wide(60), Vec::new());
    printer.line(b"1 | VOTE | 0 | some words to wrap").unwrap();
    printer.line(b"1 | VOTE | 1 | some words to wrap").unwrap();
    printer.pause().unwrap();
    printer.resize(34, None).unwrap();
    printer.line(b"2 | VOTE | 0 | some words to wrap").unwrap();
    assert_snapshot!(String::from_utf8(printer.finish().unwrap()).unwrap(), @"
    ──10ms─────┬─0──────────────────────┬─1─────────────────────
         1 VOTE│some words to wrap      │
         1 VOTE│                        │some words to wrap
    ──10ms─────┬─0─────────┬─1────────
         2 VOTE│some words │
               ┊to wrap    │
    ");
}

#[test]
fn too_narrow_for_columns() {
    let log = "1 | VOTE | 0 | some words to wrap\n2 | LEAD | 1 | x\n3 | LEAD | 2 | y\n";
    assert_snapshot!(draw(wide(40), log), @"
    ────────────────────────────────────────
    40 columns are too few for 3 peers side
    by side (44 needed; --peers shows some):
    one below the other
         1 VOTE│0│some words to wrap
         2 LEAD│1│x
         3 LEAD│2│y
    ");
    assert_snapshot!(draw(wide(20), log));
}

#[test]
fn the_header_comes_back_once_it_has_left_the_screen() {
    let log: String = (0..25).map(|i| format!("{i} | VOTE | 0 | x\n")).collect();
    let drawn = draw(Options { page: Some(12), ..wide(40) }, log);
    let headers = drawn.lines().enumerate().filter(|(_, row)| row.contains('┬'));
    assert_eq!(headers.map(|(at, _)| at).collect::<Vec<_>>(), [0, 11, 22]);
}

#[test]
fn columns_from_the_start() {
    let drawn = draw(Options { columns: Some(3), ..wide(50) }, "1 | VOTE | 1 | x\n");
    assert_snapshot!(drawn, @"
    ──10ms─────┬─0──────────┬─1──────────┬─2──────────
         1 VOTE│            │x           │
    ");
}

#[test]
fn without_times() {
    let drawn = draw(Options { time: TimeColumn::Hidden, ..wide(40) }, "1 | VOTE | 1 | x\n");
    assert_snapshot!(drawn, @"
    ────┬─1─────────────────────────────────
    VOTE│x
    ");
}

#[test]
fn a_new_run_finds_its_own_peers() {
    let log = "\
# verbose/1 test=a peers=2
1.000 | VOTE | 1 | x
# verbose/1 test=b peers=3
1.000 | VOTE | 1 | y
";
    assert_snapshot!(draw(wide(60), log), @"
    ── # verbose/1 test=a peers=2 ──────────────────────────────
    ───────ms─────┬─0────────────────────┬─1────────────────────
        1.000 VOTE│                      │x
    ── # verbose/1 test=b peers=3 ──────────────────────────────
    ───────ms─────┬─0─────────────┬─1────────────┬─2────────────
        1.000 VOTE│               │y             │
    ");
}

#[test]
fn names_too_long_for_their_column() {
    let log = "1 | RAFT_REPLICATION | a.very.long.host.name:8080 | x\n2 | A | 1 | y\n";
    assert_snapshot!(draw(wide(44), log));
    assert_snapshot!(draw(wide(32), log));
}

#[test]
fn matches_are_marked() {
    let filter =
        Filter { grep: Some(regex::Regex::new("term=[0-9]+").unwrap()), ..Filter::default() };
    let log = "1 | VOTE | 0 | at term=12 or term=13\n2 | VOTE | 0 | nothing\n";
    let drawn = draw(Options { filter, depth: Depth::Ansi16, ..wide(26) }, log);
    assert_snapshot!(visible(&drawn));
}

/// A bit of everything: a header line, peers and clients, long and wide words, a test's output.
const MIXTURE: &str = "\
# verbose/1 test=backup_2b seed=42 peers=3 unit=ms
Test (2B): leader backs up quickly over incorrect follower logs ...
000150.003 | VOTE | 1 | becomes candidate term=1 role=candidate
000150.003 | RPC | 1 | RequestVote in term 1: log ends with 0@0 to=0 id=1.1
000154.210 | VOTE | 0 | grants vote to 1 term=1 role=follower vote=1 id=1.1
000158.774 | LEAD | 1 | becomes leader; nextIndex=[1,1,1] matchIndex=[0,0,0] term=1 role=leader
000158.900 | CONSIST | 2 | 日本語のログ、とても長い一行 e\u{301}a\u{300}
000200.000 | TEST | - | cuts 1 from 0 and 2
000201.500 | CLNT | C1 | put x=1 | y=[2]
000202.000 | GOSSIP | 0 | \x1b[2J\u{202e} \u{7}
000300.000 | ERRO | 2 | lost its log
panic: index out of range [3]

goroutine 1 [running]:
\t/tmp/raft.go:12 +0x1d
--- FAIL: TestBackup2B (0.30s)
FAIL
";

#[test]
fn a_mixture_at_every_width() {
    for width in [200, 120, 80, 50, 30, 12] {
        assert_snapshot!(format!("mixture_{width}"), draw(wide(width), MIXTURE));
    }
}

#[test]
fn a_mixture_at_every_depth() {
    let grep = regex::Regex::new("(?i)leader|日本").unwrap();
    for depth in [Depth::Ansi16, Depth::Ansi256, Depth::True] {
        for background in [Background::Dark, Background::Light] {
            let filter = Filter { grep: Some(grep.clone()), ..Filter::default() };
            let drawn = draw(Options { depth, background, filter, after: 2, ..wide(80) }, MIXTURE);
            assert_snapshot!(format!("mixture_{depth:?}_{background:?}"), visible(&drawn));
        }
    }
}

#[test]
fn panics_and_races_are_set_off_once_with_all_their_lines() {
    let log = "\
1 | VOTE | 0 | x
==================
WARNING: DATA RACE
Write at 0x00c0000a6018 by goroutine 8:
  raft.(*Raft).ticker()
      /tmp/raft.go:12 +0x1d

Previous read at 0x00c0000a6018 by goroutine 7:
==================
2 | VOTE | 0 | y

thread 'backup_2b' (77) panicked at tests/src/run.rs:98:13:
assertion failed: a == b
  left: 1
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
stack backtrace:
   0: rust_begin_unwind
test backup_2b ... FAILED
3 | VOTE | 0 | z
--- FAIL: TestBackup2B (0.30s)
    testing.go:1465: race detected during execution of test
";
    assert_snapshot!(draw(wide(60), log), @"
    ──10ms─────┬─0──────────────────────────────────────────────
         1 VOTE│x
    ── data race ───────────────────────────────────────────────
    ==================
    WARNING: DATA RACE
    Write at 0x00c0000a6018 by goroutine 8:
      raft.(*Raft).ticker()
          /tmp/raft.go:12 +0x1d

    Previous read at 0x00c0000a6018 by goroutine 7:
    ==================
         2 VOTE│y

    ── panic ───────────────────────────────────────────────────
    thread 'backup_2b' (77) panicked at tests/src/run.rs:98:13:
    assertion failed: a == b
      left: 1
    note: run with `RUST_BACKTRACE=1` environment variable to
    display a backtrace
    stack backtrace:
       0: rust_begin_unwind
    ── test backup_2b ... FAILED ───────────────────────────────
         3 VOTE│z
    ── --- FAIL: TestBackup2B (0.30s) ──────────────────────────
        testing.go:1465: race detected during execution of test
    ");
}

#[test]
fn colours_at_every_depth() {
    let log = "1 | VOTE | 0 | x\nPASS\n2 | GOSSIP | - | y\n";
    for depth in [Depth::Ansi16, Depth::Ansi256, Depth::True] {
        for background in [Background::Dark, Background::Light] {
            let drawn = draw(Options { depth, background, ..wide(30) }, log);
            assert_snapshot!(format!("{depth:?}_{background:?}"), visible(&drawn));
        }
    }
}

#[test]
fn repeats_are_counted() {
    let beat = "\
1 | RPC | 0 | Sending AppendEntries to 1. id=7
1 | TIMR | 1 | Resetting timer.
1 | RPC | 1 | AppendEntries from 0. id=7
";
    let log = [
        &beat.replace('7', "1"),
        &beat.replace('7', "2"),
        &beat.replace('7', "3"),
        "9 | TERM | 1 | term=4\n10 | TERM | 1 | term=5\n",
        beat,
        "PASS\n",
        beat,
    ];
    let drawn = draw(Options { repeats: Repeats::Fold, ..wide(60) }, log.concat());
    assert_snapshot!(drawn, @"
    ──10ms─────┬─0──────────────────────┬─1─────────────────────
         1 RPC │Sending AppendEntries to│
               ┊1. id=1                 │
         1 TIMR│                        │Resetting timer.
         1 RPC │                        │AppendEntries from 0.
               │                        ┊id=1
               │                        │⋯ 4 repeats
         9 TERM│                        │term=4
        10 TERM│                        │term=5
               │⋯ 3 repeats             │
               │                        │⋯ 2 repeats
    ── PASS ────────────────────────────────────────────────────
         1 RPC │Sending AppendEntries to│
               ┊1. id=7                 │
         1 TIMR│                        │Resetting timer.
         1 RPC │                        │AppendEntries from 0.
               │                        ┊id=7
    ");
}

#[test]
fn repeats_of_a_peer_with_a_long_name_fit_the_screen() {
    // Found by the fuzz target `rows`.
    let line = "1 | A | a.very.long.host.name:8080 | x\n2 | A | 1 | y\n3 | A | 2 | z\n";
    let fold = |width| Options { repeats: Repeats::Fold, ..wide(width) };
    assert_snapshot!(draw(fold(36), line.repeat(2)));
    assert_snapshot!(draw(fold(16), line.repeat(2)));
}
