//! Every screen of the browser, and the ways through them, on a store made for it.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use pretty::{Background, Depth};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::Rect;

use super::app::{App, Effect, Purpose};
use super::campaign::{Campaign, RunFilter};
use super::colors::ColorScheme;
use super::log_budget::LogBudget;
use super::page::Page;
use super::show;
use crate::record::{RunRecord, Trace, Verdict};
use crate::report::page::{Drawing, Parts};
use crate::report::tally::tests::record;
use crate::seed::{Iteration, Seed};
use crate::store::campaign_file::tests::campaign_file;
use crate::store::{
    CampaignDir, CampaignFile, EventLog, REPLAYS, Store, fresh_log_path, kept_log, log_path,
};
use crate::text::style::Paint;
use crate::trust::Trust;

const LOG: &str = "\
# verbose/1 test=figure8_2c seed=7 peers=3 unit=ms
000001.000 | TIMR | 0 | hears no leader, stands for election term=0 role=follower
000002.000 | RPC | 0 | sends RequestVote in term 1 to=1 id=0.1
000003.000 | TIMR | 2 | hears no leader, stands for election term=0 role=follower
000004.000 | RPC | 1 | receives RequestVote in term 1 from=0 id=0.1
000004.000 | VOTE | 1 | grants vote to 0 term=1 role=follower vote=0 id=0.1
000004.000 | RPC | 1 | sends RequestVoteReply in term 1: granted to=0 id=1.1
000005.000 | RPC | 0 | receives RequestVoteReply in term 1: granted from=1 id=1.1
000005.000 | STATE | 0 | candidate --> leader term=1 role=leader
000005.500 | ERRO | 0 | INVARIANT  election-safety: two leaders in term 1
FAIL 2C figure8_2c   seed=7
";

const PASSED: &str = "\
000001.500 | TIMR | 0 | hears no leader, stands for election term=0 role=follower
000002.500 | RPC | 0 | sends RequestVote in term 1 to=1 id=0.1
000004.500 | RPC | 1 | receives RequestVote in term 1 from=0 id=0.1
000004.500 | VOTE | 1 | refuses vote to 0 term=1 role=follower id=0.1
";

/// A store with one campaign: a test that passes, one that fails in two ways.
fn store() -> (tempfile::TempDir, Store, CampaignDir) {
    let root = tempfile::tempdir().unwrap();
    let store = Store::at(root.path().to_owned());
    let path = root.path().join("runs/20261123T100000Z-ab12");
    fs::create_dir_all(&path).unwrap();
    two_tests().write(&path).unwrap();
    let mut events = EventLog::open(&path).unwrap();
    for iter in 1..=20 {
        let time = 0.010 + 0.001 * f64::from(iter % 4);
        events.append(&record("backup_2b", iter, Verdict::Passed, time)).unwrap();
        events.append(&figure8(iter)).unwrap();
    }
    keep(&path, 3, LOG);
    keep(&path, 4, PASSED);
    (root, store, CampaignDir { path, short_id: "ab12".to_owned() })
}

/// Every third run fails, and one of them in another way.
fn figure8(iter: u32) -> RunRecord {
    let fails = iter.is_multiple_of(3);
    let verdict = if fails { Verdict::Failed } else { Verdict::Passed };
    let reason = if iter == 9 { "no leader within 5 s" } else { "two leaders in term 1" };
    RunRecord {
        seed: Seed::new(u64::from(iter) * 1000),
        trace: Trace::from_hex(format!("{iter:016x}").as_bytes()),
        signature: fails.then(|| reason.to_owned()),
        log: fails.then(|| log_path("figure8_2c", Iteration::new(iter).unwrap())),
        ..record("figure8_2c", iter, verdict, 0.020)
    }
}

/// A full log of a run, from a replay that went the same way.
fn keep(campaign: &Path, iter: u32, log: &str) {
    replayed(campaign, figure8(iter), log);
}

/// The log of a replay.
fn replayed(campaign: &Path, record: RunRecord, log: &str) {
    let replays = campaign.join(REPLAYS);
    let name = fresh_log_path(&replays, &record.test, record.iter).unwrap();
    fs::write(replays.join(&name), log).unwrap();
    let record = RunRecord { log: Some(name), ..record };
    EventLog::open(&replays).unwrap().append(&record).unwrap();
}

fn two_tests() -> CampaignFile {
    campaign_file(&["backup_2b", "figure8_2c"])
}

