//! Handshakes as bytes: encoded and decoded again, cut off, changed, and of earlier versions.

use std::net::SocketAddr;

use proptest::prelude::*;
use raft::cluster_view::OwnPlace;
use raft::transport::tcp::{
    Answer, Conflict, ConnectionError, Expected, Hello, Origin, Process, ProcessStart, Received,
    Receiver, VERSION, Verdict,
};
use raft::{ClusterId, EntryId, Incarnation, Index, StatedIdentity, Term};

use super::support::peer;

fn entry_id() -> impl Strategy<Value = EntryId> {
    (any::<u64>(), 0..u64::MAX >> 1)
        .prop_map(|(term, index)| EntryId::new(Term::new(term), Index::new(index)))
}

prop_compose! {
    fn process()(
        start in any::<u64>(),
        cluster in any::<Option<u64>>(),
        store in any::<Option<u64>>(),
        place in prop::sample::select(&[OwnPlace::Joining, OwnPlace::Member, OwnPlace::Removed]),
        configuration in entry_id(),
        committed in entry_id(),
    ) -> Process {
        let (cluster, store) = (cluster.map(ClusterId::new), store.map(Incarnation::new));
        let identity = StatedIdentity { cluster, store, place, configuration, committed };
        Process { start: ProcessStart::new(start), identity }
    }
}

prop_compose! {
    fn hello()(
        version in 1..=VERSION,
        from in any::<u64>(),
        to in any::<u64>(),
        cluster in "[a-zäß]{0,127}",
        process in process(),
        address in prop::option::of("[a-z.]{1,249}:[0-9]{1,5}"),
    ) -> Hello {
        let origin = (version >= 3).then_some(Origin { process, address });
        Hello { version, from: peer(from), to: peer(to), cluster, origin }
    }
}

prop_compose! {
    fn conflict()(
        start in any::<u64>(),
        store in any::<Option<u64>>(),
        ip in any::<std::net::IpAddr>(),
        port in any::<u16>(),
    ) -> Conflict {
        let address = SocketAddr::new(ip.to_canonical(), port);
        Conflict { start: ProcessStart::new(start), store: store.map(Incarnation::new), address }
    }
}

prop_compose! {
    fn answer()(
        version in 1..=VERSION,
        verdict in prop::sample::select(&VERDICTS),
        nonce in any::<u64>(),
        frame_bytes_max in any::<u32>(),
        process in process(),
        conflict in prop::option::of(conflict()),
    ) -> Answer {
        let (process, conflict) = if version < 3 { (None, None) } else { (Some(process), conflict) };
        Answer { version, verdict, nonce, frame_bytes_max, process, conflict }
    }
}

const VERDICTS: [Verdict; 9] = [
    Verdict::Accepted,
    Verdict::WrongCluster,
    Verdict::Misrouted,
    Verdict::DuplicateId,
    Verdict::CertificateName,
    Verdict::OtherCluster,
    Verdict::DuplicateProcess,
    Verdict::NotAMember,
    Verdict::Other,
];

proptest! {
    #[test]
    fn a_handshake_is_read_back_and_waits_while_it_is_cut_off(hello in hello(), answer in answer()) {
        let bytes = hello.encode();
        for len in 0..bytes.len() {
            prop_assert_eq!(Hello::decode(&bytes[..len]), Ok(None), "cut at {}", len);
        }
        let with_more = [&bytes[..], b"more"].concat();
        prop_assert_eq!(Hello::decode(&with_more), Ok(Some((hello, bytes.len()))));

        let bytes = answer.encode();
        prop_assert_eq!(bytes.len(), Answer::len_of(answer.version));
        for len in 0..bytes.len() {
            prop_assert_eq!(Answer::decode(&bytes[..len], answer.version), Ok(None), "cut at {}", len);
        }
        prop_assert_eq!(Answer::decode(&bytes, answer.version), Ok(Some(answer)));
    }

    /// A changed version makes it one without checksum, whose rest is no nonce.
    #[test]
    fn a_changed_handshake_identifies_no_peer(hello in hello(), bit in any::<prop::sample::Index>()) {
        let hello = Hello { version: VERSION, origin: hello.origin.or(Some(some_origin())), ..hello };
        let nonce = 42_u64;
        let mut bytes = hello.encode();
        let bit = bit.index(8 * bytes.len());
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes.extend_from_slice(&nonce.to_le_bytes());
        let (me, cluster) = (hello.to, hello.cluster.clone());
        let mut receiver = Receiver::new(Expected { me, cluster, nonce, frame_bytes_max: 1000 });
        receiver.buffer().extend_from_slice(&bytes);
        let identified = loop {
            match receiver.take_next() {
                Ok(Some(Received::Identified(_))) => break true,
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => break false,
            }
        };
        prop_assert!(!identified, "bit {}", bit);
    }

    #[test]
    fn a_changed_answer_is_refused(answer in answer(), bit in any::<prop::sample::Index>()) {
        let answer = Answer { version: VERSION, process: answer.process.or(Some(some_origin().process)), ..answer };
        let mut bytes = answer.encode();
        let bit = bit.index(8 * bytes.len());
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(Answer::decode(&bytes, VERSION).is_err(), "bit {}", bit);
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..300), version in 1..=VERSION) {
        for begin in [b"".to_vec(), [&b"raft/tcp"[..], &[version]].concat()] {
            let bytes = [&begin[..], &bytes].concat();
            if let Ok(Some((hello, len))) = Hello::decode(&bytes) {
                prop_assert!(len <= bytes.len() && hello.version == version);
            }
            if let Ok(Some(answer)) = Answer::decode(&bytes, version) {
                prop_assert_eq!(answer.version, version);
            }
        }
    }
}

