//! Mutual TLS: accepted and rejected certificates, and errors of files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use raft::transport::tcp::certificates::Authority;
use raft::transport::tcp::{Answer, Hello, TcpOptions, TcpTransport, TlsFiles, Verdict};
use raft::transport::{Transport as _, TransportError};
use rcgen::{
    CertificateRevocationListParams, Issuer, KeyIdMethod, KeyPair, RevokedCertParams, date_time_ymd,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::support::{CLUSTER, Log, Peer, RawClient, append, options, peer, vote, with_timeout};

/// Keys stay private when they are made anew over files that others can read.
#[cfg(unix)]
#[test]
fn a_key_is_private_when_it_is_written_again() {
    use std::os::unix::fs::PermissionsExt as _;

    let dir = certificates();
    let key = dir.path().join("peer-1.key");
    let mode = || fs::metadata(&key).expect("a file").permissions().mode() & 0o777;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("it is ours");
    let before = fs::read(&key).expect("a file");
    let authority = Authority::open_or_create(dir.path()).expect("a CA");
    authority.certify(1).expect("a certificate");
    assert_eq!(mode(), 0o600);
    assert_ne!(fs::read(&key).expect("a file"), before);
}

/// A directory with a CA and the certificates of peers 1, 2 and 3.
fn certificates() -> TempDir {
    let dir = TempDir::new().expect("a directory");
    let authority = Authority::open_or_create(dir.path()).expect("a CA");
    for peer in 1..=3 {
        authority.certify(peer).expect("a certificate");
    }
    dir
}

fn files(dir: &Path, name: &str) -> TlsFiles {
    let file = |end: &str| dir.join(format!("{name}.{end}"));
    TlsFiles { ca: dir.join("ca.pem"), certificate: file("pem"), key: file("key"), revoked: None }
}

fn tls(number: u64, files: TlsFiles, options: TcpOptions) -> Peer {
    let transport = TcpTransport::tls(peer(number), "127.0.0.1:0", files).expect("good files");
    Peer::start(number, transport.with(options).expect("good settings"), 1024)
}

fn tls_of(number: u64, dir: &TempDir) -> Peer {
    tls(number, files(dir.path(), &format!("peer-{number}")), options())
}

#[tokio::test]
async fn peers_of_one_ca_connect() {
    let dir = certificates();
    let [mut one, mut two] = [1, 2].map(|number| tls_of(number, &dir));
    one.set_peer(&two);
    two.set_peer(&one);
    one.wait_connected(&mut two).await;
    two.wait_connected(&mut one).await;
    let large = append(1, peer(1), peer(2), &[&vec![7; 3 << 20]]);
    one.transport.send(large.clone());
    assert_eq!(two.next().await, large);
    for id in 0..1000 {
        one.transport.send(vote(id, peer(1), peer(2)));
    }
    for id in 0..1000 {
        assert_eq!(two.next().await.id.number(), id);
    }
}

/// Peer 1 tries to send to `two`, which must log this reason, while peer 1 must log
/// `sender_reason`.
async fn assert_rejected(
    log: &Log,
    mut one: Peer,
    two: &mut Peer,
    reason: &str,
    sender_reason: &str,
) {
    one.set_peer(two);
    log.wait_for(reason).await;
    log.wait_for(sender_reason).await;
    drop(one);
    assert!(two.received.is_empty(), "{reason}");
}

#[tokio::test]
async fn invalid_certificates_are_rejected_and_other_connections_stay() {
    let (ours, theirs) = (certificates(), certificates());
    let log = Log::capture();
    let (mut two, mut good) = (tls_of(2, &ours), tls_of(3, &ours));
    good.set_peer(&two);
    good.wait_connected(&mut two).await;

    // Valid files of another CA. Each side rejects the other.
    let one = tls_of(1, &theirs);
    let reason = "it rejects this peer's certificate or TLS: signed by another CA";
    let sender_reason = "its certificate is not signed by the cluster's CA";
    assert_rejected(&log, one, &mut two, reason, sender_reason).await;

    // Peer 3's certificate, used under another id.
    let mut client = tls(3, files(ours.path(), "peer-3"), options());
    client.transport.set_address(peer(9), &two.address());
    let reason = "its certificate lacks the DNS name `raft-peer-9`";
    log.wait_for(reason).await;

    assert_rejected(
        &log,
        Peer::plain(1, options()),
        &mut two,
        "it does not speak TLS; is it configured for plain TCP?",
        "it speaks TLS, this peer is configured for plain TCP",
    )
    .await;

    let mut plain = Peer::plain(1, options());
    let one = tls_of(2, &ours);
    let reason = "it speaks TLS, this peer is configured for plain TCP";
    let sender_reason = "it does not speak TLS; is it configured for plain TCP?";
    assert_rejected(&log, one, &mut plain, reason, sender_reason).await;

    let mut raw = RawClient::connect(&two).await;
    raw.write(&[0; 100]).await;
    raw.read_to_end().await;
    good.transport.send(vote(5, peer(3), peer(2)));
    assert_eq!(two.next().await, vote(5, peer(3), peer(2)));
}

/// A TLS client that is not a peer, with or without a certificate of this cluster.
async fn program(to: &Peer, files: &TlsFiles, client: Client) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_file(&files.ca).expect("good certificates");
    roots.add(ca).expect("good certificates");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .expect("good certificates")
        .with_root_certificates(roots);
    let config = match client {
        Client::Certified => {
            let chain =
                vec![CertificateDer::from_pem_file(&files.certificate).expect("good certificates")];
            let key = PrivateKeyDer::from_pem_file(&files.key).expect("good certificates");
            config.with_client_auth_cert(chain, key).expect("good certificates")
        }
        Client::Anonymous => config.with_no_client_auth(),
    };
    let connector = TlsConnector::from(Arc::new(config));
    let name = ServerName::try_from(format!("raft-peer-{}", to.name)).expect("good certificates");
    with_timeout(connector.connect(name, RawClient::connect(to).await.0))
        .await
        .expect("good certificates")
}

