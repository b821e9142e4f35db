//! Reads that miss committed commands.

use raft::Index;
use raft_tests::invariants::Invariant;
use raft_tests::invariants::read_index::{self, ServedRead};

use crate::assertions::{fires, holds};
use crate::fixtures::peer;

#[test]
fn read_sees_committed_fires_on_a_read_that_is_served_too_early() {
    let check = |committed, index, applied| {
        let [committed, index, applied] = [committed, index, applied].map(Index::new);
        let read = ServedRead { committed, index, applied };
        read_index::check(peer(1), format_args!("read 7 of a client"), read)
    };
    holds(check(3, 3, 3));
    holds(check(3, 4, 5));
    let parts = ["peer 1", "read 7 of a client at index 2", "3 was committed"];
    fires(check(3, 2, 5), Invariant::ReadSeesCommitted, &parts);
    fires(check(3, 4, 3), Invariant::ReadSeesCommitted, &["having applied 3"]);
}