fn some_origin() -> Origin {
    let identity = StatedIdentity {
        cluster: Some(ClusterId::new(0xc1)),
        store: Some(Incarnation::new(0x51)),
        place: OwnPlace::Member,
        configuration: EntryId::new(Term::new(4), Index::new(9)),
        committed: EntryId::new(Term::new(3), Index::new(8)),
    };
    let process = Process { start: ProcessStart::new(0x57), identity };
    Origin { process, address: Some("h:1".into()) }
}

fn hexadecimal(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    let pairs = digits.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).expect("digits"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("digits")).collect()
}

/// The bytes that each version wrote when it was the newest one.
#[test]
fn recorded_handshakes_of_all_versions_are_read() {
    let recorded = |version: u8| {
        let start = "726166742f746370";
        let ids = "0100000000000000 0200000000000000 04 74657374";
        hexadecimal(&format!("{start} {version:02x} {ids}"))
    };
    let of = |version, origin| Hello {
        version,
        from: peer(1),
        to: peer(2),
        cluster: "test".into(),
        origin,
    };
    for version in [1, 2] {
        let (bytes, hello) = (recorded(version), of(version, None));
        assert_eq!(Hello::decode(&bytes), Ok(Some((hello.clone(), bytes.len()))));
        assert_eq!(hello.encode(), bytes);
    }
    let process = "5700000000000000 07 c100000000000000 5100000000000000
        0400000000000000 0900000000000000 0300000000000000 0800000000000000";
    let rest = hexadecimal(&format!("{process} 03 683a31 ab0255ce76fc957a"));
    let (bytes, hello) = ([recorded(3), rest].concat(), of(3, Some(some_origin())));
    assert_eq!(hello.encode(), bytes);
    assert_eq!(Hello::decode(&bytes), Ok(Some((hello, bytes.len()))));

    let begin = "726166742f746370 01 00 0700000000000000 e8030000";
    let expected = |version, process, conflict| Answer {
        version,
        verdict: Verdict::Accepted,
        nonce: 7,
        frame_bytes_max: 1000,
        process,
        conflict,
    };
    assert_eq!(Answer::decode(&hexadecimal(begin), 1), Ok(Some(expected(1, None, None))));
    let second = hexadecimal(&begin.replace(" 01 ", " 02 "));
    assert_eq!(Answer::decode(&second, 2), Ok(Some(expected(2, None, None))));
    let answer = ConnectionError::VersionMismatch { found: 2 };
    assert_eq!(Answer::decode(&second, 3), Err(answer), "spoken to again in version 2");
    let conflict = Conflict {
        start: ProcessStart::new(0x58),
        store: None,
        address: "10.0.0.7:9".parse().expect("an address"),
    };
    let third = format!(
        "{} {process} 01 5800000000000000 0000000000000000 00000000000000000000ffff0a000007 0900
         ad74b80949616ab6",
        begin.replace(" 01 ", " 03 ")
    );
    let third = hexadecimal(&third);
    let answer = expected(3, Some(some_origin().process), Some(conflict));
    assert_eq!(answer.encode(), third);
    assert_eq!(Answer::decode(&third, 3), Ok(Some(answer)));
}

#[test]
fn a_verdict_of_a_newer_version_is_a_rejection() {
    let mut bytes = hexadecimal("726166742f746370 02 4d 0700000000000000 e8030000");
    let verdict =
        |bytes: &[u8]| Answer::decode(bytes, 2).expect("it is valid").map(|it| it.verdict);
    assert_eq!(verdict(&bytes), Some(Verdict::Other));
    bytes[9] = 0;
    assert_eq!(verdict(&bytes), Some(Verdict::Accepted));
}