enum Client {
    Certified,
    Anonymous,
}

#[tokio::test]
async fn a_peer_may_not_use_the_id_of_another() {
    let dir = certificates();
    let log = Log::capture();
    let two = tls_of(2, &dir);
    let files = files(dir.path(), "peer-3");
    let mut client = program(&two, &files, Client::Certified).await;
    let hello =
        Hello { version: 1, from: peer(1), to: peer(2), cluster: CLUSTER.into(), origin: None };
    client.write_all(&hello.encode()).await.unwrap();
    let mut answer = [0; Answer::BYTES];
    with_timeout(client.read_exact(&mut answer)).await.unwrap();
    let answer = Answer::decode(&answer, 1).expect("it is valid").expect("it is whole");
    assert_eq!(answer.verdict, Verdict::CertificateName);
    log.wait_for("its certificate lacks the DNS name `raft-peer-1`").await;
    assert_eq!(log.warnings().len(), 1);

    let anonymous = program(&two, &files, Client::Anonymous).await;
    log.wait_for("it has no certificate").await;
    drop(anonymous);
}

/// With a copy of the files as well; the probe goes through TLS.
#[tokio::test]
async fn a_second_process_with_the_same_certificate_is_rejected_while_the_first_answers() {
    let dir = certificates();
    let log = Log::capture();
    let mut two = tls_of(2, &dir);
    let mut first = tls_of(1, &dir);
    first.set_peer(&two);
    first.wait_connected(&mut two).await;
    let mut second = tls_of(1, &dir);
    second.set_peer(&two);
    log.wait_for("rejected: another process with this peer's id is connected to it").await;
    log.wait_for("another process with id 1 is connected from").await;
    first.transport.send(vote(5, peer(1), peer(2)));
    assert_eq!(two.next().await, vote(5, peer(1), peer(2)));
}

#[tokio::test]
async fn invalid_new_files_leave_the_old_ones_in_use() {
    let dir = certificates();
    let log = Log::capture();
    let mut two = tls_of(2, &dir);
    let reread = TcpOptions { certificates_reread_after: Duration::ZERO, ..options() };
    let mut one = tls(1, files(dir.path(), "peer-1"), reread);
    copy(dir.path(), "peer-3.pem", "peer-1.pem");
    copy(dir.path(), "peer-3.key", "peer-1.key");
    one.set_peer(&two);
    log.wait_for("new certificates are unusable; keeping the previous ones").await;
    one.wait_connected(&mut two).await;
    let warnings = log.warnings();
    assert!(warnings[0].contains("does not name peer 1"), "{warnings:?}");
}

#[tokio::test]
async fn new_certificates_are_used_by_new_connections() {
    let log = Log::capture();
    let dir = certificates();
    let reread = TcpOptions { certificates_reread_after: Duration::ZERO, ..options() };
    let [mut one, mut two] = [1, 2]
        .map(|number| tls(number, files(dir.path(), &format!("peer-{number}")), reread.clone()));
    // A new CA replaces the old one on all peers.
    fs::remove_file(dir.path().join("ca.key")).expect("it is there");
    let authority = Authority::open_or_create(dir.path()).expect("a CA");
    for peer in 1..=3 {
        authority.certify(peer).expect("a certificate");
    }
    // Peer 3 knows only the new one.
    let mut three = tls_of(3, &dir);
    one.set_peer(&two);
    one.wait_connected(&mut two).await;
    three.set_peer(&one);
    three.wait_connected(&mut one).await;
    assert!(log.warnings().is_empty());
}

