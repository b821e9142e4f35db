//! The listening side.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::protocol::{
    Call, CallVersion, Change, LossReport, PeerReport, Refused, Reply, Request, StatusReport,
    StoreReport, VERSION,
};
use crate::driver::{
    Consistency, DiskState, LeadershipTransferError, Machine, MembershipError, RunState, Status,
};
use crate::identity::Standing;
use crate::membership_change::ChangeError;
use crate::node::TransferError;
use crate::progress::LossKind;
use crate::types::PeerId;
use crate::{Address, Raft};

/// Limit on a request, in bytes, and on the wait for it.
const REQUEST_MAX: u64 = 64 << 10;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Limit on a client's pause while it is sent a backup, whose view holds old state in memory.
const BACKUP_PAUSE_MAX: Duration = Duration::from_secs(60);

/// Pause after a failed accept, for example without a free descriptor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A socket that is served until this value is dropped, or the peer has stopped. It holds a handle of
/// the peer.
#[derive(Debug)]
pub struct AdminSocket {
    task: JoinHandle<()>,
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves the administration of a peer on a Unix socket at `path`, in a tokio runtime with I/O. One that a
/// process has left behind is replaced. Requests under way go on when the value is dropped.
///
/// ```no_run
/// # async fn example<M: raft::StateMachine>(raft: raft::Raft<M>) -> std::io::Result<()> {
/// let _socket = raft::admin::serve(&raft, "data/1.sock")?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Another process listens there, another file is there, or the socket cannot be made.
pub fn serve<M: Machine>(raft: &Raft<M>, path: impl AsRef<Path>) -> io::Result<AdminSocket> {
    let path = path.as_ref();
    remove_stale(path)?;
    // No other user may connect before the mode is set: the socket gets its name afterwards.
    let unnamed = temporary(path);
    let _ = std::fs::remove_file(&unnamed);
    let listener = UnixListener::bind(&unnamed)?;
    std::fs::set_permissions(&unnamed, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&unnamed, path)?;
    let (raft, file) = (raft.clone(), SocketFile(path.to_owned()));
    Ok(AdminSocket { task: tokio::spawn(run(raft, listener, file)) })
}

/// Removes a socket on which no process listens.
fn remove_stale(path: &Path) -> io::Result<()> {
    let found = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if !found.file_type().is_socket() {
        return Err(io::Error::other(format!(
            "{} is there already, and not a socket: name another path",
            path.display()
        )));
    }
    match StdStream::connect(path) {
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            format!("another process listens on {}", path.display()),
        )),
        Err(_) => std::fs::remove_file(path),
    }
}

fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}-{}", std::process::id()))
}

/// The socket's name, which goes with the task.
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // A next start replaces one that stays.
        let _ = std::fs::remove_file(&self.0);
    }
}

async fn run<M: Machine>(raft: Raft<M>, listener: UnixListener, file: SocketFile) {
    let mut status = raft.watch();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // The sender lives as long as the handle.
            _ = status.wait_for(|status| matches!(status.run, RunState::Stopped(_))) => break,
        };
        match accepted {
            Ok((stream, _)) => drop(tokio::spawn(answer(raft.clone(), stream))),
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
    drop(file);
}

async fn answer<M: Machine>(raft: Raft<M>, stream: UnixStream) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    let mut limited = (&mut stream).take(REQUEST_MAX);
    match timeout(REQUEST_TIMEOUT, limited.read_line(&mut line)).await {
        Ok(Ok(_)) if line.ends_with('\n') => {}
        // The client is gone or silent, or sends something else.
        Ok(_) | Err(_) => return,
    }
    let mut stream = stream.into_inner();
    let reply = match parse(&line) {
        Err(refused) => line_of(&Reply::<()>::Error(refused)),
        Ok(Request::Backup { local }) => return backup(&raft, stream, local).await,
        Ok(Request::Status) => line_of(&Reply::Ok(report(&raft.status()))),
        Ok(Request::Change { change, deadline_ms }) => {
            let changed = make(&raft, change, Duration::from_millis(deadline_ms)).await;
            line_of(&match changed {
                Ok(()) => Reply::Ok(()),
                Err(error) => Reply::Error(refused_change(&error)),
            })
        }
        Ok(Request::Transfer { to }) => {
            line_of(&match raft.transfer_leadership(PeerId::new(to)).await {
                Ok(()) => Reply::Ok(()),
                Err(error) => Reply::Error(refused_transfer(&error)),
            })
        }
    };
    // The client may be gone.
    let _ = stream.write_all(&reply).await;
    let _ = stream.shutdown().await;
}

fn parse(line: &str) -> Result<Request, Refused> {
    let refused = |message| Refused { message, leader: None };
    let version: CallVersion = serde_json::from_str(line)
        .map_err(|error| refused(format!("not a request of this protocol: {error}")))?;
    if version.raft_admin != VERSION {
        return Err(refused(format!(
            "the request has version {}, this peer speaks version {VERSION}: use a raftctl of the \
             peer's version, {}",
            version.raft_admin,
            env!("CARGO_PKG_VERSION"),
        )));
    }
    let call: Call = serde_json::from_str(line)
        .map_err(|error| refused(format!("a request that this peer does not know: {error}")))?;
    Ok(call.request)
}

