//! A controller and some groups on this machine, for a first look.

use std::error::Error;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use clap::Args;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Settings of a demo.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Directory for data and logs; created if missing
    directory: PathBuf,
    /// HTTP port of the controller's first server; groups have 10, 20, 30 … more, Raft 1000 more
    #[arg(long, default_value_t = 8100, value_parser = clap::value_parser!(u16).range(1..=60_000))]
    port: u16,
    /// Number of groups
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=20))]
    groups: u16,
}

/// One server of the demo.
struct Server {
    name: String,
    arguments: Vec<String>,
}

impl Demo {
    /// Runs all servers until the process is told to end. One that ends is started again.
    pub(crate) async fn run(self) -> Result<(), Box<dyn Error>> {
        std::fs::create_dir_all(&self.directory)
            .map_err(|error| format!("{}: {error}", self.directory.display()))?;
        let mut servers = JoinSet::new();
        for server in self.servers() {
            servers.spawn(keep_running(server, self.directory.clone()));
        }
        println!("shard map: http://127.0.0.1:{}/", self.port);
        for group in 1..=self.groups {
            let addresses = (1..=SERVERS).map(|id| self.addresses(10 * group, id).1);
            println!("group {}: {}", FIRST + group - 1, addresses.collect::<Vec<_>>().join(","));
        }
        println!(
            "logs: {}/*.log; `pkill -9 -f 'sharded-kv group 100 1'` kills a server",
            self.directory.display()
        );
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
            Some(ended) = servers.join_next() => return Err(ended?.into()),
        }
        // Their processes end with the tasks.
        servers.shutdown().await;
        Ok(())
    }

    fn servers(&self) -> Vec<Server> {
        let ids = || (1..=SERVERS).map(|id| id.to_string());
        let place = |name: &str, id: &str, offset: u16| {
            let data = self.directory.join(format!("{name}-{id}")).display().to_string();
            let peers = (1..=SERVERS).map(|id| self.addresses(offset, id));
            let peers = peers.map(|(raft, http)| format!("{raft}/{http}"));
            [id.to_owned(), data].into_iter().chain(peers).collect::<Vec<_>>()
        };
        let controllers = (1..=SERVERS).map(|id| self.addresses(0, id).1);
        let controllers = controllers.collect::<Vec<_>>().join(",");
        let mut servers = Vec::new();
        for id in ids() {
            let arguments =
                ["controller".to_owned()].into_iter().chain(place("controller", &id, 0));
            servers
                .push(Server { name: format!("controller-{id}"), arguments: arguments.collect() });
        }
        for group in 1..=self.groups {
            let number = (FIRST + group - 1).to_string();
            for id in ids() {
                let mut arguments = vec!["group".to_owned(), number.clone()];
                arguments.extend(place(&number, &id, 10 * group));
                arguments.extend(["--controllers".to_owned(), controllers.clone()]);
                servers.push(Server { name: format!("{number}-{id}"), arguments });
            }
        }
        servers
    }

    /// Addresses of a server: Raft's, and HTTP's.
    fn addresses(&self, offset: u16, id: u16) -> (String, String) {
        let port = self.port + offset + id - 1;
        (format!("127.0.0.1:{}", port + 1000), format!("127.0.0.1:{port}"))
    }
}

/// Runs a server; ends with a text when it cannot be started.
async fn keep_running(Server { name, arguments }: Server, directory: PathBuf) -> String {
    let run = async || -> Result<(), Box<dyn Error + Send + Sync>> {
        let log = directory.join(format!("{name}.log"));
        let log = std::fs::File::options().create(true).append(true).open(log)?;
        let mut child = Command::new(std::env::current_exe()?)
            .args(&arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let status = child.wait().await?;
        println!("{name} has ended ({status}) and is started again");
        Ok(())
    };
    loop {
        if let Err(error) = run().await {
            return format!("{name}: {error}");
        }
        sleep(RESTART_PAUSE).await;
    }
}

/// Servers of each group.
const SERVERS: u16 = 3;

/// Number of the first group.
const FIRST: u16 = 100;

/// Pause before a server is started again.
const RESTART_PAUSE: Duration = Duration::from_secs(1);
