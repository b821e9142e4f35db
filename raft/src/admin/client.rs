//! The connecting side, which blocks.

use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::protocol::{Call, Refused, Reply, Request, StatusReport, VERSION};

/// Limit on an answer beyond the deadline of its request: longer than a peer whose `Settings::deadline` is up to 15 s
/// takes for two requests of its own.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// A running peer.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

/// A request that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// No peer listens there.
    #[error(
        "cannot connect to {socket}: {source}. The peer serves it while it runs, if its service is told \
         to; the path is on this machine, and its user's alone"
    )]
    Connect {
        /// The socket.
        socket: String,
        /// The system's error.
        source: io::Error,
    },
    /// The connection ended.
    #[error("{socket}: {source}; the outcome is not known")]
    Io {
        /// The socket.
        socket: String,
        /// The system's error.
        source: io::Error,
    },
    /// The answer is not one of this protocol.
    #[error("{socket} answers in another way, so it may be another service's: {what}")]
    NoAnswer {
        /// The socket.
        socket: String,
        /// The finding.
        what: String,
    },
    /// The peer refused.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// The bytes of a backup on their way. They are one if [`BackupReader`](crate::backup::BackupReader) says
/// so.
#[derive(Debug)]
pub struct BackupStream(BufReader<UnixStream>);

impl Read for BackupStream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes)
    }
}

impl Client {
    /// A client of the peer that serves this socket. Connects with each request.
    #[must_use]
    pub fn new(socket: impl AsRef<Path>) -> Self {
        Self { socket: socket.as_ref().to_owned() }
    }

    /// The peer's status.
    ///
    /// # Errors
    /// The reason.
    pub fn status(&self) -> Result<StatusReport, ClientError> {
        Ok(self.call(Request::Status, ANSWER_TIMEOUT)?.0)
    }

    /// Has a change of members or a transfer made.
    ///
    /// # Errors
    /// The reason.
    pub fn carry_out(&self, request: Request) -> Result<(), ClientError> {
        let deadline = match &request {
            Request::Change { deadline_ms, .. } => Duration::from_millis(*deadline_ms),
            Request::Status | Request::Transfer { .. } | Request::Backup { .. } => Duration::ZERO,
        };
        // After the deadline a peer still waits for a request that it has made: a replacement makes two.
        let limit = deadline.saturating_mul(2).saturating_add(ANSWER_TIMEOUT);
        let ((), _) = self.call(request, limit)?;
        Ok(())
    }

    /// Begins a backup.
    ///
    /// # Errors
    /// The reason.
    pub fn backup(&self, local: bool) -> Result<BackupStream, ClientError> {
        let ((), stream) = self.call(Request::Backup { local }, ANSWER_TIMEOUT)?;
        Ok(BackupStream(stream))
    }

    fn call<T: DeserializeOwned>(
        &self,
        request: Request,
        limit: Duration,
    ) -> Result<(T, BufReader<UnixStream>), ClientError> {
        let socket = || self.socket.display().to_string();
        let stream = UnixStream::connect(&self.socket)
            .map_err(|source| ClientError::Connect { socket: socket(), source })?;
        let failed = |source| ClientError::Io { socket: socket(), source };
        let no_answer = |what| ClientError::NoAnswer { socket: socket(), what };
        stream.set_read_timeout(Some(limit)).map_err(failed)?;
        let call = Call { raft_admin: VERSION, request };
        let mut line = serde_json::to_vec(&call).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        (&stream).write_all(&line).map_err(failed)?;
        let mut reader = BufReader::new(stream);
        let mut reply = String::new();
        reader.read_line(&mut reply).map_err(failed)?;
        if !reply.ends_with('\n') {
            return Err(no_answer("it ends the connection".to_owned()));
        }
        match serde_json::from_str(&reply) {
            Ok(Reply::Ok(value)) => Ok((value, reader)),
            Ok(Reply::Error(refused)) => Err(refused.into()),
            Err(error) => Err(no_answer(error.to_string())),
        }
    }
}
