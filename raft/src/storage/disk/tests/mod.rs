//! The store on a simulated disk: every step may be the last one.

mod damage;
mod simulated;

use super::store::{Lengths, Store};
use crate::storage::conformance::Script;
use crate::storage::simulated::Machine;
use crate::storage::{Storage, StorageError};
use crate::types::PeerId;
use simulated::SimulatedFolder;

const PEER: PeerId = PeerId::new(1);

/// Small, so that every script goes through several log files, and writes both on zeros and beyond.
const LENGTHS: Lengths = Lengths { segment: 400, ahead: 150 };

crate::storage::simulated::tell_for!(SimulatedFolder);

fn open(folder: &SimulatedFolder) -> Result<Store<SimulatedFolder>, StorageError> {
    folder.open()
}

/// A closed store after so many batches of a script.
fn written(seed: u64, batches: usize) -> (SimulatedFolder, Script) {
    let (folder, mut script) = (SimulatedFolder::default(), Script::new(seed));
    let mut store = open(&folder).expect("a new folder");
    for _ in 0..batches {
        store.write(&script.batch()).expect("nothing fails");
    }
    (folder, script)
}
