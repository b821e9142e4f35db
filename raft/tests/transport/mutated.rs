//! The check of the fuzz target on changed seeds.

#[path = "../../fuzz/checks/receiver.rs"]
mod receiver;

use super::seeds::seeds;

#[test]
fn changed_seeds_break_no_promise_of_the_receiver() {
    let seeds: Vec<_> = seeds().into_values().collect();
    fuzz_loop::run(&seeds, 100_000, receiver::check);
}
