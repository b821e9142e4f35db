//! Pictures: their words, and texts of others in them.

use linearizability::history::{History, KeyVerdict, Record};
use linearizability::models::{Register, RegisterCall};
use linearizability::{STEPS_MAX, Timed, picture};

const REGISTER: Register<u64> = Register { start: 0 };

/// Reads of this value, one after the other, and their verdicts.
fn reads(value: u64, count: u64) -> (History<RegisterCall<u64>>, Vec<KeyVerdict<u64>>) {
    let mut history = History::default();
    for at in 0..count {
        let timed = Timed::new(RegisterCall::Read(Some(value)), 2 * at, 2 * at + 1);
        history.add("k", Record::new("C1", timed.expect("in order")));
    }
    let verdicts = history.check(&REGISTER, STEPS_MAX);
    let verdicts = history.explain(&REGISTER, verdicts, STEPS_MAX);
    (history, verdicts)
}

#[test]
fn one_is_said_in_the_singular() {
    for (count, title) in [(1, "1 call has no order"), (2, "2 calls have no order")] {
        let (history, verdicts) = reads(7, count);
        let text = picture::text(&REGISTER, &history, &verdicts, 80);
        let html = picture::html(&REGISTER, "a title", &history, &verdicts);
        assert!(text.contains(title) && text.contains("not linearizable: key \"k\""), "{text}");
        for text in [&text, &html] {
            assert!(text.contains(" has no order by itself."), "{text}");
            assert!(!text.contains("The 1 ") && !text.contains("1 calls"), "{text}");
        }
    }
    // A browser scrolls through 600.
    let (history, verdicts) = reads(0, 601);
    let html = picture::html(&REGISTER, "a title", &history, &verdicts);
    assert!(html.contains("1 call of this key is not drawn: it is earlier"), "{html}");
}

#[test]
fn a_register_is_read_and_written() {
    let (mut history, _) = reads(7, 1);
    let write = RegisterCall::Write { value: 8, before: None };
    history.add("k", Record::new("C2", Timed::pending(write, 0)));
    let verdicts = history.check(&REGISTER, STEPS_MAX);
    let verdicts = history.explain(&REGISTER, verdicts, STEPS_MAX);
    let html = picture::html(&REGISTER, "a title", &history, &verdicts);
    assert!(html.contains("read -&gt; 7") && html.contains("write 8"), "{html}");
}

/// Times for people are texts of the program that wrote the history.
#[test]
fn nothing_in_a_record_is_markup() {
    let (mut history, _) = reads(7, 1);
    let evil = || "<script>alert(1)</script>".to_owned();
    for record in history.keys.get_mut("k").expect("it was added") {
        record.shown_times = Some((evil(), Some(evil())));
        (record.client, record.note) = (evil(), Some(evil()));
    }
    let verdicts = history.check(&REGISTER, STEPS_MAX);
    let verdicts = history.explain(&REGISTER, verdicts, STEPS_MAX);
    let html = picture::html(&REGISTER, &evil(), &history, &verdicts);
    assert!(!html.contains("<script>alert") && html.contains("&lt;script&gt;"), "{html}");
}
