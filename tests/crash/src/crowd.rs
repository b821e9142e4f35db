//! Readers that all ask one peer at once, in the hope that it answers from what it knew.

use std::net::SocketAddr;
use std::thread::Scope;
use std::time::{Duration, Instant};

use raft_tests::kv::Operation;

use crate::load::{CLIENTS, HANG};
use crate::record::{KEYS, Record};
use crate::remote::{Call, Remote};

/// How many readers there are: enough that some are answered by one thread of the service while
/// another goes on with what it was doing when it was stopped.
const READERS: u16 = 24;

/// Readers with connections of their own, which stay open between their questions.
pub(crate) struct Crowd(Vec<Reader>);

struct Reader {
    name: u16,
    serial: u32,
    remote: Remote,
}

impl Crowd {
    pub(crate) fn new(peers: &[SocketAddr]) -> Self {
        let names = CLIENTS + 1..;
        let readers = names.take(usize::from(READERS)).map(|name| {
            let remote = Remote::new(peers.to_vec(), Duration::from_secs(5));
            Reader { name, serial: 0, remote }
        });
        Self(readers.collect())
    }

    /// Each reader asks this peer for a key, on a thread of the scope, which ends with the answers.
    pub(crate) fn ask<'scope>(
        &'scope mut self,
        scope: &'scope Scope<'scope, '_>,
        record: &'scope Record,
        peer: usize,
    ) {
        for reader in &mut self.0 {
            reader.remote.prefer(peer);
            scope.spawn(|| reader.ask(record));
        }
    }
}

impl Reader {
    fn ask(&mut self, record: &Record) {
        self.serial += 1;
        let (round, client, serial) = (record.round(), self.name, self.serial);
        let operation = Operation::Get { key: (client % u16::from(KEYS)) as u8 };
        let key = Record::key(round, operation.key());
        let place = record.begins(round, client, serial, operation);
        let call = Call { key: &key, client, serial, operation };
        match self.remote.call(&call, Instant::now() + HANG) {
            Ok(Some(seen)) => record.is_answered(place, operation, seen),
            Ok(None) => {}
            Err(wrong) => record.is_wrong(wrong),
        }
    }
}
