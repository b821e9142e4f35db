//! Ledger of accepted commands: each is applied at most once, and no other is applied.

use std::collections::BTreeMap;

use raft::Index;

use crate::invariants::violation::Witness;
use crate::invariants::{Invariant, Violation};
use crate::kv::Request;

/// The requests that peers accepted into their logs.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    taken: BTreeMap<Request, Option<Index>>,
}

impl Ledger {
    /// A peer has accepted a request.
    pub fn record_taken(&mut self, request: Request) {
        self.taken.entry(request).or_default();
    }

    /// Checks the first command that a service applies at this index.
    ///
    /// # Errors
    /// No client proposed the command, or it was applied before at another index.
    pub fn check_applied(
        &mut self,
        witness: Witness,
        index: Index,
        command: &[u8],
    ) -> Result<(), Box<Violation>> {
        if command.is_empty() {
            return Ok(());
        }
        let request = Request::decode(command);
        let Some((request, taken)) =
            request.and_then(|request| Some((request, self.taken.get_mut(&request)?)))
        else {
            return Err(Invariant::UnproposedCommand.broken(format_args!(
                "{witness} applies {command:02x?} at index {index}, which no client proposed"
            )));
        };
        match taken.replace(index) {
            None => Ok(()),
            Some(first) => Err(Invariant::AppliedTwice.broken(format_args!(
                "{witness} applies {request} at index {index}, it was applied at index {first} before"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kv::Operation;
    use raft::{Instant, PeerId};

    #[test]
    fn unproposed_and_repeated_commands_are_reported() {
        let witness = Witness { peer: PeerId::new(1), at: Instant::START };
        let operation = Operation::Put { key: 1, value: 5 };
        let request = Request { client: 2, serial: 1, attempt: 0, operation };
        let again = Request { attempt: 1, ..request };
        let mut ledger = Ledger::default();
        ledger.record_taken(request);
        ledger.record_taken(again);
        ledger.check_applied(witness, Index::new(1), &[]).expect("a no-op has no client");
        ledger.check_applied(witness, Index::new(2), &request.encode(3)).expect("it was offered");
        ledger
            .check_applied(witness, Index::new(3), &again.encode(0))
            .expect("repetitions are others");
        let twice =
            ledger.check_applied(witness, Index::new(4), &request.encode(3)).expect_err("twice");
        assert_eq!(twice.invariant, Invariant::AppliedTwice);
        assert!(twice.text.contains("index 4") && twice.text.contains("index 2"), "{twice}");
        let other = Request { client: 3, ..request };
        for command in [&*other.encode(0), b"junk"] {
            let nothing =
                ledger.check_applied(witness, Index::new(5), command).expect_err("not offered");
            assert_eq!(nothing.invariant, Invariant::UnproposedCommand);
        }
    }
}
