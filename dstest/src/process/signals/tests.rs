//! Interrupts of several tools, and at the borders between stages.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::sync::mpsc;

use super::*;

/// Starts a script; returns once it has printed a line.
fn started(interrupts: &Interrupts, script: &str, reach: Reach) -> Tool {
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut tool = interrupts.start(&mut command, reach).unwrap();
    let mut line = String::new();
    BufReader::new(tool.child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    tool
}

/// The signal that has ended a tool.
fn signal_of(tool: Tool) -> Option<i32> {
    tool.wait().unwrap().signal()
}

/// It ends by itself, so that a test that fails ends.
const SLEEPS: &str = "echo ready; exec sleep 60";
const IGNORES_TERM: &str = "trap '' TERM; echo ready; exec sleep 60";
const TERM: Option<i32> = Some(15);
const KILL: Option<i32> = Some(9);

#[test]
fn the_second_interrupt_kills_though_other_tools_end_and_start_in_between() {
    let interrupts = Interrupts::without_handler();
    let ends = started(&interrupts, SLEEPS, Reach::Group);
    let stays = started(&interrupts, IGNORES_TERM, Reach::Group);
    Shared::interrupt(&interrupts.shared);
    assert_eq!(signal_of(ends), TERM);
    let late = interrupts.start(Command::new("sleep").arg("60"), Reach::Group).unwrap();
    assert_eq!(signal_of(late), TERM, "the interrupt came before it started");
    Shared::interrupt(&interrupts.shared);
    assert_eq!(signal_of(stays), KILL);
    let next = started(&interrupts, SLEEPS, Reach::Group);
    Shared::interrupt(&interrupts.shared);
    assert_eq!(signal_of(next), TERM, "the first interrupt of another stage");
}

#[test]
fn a_teardown_is_spared_what_leads_to_it() {
    let interrupts = Interrupts::without_handler();
    let tear_down = || started(&interrupts, "echo ready; read line", Reach::GroupLater);
    for end in [Interrupts::cancel, |interrupts: &Interrupts| Shared::interrupt(&interrupts.shared)]
    {
        // Before its start, and while it runs.
        interrupts.cancel();
        let mut script = tear_down();
        end(&interrupts);
        drop(script.child.stdin.take());
        assert_eq!(signal_of(script), None);
        interrupts.renew();
    }
    let script = tear_down();
    (0..2).for_each(|_| Shared::interrupt(&interrupts.shared));
    assert_eq!(signal_of(script), TERM);
}

#[test]
fn a_kept_interrupt_counts_for_the_campaign_that_gets_it() {
    let interrupts = Interrupts::without_handler();
    interrupts.postpone();
    let (requests, inbox) = mpsc::channel();
    interrupts.forward_to_campaign(Box::new(move |request| requests.send(request).is_ok()));
    assert_eq!(inbox.try_recv(), Ok(Request::Interrupt));
    assert_eq!(interrupts.state().interrupts, 1, "its end must not take long");
}
