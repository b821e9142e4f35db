//! The order of wake-ups, and the errors of tasks that cannot go on.

use super::*;
use crate::sim::queue::{Queue, Source};

/// Runs the tasks with nothing else in the world.
fn drive(tasks: &Tasks) -> Result<(), Stuck> {
    let mut queue = Queue::new(0);
    loop {
        tasks.run()?;
        tasks.take_alarms(|alarm| {
            queue.push(alarm.at, Source::task(alarm.name), alarm.task);
        });
        let Some(scheduled) = queue.pop() else { break };
        tasks.advance(scheduled.at);
        tasks.wake(scheduled.event);
    }
    tasks.check_alive()
}

#[test]
fn sleeps_end_in_order_of_time() {
    let tasks = Tasks::default();
    let order = Rc::new(RefCell::new(Vec::new()));
    let body = {
        let (tasks, order) = (tasks.clone(), Rc::clone(&order));
        async move {
            let sleepers = [30, 10, 20].map(|ms| {
                let (sleeper, order) = (tasks.clone(), Rc::clone(&order));
                tasks.spawn(format!("sleeper {ms}"), async move {
                    sleeper.sleep(Duration::from_millis(ms)).await;
                    order.borrow_mut().push(ms);
                    ms
                })
            });
            let mut sum = 0;
            for sleeper in sleepers {
                sum += sleeper.join().await;
            }
            sum
        }
    };
    let main = tasks.spawn("main", body);
    // Every task has ended, so that nothing is left to wake: that is what `drive` ends with.
    assert_eq!(drive(&tasks), Err(Stuck::Deadlock { waiting: Vec::new() }));
    assert_eq!(main.take(), Some(60));
    assert_eq!(*order.borrow(), [10, 20, 30]);
    assert_eq!(tasks.now(), Instant::START.after(Duration::from_millis(30)));
}

#[test]
fn a_deadlock_names_the_tasks_that_wait_and_where() {
    let tasks = Tasks::default();
    let first: Rc<RefCell<Option<Join<()>>>> = Rc::default();
    let waiting = Rc::clone(&first);
    let second = tasks.spawn("second", async move {
        let other = waiting.borrow_mut().take();
        if let Some(other) = other {
            other.join().await;
        }
    });
    *first.borrow_mut() = Some(tasks.spawn("first", second.join()));
    let error = drive(&tasks).expect_err("both wait for each other").to_string();
    for part in ["deadlock", "`first`", "`second`", "executor"] {
        assert!(error.contains(part), "{error} should contain {part}");
    }
    tasks.clear();
}

#[test]
fn a_livelock_names_the_tasks_that_spin() {
    let tasks = Tasks::default();
    let spinning = tasks.clone();
    let spin = async move {
        loop {
            spinning.sleep(Duration::ZERO).await;
        }
    };
    let _spinner: Join<()> = tasks.spawn("spinner", spin);
    let error = drive(&tasks).expect_err("time never moves").to_string();
    assert!(error.contains("livelock") && error.contains("`spinner`"), "{error}");
    tasks.clear();
}

#[test]
fn a_promise_is_kept_broken_or_late() {
    let tasks = Tasks::default();
    let ms = |ms| Instant::START.after(Duration::from_millis(ms));
    let (kept, first) = tasks.promise(ms(50));
    let (broken, second) = tasks.promise::<u32>(ms(50));
    let (_late, third) = tasks.promise::<u32>(ms(30));
    let other = tasks.clone();
    tasks.spawn("resolver", async move {
        other.sleep(Duration::from_millis(10)).await;
        kept.resolve(7);
        drop(broken);
    });
    let waiter = tasks.clone();
    let main = tasks.spawn("waiter", async move {
        let values = [first.await, second.await];
        (values, waiter.now(), third.await, waiter.now())
    });
    assert_eq!(drive(&tasks), Err(Stuck::Deadlock { waiting: Vec::new() }), "all have ended");
    assert_eq!(main.take(), Some(([Some(7), None], ms(10), None, ms(30))));
}
