//! The page with the shard map in a real browser, and the whole service as `demo` starts it.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "processes and browsers live in real time")]

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A browser, if there is one; says so where there is none.
fn browser(test: &str) -> Option<&'static str> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let runs = |name: &&str| {
        let said = Command::new(name).arg("--version").stderr(Stdio::null()).output();
        said.is_ok_and(|said| said.status.success())
    };
    let found = names.into_iter().find(runs);
    if found.is_none() {
        // Not by a macro: the harness would keep it to itself.
        let line = format!("SKIPPED {test}: no Chromium found\n");
        io::stderr().write_all(line.as_bytes()).expect("stderr is open");
    }
    found
}

/// The document of a page after five seconds of its own clock, however slow the machine is.
fn document(browser: &str, directory: &Path, address: &str) -> String {
    let output = Command::new(browser)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"])
        .args(["--disable-dev-shm-usage", "--window-size=1200,800"])
        .arg(format!("--user-data-dir={}", directory.join("profile").display()))
        .args(["--virtual-time-budget=5000", "--dump-dom", address])
        .output()
        .expect("it has run before");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it is text")
}

/// A controller whose map is the next one of these at each look, and the last one from then on.
fn play(maps: Vec<Option<Value>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        let mut maps = maps.into_iter().peekable();
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut lines = BufReader::new(&stream).lines();
            let head: Vec<_> =
                lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            let asks_for = |path: &str| head.first().is_some_and(|line| line.contains(path));
            let (status, body) = if asks_for(" / ") {
                ("200 OK", include_str!("../src/page.html").to_owned())
            } else if asks_for(" /map ") {
                let next = maps.next().expect("the last one stays");
                if maps.peek().is_none() {
                    maps = vec![next.clone(), next.clone()].into_iter().peekable();
                }
                next.map_or(("503 Service Unavailable", String::new()), |map| {
                    ("200 OK", map.to_string())
                })
            } else {
                ("404 Not Found", String::new())
            };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nConnection: close\r\n\
                 Content-Length: {length}\r\n\r\n{body}"
            );
            // The browser may have broken off.
            drop(stream.write_all(answer.as_bytes()));
        }
    });
    format!("http://{address}/")
}

/// A map in which all shards are served by group 100, but for this one.
fn map(configuration: u64, shard: usize, place: &Value) -> Option<Value> {
    let home = json!({ "owner": 100, "served_by": 100, "kept_by": null });
    let shards: Vec<_> =
        (0..10).map(|number| if number == shard { place.clone() } else { home.clone() }).collect();
    let server =
        |port: u16, role: &str| json!({ "address": format!("127.0.0.1:{port}"), "role": role });
    let groups = json!([
        { "id": 100, "servers": [server(8110, "leader"), server(8111, "down")] },
        { "id": 101, "servers": [server(8120, "follower"), server(8121, "leader")] },
    ]);
    Some(json!({ "configuration": configuration, "shards": shards, "groups": groups }))
}

#[test]
fn the_map_moves_as_shards_do() {
    let Some(browser) = browser("the_map_moves_as_shards_do") else { return };
    let place = |owner: Option<u64>, served_by: Option<u64>, kept_by: Option<u64>| json!({ "owner": owner, "served_by": served_by, "kept_by": kept_by });
    let before = map(1, 5, &place(Some(100), Some(100), None));
    let leaving = map(2, 5, &place(Some(101), Some(100), None));
    let moving = map(2, 5, &place(Some(101), None, Some(100)));
    let moved = map(2, 5, &place(Some(101), Some(101), None));
    let homeless = map(3, 5, &place(None, None, Some(101)));
    let move_5 = "shard 5: group 100 → group 101, seen within ";
    for (maps, parts, absent) in [
        (
            vec![before.clone(), leaving.clone()],
            vec!["aria-label=\"shard 5, group 100, moving to group 101\"", ", 1 shard moving"],
            move_5,
        ),
        (
            vec![before.clone(), leaving.clone(), moving.clone()],
            vec!["aria-label=\"shard 5, moving to group 101\"", "class=\"shard moving\""],
            move_5,
        ),
        (
            vec![before.clone(), leaving, moving, moved.clone()],
            vec![
                "aria-label=\"shard 5, group 101\"",
                "Configuration 2, 2 groups, 0 shards moving",
                move_5,
                "<b title=\"127.0.0.1:8110: leader\">8110 leads</b>",
                "<span class=\"down\" title=\"127.0.0.1:8111: down\">8111</span>",
            ],
            "no group",
        ),
        (
            vec![before.clone(), moved, homeless],
            vec!["aria-label=\"shard 5, no group\"", "shard 5 has no group now"],
            "moving to",
        ),
        (vec![before, None], vec!["The controller's server does not answer"], "moving to"),
    ] {
        let directory = tempfile::tempdir().expect("a directory");
        let document = document(browser, directory.path(), &play(maps));
        // What it shows, not the script.
        let (shown, _) = document.split_once("<script>").expect("the page's script");
        for part in parts {
            assert!(shown.contains(part), "{part} is missing in {shown}");
        }
        assert!(!shown.contains(absent), "{absent} in {shown}");
    }
}