/// Creates a revoked certificate for peer 1; returns the CRL's path.
fn revoke_peer_1(dir: &Path) -> PathBuf {
    certify_with(dir, |params| params.serial_number = Some(7.into()));
    let key = fs::read_to_string(dir.join("ca.key")).expect("the CA");
    let params = Authority::params().expect("the CA");
    let issuer = Issuer::new(params, KeyPair::from_pem(&key).expect("the CA"));
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2020, 1, 2),
        next_update: date_time_ymd(4000, 1, 1),
        crl_number: 1.into(),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: 7.into(),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let list = list.signed_by(&issuer).expect("a list").pem().expect("a list");
    write(dir, "revoked.pem", &list);
    dir.join("revoked.pem")
}

#[tokio::test]
async fn a_revoked_certificate_is_rejected_on_both_sides() {
    let dir = certificates();
    let revoked = Some(revoke_peer_1(dir.path()));
    let log = Log::capture();
    let [mut two, mut three] = [2, 3].map(|number| {
        let files = files(dir.path(), &format!("peer-{number}"));
        tls(number, TlsFiles { revoked: revoked.clone(), ..files }, options())
    });
    three.set_peer(&two);
    three.wait_connected(&mut two).await;
    // Peer 1 has no CRL, so its own certificate is valid for it.
    let reason = "its certificate has been revoked";
    let sender_reason = "it rejects this peer's certificate or TLS: revoked";
    assert_rejected(&log, tls_of(1, &dir), &mut two, reason, sender_reason).await;
    log.warnings();
    let one = tls_of(1, &dir);
    three.set_peer(&one);
    log.wait_for(reason).await;
    log.wait_for(sender_reason).await;

    let files = TlsFiles { revoked, ..files(dir.path(), "peer-1") };
    let error = TcpTransport::tls(peer(1), "127.0.0.1:0", files).expect_err("it sees it itself");
    assert!(
        error.to_string().ends_with("peer-1.pem` has been revoked: create a new one"),
        "{error}"
    );
}

#[test]
fn an_invalid_revocation_list_is_named() {
    let dir = certificates();
    let files = |file| {
        let revoked = Some(dir.path().join(file));
        TlsFiles { revoked, ..files(dir.path(), "peer-1") }
    };
    let crl = GARBLED.replace("!!!!", "AAAA").replace("CERTIFICATE", "X509 CRL");
    write(dir.path(), "garbled", &crl);
    for (file, expected) in [
        ("missing", "cannot read the CRL `DIR/missing`: No such file or directory (os error 2)"),
        ("ca.pem", "no CRL in `DIR/ca.pem`: PEM form expected, `-----BEGIN …-----`"),
        ("garbled", "the CRL `DIR/garbled` is unusable: provided CRL could not be parsed: "),
    ] {
        let error = TcpTransport::tls(peer(1), "127.0.0.1:0", files(file)).expect_err(expected);
        let text = error.to_string().replace(&dir.path().display().to_string(), "DIR");
        assert!(text.starts_with(expected), "{text}");
    }
}

/// Breaks the files of peer 1 in a directory.
type BreakFiles = fn(&Path);

fn certify_with(dir: &Path, change: impl FnOnce(&mut rcgen::CertificateParams)) {
    let authority = Authority::open_or_create(dir).expect("the CA");
    let mut params = Authority::peer_params(1).expect("a name");
    change(&mut params);
    authority.certify_with("peer-1", &params).expect("a certificate");
}

fn copy(dir: &Path, from: &str, to: &str) {
    fs::copy(dir.join(from), dir.join(to)).expect("it is there");
}

fn write(dir: &Path, file: &str, text: &str) {
    fs::write(dir.join(file), text).expect("it can be written");
}

