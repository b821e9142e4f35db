//! Translation of rustls errors.
#![expect(clippy::wildcard_enum_match_arm, reason = "rustls has dozens, and they grow in number")]

use std::io;
use std::path::Path;

use tokio_rustls::rustls::{AlertDescription, CertificateError, Error};

use super::peer_name::dns_name;
use crate::transport::TransportError;
use crate::transport::tcp::error::{ConnectionError, Disconnect};
use crate::types::PeerId;

impl From<io::Error> for Disconnect {
    /// TLS reports errors of the other side as errors of the stream.
    fn from(error: io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        match inner.map(connection_error) {
            Some(error) => Self::Error(error),
            None => Self::Lost(error),
        }
    }
}

/// The other side's error.
pub(super) fn connection_error(error: &Error) -> ConnectionError {
    let text = match error {
        Error::InvalidMessage(_) => {
            "it does not speak TLS; is it configured for plain TCP?".to_owned()
        }
        Error::NoCertificatesPresented => "it has no certificate".to_owned(),
        Error::InvalidCertificate(CertificateError::NotValidForNameContext {
            expected, ..
        }) => return ConnectionError::CertificateName { expected: expected.to_str().into_owned() },
        Error::InvalidCertificate(reason) => format!("its certificate {}", describe(reason)),
        Error::AlertReceived(alert) => {
            format!("it rejects this peer's certificate or TLS: {}", describe_alert(*alert))
        }
        other => format!("TLS: {other}"),
    };
    ConnectionError::Tls(text)
}

/// The problem of a certificate, to follow "the certificate".
pub(super) fn describe(reason: &CertificateError) -> String {
    match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet; check the clocks".to_owned()
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "is not signed by the cluster's CA".to_owned()
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "must allow server and client authentication".to_owned()
        }
        CertificateError::BadEncoding => "is malformed".to_owned(),
        CertificateError::Revoked => "has been revoked".to_owned(),
        CertificateError::UnknownRevocationStatus => {
            "is of a CA without a CRL in `revoked`".to_owned()
        }
        other => format!("is unusable: {other}"),
    }
}

fn describe_alert(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::UnknownCA | AlertDescription::DecryptError => {
            "signed by another CA".to_owned()
        }
        AlertDescription::CertificateExpired => "expired".to_owned(),
        AlertDescription::CertificateRevoked => "revoked".to_owned(),
        other => format!("{other:?}"),
    }
}

/// The reason why other peers would reject this peer's certificate.
pub(super) fn own_certificate_error(
    me: PeerId,
    certificate: &Path,
    ca: &Path,
    error: &Error,
) -> TransportError {
    let (certificate, ca) = (certificate.display(), ca.display());
    let Error::InvalidCertificate(reason) = error else {
        return TransportError::Tls(format!("the certificate `{certificate}`: {error}"));
    };
    TransportError::Tls(match reason {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            let expected = dns_name(me);
            format!(
                "the certificate `{certificate}` does not name peer {me}: \
                 create one with the DNS name `{expected}`"
            )
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            format!("the certificate `{certificate}` is not signed by the CA of `{ca}`")
        }
        reason => {
            format!("the certificate `{certificate}` {}: create a new one", describe(reason))
        }
    })
}
