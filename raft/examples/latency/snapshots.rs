//! Latency of writes while snapshots of a large state are made, beside that without.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use raft::driver::{MachineError, Settings, SnapshotPolicy, SnapshotView};
use raft::{Raft, StateMachine};

use super::{Outcome, Wire, leader, print_row, start, writes};

const PAGE: usize = 1 << 20;
const CLIENTS: usize = 64;
/// Entries between two snapshots: some seconds.
const ENTRIES: u64 = 20_000;

/// The number of pages of every state.
static PAGES: AtomicUsize = AtomicUsize::new(0);

/// Pages of a mebibyte, shared with views of the state until they change.
struct Pages(Vec<Arc<Vec<u8>>>, u64);

impl Default for Pages {
    fn default() -> Self {
        let page = |number: usize| Arc::new(vec![number as u8; PAGE]);
        Self((0..PAGES.load(Ordering::Relaxed)).map(page).collect(), 0)
    }
}

impl StateMachine for Pages {
    type Command = [u8; 16];
    type Answer = u64;

    fn apply(&mut self, bytes: [u8; 16]) -> u64 {
        self.1 += 1;
        let number = self.1 as usize % self.0.len();
        Arc::make_mut(&mut self.0[number])[..16].copy_from_slice(&bytes);
        self.1
    }

    fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
        let mut bytes = Vec::with_capacity(8 + self.0.len() * PAGE);
        bytes.extend_from_slice(&self.1.to_le_bytes());
        self.0.iter().for_each(|page| bytes.extend_from_slice(page));
        Ok(bytes)
    }

    fn snapshot_view(&self) -> Result<SnapshotView, MachineError> {
        let (pages, count) = (self.0.clone(), self.1);
        Ok(SnapshotView::writer(move |sink| {
            sink.write_all(&count.to_le_bytes())?;
            pages.iter().try_for_each(|page| sink.write_all(page)).map_err(Into::into)
        }))
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError> {
        let (count, pages) = snapshot.split_first_chunk().ok_or("too short")?;
        self.0 = pages.chunks(PAGE).map(|page| Arc::new(page.to_vec())).collect();
        self.1 = u64::from_le_bytes(*count);
        Ok(())
    }
}

/// A row without snapshots, and one with snapshots of this many mebibytes.
pub(super) async fn quiet_and_with_snapshots(
    mebibytes: usize,
    time: Duration,
    directory: &Path,
) -> Outcome {
    PAGES.store(mebibytes, Ordering::Relaxed);
    for (name, entries) in [("quiet", None), ("snapshots", Some(ENTRIES))] {
        let snapshots = SnapshotPolicy { entries, ..SnapshotPolicy::NEVER };
        let settings = Settings { snapshots, deadline: time * 4, ..Settings::default() };
        let (rafts, _) = start::<Pages>(Wire::Plain, directory, settings).await?;
        let first = leader(&rafts).await?;
        let before = first.status().current_term;
        let (waits, failed) = match writes(first, CLIENTS, time).await {
            Ok(waits) => (waits, String::new()),
            Err(error) => (Vec::new(), format!(", writes ended: {error}")),
        };
        print_row(name, CLIENTS, waits.clone(), time);
        let longest = waits.iter().max().copied().unwrap_or_default();
        println!(
            "longest {:.0} ms, terms {before} to {}{failed}{}",
            longest.as_secs_f64() * 1000.0,
            first.status().current_term,
            snapshots_of(&rafts),
        );
        for raft in rafts {
            raft.shutdown().await;
        }
    }
    Ok(())
}

/// The newest snapshot of each peer, as text.
fn snapshots_of(rafts: &[Raft<Pages>]) -> String {
    rafts.iter().fold(String::new(), |mut text, raft| {
        // Writing to a string does not fail.
        let _ = write!(text, ", peer {} snapshot through {}", raft.id(), raft.status().snapshot);
        text
    })
}