/// Missing and malformed files.
fn unreadable_files() -> Vec<(BreakFiles, &'static str)> {
    vec![
        (
            |dir| fs::remove_file(dir.join("peer-1.pem")).expect("it is there"),
            "cannot read the certificate `DIR/peer-1.pem`: No such file or directory (os error 2)",
        ),
        (
            |dir| fs::remove_file(dir.join("ca.pem")).expect("it is there"),
            "cannot read the CA certificate `DIR/ca.pem`: No such file or directory (os error 2)",
        ),
        (
            |dir| copy(dir, "peer-1.key", "peer-1.pem"),
            "no certificate in `DIR/peer-1.pem`: PEM form expected, \
             `-----BEGIN …-----`",
        ),
        (
            |dir| copy(dir, "peer-1.pem", "peer-1.key"),
            "no key in `DIR/peer-1.key`: PEM form expected, `-----BEGIN …-----`",
        ),
        (
            |dir| write(dir, "ca.pem", GARBLED),
            "the CA certificate `DIR/ca.pem` is malformed: base64 decode error: \
             InvalidCharacter(33)",
        ),
        (
            |dir| write(dir, "ca.pem", &GARBLED.replace("!!!!", "AAAA")),
            "the CA certificate `DIR/ca.pem` is unusable: invalid peer certificate: BadEncoding",
        ),
        (
            |dir| write(dir, "peer-1.pem", &GARBLED.replace("!!!!", "AAAA")),
            "the certificate `DIR/peer-1.pem` is malformed: create a new one",
        ),
    ]
}

/// Readable files of invalid certificates.
fn invalid_certificates() -> Vec<(BreakFiles, &'static str)> {
    vec![
        (
            |dir| copy(dir, "peer-2.key", "peer-1.key"),
            "the key `DIR/peer-1.key` does not belong to the certificate `DIR/peer-1.pem`",
        ),
        (
            |dir| {
                copy(dir, "peer-2.key", "peer-1.key");
                copy(dir, "peer-2.pem", "peer-1.pem");
            },
            "the certificate `DIR/peer-1.pem` does not name peer 1: create one with the DNS name \
             `raft-peer-1`",
        ),
        (
            |dir| {
                fs::remove_file(dir.join("ca.key")).expect("it is there");
                Authority::open_or_create(dir).expect("a new CA");
            },
            "the certificate `DIR/peer-1.pem` is not signed by the CA of `DIR/ca.pem`",
        ),
        (
            |dir| {
                certify_with(dir, |params| params.not_after = date_time_ymd(2020, 1, 1));
            },
            "the certificate `DIR/peer-1.pem` has expired: create a new one",
        ),
        (
            |dir| {
                certify_with(dir, |params| params.not_before = date_time_ymd(4000, 1, 1));
            },
            "the certificate `DIR/peer-1.pem` is not valid yet; check the clocks: create a \
             new one",
        ),
        (
            |dir| certify_with(dir, |params| params.extended_key_usages.truncate(1)),
            "the certificate `DIR/peer-1.pem` must allow server and client authentication: create a \
             new one",
        ),
    ]
}

const GARBLED: &str = "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";

#[test]
fn an_invalid_file_is_named_with_what_to_do() {
    for (break_files, expected) in unreadable_files().into_iter().chain(invalid_certificates()) {
        let dir = certificates();
        break_files(dir.path());
        let files = files(dir.path(), "peer-1");
        let error = TcpTransport::tls(peer(1), "127.0.0.1:0", files).expect_err(expected);
        assert!(matches!(error, TransportError::Tls(_)), "{error:?}");
        let text = error.to_string().replace(&dir.path().display().to_string(), "DIR");
        assert_eq!(text, expected);
    }
}

#[test]
fn a_certificate_may_have_further_names() {
    let dir = certificates();
    let mut params = Authority::peer_params(1).expect("a name");
    let host = rcgen::SanType::DnsName("db1.example.com".try_into().expect("a name"));
    params.subject_alt_names.insert(0, host);
    let authority = Authority::open_or_create(dir.path()).expect("the CA");
    authority.certify_with("peer-1", &params).expect("a certificate");
    TcpTransport::tls(peer(1), "127.0.0.1:0", files(dir.path(), "peer-1")).expect("good files");
}

/// The commands in the documentation of `TlsFiles`; skipped without openssl.
#[test]
fn certificates_can_be_made_by_openssl() {
    let commands = "
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
            -subj '/CN=raft CA' -keyout ca.key -out ca.pem
        openssl req -x509 -CA ca.pem -CAkey ca.key -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
            -days 365 -subj '/CN=raft-peer-1' -addext 'subjectAltName=DNS:raft-peer-1' \
            -addext 'basicConstraints=CA:FALSE' -keyout peer-1.key -out peer-1.pem";
    let dir = TempDir::new().unwrap();
    if Command::new("openssl").arg("version").output().is_err() {
        return;
    }
    let made = Command::new("sh").args(["-ec", commands]).current_dir(&dir).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    TcpTransport::tls(peer(1), "127.0.0.1:0", files(dir.path(), "peer-1")).expect("good files");
}
