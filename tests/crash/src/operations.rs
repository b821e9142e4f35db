//! The commands of docs/operations.md, run as they are written, with the example service: members, backup,
//! restore, loss of a quorum, repairs.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Limit on every wait.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The services of the page: a process of each writes down its id by the name of its socket.
const SERVICE: &str = r#"kv_service() {
    for socket; do case $socket in *.sock) break;; esac; done
    # A block that is run again finds it running.
    [ -e "$socket.pid" ] && kill -0 "$(cat "$socket.pid")" 2>/dev/null && exit
    echo $BASHPID >"$socket.pid"
    exec kv_service --election-timeout 300 "$@" >>"$socket.log" 2>&1
}
set -euo pipefail
"#;

/// A page's commands, in a directory of their own.
struct Page {
    directory: TempDir,
    /// The text with free ports.
    text: String,
    /// The blocks that were run.
    run: usize,
}

impl Page {
    fn new() -> Self {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
        let mut text = fs::read_to_string(page).unwrap();
        let ports: Vec<_> = (1..=5).flat_map(|peer| [7000 + peer, 8000 + peer]).collect();
        let free = ports.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let free: Vec<_> = free.collect();
        for (port, listener) in ports.iter().zip(&free) {
            let free = listener.local_addr().unwrap().port();
            text = text.replace(&format!(":{port}"), &format!(":{free}"));
        }
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("bin")).unwrap();
        for (name, program) in [
            ("kv_service", env!("CARGO_BIN_EXE_kv_service")),
            ("raftctl", env!("CARGO_BIN_EXE_raftctl-program")),
        ] {
            symlink(program, directory.path().join("bin").join(name)).unwrap();
        }
        Self { directory, text, run: 0 }
    }

    fn blocks(&self) -> Vec<&str> {
        let parts = self.text.split("```sh\n").skip(1);
        parts.map(|part| part.split("```").next().unwrap()).collect()
    }

    /// Runs the block with this command, with these variables; returns its output.
    fn run(&mut self, part: &str, variables: &str) -> String {
        let block = self.blocks().into_iter().find(|block| block.contains(part));
        let block = block.unwrap_or_else(|| panic!("no block with `{part}`")).to_owned();
        self.run += 1;
        self.script(&format!("{variables}\n{block}"))
    }

    /// Runs a block that needs the leader, again if another one leads meanwhile.
    fn run_on_leader(&mut self, part: &str, peers: &[u64], other: impl Fn(u64) -> u64) {
        let block = self.blocks().into_iter().find(|block| block.contains(part));
        let block = block.unwrap_or_else(|| panic!("no block with `{part}`")).to_owned();
        self.run += 1;
        let start = Instant::now();
        loop {
            let (socket, id) = self.leader(peers);
            let variables = format!("LEADER={socket} OTHER={}", other(id));
            match self.try_script(&format!("{variables}\n{block}")) {
                Ok(_) => return,
                Err(failure) => assert!(start.elapsed() < WAIT_MAX, "{failure}\n{}", self.logs()),
            }
        }
    }

    fn script(&self, script: &str) -> String {
        self.try_script(script).unwrap_or_else(|failure| panic!("{failure}\n{}", self.logs()))
    }

    /// Runs a script, and returns its output.
    fn try_script(&self, script: &str) -> Result<String, String> {
        let addresses =
            self.text.lines().filter(|line| line.starts_with("P1=") || line.starts_with("P4="));
        let addresses: Vec<_> = addresses.collect();
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{path}", self.directory.path().join("bin").display());
        // The other address of peer 4 is set by the block that moves it.
        let prelude = format!("{SERVICE}\n{}\n", addresses[..2].join("\n"));
        let done = Command::new("bash")
            .args(["-c", &format!("{prelude}{script}")])
            .env("PATH", path)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let (out, error) =
            (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        if done.status.success() {
            Ok(out.into_owned())
        } else {
            Err(format!("{script}\n{out}\n{error}"))
        }
    }

    fn logs(&self) -> String {
        let names = (1..=4).map(|peer| self.directory.path().join(format!("{peer}.sock.log")));
        let texts = names.filter_map(|name| Some((fs::read_to_string(&name).ok()?, name)));
        texts.map(|(text, name)| format!("--- {}\n{text}", name.display())).collect()
    }

    /// A peer's status, or an error in its place.
    fn status(&self, socket: &str) -> Value {
        let done = Command::new(env!("CARGO_BIN_EXE_raftctl-program"))
            .args(["status", "--json", socket])
            .current_dir(self.directory.path())
            .output()
            .unwrap();
        let answers: Value = serde_json::from_slice(&done.stdout).unwrap();
        answers[0].clone()
    }

    /// Waits for a status of one of these peers, and returns its socket with it.
    fn wait(&self, what: &str, peers: &[u64], is: impl Fn(&Value) -> bool) -> (String, Value) {
        let start = Instant::now();
        loop {
            let sockets = peers.iter().map(|peer| format!("{peer}.sock"));
            let found: Vec<_> = sockets.map(|socket| (self.status(&socket), socket)).collect();
            if let Some((status, socket)) =
                found.iter().find(|(status, _)| status["error"].is_null() && is(status))
            {
                return (socket.clone(), status.clone());
            }
            assert!(
                start.elapsed() < WAIT_MAX,
                "no {what} in {WAIT_MAX:?}: {found:?}\n{}",
                self.logs()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The leader's socket and id, once it knows of all followers.
    fn leader(&self, peers: &[u64]) -> (String, u64) {
        let leads =
            |status: &Value| status["role"] == "leader" && status["commit"] == status["last"];
        let (socket, status) = self.wait("leader", peers, leads);
        (socket, status["id"].as_u64().unwrap())
    }

    /// Ends a peer's process with a signal, and waits until it has released its directory.
    fn end(&self, peer: u64, signal: &str) {
        self.script(&format!(
            "pid=$(cat {peer}.sock.pid); kill -{signal} $pid; while kill -0 $pid 2>/dev/null; do sleep 0.02; done; \
             rm {peer}.sock.pid"
        ));
    }

    /// Writes a value, through the leader.
    fn put(&self, key: &str, value: &str) {
        let start = Instant::now();
        let address = self.http(1);
        while !self.curl(&["-X", "PUT", "-d", value, &format!("http://{address}/keys/{key}")]).0 {
            assert!(start.elapsed() < WAIT_MAX, "cannot write\n{}", self.logs());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn get(&self, peer: u64, key: &str) -> String {
        let start = Instant::now();
        loop {
            let (done, value) = self.curl(&[&format!("http://{}/keys/{key}", self.http(peer))]);
            if done || value == "no such key\n" {
                return value;
            }
            assert!(start.elapsed() < WAIT_MAX, "cannot read\n{}", self.logs());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends a request; returns whether it succeeded, and the answer.
    fn curl(&self, args: &[&str]) -> (bool, String) {
        let done = Command::new("curl").args(["-sSL", "-w", "\n%{http_code}"]).args(args).output();
        let text = String::from_utf8(done.unwrap().stdout).unwrap();
        let (body, code) = text.rsplit_once('\n').unwrap();
        (code == "200", body.to_owned())
    }

    fn http(&self, peer: u64) -> &str {
        let start = self.text.find(&format!("P{peer}=")).unwrap();
        let address = self.text[start..].split(['/', ' ', '\n']).nth(1).unwrap();
        address.trim()
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        for peer in 1..=4 {
            let pid = fs::read_to_string(self.directory.path().join(format!("{peer}.sock.pid")));
            if let Ok(pid) = pid {
                // It may have ended by itself.
                let _ =
                    Command::new("kill").args(["-9", pid.trim()]).stderr(Stdio::null()).status();
            }
        }
    }
}

/// Runs every block of the page, in the order of a story.
pub(crate) fn check() {
    if Command::new("curl").arg("--version").output().is_err() {
        // Seen with `--nocapture`, and in a test's output.
        println!("skipped: curl is not installed");
        return;
    }
    let mut page = Page::new();
    page.run("kv_service --admin 3.sock", "");
    page.leader(&[1, 2, 3]);
    page.put("a", "1");
    assert!(page.run("raftctl status 1.sock", "").contains("members      voters 1 2 3"));

    // Backup, then a write that it lacks.
    page.run_on_leader("raftctl backup", &[1, 2, 3], |leader| leader);
    page.put("a", "2");

    // A dead peer is replaced; it must not lead, so another one is made to.
    page.run_on_leader("raftctl transfer", &[1, 2, 3], |leader| if leader == 1 { 2 } else { 1 });
    page.end(3, "9");
    page.run_on_leader("raftctl replace", &[1, 2], |leader| leader);
    let voters = |status: &Value| status["voters"] == serde_json::json!([1, 2, 4]);
    page.wait("voter 4", &[4], voters);

    page.end(4, "TERM");
    page.run_on_leader("raftctl update-address", &[1, 2], |leader| leader);
    let level = |status: &Value| {
        let followers = status["peers"].as_array();
        followers.is_some_and(|all| !all.is_empty() && all.iter().all(|it| it["behind"] == 0))
    };
    page.wait("follower at its new address", &[1, 2], level);

    // Two of three are lost, and peer 1 goes on alone. It is the old cluster's peer 2 that comes back.
    page.end(2, "9");
    page.end(4, "9");
    page.end(1, "9");
    let inspected = page.run("raftctl inspect", "");
    assert!(inspected.contains("voters 1 2 4"), "{inspected}");
    let known = page.run("data/1-recovered --address 127", "");
    assert!(known.contains("WRITES MAY BE LOST") && known.contains("Nothing was made"), "{known}");
    let recovered = page.run("--yes\nkv_service --join --admin 1.sock", "");
    assert!(recovered.contains("holds the new cluster"), "{recovered}");
    page.leader(&[1]);
    assert_eq!(page.get(1, "a"), "2");
    page.script("kv_service --join --admin 2.sock 2 data/2 $P1 $P2 &");
    let refused =
        |status: &Value| status["refused_links"].as_array().is_some_and(|it| !it.is_empty());
    page.wait("refusal of the old peer", &[2], refused);
    page.end(2, "TERM");

    // Repairs of a stopped peer.
    let log = page.script("raftctl log data/2 --json");
    let command = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let command = command.into_iter().find(|entry| entry["kind"] == "command").unwrap();
    let skipped = page.run("raftctl skip", &format!("INDEX={}", command["index"]));
    assert!(skipped.contains("Do the same for every other peer"), "{skipped}");
    assert!(page.run("raftctl reset-term", "").contains("term 100 from its next start on"));

    page.run("raftctl promote 1.sock 2", "");
    page.wait("voter 2", &[2], |status| status["member"] == "voter");
    assert_eq!(page.get(2, "a"), "2");
    page.end(2, "TERM");
    page.end(1, "9");

    // The backup elsewhere, in a new cluster.
    page.run("raftctl restore", "");
    page.leader(&[1]);
    assert_eq!(page.get(1, "a"), "1");
    assert_eq!(page.run, page.blocks().len(), "each block of the page is run");
}
