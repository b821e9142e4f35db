//! The options of a transport over TCP.

use std::time::Duration;

use super::wire::CLUSTER_BYTES_MAX;
use crate::config::Config;
use crate::transport::TransportError;

/// Options of a [`TcpTransport`](super::TcpTransport). Start from [`TcpOptions::default`] or
/// [`TcpOptions::of`] and change what differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpOptions {
    /// The cluster's name. Peers of clusters with different names reject each other, so that a
    /// wrong address does not mix two clusters.
    pub cluster: String,
    /// Limit on received messages, in bytes. It must hold the largest command. A receiver sends its
    /// limit in the handshake, and a sender drops longer messages, with a warning. Unfinished
    /// messages take up to four times as many bytes for each member, and for all other peers
    /// together.
    pub frame_bytes_max: usize,
    /// Limit on queued bytes of entries and snapshot chunks for one peer.
    pub queue_bytes_max: usize,
    /// Limit on queued messages for one peer, in each of its two lanes.
    pub queue_messages_max: usize,
    /// Limit on connecting and the handshake; the first byte must come in half of it.
    pub handshake_timeout: Duration,
    /// Limit on unidentified incoming connections. A newer one takes the place of another: of the
    /// address with the most, and first of one that has sent nothing.
    pub unidentified_max: usize,
    /// The wait before the second attempt to connect; it doubles with every failure.
    pub reconnect_min: Duration,
    /// The longest such wait. The actual wait is drawn between its half and all of it.
    pub reconnect_max: Duration,
    /// Time after which a receiver that accepts nothing, a sender that does not finish a frame, or a
    /// network that answers nothing, counts as gone.
    pub silence_max: Duration,
    /// Age after which certificates are read from their files again for a new connection. Only with
    /// TLS.
    pub certificates_reread_after: Duration,
}

impl Default for TcpOptions {
    fn default() -> Self {
        Self {
            cluster: String::new(),
            frame_bytes_max: 16 * 1024 * 1024,
            queue_bytes_max: 8 * 1024 * 1024,
            queue_messages_max: 4096,
            handshake_timeout: Duration::from_secs(3),
            unidentified_max: 64,
            reconnect_min: Duration::from_millis(20),
            reconnect_max: Duration::from_secs(1),
            silence_max: Duration::from_secs(5),
            certificates_reread_after: Duration::from_secs(60),
        }
    }
}

impl TcpOptions {
    /// Options that fit the messages of a node with this configuration: its AppendEntries and
    /// chunks, and a full pipeline of them.
    ///
    /// ```
    /// use raft::{Config, PeerId, transport::tcp::TcpOptions};
    /// let config = Config::new(PeerId::new(1), vec![PeerId::new(1)]);
    /// let large = Config { snapshot_chunk_bytes: 64 << 20, ..config.clone() };
    /// assert_eq!(TcpOptions::of(&config).frame_bytes_max, TcpOptions::default().frame_bytes_max);
    /// assert!(TcpOptions::of(&large).frame_bytes_max > 64 << 20);
    /// ```
    #[must_use]
    pub fn of(config: &Config) -> Self {
        /// Upper bound of a message's bytes besides its entries or its chunk.
        const MESSAGE_OVERHEAD: usize = 1024;
        let usual = Self::default();
        let largest = config.append_bytes_max.max(config.snapshot_chunk_bytes);
        let frame = largest.saturating_add(MESSAGE_OVERHEAD);
        let pipeline = frame.saturating_mul(config.messages_in_flight_max);
        Self {
            frame_bytes_max: usual.frame_bytes_max.max(frame),
            queue_bytes_max: usual.queue_bytes_max.max(pipeline),
            ..usual
        }
    }

    /// Checks the settings.
    pub(super) fn check(&self) -> Result<(), TransportError> {
        let invalid = |name, problem| Err(TransportError::Setting { name, problem });
        if self.cluster.len() > CLUSTER_BYTES_MAX {
            return invalid("cluster", "must be at most 255 bytes long");
        }
        if u32::try_from(self.frame_bytes_max).is_err() {
            return invalid("frame_bytes_max", "must be below 4 GiB");
        }
        if self.reconnect_max < self.reconnect_min {
            return invalid("reconnect_max", "must be at least `reconnect_min`");
        }
        let sizes = [
            ("frame_bytes_max", self.frame_bytes_max),
            ("queue_bytes_max", self.queue_bytes_max),
            ("queue_messages_max", self.queue_messages_max),
            ("unidentified_max", self.unidentified_max),
        ];
        let times = [
            ("handshake_timeout", self.handshake_timeout),
            ("reconnect_min", self.reconnect_min),
            ("silence_max", self.silence_max),
        ];
        if let Some((name, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return invalid(name, "must be at least 1");
        }
        match times.iter().find(|(_, time)| time.is_zero()) {
            Some((name, _)) => invalid(name, "must be longer than zero"),
            None => Ok(()),
        }
    }
}
