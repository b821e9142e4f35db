//! The store on a simulated disk with a fault at every step, and with damaged bytes.

mod damage;
mod simulated;

use self::simulated::SimulatedFile;

crate::storage::simulated::test_on!(SimulatedFile);