struct Sandbox {
    _root: tempfile::TempDir,
    app: App,
}

impl Sandbox {
    fn new() -> Self {
        let (root, store, directory) = store();
        let colors = ColorScheme { background: Background::Dark, depth: Depth::None };
        Self { _root: root, app: App::new(store, directory, colors, Trust::OwnFiles).unwrap() }
    }

    /// Presses keys: characters, `\n` for Enter, `\x1b` for Esc; returns the effect of the last
    /// one.
    fn press(&mut self, keys: &str) -> Effect {
        let mut effect = Effect::None;
        for c in keys.chars() {
            let code = match c {
                '\n' => KeyCode::Enter,
                '\x1b' => KeyCode::Esc,
                '\t' => KeyCode::Tab,
                c => KeyCode::Char(c),
            };
            effect = self.app.press(code.into());
        }
        effect
    }

    fn screen(&mut self, width: u16, height: u16) -> String {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        self.app.fit(area);
        self.app.draw(area, &mut buffer);
        let rows = buffer.content.chunks(usize::from(width));
        let row = |cells: &[ratatui::buffer::Cell]| {
            cells
                .iter()
                .map(ratatui::buffer::Cell::symbol)
                .collect::<String>()
                .trim_end()
                .to_owned()
        };
        rows.map(row).collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn it_opens_with_the_worst_test_selected() {
    let mut sandbox = Sandbox::new();
    assert_snapshot!("tests_80", sandbox.screen(80, 24));
    assert_snapshot!("tests_120", sandbox.screen(120, 12));
}

#[test]
fn a_test_has_its_failures_by_kind_and_what_passed() {
    let mut sandbox = Sandbox::new();
    sandbox.press("\n");
    assert_snapshot!("failures", sandbox.screen(80, 12));
}

#[test]
fn a_failure_has_its_runs() {
    let mut sandbox = Sandbox::new();
    sandbox.press("\n\n");
    assert_snapshot!("runs", sandbox.screen(100, 12));
}

#[test]
fn a_log_opens_where_the_run_failed_and_one_key_shows_its_causes() {
    let mut sandbox = Sandbox::new();
    assert_eq!(sandbox.press("\n\n\n"), Effect::None, "its full log is there");
    assert_snapshot!("log", sandbox.screen(120, 24));
    sandbox.press("W");
    assert_snapshot!("causes", sandbox.screen(120, 24));
    sandbox.press("<<");
    assert_snapshot!("cause", sandbox.screen(120, 24));
    assert_eq!(sandbox.press("q"), Effect::None);
    assert!(matches!(sandbox.app.page(), Page::Runs { .. }));
}

#[test]
fn a_run_without_its_full_log_is_repeated_first() {
    let mut sandbox = Sandbox::new();
    let Effect::Run(words, purpose) = sandbox.press("\n\nj\n") else { panic!("nothing is run") };
    assert_eq!(words[..3], ["replay", "-vv", "-o"]);
    assert_eq!((&*words[4], words.last().unwrap().as_str()), ("--", "figure8_2c#6"));
    assert!(sandbox.screen(80, 24).contains("replaying figure8_2c#6 … Esc stops"));
    let directory = sandbox.app.campaign.dir.path.clone();
    keep(&directory, 6, LOG);
    assert_eq!(sandbox.app.on_finished(&purpose, Some(0)), Effect::None);
    assert!(matches!(sandbox.app.page(), Page::Log(_)));
    sandbox.press("q");
    sandbox.app.on_finished(&purpose, Some(3));
    assert!(sandbox.screen(80, 24).contains("the result differs"));
}

#[test]
fn the_log_of_a_failure_is_never_replaced_by_a_replay_that_went_another_way() {
    let mut sandbox = Sandbox::new();
    let dir = sandbox.app.campaign.dir.path.clone();
    let original = kept_log(&dir, figure8(6).log.as_ref()).unwrap();
    fs::create_dir_all(original.parent().unwrap()).unwrap();
    fs::write(&original, "the original failure\n").unwrap();
    let Effect::Run(_, purpose) = sandbox.press("\n\nj\n") else { panic!("nothing is run") };
    let passed = RunRecord { verdict: Verdict::Passed, signature: None, ..figure8(6) };
    let other_seed = RunRecord { seed: Seed::new(1), ..figure8(6) };
    replayed(&dir, passed, "all is well\n");
    replayed(&dir, other_seed, "another run\n");
    sandbox.app.on_finished(&purpose, Some(3));
    let screen = sandbox.screen(100, 24);
    assert!(screen.contains("the original failure") && !screen.contains("all is well"), "{screen}");
    assert!(screen.contains("the result differs; this is the log of the run itself"), "{screen}");
    sandbox.press("qp");
    let screen = sandbox.screen(100, 40);
    assert!(screen.contains("TAIL") && screen.contains("the original failure"), "{screen}");
    let replay = "REPLAYS    1: the result differs: failed before, passed now";
    assert!(screen.contains(replay) && !screen.contains(" 2: "), "{screen}");
    // Asked for by name, the replay is shown as what it is.
    sandbox.press("q");
    let Effect::Run(_, purpose) = sandbox.press("r") else { panic!("nothing is run") };
    sandbox.app.on_finished(&purpose, Some(3));
    let screen = sandbox.screen(120, 24);
    assert!(screen.contains("all is well"), "{screen}");
    assert!(screen.contains("figure8_2c#6, replay 1: passed"), "{screen}");
}

#[test]
fn a_failing_run_is_compared_with_the_nearest_that_passed() {
    let mut sandbox = Sandbox::new();
    // Number 3 fails; number 2 is as near as number 4, and comes first, but has no log yet.
    let Effect::Run(words, purpose) = sandbox.press("\n\nD") else { panic!("nothing is run") };
    assert_eq!(words.last().unwrap(), "figure8_2c#2");
    let directory = sandbox.app.campaign.dir.path.clone();
    keep(&directory, 2, PASSED);
    sandbox.app.on_finished(&purpose, Some(0));
    assert_snapshot!("diff_120", sandbox.screen(120, 30));
    assert_snapshot!("diff_200", sandbox.screen(200, 24));
    sandbox.press("n");
    assert!(sandbox.screen(120, 30).contains("difference 2 of "));
    assert_eq!(sandbox.press("q"), Effect::None);
}

#[test]
fn a_diff_is_offered_only_where_a_run_has_passed() {
    let mut sandbox = Sandbox::new();
    sandbox.press("\n\n");
    assert!(sandbox.screen(100, 12).contains("D diff with a pass"));
    let dir = sandbox.app.campaign.dir.clone();
    fs::remove_file(dir.path.join("events.jsonl")).unwrap();
    EventLog::open(&dir.path).unwrap().append(&figure8(3)).unwrap();
    sandbox.app =
        App::new(sandbox.app.store.clone(), dir, sandbox.app.colors, Trust::OwnFiles).unwrap();
    sandbox.press("\n\n");
    let screen = sandbox.screen(100, 12);
    assert!(screen.contains("r replay") && !screen.contains("D diff"), "{screen}");
    sandbox.press("?");
    let help = sandbox.screen(100, 50);
    assert!(help.contains("same seed") && !help.contains("run that passed"), "{help}");
    sandbox.press("?");
    assert_eq!(sandbox.press("D"), Effect::None);
    assert!(sandbox.app.note.starts_with("no run of this test has passed"), "{}", sandbox.app.note);
}

#[test]
fn a_run_is_compared_with_the_same_seed_of_another_build() {
    let mut sandbox = Sandbox::new();
    sandbox.press("\n\nB");
    assert_eq!(sandbox.app.note, "no other campaign has run this test with this seed");
    let other = sandbox.app.store.root().join("runs/20261122T100000Z-cd34");
    fs::create_dir_all(&other).unwrap();
    two_tests().write(&other).unwrap();
    let passed = RunRecord { verdict: Verdict::Passed, signature: None, log: None, ..figure8(3) };
    EventLog::open(&other).unwrap().append(&passed).unwrap();
    let Effect::Run(words, purpose) = sandbox.press("B") else { panic!("nothing is run") };
    let [.., dir, name] = &*words else { panic!("{words:?}") };
    assert!(dir.ends_with("-cd34") && name == "figure8_2c#3", "{words:?}");
    replayed(&other, passed, PASSED);
    assert_eq!(sandbox.app.on_finished(&purpose, Some(0)), Effect::None);
    let screen = sandbox.screen(200, 24);
    assert!(screen.contains("figure8_2c#3 and figure8_2c#3 of cd34"), "{screen}");
    assert!(screen.contains("difference 1 of 3"), "{screen}");
}

#[test]
fn a_run_that_leaves_no_log_is_not_repeated_for_ever() {
    let mut sandbox = Sandbox::new();
    let mut effect = sandbox.press("\n\nD");
    let mut repeats = 0;
    while let Effect::Run(_, purpose) = effect {
        repeats += 1;
        assert!(repeats <= 2, "each side at most once");
        effect = sandbox.app.on_finished(&purpose, Some(2));
    }
    assert_eq!(sandbox.app.note, "one of the two runs has no log");
}

#[test]
fn a_campaign_that_cannot_be_opened_leaves_the_page_that_was_there() {
    let mut sandbox = Sandbox::new();
    sandbox.press("\n\n");
    let damaged = sandbox.app.store.root().join("runs/20261124T100000Z-zz99");
    fs::create_dir_all(&damaged).unwrap();
    fs::write(damaged.join("campaign.json"), "{}").unwrap();
    sandbox.app.on_finished(&Purpose::Rerun, Some(0));
    assert!(matches!(sandbox.app.page(), Page::Runs { .. }));
    assert!(sandbox.app.note.contains("campaign.json is not readable"), "{}", sandbox.app.note);
}

#[test]
fn the_failure_report_is_one_key_away() {
    let mut sandbox = Sandbox::new();
    sandbox.press("\n\np");
    let root = sandbox.app.store.root().to_string_lossy().into_owned();
    assert_snapshot!(
        "report",
        sandbox
            .screen(250, 30)
            .replace(&root, "STORE")
            .replace(&crate::text::shell::this_program(), "dstest")
            .lines()
            .filter(|line| !line.starts_with("LOG"))
            .collect::<Vec<_>>()
            .join("\n")
    );
    let reported = sandbox.app.campaign.dir.path.join("logs/figure8_2c/3.dir");
    fs::create_dir_all(&reported).unwrap();
    fs::write(reported.join("report.json"), r#"{"text":"FAIL it said so itself"}"#).unwrap();
    sandbox.press("\x1bp");
    assert!(sandbox.screen(80, 24).contains("FAIL it said so itself"));
}

#[test]
fn a_log_is_read_once_for_report_and_diagram_and_a_refused_one_is_named_in_both() {
    let (_root, _, directory) = store();
    let reported = directory.path.join("logs/figure8_2c/3.dir");
    let campaign = Campaign::open(directory).unwrap();
    let run = campaign.runs.iter().position(|(_, record)| *record == figure8(3)).unwrap();
    let size = LOG.len() as u64;
    let of = |bytes: u64, parts| {
        let budget = LogBudget::of_bytes(bytes);
        let evidence = show::evidence(&campaign, run, parts, Paint::Plain, &budget);
        let drawing = match evidence.drawing {
            Drawing::Nothing => "nothing",
            Drawing::TooLarge => "too large",
            Drawing::Messages(_) => "messages",
        };
        let states = ["STATE      0", "STATE      not read", "it said so itself"];
        (states.map(|state| evidence.report.contains(state)), drawing)
    };
    assert_eq!(of(size, Parts::All), ([true, false, false], "messages"));
    assert_eq!(of(size, Parts::Report), ([true, false, false], "nothing"));
    assert_eq!(of(size - 1, Parts::All), ([false, true, false], "too large"));
    fs::create_dir_all(&reported).unwrap();
    fs::write(reported.join("report.json"), r#"{"text":"it said so itself"}"#).unwrap();
    assert_eq!(of(size, Parts::All), ([false, false, true], "messages"));
    assert_eq!(of(size - 1, Parts::All), ([false, false, true], "too large"));
    assert_eq!(of(size - 1, Parts::Report), ([false, false, true], "nothing"));
}

#[test]
fn a_picture_that_a_run_left_is_shown() {
    let mut sandbox = Sandbox::new();
    let dir = sandbox.app.campaign.dir.path.join("logs/figure8_2c/3.dir");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("picture.txt"), "  1  ├──✗──┤\u{1b}[31m\u{202e}\n").unwrap();
    fs::write(dir.join("picture.html"), "<html>").unwrap();
    sandbox.press("\n\np");
    sandbox.press("G");
    for _ in 0..8 {
        sandbox.press("k");
    }
    let screen = sandbox.screen(100, 24);
    let part = screen.find("PICTURE    of the run").map(|at| &screen[at..]).unwrap_or(&screen);
    assert!(part.contains("  1  ├──✗──┤"), "{screen}");
    assert!(part.contains("PAGE") && part.contains("3.dir/picture.html"), "{screen}");
    assert!(!screen.contains('\u{1b}') && !screen.contains('\u{202e}'), "{screen}");
}

#[test]
fn a_failure_is_shrunk_and_its_case_is_shown() {
    let mut sandbox = Sandbox::new();
    let Effect::Run(words, purpose) = sandbox.press("\n\nS") else { panic!("nothing is run") };
    assert_eq!((&*words[0], words.last().unwrap().as_str()), ("shrink", "figure8_2c#3"));
    sandbox.app.on_finished(&purpose, Some(1));
    assert!(sandbox.screen(80, 24).contains("this test does not support shrinking"));
    let directory = sandbox.app.campaign.dir.path.join("shrunk");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("figure8_2c-3000.case"), "seed 4\n400 crash 2 keep=0\n").unwrap();
    sandbox.app.on_finished(&purpose, Some(0));
    let screen = sandbox.screen(140, 24);
    assert!(screen.contains("shrunk case of figure8_2c#3"), "{screen}");
    assert!(screen.contains("400 crash 2 keep=0"), "{screen}");
}

#[test]
fn lists_are_filtered_and_sorted() {
    let mut sandbox = Sandbox::new();
    sandbox.press("/back\n");
    let screen = sandbox.screen(80, 10);
    assert!(screen.contains("backup_2b") && !screen.contains("figure8_2c  "), "{screen}");
    sandbox.press("\x1b");
    assert!(sandbox.screen(80, 10).contains("figure8_2c"), "Esc takes the filter back first");
    sandbox.press("s");
    let screen = sandbox.screen(80, 10);
    let place = |name: &str| screen.find(name).unwrap();
    assert!(place("figure8_2c") < place("backup_2b"), "most failures first: {screen}");
    assert!(screen.contains("sorted by failures"));
}

#[test]
fn a_failure_can_be_marked_as_known() {
    let mut sandbox = Sandbox::new();
    sandbox.press("\nK");
    assert!(sandbox.screen(80, 10).contains("known  two leaders"), "{}", sandbox.screen(80, 10));
    sandbox.press("K");
    assert!(sandbox.screen(80, 10).contains("no longer marked as known"));
}

#[test]
fn deleting_takes_two_presses() {
    let mut sandbox = Sandbox::new();
    sandbox.press("\n\n");
    let delete = KeyCode::Delete;
    assert_eq!(sandbox.app.press(delete.into()), Effect::None);
    assert!(
        sandbox.screen(80, 10).contains("press Delete again to delete the logs of figure8_2c#3")
    );
    sandbox.press("j");
    assert_eq!(sandbox.app.press(delete.into()), Effect::None, "another run is another question");
    assert!(matches!(sandbox.app.press(delete.into()), Effect::DeleteLogs(_)));
}

#[test]
fn above_a_campaign_are_all_campaigns() {
    let mut sandbox = Sandbox::new();
    let damaged = sandbox.app.store.root().join("runs/20261122T100000Z-zz99");
    fs::create_dir_all(&damaged).unwrap();
    fs::write(damaged.join("campaign.json"), r#"{"schema":99}"#).unwrap();
    sandbox.press("\x1b");
    let root = sandbox.app.store.root().to_string_lossy().into_owned();
    assert_snapshot!("campaigns", sandbox.screen(140, 10).replace(&root, "STORE"));
    sandbox.press("j\n");
    assert!(
        matches!(sandbox.app.page(), Page::Campaigns(_)),
        "an unreadable campaign shows its error"
    );
    sandbox.press("k\n");
    assert!(matches!(sandbox.app.page(), Page::Tests(_)));
}

#[test]
fn a_campaign_grows_while_it_is_looked_at() {
    let mut sandbox = Sandbox::new();
    let mut events = EventLog::open(&sandbox.app.campaign.dir.path).unwrap();
    events.append(&figure8(21)).unwrap();
    sandbox.app.tick();
    assert!(sandbox.screen(80, 10).contains("41 runs, 7 failed"));
}

#[test]
fn readable_parts_of_a_damaged_store_are_shown() {
    let (_root, store, directory) = store();
    let events = directory.path.join("events.jsonl");
    let mut bytes = fs::read(&events).unwrap();
    bytes[5] = b'#';
    fs::write(&events, bytes).unwrap();
    let colors = ColorScheme { background: Background::Light, depth: Depth::Ansi256 };
    let mut app = App::new(store, directory, colors, Trust::OwnFiles).unwrap();
    assert_eq!(app.note, "1 unreadable lines in events.jsonl");
    assert_eq!(app.campaign.runs.len(), 39);
    app.tick();
}

#[test]
fn the_help_lists_every_key() {
    let mut sandbox = Sandbox::new();
    sandbox.press("?");
    assert_snapshot!("help", sandbox.screen(80, 40));
    sandbox.press("?");
    assert!(!sandbox.screen(80, 40).contains("screen down"));
}

#[test]
fn every_page_fits_on_any_screen() {
    let mut sandbox = Sandbox::new();
    for keys in ["", "\n", "\n", "p", "\x1b\n", "W", "s", "?"] {
        sandbox.press(keys);
        for (width, height) in [(20, 5), (1, 1), (80, 24), (200, 60), (3, 2)] {
            sandbox.screen(width, height);
        }
    }
}

#[test]
fn the_replay_command_is_copied_and_more_seeds_are_run() {
    let mut sandbox = Sandbox::new();
    let Effect::Copy(text) = sandbox.press("\n\nY") else { panic!("nothing is copied") };
    let store = sandbox.app.store.root().display();
    assert!(text.ends_with(&format!(" replay -o {store} ab12 figure8_2c#3")), "{text}");
    let Effect::Run(words, purpose) = sandbox.press("R") else { panic!("nothing is run") };
    assert_eq!(words[..3], ["replay", "--seeds", "200"]);
    assert_eq!(words.last().unwrap(), "figure8_2c#3");
    assert_eq!(purpose, Purpose::Rerun);
}

#[test]
fn the_name_of_the_run_and_the_key_that_closes_stay_at_any_width() {
    let mut sandbox = Sandbox::new();
    sandbox.press("\n\n\n");
    for width in [60, 80, 100, 200] {
        let screen = sandbox.screen(width, 12);
        let (title, foot) = (screen.lines().next().unwrap(), screen.lines().last().unwrap());
        assert!(title.contains("figure8_2c#3"), "{title}");
        assert!(foot.contains("? keys") && foot.ends_with("q back"), "{foot}");
        let is_whole = title.contains("campaign ab12") && !foot.contains('…');
        assert!(is_whole || title.contains("… ›") || foot.contains("  …  "), "{title}\n{foot}");
    }
    let narrow = sandbox.screen(80, 12);
    assert!(narrow.lines().next().unwrap().starts_with(" … › "), "{narrow}");
}

#[test]
fn a_run_that_was_cancelled_and_repeated_is_listed_once() {
    let mut sandbox = Sandbox::new();
    let mut events = EventLog::open(&sandbox.app.campaign.dir.path).unwrap();
    let cancelled = RunRecord { verdict: Verdict::Cancelled, signature: None, ..figure8(21) };
    events.append(&cancelled).unwrap();
    events.append(&cancelled).unwrap();
    sandbox.app.tick();
    sandbox.press("\n");
    assert!(sandbox.screen(80, 12).contains("1 ×  #21"), "{}", sandbox.screen(80, 12));
    events.append(&figure8(21)).unwrap();
    sandbox.app.tick();
    let screen = sandbox.screen(80, 12);
    assert!(!screen.contains("cancelled"), "{screen}");
}

#[test]
fn a_reason_has_an_ellipsis_only_where_it_is_cut() {
    let (_root, _store, directory) = store();
    let failed = |iter, reason: &str| RunRecord {
        signature: Some(reason.to_owned()),
        ..record("backup_2b", iter, Verdict::Failed, 0.02)
    };
    let mut events = EventLog::open(&directory.path).unwrap();
    for (iter, reason) in [(21, "no leader"), (22, "one two three four"), (23, "a b c d e")] {
        events.append(&failed(iter, reason)).unwrap();
    }
    let campaign = Campaign::open(directory).unwrap();
    let groups = campaign.tally.groups().iter().enumerate();
    let of_test = groups.filter(|(_, group)| group.test == 0);
    let titles = of_test.map(|(at, _)| campaign.filter_title(&RunFilter::Failed(at)));
    let titles: Vec<String> = titles.collect();
    assert_eq!(titles, ["1 × no leader", "1 × one two three four", "1 × a b c d…"]);
}
