//! A cluster's own CA, and certificates for its peers.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The CA in a directory: `ca.pem`, and the secret `ca.key`.
pub(crate) struct Authority {
    directory: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Opens the CA in the directory, or creates one.
    pub(crate) fn open_or_create(directory: &Path) -> Result<Self> {
        std::fs::create_dir_all(directory)?;
        let (certificate, key) = (directory.join("ca.pem"), directory.join("ca.key"));
        if key.exists() {
            let key = KeyPair::from_pem(&std::fs::read_to_string(key)?)?;
            let issuer = Issuer::new(Self::params()?, key);
            return Ok(Self { directory: directory.to_owned(), issuer });
        }
        let (params, new) = (Self::params()?, KeyPair::generate()?);
        std::fs::write(certificate, params.self_signed(&new)?.pem())?;
        write_key(&key, &new)?;
        Ok(Self { directory: directory.to_owned(), issuer: Issuer::new(params, new) })
    }

    /// Parameters of a CA certificate, always the same, so that a CA is identified by its key.
    pub(crate) fn params() -> Result<CertificateParams> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, "raft CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(params)
    }

    /// Writes `peer-3.pem` and `peer-3.key` for peer 3.
    pub(crate) fn certify(&self, peer: u64) -> Result<()> {
        self.certify_with(&format!("peer-{peer}"), &Self::peer_params(peer)?)
    }

    /// Parameters of a peer's certificate: its name, and server and client authentication.
    pub(crate) fn peer_params(peer: u64) -> Result<CertificateParams> {
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
    pub(crate) fn certify_with(&self, file: &str, params: &CertificateParams) -> Result<()> {
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        std::fs::write(self.directory.join(format!("{file}.pem")), certificate.pem())?;
        write_key(&self.directory.join(format!("{file}.key")), &key)
    }
}

/// Writes a key that only its owner can read.
fn write_key(path: &Path, key: &KeyPair) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    std::io::Write::write_all(&mut options.open(path)?, key.serialize_pem().as_bytes())?;
    Ok(())
}
