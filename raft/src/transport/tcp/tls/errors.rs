//! The errors of rustls in the words of this library.
#![expect(clippy::wildcard_enum_match_arm, reason = "rustls has dozens, and they grow in number")]

use std::io;

use tokio_rustls::rustls::{AlertDescription, CertificateError, Error};

use super::name_of;
use crate::transport::TransportError;
use crate::transport::tcp::TlsFiles;
use crate::transport::tcp::refusal::{End, Refusal};
use crate::types::PeerId;

impl From<io::Error> for End {
    /// TLS reports what the other side did wrong as errors of the stream.
    fn from(error: io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        match inner.map(refusal) {
            Some(refusal) => Self::Refused(refusal),
            None => Self::Lost(error),
        }
    }
}

/// What the other side did, in the words of this library.
pub(super) fn refusal(error: &Error) -> Refusal {
    let text = match error {
        Error::InvalidMessage(_) => {
            "what it says is no TLS; is it told to speak plain TCP?".to_owned()
        }
        Error::NoCertificatesPresented => "it has no certificate".to_owned(),
        Error::InvalidCertificate(CertificateError::NotValidForNameContext {
            expected, ..
        }) => return Refusal::Certificate { wanted: expected.to_str().into_owned() },
        Error::InvalidCertificate(reason) => format!("its certificate {}", problem(reason)),
        Error::AlertReceived(alert) => {
            format!("it refuses this peer's certificate or TLS: {}", meaning(*alert))
        }
        other => format!("TLS: {other}"),
    };
    Refusal::Tls(text)
}

/// What is wrong with a certificate; completes "the certificate …".
pub(super) fn problem(reason: &CertificateError) -> String {
    match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet; are the clocks right?".to_owned()
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "is not signed by the cluster's CA".to_owned()
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "must be allowed for the authentication of servers and of clients".to_owned()
        }
        CertificateError::BadEncoding => "is garbled".to_owned(),
        CertificateError::Revoked => "has been revoked".to_owned(),
        CertificateError::UnknownRevocationStatus => {
            "is of a CA without a list in `revoked`".to_owned()
        }
        other => format!("cannot be used: {other}"),
    }
}

fn meaning(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::UnknownCA | AlertDescription::DecryptError => {
            "another CA has signed it".to_owned()
        }
        AlertDescription::CertificateExpired => "it has expired".to_owned(),
        AlertDescription::CertificateRevoked => "it has been revoked".to_owned(),
        other => format!("{other:?}"),
    }
}

/// What the other peers would not like about the own certificate.
pub(super) fn own_problem(me: PeerId, files: &TlsFiles, error: &Error) -> TransportError {
    let (certificate, ca) = (files.certificate.display(), files.ca.display());
    let Error::InvalidCertificate(reason) = error else {
        return TransportError::Tls(format!("the certificate `{certificate}`: {error}"));
    };
    TransportError::Tls(match reason {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            let wanted = name_of(me);
            format!(
                "the certificate `{certificate}` does not name peer {me}: \
                 make one with the DNS name `{wanted}`"
            )
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            format!("the certificate `{certificate}` is not signed by the CA of `{ca}`")
        }
        reason => {
            format!("the certificate `{certificate}` {}: make a new one", problem(reason))
        }
    })
}
