//! Certificates from files, checked before use: anything that other peers would reject is an error
//! with the file's name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::{Resumption, danger::ServerCertVerifier as _};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime,
};
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::server::{
    NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier,
};
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{ClientConfig, Error, InconsistentKeys, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::errors::own_certificate_error;
use super::peer_name::server_name;
use crate::transport::TransportError;
use crate::types::PeerId;

/// The certificate files of a peer, in PEM form.
///
/// Create them with the module `certificates` (a feature), its example (`cargo run -p raft --example
/// make_certificates -- certificates 1 2 3`), or openssl:
///
/// ```sh
/// openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
///     -subj '/CN=raft CA' -keyout ca.key -out ca.pem
/// openssl req -x509 -CA ca.pem -CAkey ca.key -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
///     -days 365 -subj '/CN=raft-peer-1' -addext 'subjectAltName=DNS:raft-peer-1' \
///     -addext 'basicConstraints=CA:FALSE' -keyout peer-1.key -out peer-1.pem
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate of the cluster's CA. During the replacement of the CA, both certificates.
    pub ca: PathBuf,
    /// This peer's certificate, followed by intermediate certificates, if there are any.
    pub certificate: PathBuf,
    /// The key of this peer's certificate.
    pub key: PathBuf,
    /// The CA's certificate revocation list (CRL), if it keeps one: of each CA, if there are two.
    /// Its expiry date is ignored.
    pub revoked: Option<PathBuf>,
}

/// Connector and acceptor with the certificates of one reading.
#[derive(Clone)]
pub(crate) struct Keys {
    pub(crate) connector: TlsConnector,
    pub(crate) acceptor: TlsAcceptor,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

/// Contents of the files.
struct Contents {
    /// The peer's own first.
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// Verifiers of the other peers' certificates.
struct Verifiers {
    servers: Arc<WebPkiServerVerifier>,
    clients: Arc<dyn ClientCertVerifier>,
}

/// Reads and checks the files of the peer `me`.
pub(super) fn read(me: PeerId, files: &TlsFiles) -> Result<Keys, TransportError> {
    let contents =
        Contents { chain: certificates("certificate", &files.certificate)?, key: key(&files.key)? };
    let provider = Arc::new(ring::default_provider());
    let verifiers = verifiers(files, &provider)?;
    check(me, files, &contents, &verifiers)?;
    configs(contents, &provider, verifiers).map_err(|error| key_problem(files, &error))
}

fn verifiers(
    files: &TlsFiles,
    provider: &Arc<CryptoProvider>,
) -> Result<Verifiers, TransportError> {
    let roots = Arc::new(roots(&files.ca)?);
    let revoked = files.revoked.as_deref().map_or(Ok(Vec::new()), revoked)?;
    let unusable = |error: VerifierBuilderError| match (&files.revoked, error) {
        (Some(path), error @ VerifierBuilderError::InvalidCrl(_)) => unusable("CRL", path, &error),
        (_, error) => unusable("CA certificate", &files.ca, &error),
    };
    let servers = WebPkiServerVerifier::builder_with_provider(roots.clone(), provider.clone())
        .with_crls(revoked.clone())
        .build()
        .map_err(unusable)?;
    let clients = WebPkiClientVerifier::builder_with_provider(roots, provider.clone())
        .with_crls(revoked)
        .build()
        .map_err(unusable)?;
    Ok(Verifiers { servers, clients })
}

fn roots(path: &Path) -> Result<RootCertStore, TransportError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("CA certificate", path)? {
        roots.add(certificate).map_err(|error| unusable("CA certificate", path, &error))?;
    }
    Ok(roots)
}

fn certificates(what: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TransportError> {
    all(what, path)
}

fn revoked(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, TransportError> {
    all("CRL", path)
}

/// All items of a kind in a file, at least one.
fn all<T: PemObject>(what: &str, path: &Path) -> Result<Vec<T>, TransportError> {
    let read = || T::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>();
    match read() {
        Ok(found) if found.is_empty() => Err(unreadable(what, path, &pem::Error::NoItemsFound)),
        Ok(found) => Ok(found),
        Err(error) => Err(unreadable(what, path, &error)),
    }
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TransportError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| unreadable("key", path, &error))
}

fn unreadable(what: &str, path: &Path, error: &pem::Error) -> TransportError {
    let path = path.display();
    TransportError::Tls(if let pem::Error::Io(error) = error {
        format!("cannot read the {what} `{path}`: {error}")
    } else if matches!(error, pem::Error::NoItemsFound) {
        format!("no {what} in `{path}`: PEM form expected, `-----BEGIN …-----`")
    } else {
        format!("the {what} `{path}` is malformed: {error}")
    })
}

fn unusable(what: &str, path: &Path, error: &dyn std::error::Error) -> TransportError {
    TransportError::Tls(format!("the {what} `{}` is unusable: {error}", path.display()))
}

/// Verifies this peer's certificate as the other peers will.
fn check(
    me: PeerId,
    files: &TlsFiles,
    contents: &Contents,
    Verifiers { servers, clients }: &Verifiers,
) -> Result<(), TransportError> {
    let name = server_name(me).map_err(|error| TransportError::Tls(error.to_string()))?;
    let Some((own, intermediates)) = contents.chain.split_first() else {
        return Err(unreadable("certificate", &files.certificate, &pem::Error::NoItemsFound));
    };
    let now = UnixTime::now();
    servers
        .verify_server_cert(own, intermediates, &name, &[], now)
        .map_err(|error| own_certificate_error(me, &files.certificate, &files.ca, &error))?;
    clients
        .verify_client_cert(own, intermediates, now)
        .map_err(|error| own_certificate_error(me, &files.certificate, &files.ca, &error))?;
    Ok(())
}

fn configs(
    contents: Contents,
    provider: &Arc<CryptoProvider>,
    Verifiers { servers, clients }: Verifiers,
) -> Result<Keys, Error> {
    let Contents { chain, key } = contents;
    let mut client = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&[&TLS13])?
        .with_webpki_verifier(servers)
        .with_client_auth_cert(chain.clone(), key.clone_key())?;
    let mut server = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)?;
    // Every connection proves its identity anew; connections are few and long-lived.
    client.resumption = Resumption::disabled();
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
    let acceptor = TlsAcceptor::from(Arc::new(server));
    Ok(Keys { connector: TlsConnector::from(Arc::new(client)), acceptor })
}

fn key_problem(files: &TlsFiles, error: &Error) -> TransportError {
    let (certificate, key) = (files.certificate.display(), files.key.display());
    if matches!(error, Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) {
        let text = format!("the key `{key}` does not belong to the certificate `{certificate}`");
        return TransportError::Tls(text);
    }
    unusable("key", &files.key, error)
}
