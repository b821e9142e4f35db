//! The layers of logs: found, explained, merged and exported.

use super::{pretty, run, text};

#[test]
fn an_unknown_format_is_said_and_explained_until_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("x.log");
    std::fs::write(&log, "17 n1 WARN disk full\n18 n2 INFO ok\n").unwrap();
    let log = log.to_str().unwrap();
    let silent = pretty(&[log]).output().unwrap();
    let said = text(&silent.stderr);
    assert!(
        said.contains("0 of 2 lines are of a known format") && said.contains("--explain"),
        "{said}"
    );
    let explained = pretty(&["--explain", log]).output().unwrap();
    let (_, rest) = text(&explained.stdout).split_once("--format '").unwrap();
    let format = rest.split_once('\'').unwrap().0;
    let read = pretty(&["--format", format, "--export", "json", log]).output().unwrap();
    assert_eq!(text(&read.stderr), "");
    let first = text(&read.stdout).lines().next().unwrap();
    for part in
        [r#""peer":"n1""#, r#""level":"WARN""#, r#""message":"disk full""#, r#""time":"17""#]
    {
        assert!(first.contains(part), "{part}: {first}");
    }
}

#[test]
fn records_of_two_lines_are_merged_by_the_time_of_their_first() {
    let directory = tempfile::tempdir().unwrap();
    let record = |second: u32, text: &str| {
        format!("May 02, 2024 8:11:{second:02} AM io.atomix.raft.Node run\nINFO: {text}\n")
    };
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (one, two) = (path("n1.log"), path("n2.log"));
    std::fs::write(&one, record(1, "first") + &record(3, "third")).unwrap();
    std::fs::write(&two, record(2, "second") + &record(4, "fourth")).unwrap();
    let output = run(&[&one, &two, "--export=json", "--tz=utc"], b"");
    let rows = text(&output.stdout).lines().map(|row| {
        let part = |start: &str| row.split_once(start).unwrap().1.split('"').next().unwrap();
        [part("\"message\":\""), part("\"peer\":\""), part("T08:11:0")].map(str::to_owned)
    });
    let rows: Vec<_> = rows.collect();
    let wanted = [
        ["first", "n1", "1Z"],
        ["second", "n2", "2Z"],
        ["third", "n1", "3Z"],
        ["fourth", "n2", "4Z"],
    ];
    assert_eq!(rows, wanted);
}

#[test]
fn what_tail_writes_of_several_files_has_a_column_for_each() {
    let log = b"==> logs/n1.log <==\n2024-05-02T08:11:22.101Z INFO leads\n\n\
                ==> logs/n2.log <==\n2024-05-02T08:11:22.201Z INFO follows\n\n\
                ==> logs/n1.log <==\n2024-05-02T08:11:22.301Z WARN is slow\n";
    let output = run(&["--width=60", "--tz=utc", "--no-time"], log);
    let rows: Vec<_> = text(&output.stdout).lines().filter(|row| row.contains('│')).collect();
    assert_eq!(rows.len(), 3, "{rows:#?}");
    assert!(text(&output.stdout).lines().next().unwrap().contains("n2"));
    assert!(!text(&output.stdout).contains("==>"), "{}", text(&output.stdout));
}

#[test]
fn explain_gives_a_file_of_a_format_to_begin_with() {
    let log =
        b"@rack-1 #12345 !! won year=7\n@rack-2 #12350 .. gave year=7\n@rack-1 #12401 .. beat\n";
    let output = run(&["--explain"], log);
    let (_, file) = text(&output.stdout).split_once("[[record]]").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("racks.toml");
    std::fs::write(&path, format!("[[record]]{file}")).unwrap();
    let path = path.to_str().unwrap();
    let checked = run(&["formats", "--check", path], b"");
    assert!(checked.status.success(), "{}\n{file}", text(&checked.stderr));
    let shown = run(&["--format", path, "--width=60"], log);
    let header = text(&shown.stdout).lines().next().unwrap();
    assert!(header.contains("rack-1") && header.contains("rack-2"), "{header}");
}

#[test]
fn layers_are_found_out_again_where_a_log_stops_fitting_them() {
    let mut log = String::new();
    for line in 0..1_000 {
        log +=
            &format!("compiling the package number {line} of the workspace, which takes a while\n");
    }
    for line in 0..600 {
        log += &format!("[S{}] sends its heartbeat number {line}\n", line % 3);
    }
    let output = run(&["--width=100"], log.as_bytes());
    let columns = text(&output.stdout).lines().filter(|row| row.contains('│')).count();
    assert!(columns > 300, "{columns} rows with columns");
}

#[test]
fn a_first_line_without_its_second_is_exported_with_its_number() {
    let pair = "May 02, 2024 8:11:22 AM io.Node start\nINFO: elected\n";
    let alone = "May 02, 2024 8:11:23 AM io.Node cut\n";
    let log = [pair, alone, "something\n", pair, alone].concat();
    let output = run(&["--export", "json"], log.as_bytes());
    let rows: Vec<_> = text(&output.stdout).lines().collect();
    let has = |row: &str, line: &str| row.contains(line);
    assert!(has(rows[0], "elected") && has(rows[0], "\"line\":2"), "{rows:#?}");
    assert!(has(rows[1], "Node cut") && has(rows[1], "\"line\":3"), "{rows:#?}");
    assert!(has(rows[2], "something") && has(rows[3], "\"line\":6"), "{rows:#?}");
    assert!(has(rows[4], "Node cut") && has(rows[4], "\"line\":7"), "{rows:#?}");
}

/// Class: a line continues an event that another line has ended.
#[test]
fn lines_below_a_name_or_a_header_continue_no_event_above_it() {
    for above in ["==> n2.log <==", "# verbose/1 peers=3 unit=ms"] {
        let log = format!(
            "==> n1.log <==\n2024-05-02T08:11:22.101Z INFO one\n{above}\n  indented\n\
             ==> n2.log <==\n2024-05-02T08:11:22.102Z INFO two\n"
        );
        for export in [&["--export=json"][..], &["--export=html"], &[]] {
            let output = run(&[export, &["--peers=n2"]].concat(), log.as_bytes());
            let shown = text(&output.stdout);
            assert!(shown.contains("indented") && !shown.contains("INFO one"), "{shown}");
        }
    }
}
