//! A flood of strangers from one address: connections that say nothing, that speak another protocol,
//! and that shake hands as an unknown peer and send every kind of message with a forged term.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use raft::message::{
    AppendEntries, AppendEntriesReply, Candidacy, InstallSnapshotReply, RequestPreVote,
    RequestPreVoteReply, RequestVote, Vote,
};
use raft::transport::tcp::{Answer, Hello, encode_frame};
use raft::{EntryId, Envelope, Index, LogSlice, Message, MessageId, PeerId, Round, Term};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::Outcome;

/// Connections a second, to all nodes together.
pub(crate) const RATE: u64 = 1_000;
/// A connection that the node does not end is held for so long.
const HOLD: Duration = Duration::from_secs(10);
const STRANGER: PeerId = PeerId::new(9);
const FORGED: Term = Term::new(1 << 62);

/// Floods the nodes, whose ids are 1, 2 and so on; returns the connections made and, of these, those
/// whose forged messages were sent.
pub(crate) async fn flood(nodes: &[SocketAddr], until: Instant) -> (u64, u64) {
    let mut ticks = interval(Duration::from_secs(1) / u32::try_from(RATE).unwrap_or(u32::MAX));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut tasks, mut sent) = (JoinSet::new(), 0);
    for number in 0.. {
        ticks.tick().await;
        while let Some(done) = tasks.try_join_next() {
            sent += u64::from(matches!(done, Ok(Ok(true))));
        }
        if Instant::now() >= until {
            return (number, sent);
        }
        let at = usize::try_from(number).unwrap_or_default() % nodes.len();
        let to = PeerId::new(at as u64 + 1);
        tasks.spawn(connect(nodes[at], to, number / nodes.len() as u64 % 3));
    }
    unreachable!("there are numbers enough")
}

/// One connection; `true` if it sent forged messages.
async fn connect(node: SocketAddr, to: PeerId, kind: u64) -> Outcome<bool> {
    let socket = TcpSocket::new_v4()?;
    socket.bind("127.0.0.9:0".parse()?)?;
    let mut stream = socket.connect(node).await?;
    let spoken = match kind {
        0 => Ok(false),
        1 => stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.map(|()| false).map_err(Into::into),
        _ => timeout(HOLD, forge(&mut stream, to)).await?.map(|()| true),
    };
    // Until the node hangs up.
    let _ = timeout(HOLD, stream.read_to_end(&mut Vec::new())).await;
    spoken
}

async fn forge(stream: &mut TcpStream, to: PeerId) -> Outcome {
    let cluster = String::new();
    let hello = Hello { version: 1, from: STRANGER, to, cluster, origin: None }.encode();
    stream.write_all(&hello).await?;
    let mut answer = Vec::new();
    let nonce = loop {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err("the node hung up".into());
        }
        if let Some(answer) = Answer::decode(&answer, 1)? {
            break answer.nonce;
        }
    };
    let mut bytes = nonce.to_le_bytes().to_vec();
    for (id, message) in (1..).zip(messages()?) {
        let id = MessageId::new(id);
        let envelope = Envelope { id, from: STRANGER, to, term: FORGED, store: None, message };
        encode_frame(&envelope, 1 << 20, &mut bytes).map_err(|size| format!("{size} bytes"))?;
    }
    Ok(stream.write_all(&bytes).await?)
}

fn messages() -> Outcome<Vec<Message>> {
    let last_log = EntryId::new(FORGED, Index::new(1 << 40));
    let slice = LogSlice::new(last_log, Vec::new())?;
    let (leader_commit, round) = (last_log.index, Round::new(1));
    Ok(vec![
        Message::RequestVote(RequestVote { last_log, candidacy: Candidacy::Transfer }),
        Message::RequestVoteReply(Vote::Granted),
        Message::RequestPreVote(RequestPreVote { last_log }),
        Message::RequestPreVoteReply(RequestPreVoteReply {
            request_term: FORGED,
            vote: Vote::Rejected,
        }),
        Message::TimeoutNow,
        Message::AppendEntriesReply(AppendEntriesReply::OldTerm),
        Message::InstallSnapshotReply(InstallSnapshotReply::OldTerm),
        Message::AppendEntries(AppendEntries { slice, leader_commit, round }),
    ])
}
