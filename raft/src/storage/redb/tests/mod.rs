//! The store on a simulated disk: every step may be the last one, and every byte may be wrong.

mod damage;
mod simulated;

use self::simulated::SimulatedFile;

crate::storage::simulated::test_on!(SimulatedFile);
