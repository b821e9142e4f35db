//! Many readers that ask one peer at once, to catch it answering from an outdated state.

use std::net::SocketAddr;
use std::thread::Scope;
use std::time::{Duration, Instant};

use raft_tests::kv::Operation;

use crate::http_client::{Call, HttpClient};
use crate::recorder::{KEYS, Recorder};
use crate::workload::{CLIENTS, PROGRESS_TIMEOUT};

/// The number of readers: enough that one thread of the service answers some of them while another
/// resumes what it was doing when the process was stopped.
const READERS: u16 = 24;

/// Readers with connections of their own, which stay open between their calls.
pub(crate) struct ConcurrentReaders(Vec<Reader>);

struct Reader {
    name: u16,
    serial: u32,
    http: HttpClient,
}

impl ConcurrentReaders {
    pub(crate) fn new(peers: &[SocketAddr]) -> Self {
        let names = CLIENTS + 1..;
        let readers = names.take(usize::from(READERS)).map(|name| {
            let http = HttpClient::new(peers.to_vec(), Duration::from_secs(5));
            Reader { name, serial: 0, http }
        });
        Self(readers.collect())
    }

    /// Lets each reader read a key from this peer, on a thread of the scope.
    pub(crate) fn read<'scope>(
        &'scope mut self,
        scope: &'scope Scope<'scope, '_>,
        recorder: &'scope Recorder,
        peer: usize,
    ) {
        for reader in &mut self.0 {
            reader.http.set_target(peer);
            scope.spawn(|| reader.read(recorder));
        }
    }
}

impl Reader {
    fn read(&mut self, recorder: &Recorder) {
        self.serial += 1;
        let (round, client, serial) = (recorder.round(), self.name, self.serial);
        let operation = Operation::Get { key: (client % u16::from(KEYS)) as u8 };
        let key = Recorder::key(round, operation.key());
        let id = recorder.begin(round, client, serial, operation);
        let call = Call { key: &key, client, serial, operation };
        match self.http.call(&call, Instant::now() + PROGRESS_TIMEOUT) {
            Ok(Some(seen)) => recorder.complete(id, operation, seen),
            Ok(None) => {}
            Err(violation) => recorder.violation(violation),
        }
    }
}