fn line_of<T: Serialize>(reply: &Reply<T>) -> Vec<u8> {
    let written = serde_json::to_vec(reply);
    let mut line = written.unwrap_or_else(|error| {
        format!("{{\"error\":{{\"message\":{:?},\"leader\":null}}}}", error.to_string()).into()
    });
    line.push(b'\n');
    line
}

async fn make<M: Machine>(
    raft: &Raft<M>,
    change: Change,
    deadline: Duration,
) -> Result<(), MembershipError> {
    let address = |address: Option<String>| address.map(Address::from);
    match change {
        Change::AddLearner { peer, address: at } => {
            raft.add_learner(peer, address(at), deadline).await
        }
        Change::Promote { peer } => raft.promote(peer, deadline).await,
        Change::Remove { peer } => raft.remove(peer, deadline).await,
        Change::Replace { old, new, address: at } => {
            raft.replace(old, new, address(at), deadline).await
        }
        Change::UpdateAddress { peer, address } => {
            raft.update_address(peer, address, deadline).await
        }
    }
}

fn refused_change(error: &MembershipError) -> Refused {
    let leader = match error {
        MembershipError::Rejected(ChangeError::NotLeader { leader }) => *leader,
        MembershipError::Rejected(_)
        | MembershipError::DiskStuck(_)
        | MembershipError::Overloaded { .. }
        | MembershipError::OutcomeUnknown(_)
        | MembershipError::GaveUp { .. }
        | MembershipError::Stopped(_) => None,
    };
    Refused { message: error.to_string(), leader: leader.map(PeerId::number) }
}

fn refused_transfer(error: &LeadershipTransferError) -> Refused {
    let leader = match error {
        LeadershipTransferError::Rejected(TransferError::NotLeader { leader }) => *leader,
        LeadershipTransferError::Rejected(_)
        | LeadershipTransferError::DiskStuck(_)
        | LeadershipTransferError::Overloaded { .. }
        | LeadershipTransferError::Aborted { .. }
        | LeadershipTransferError::AnotherElected { .. }
        | LeadershipTransferError::DeadlineExceeded(_)
        | LeadershipTransferError::Stopped(_) => None,
    };
    Refused { message: error.to_string(), leader: leader.map(PeerId::number) }
}

/// Sends a backup on a thread that may block: its bytes follow the first line.
async fn backup<M: Machine>(raft: &Raft<M>, stream: UnixStream, local: bool) {
    let consistency = if local { Consistency::Local } else { Consistency::Linearizable };
    let blocking = stream.into_std().and_then(|stream| {
        stream.set_nonblocking(false)?;
        stream.set_write_timeout(Some(BACKUP_PAUSE_MAX))?;
        Ok((stream.try_clone()?, stream))
    });
    let Ok((mut stream, sink)) = blocking else { return };
    let sink = Announced { sink, announced: false };
    if let Err(error) = raft.backup(consistency, sink).await {
        tracing::warn!(peer = %raft.id(), %error, "a backup failed");
        let refused = Refused { message: error.to_string(), leader: None };
        // Behind the beginning of a backup it is not read, and the backup is cut off.
        let reply = line_of(&Reply::<()>::Error(refused));
        let _ = tokio::task::spawn_blocking(move || stream.write_all(&reply)).await;
    }
}

/// A stream whose first bytes are preceded by the line of a success.
struct Announced {
    sink: StdStream,
    announced: bool,
}

impl Write for Announced {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.announced {
            self.sink.write_all(&line_of(&Reply::Ok(())))?;
            self.announced = true;
        }
        self.sink.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

fn report(status: &Status) -> StatusReport {
    let membership = &status.membership;
    let numbers = |peers: &BTreeSet<PeerId>| peers.iter().map(|peer| peer.number()).collect();
    let behind = |matched: u64| status.last_log.number().saturating_sub(matched);
    let peers = status.peers.iter().map(|peer| PeerReport {
        id: peer.id.number(),
        matched: peer.match_index.number(),
        behind: behind(peer.match_index.number()),
        loss: peer.loss.map(|loss| match loss {
            LossKind::OtherStore { .. } => LossReport::OtherStore,
            LossKind::RolledBack => LossReport::RolledBack,
        }),
    });
    let addresses = membership.addresses().iter();
    StatusReport {
        id: status.id.number(),
        role: status.role.as_str().to_owned(),
        member: format!("{:?}", status.member).to_lowercase(),
        run: status.run.to_string(),
        disk: match status.disk {
            DiskState::Healthy => "healthy".to_owned(),
            DiskState::Stuck { .. } => "stuck".to_owned(),
        },
        term: status.current_term.number(),
        leader: status.leader.map(PeerId::number),
        commit: status.commit_index.number(),
        applied: status.last_applied.number(),
        last: status.last_log.number(),
        snapshot: status.snapshot.number(),
        cluster: membership.cluster().map(|id| id.to_string()),
        store: status.store.map(|store| StoreReport {
            incarnation: store.incarnation.to_string(),
            is_new: store.standing == Standing::New,
        }),
        voters: numbers(membership.voters()),
        outgoing: membership.outgoing().map(numbers),
        learners: numbers(membership.learners()),
        addresses: addresses.map(|(peer, at)| (peer.number(), at.to_string())).collect(),
        peers: peers.collect(),
        waits_for: numbers(&status.waits_for),
        refused_by: status.refused.map(|refusal| refusal.by.number()),
        refused_links: status.refused_links.iter().map(ToString::to_string).collect(),
    }
}