/// The service as a newcomer starts it; ends with this.
struct Demo {
    process: Child,
    port: u16,
}

impl Demo {
    fn start(directory: &Path, groups: u16) -> Self {
        let all_free = |port: &u16| {
            let of = |port: u16| {
                (0..=10 * groups)
                    .step_by(10)
                    .flat_map(move |at| (0..3).map(move |id| port + at + id))
            };
            let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
            of(*port).all(|port| free(port) && free(port + 1000))
        };
        // Below the ranges from which systems take ports of outgoing connections.
        let first = 12_000 + std::process::id() as u16 % 100 * 100;
        let port = (first..28_000).step_by(100).find(all_free).expect("free ports");
        let process = Command::new(env!("CARGO_BIN_EXE_sharded-kv"))
            .args(["demo", &directory.display().to_string(), "--port", &port.to_string()])
            .args(["--groups", &groups.to_string()])
            .stdout(Stdio::null())
            .spawn()
            .expect("it is built");
        Self { process, port }
    }

    /// Sends a request, where answers say and again after a refusal, until it succeeds: the answer.
    fn ask(&self, method: &str, server: u16, path: &str, body: &str) -> String {
        let end = Instant::now() + Duration::from_secs(60);
        let (own, path) = (format!("127.0.0.1:{}", self.port + server), path.to_owned());
        let (mut to, mut target) = (own.clone(), path.clone());
        loop {
            let answer = exchange(&to, method, &target, body).unwrap_or_default();
            let (head, text) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
            let location = head.lines().find_map(|line| line.strip_prefix("location: http://"));
            if head.starts_with("HTTP/1.1 200 ") {
                return text.to_owned();
            }
            (to, target) = match location.and_then(|location| location.split_once('/')) {
                Some((host, path)) => (host.to_owned(), format!("/{path}")),
                None => (own.clone(), path.clone()),
            };
            assert!(Instant::now() < end, "{method} {path}: {answer}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn servers(&self, group: u16) -> String {
        let address = |id| format!("127.0.0.1:{}", self.port + 10 * group + id);
        (0..3).map(address).collect::<Vec<_>>().join(",")
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Its processes end with it.
        let ended = Command::new("kill").arg(self.process.id().to_string()).status();
        drop(ended.and_then(|_| self.process.wait()));
    }
}

fn exchange(to: &str, method: &str, target: &str, body: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(to)?;
    let length = body.len();
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn any_server_answers_for_all_shards_while_they_move() {
    let directory = tempfile::tempdir().expect("a directory");
    let demo = Demo::start(directory.path(), 2);
    demo.ask("PUT", 0, "/groups/100", &demo.servers(1));
    for key in 0..10 {
        demo.ask("PUT", 10, &format!("/keys/{key}"), "a");
    }
    demo.ask("PUT", 1, "/groups/101", &demo.servers(2));
    for (key, server) in (0..10).zip([10, 11, 12, 20, 21, 22].into_iter().cycle()) {
        let key = format!("/keys/{key}");
        demo.ask("POST", server, &format!("{key}?client=7&serial=1"), "b");
        demo.ask("POST", server, &format!("{key}?client=7&serial=1"), "b");
        assert_eq!(demo.ask("GET", server, &key, ""), "ab", "{key}");
    }
    demo.ask("DELETE", 2, "/groups/100", "");
    for key in 0..10 {
        assert_eq!(demo.ask("GET", 10, &format!("/keys/{key}"), ""), "ab");
    }
    let newest: Value =
        serde_json::from_str(&demo.ask("GET", 0, "/configuration", "")).expect("JSON");
    assert_eq!((&newest["number"], &newest["shards"][9]), (&json!(3), &json!(101)));
    let earlier: Value =
        serde_json::from_str(&demo.ask("GET", 1, "/configuration/1", "")).expect("JSON");
    assert_eq!(earlier["shards"][9], json!(100));

    let Some(browser) = browser("any_server_answers_for_all_shards_while_they_move") else {
        return;
    };
    let page = document(browser, directory.path(), &format!("http://127.0.0.1:{}/", demo.port));
    assert!(page.contains("aria-label=\"shard 9, group 101\""), "{page}");
    assert!(page.contains("Configuration 3, 1 group, 0 shards moving"), "{page}");
}
