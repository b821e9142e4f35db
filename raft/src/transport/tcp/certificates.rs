//! A cluster's own CA, and certificates for its peers, as files.
//!
//! ```
//! use raft::transport::tcp::certificates::Authority;
//!
//! # let directory = tempfile::tempdir()?;
//! let authority = Authority::open_or_create(directory.path())?;
//! for peer in 1..=3 {
//!     authority.certify(peer)?;
//! }
//! assert!(directory.path().join("peer-3.pem").exists());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use crate::transport::TransportError;

/// The CA in a directory: `ca.pem`, and the secret `ca.key`.
#[derive(Debug)]
pub struct Authority {
    directory: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Opens the CA in the directory, or creates one.
    ///
    /// # Errors
    /// A file or the directory cannot be read or written.
    pub fn open_or_create(directory: &Path) -> Result<Self, TransportError> {
        fs::create_dir_all(directory).map_err(|error| failed("create", directory, &error))?;
        let (certificate, key) = (directory.join("ca.pem"), directory.join("ca.key"));
        let params = Self::params()?;
        let pair = if key.exists() {
            let pem = fs::read_to_string(&key).map_err(|error| failed("read", &key, &error))?;
            KeyPair::from_pem(&pem)?
        } else {
            let pair = KeyPair::generate()?;
            let pem = params.self_signed(&pair)?.pem();
            write(&certificate, &pem)?;
            write_key(&key, &pair)?;
            pair
        };
        Ok(Self { directory: directory.to_owned(), issuer: Issuer::new(params, pair) })
    }

    /// Parameters of a CA certificate, always the same, so that a CA is identified by its key.
    ///
    /// # Errors
    /// As of rcgen.
    pub fn params() -> Result<CertificateParams, TransportError> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, "raft CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(params)
    }

    /// Writes `peer-3.pem` and `peer-3.key` for peer 3.
    ///
    /// # Errors
    /// As of [`Authority::certify_with`].
    pub fn certify(&self, peer: u64) -> Result<(), TransportError> {
        self.certify_with(&format!("peer-{peer}"), &Self::peer_params(peer)?)
    }

    /// Parameters of a peer's certificate: its name, and server and client authentication.
    ///
    /// # Errors
    /// As of rcgen.
    pub fn peer_params(peer: u64) -> Result<CertificateParams, TransportError> {
        let name = format!("raft-peer-{peer}");
        let mut params = CertificateParams::new(vec![name.clone()])?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        Ok(params)
    }

    /// Writes `FILE.pem` and `FILE.key`.
    ///
    /// # Errors
    /// The certificate cannot be signed, or a file cannot be written.
    pub fn certify_with(
        &self,
        file: &str,
        params: &CertificateParams,
    ) -> Result<(), TransportError> {
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        write(&self.directory.join(format!("{file}.pem")), &certificate.pem())?;
        write_key(&self.directory.join(format!("{file}.key")), &key)
    }
}

fn write(path: &Path, text: &str) -> Result<(), TransportError> {
    fs::write(path, text).map_err(|error| failed("write", path, &error))
}

/// Writes a key that only its owner can read, in a new file: an existing one may be readable by
/// others, or a link.
fn write_key(path: &Path, key: &KeyPair) -> Result<(), TransportError> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let temporary = path.with_extension("key.tmp");
    let write = || {
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        options.open(&temporary)?.write_all(key.serialize_pem().as_bytes())?;
        fs::rename(&temporary, path)
    };
    write().map_err(|error| failed("write", path, &error))
}

fn failed(operation: &str, path: &Path, error: &io::Error) -> TransportError {
    TransportError::Tls(format!("cannot {operation} `{}`: {error}", path.display()))
}

impl From<rcgen::Error> for TransportError {
    fn from(error: rcgen::Error) -> Self {
        Self::Tls(format!("cannot create a certificate: {error}"))
    }
}
