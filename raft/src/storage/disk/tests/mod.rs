//! The store on a simulated disk with a fault at every step.

mod damage;
mod index;
mod simulated;

use self::simulated::{PEER, SimulatedDirectory};
use super::store::{FileLengths, Store};
use crate::storage::conformance::Script;
use crate::storage::simulated::SimulatedMachine;
use crate::storage::{Storage, StorageError};

crate::storage::simulated::test_on!(SimulatedDirectory);

fn open(directory: &SimulatedDirectory) -> Result<Store<SimulatedDirectory>, StorageError> {
    directory.open()
}

/// A closed store after a number of batches of a script.
fn written(seed: u64, batches: usize) -> (SimulatedDirectory, Script) {
    let (directory, mut script) = (SimulatedDirectory::default(), Script::new(seed));
    let mut store = open(&directory).expect("a new directory");
    for _ in 0..batches {
        store.write(&script.batch()).expect("nothing fails");
    }
    (directory, script)
}
