//! The choice of a network: a given transport, or TCP with checked addresses and security.

use std::collections::BTreeMap;

use crate::config::Config;
use crate::driver::error::StartError;
use crate::membership::Address;
use crate::transport::{Transport, TransportError};
use crate::types::PeerId;

/// The network settings of a builder.
#[derive(Default)]
pub(super) struct Network {
    pub(super) transport: Option<Box<dyn Transport>>,
    #[cfg(feature = "tcp")]
    pub(super) tcp: tcp::TcpConfig,
}

/// Opens a network for a node of this configuration.
pub(super) type OpenTransport =
    Box<dyn FnOnce(&Config) -> Result<Box<dyn Transport>, TransportError> + Send>;

/// Requirements of a node on its network.
#[cfg_attr(not(feature = "tcp"), expect(dead_code, reason = "only TCP has limits of its own"))]
pub(super) struct Requirements<'a> {
    pub(super) peers: &'a [PeerId],
    pub(super) addresses: &'a BTreeMap<PeerId, Address>,
    pub(super) command_bytes_max: usize,
}

/// Requirement of addresses for all peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Addresses {
    /// A peer without one is not reached.
    Needed,
    /// The transport finds peers by their ids, or has addresses of its own.
    Optional,
}

impl Network {
    pub(super) const fn addresses(&self) -> Addresses {
        #[cfg(feature = "tcp")]
        if self.tcp.listen.is_some() {
            return Addresses::Needed;
        }
        Addresses::Optional
    }

    /// Checks that there is exactly one network, and that it is secure or explicitly plain.
    #[cfg_attr(not(feature = "tcp"), expect(unused_variables, reason = "only TCP looks at it"))]
    pub(super) fn check(self, required: &Requirements<'_>) -> Result<OpenTransport, StartError> {
        #[cfg(feature = "tcp")]
        if let Some(opening) = self.tcp.check(required)? {
            return match self.transport {
                None => Ok(opening),
                Some(_) => Err(StartError::Conflict { one: "transport", other: "listen" }),
            };
        }
        match self.transport {
            Some(transport) => Ok(Box::new(|_| Ok(transport))),
            None => Err(StartError::Missing { what: "network", call: "listen` or `transport" }),
        }
    }
}

/// A network over TCP.
#[cfg(feature = "tcp")]
pub(super) mod tcp {
    use crate::driver::builder::network::{OpenTransport, Requirements};
    use crate::driver::error::StartError;
    use crate::transport::tcp::{TcpOptions, TcpTransport, TlsFiles};

    /// The TCP settings of a builder.
    #[derive(Default)]
    pub(in crate::driver) struct TcpConfig {
        pub(in crate::driver) listen: Option<String>,
        pub(in crate::driver) security: Option<Security>,
        pub(in crate::driver) cluster: String,
    }

    /// Protection of messages in transit.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(in crate::driver) enum Security {
        /// Nothing.
        Plain,
        /// Mutual TLS.
        Tls(TlsFiles),
    }

    /// Upper bound of a message's bytes besides its command.
    const MESSAGE_OVERHEAD: usize = 1024;

    impl TcpConfig {
        pub(super) fn check(
            self,
            required: &Requirements<'_>,
        ) -> Result<Option<OpenTransport>, StartError> {
            let Self { listen, security, cluster } = self;
            let Some(listen) = listen else { return Ok(None) };
            let known = required.addresses;
            if let Some(peer) = required.peers.iter().find(|peer| !known.contains_key(peer)) {
                return Err(StartError::NoAddress(*peer));
            }
            let all = known.values().map(AsRef::as_ref).chain([listen.as_str()]);
            let open = { all }.find(|address| !is_loopback(address)).map(str::to_owned);
            let security = match (security, open) {
                (Some(security), _) => security,
                (None, None) => Security::Plain,
                (None, Some(address)) => return Err(StartError::NoSecurity { address }),
            };
            let frame = required.command_bytes_max.saturating_add(MESSAGE_OVERHEAD);
            Ok(Some(Box::new(move |config| {
                let usual = TcpOptions::of(config);
                let frame_bytes_max = usual.frame_bytes_max.max(frame);
                let options = TcpOptions { cluster, frame_bytes_max, ..usual };
                let transport = match security {
                    Security::Plain => TcpTransport::plain(config.id, &listen)?,
                    Security::Tls(files) => TcpTransport::tls(config.id, &listen, files)?,
                };
                Ok(Box::new(transport.with(options)?))
            })))
        }
    }

    /// True if only this machine reaches the address. A name other than `localhost` may mean
    /// anything.
    fn is_loopback(address: &str) -> bool {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn only_loopback_addresses_need_no_security_setting() {
            for (address, expected) in [
                ("127.0.0.1:7001", true),
                ("127.8.8.8:1", true),
                ("[::1]:7001", true),
                ("localhost:7001", true),
                ("0.0.0.0:7001", false),
                ("[::]:7001", false),
                ("10.0.0.1:7001", false),
                ("localhost.example:7001", false),
                ("node-1:7001", false),
            ] {
                assert_eq!(is_loopback(address), expected, "{address}");
            }
        }
    }
}
