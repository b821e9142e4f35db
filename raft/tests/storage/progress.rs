//! Large writes show their progress, so that a driver does not take them for a stuck disk.

use std::sync::Arc;

use raft::storage::WriteProgress;
use raft::{
    Entry, EntryId, Index, Membership, Payload, Record, Snapshot, Suffix, Term, Write, WriteId,
};

use super::stores::{Durable, PEER};

const MEBIBYTE: usize = 1 << 20;

#[test]
fn large_commands_and_snapshots_show_progress() {
    let id = EntryId::new(Term::new(1), Index::new(1));
    let command = Payload::Command(vec![7; 20 * MEBIBYTE].into());
    let (membership, data) = (Arc::new(Membership::of_voters([PEER])), vec![9; 20 * MEBIBYTE]);
    let snapshot = Snapshot { last_included: id, membership, data: data.into() };
    let hard_state = raft::HardState { current_term: Term::new(1), voted_for: None };
    let records = [
        Record::HardState(hard_state),
        Record::Append(vec![Entry { id, payload: command }]),
        Record::Snapshot { snapshot, suffix: Suffix::Discarded },
    ];
    for durable in Durable::ALL {
        let directory = tempfile::tempdir().expect("a directory");
        let mut store = durable.open(directory.path()).expect("it is empty");
        let progress = WriteProgress::default();
        store.report_progress_to(progress.clone());
        for (number, record) in (1..).zip(&records) {
            let before = progress.steps();
            let write = Write { id: WriteId::new(number), record: record.clone() };
            store.write(&[write]).expect("there is space");
            let (steps, large) = (progress.steps() - before, number > 1);
            assert_eq!(steps >= 4, large, "{durable:?}, write {number}: {steps} steps");
        }
        drop(store);
        let stored = durable.open(directory.path()).expect("it is whole").load();
        let stored = stored.expect("it is whole");
        assert_eq!(stored.snapshot.map(|snapshot| snapshot.data.len()), Some(20 * MEBIBYTE as u64));
    }
}
