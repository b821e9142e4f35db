//! Backups of a running peer.

use std::io::{self, Write};

use super::apply::query::Cost;
use super::error::{ReadError, catch_panic};
use super::handle::Raft;
use super::machine::Machine;
use super::reads::Consistency;
use super::state_machine::{MachineError, SnapshotView};
use crate::backup::{BackupHeader, BackupSource, BackupWriter};

/// A finished backup.
#[derive(Debug)]
pub struct Backup<W> {
    /// The sink with all bytes, flushed but not yet durable.
    pub sink: W,
    /// The origin of the state.
    pub header: BackupHeader,
    /// The number of bytes of the state.
    pub data_len: u64,
}

/// A backup that was not made; what the sink has got of it is none.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MakeBackupError {
    /// The state cannot be read. Retry soon; [`Consistency::Local`] needs no leader.
    #[error("cannot read the state: {0}")]
    Read(#[from] ReadError),
    /// The state machine cannot write its state.
    #[error("the state machine cannot write its state: {0}")]
    StateMachine(MachineError),
    /// The sink failed.
    #[error("cannot write the backup: {0}")]
    Sink(io::Error),
    /// The runtime is ending.
    #[error("the runtime is ending")]
    RuntimeEnded,
}

impl<M: Machine> Raft<M> {
    /// Writes a backup of the state ([`crate::backup`]) to a sink, on a thread that may block, while the
    /// service goes on: from a view, as a snapshot
    /// ([`snapshot_view`](super::StateMachine::snapshot_view)). On any peer. A future that is dropped
    /// does not end the writing.
    ///
    /// ```no_run
    /// # use std::fs::File;
    /// # use raft::driver::Consistency;
    /// # async fn example<M: raft::StateMachine>(raft: raft::Raft<M>) -> Result<(), Box<dyn std::error::Error>> {
    /// let backup = raft.backup(Consistency::Linearizable, File::create_new("monday.backup")?).await?;
    /// backup.sink.sync_all()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// It is restored by [`storage::restore_backup`](crate::storage::restore_backup), or `raftctl restore`.
    ///
    /// # Errors
    /// The reason. What was written is not a backup, and is not taken for one.
    pub async fn backup<W: Write + Send + 'static>(
        &self,
        consistency: Consistency,
        sink: W,
    ) -> Result<Backup<W>, MakeBackupError> {
        let take = |machine: &M, applied| (machine.view(), applied);
        let (view, through) = self.run_query(consistency, Cost::Heavy, take).await?;
        let view = view.map_err(MakeBackupError::StateMachine)?;
        let status = self.status();
        let source = match consistency {
            Consistency::Linearizable => BackupSource::Linearizable,
            Consistency::Local => BackupSource::Local,
        };
        let (peer, made_at) = (self.id(), seconds_since_1970());
        let (cluster, members) = (status.membership.cluster(), (*status.membership).clone());
        let header = BackupHeader { made_at, peer, source, cluster, through, members };
        let work = tokio::task::spawn_blocking(move || write(view, sink, header));
        work.await.unwrap_or(Err(MakeBackupError::RuntimeEnded))
    }
}

fn write<W: Write>(
    view: SnapshotView,
    sink: W,
    header: BackupHeader,
) -> Result<Backup<W>, MakeBackupError> {
    let writer = BackupWriter::begin(sink, &header).map_err(MakeBackupError::Sink)?;
    let mut watched = Watched { writer, failed: None };
    let written = catch_panic(|| match view {
        SnapshotView::Bytes(bytes) => watched.write_all(&bytes).map_err(Into::into),
        SnapshotView::Writer(write) => write(&mut watched),
    });
    if let Some(error) = watched.failed {
        return Err(MakeBackupError::Sink(error));
    }
    match written {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(MakeBackupError::StateMachine(error)),
        Err(panic) => return Err(MakeBackupError::StateMachine(panic.into())),
    }
    let (sink, data_len) = watched.writer.finish().map_err(MakeBackupError::Sink)?;
    Ok(Backup { sink, header, data_len })
}

/// A writer that keeps its first error, which a state machine may wrap or ignore.
struct Watched<W> {
    writer: BackupWriter<W>,
    failed: Option<io::Error>,
}

impl<W: Write> Write for Watched<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(failed) = &self.failed {
            return Err(failed.kind().into());
        }
        self.writer.write(bytes).map_err(|error| {
            let kind = error.kind();
            self.failed = Some(error);
            kind.into()
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "people want to know the day of a backup")]
fn seconds_since_1970() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
