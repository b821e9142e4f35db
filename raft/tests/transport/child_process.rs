//! A peer in a child process that can be paused: the test starts its own program again, in another
//! role.

use std::io::Write as _;
use std::process::{Command as Program, Stdio};

use raft::Message;
use raft::transport::tcp::TcpOptions;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::support::{Peer, with_timeout};

const ROLE: &str = "RAFT_TEST_PEER";

/// Output lines of the child: its address, and the number of each received vote. The names are
/// distinct from the output of the test harness, which writes to the same pipe.
const LISTENS: &str = "peer-listens ";
const GOT: &str = "peer-got ";

/// In the child: receives until the parent stops. `false` in the test itself.
pub(crate) async fn is_child(options: &TcpOptions) -> bool {
    let Ok(name) = std::env::var(ROLE) else { return false };
    let mut peer = Peer::plain(name.parse().expect("a number"), options.clone());
    report(LISTENS, &peer.address());
    let mut parent = tokio::io::stdin();
    loop {
        tokio::select! {
            envelope = peer.received.recv() => {
                let envelope = envelope.expect("the transport is there");
                if matches!(envelope.message, Message::RequestVoteReply(_)) {
                    report(GOT, &envelope.id.number().to_string());
                }
            }
            _ = parent.read_u8() => std::process::exit(0),
        }
    }
}

fn report(what: &str, text: &str) {
    let mut output = std::io::stdout().lock();
    // The parent may have stopped; then this process stops soon.
    let _ = writeln!(output, "\n{what}{text}").and_then(|()| output.flush());
}

/// A handle of the child.
pub(crate) struct Process {
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Runs `test` again as the peer of this id.
    pub(crate) fn start(test: &str, name: u64) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("a test is a program"))
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .env(ROLE, name.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("it runs here, too");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Self { child, stdout }
    }

    pub(crate) async fn address(&mut self) -> String {
        self.read_value(LISTENS).await
    }

    /// The number of the next vote it receives.
    pub(crate) async fn next_received(&mut self) -> u64 {
        self.read_value(GOT).await.parse().expect("a number")
    }

    async fn read_value(&mut self, what: &str) -> String {
        loop {
            let line =
                with_timeout(self.stdout.next_line()).await.expect("a pipe").expect("it runs");
            if let Some(text) = line.strip_prefix(what) {
                return text.to_owned();
            }
        }
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Program::new("kill").args(["-s", name, &id]).status();
        assert!(sent.expect("every system has it").success());
    }
}
