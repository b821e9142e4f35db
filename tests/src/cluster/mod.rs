//! The tester's operations, as scenarios use them, the same in every world.
//!
//! A [`Cluster`] is a handle; clones share the world. Operations take effect in the instant they
//! are called; those that wait are `async`. A failed expectation is an error, so that a scenario
//! states its expectations with `?`.
//!
//! A scenario that takes a `Cluster<impl Testbed>` runs on simulated and on real peers; one that
//! takes a `Cluster` means the simulated world, and may do more to it ([`simulated`]).

mod agreement;
mod checks;
mod faults;
pub mod simulated;
mod testbed;

use std::borrow::Cow;
use std::cell::{Ref, RefCell, RefMut};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use raft::{Bytes, EntryId, Instant, RoleName, Term};

pub use self::agreement::{Committed, Retry, WaitOutcome};
pub use self::testbed::{PeerStatus, Testbed};

use crate::failure::Failure;
use crate::sim::executor::{Join, Tasks};
use crate::sim::network::Connection;
use crate::sim::random::{Domain, Stream};
use crate::world::{LogSource, Traffic, World};

/// The tester's handle to a cluster of peers.
pub struct Cluster<W: ?Sized = World> {
    tasks: Tasks,
    pause_rng: Rc<RefCell<Stream>>,
    command_rng: Rc<RefCell<Stream>>,
    fault_rng: Rc<RefCell<Stream>>,
    world: Rc<RefCell<W>>,
}

/// Not derived: a world is shared, whether it can be copied or not.
impl<W: ?Sized> Clone for Cluster<W> {
    fn clone(&self) -> Self {
        Self {
            world: Rc::clone(&self.world),
            tasks: self.tasks.clone(),
            pause_rng: Rc::clone(&self.pause_rng),
            command_rng: Rc::clone(&self.command_rng),
            fault_rng: Rc::clone(&self.fault_rng),
        }
    }
}

/// A command of the service: opaque bytes that can be compared.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Command(Bytes);

impl From<Bytes> for Command {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl Command {
    /// The command that is this number.
    #[must_use]
    pub fn number(number: u64) -> Self {
        Self(number.to_le_bytes().as_slice().into())
    }

    /// Size in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match <[u8; 8]>::try_from(&*self.0) {
            Ok(number) => u64::from_le_bytes(number).fmt(f),
            Err(_) => write!(f, "<{} bytes>", self.0.len()),
        }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<W: Testbed> Cluster<W> {
    /// The same cluster, whatever its world is.
    #[must_use]
    pub fn of_any_world(self) -> Cluster<dyn Testbed> {
        let Self { tasks, pause_rng, command_rng, fault_rng, world } = self;
        Cluster { tasks, pause_rng, command_rng, fault_rng, world }
    }
}

impl<W: Testbed + ?Sized> Cluster<W> {
    /// A handle to a world whose clock these tasks share.
    #[must_use]
    pub fn new(world: Rc<RefCell<W>>, tasks: Tasks) -> Self {
        let seed = world.borrow().seed();
        let stream = |domain| Rc::new(RefCell::new(Stream::new(seed, domain, [0, 0])));
        Self {
            world,
            tasks,
            pause_rng: stream(Domain::Tester),
            command_rng: stream(Domain::Commands),
            fault_rng: stream(Domain::Faults),
        }
    }

    /// Number of peers.
    #[must_use]
    pub fn size(&self) -> usize {
        self.world().size()
    }

    /// The server `steps` after this one, around the circle of peers.
    #[must_use]
    pub fn after(&self, server: usize, steps: usize) -> usize {
        (server + steps) % self.size()
    }

    /// Proposes a command to a peer: its entry's id if the peer believes it leads. Never
    /// waits.
    #[must_use]
    pub fn propose(&self, server: usize, command: &Command) -> Option<EntryId> {
        self.propose_as(server, command, LogSource::Tester)
    }

    /// As [`propose`](Self::propose), for a client.
    #[must_use]
    pub fn propose_as(
        &self,
        server: usize,
        command: &Command,
        source: LogSource,
    ) -> Option<EntryId> {
        self.world_mut().propose(server, command.0.clone(), source)
    }

    /// Waits for a duration of cluster time.
    #[track_caller]
    pub fn sleep(&self, duration: Duration) -> crate::sim::executor::Sleep {
        self.tasks.sleep(duration)
    }

    /// Starts a client that runs beside the caller.
    pub fn spawn<T: 'static>(
        &self,
        name: impl Into<Cow<'static, str>>,
        body: impl Future<Output = T> + 'static,
    ) -> Join<T> {
        self.tasks.spawn(name, body)
    }

    /// A command that is a random number.
    #[must_use]
    pub fn random_command(&self) -> Command {
        Command::number(self.command_rng.borrow_mut().draw())
    }

    /// A command of this many random letters.
    #[must_use]
    pub fn random_text(&self, length: usize) -> Command {
        let mut stream = self.command_rng.borrow_mut();
        let letters: Vec<u8> = (0..length).map(|_| b'a' + stream.below(26) as u8).collect();
        Command(letters.into())
    }

    /// The stream of a scenario's faults.
    #[must_use]
    pub fn fault_rng(&self) -> RefMut<'_, Stream> {
        self.fault_rng.borrow_mut()
    }

    /// The stream of a client's own draws.
    #[must_use]
    pub fn client_rng(&self, client: u64) -> Stream {
        Stream::new(self.world().seed(), Domain::Client, [client, 0])
    }

    /// Role and term of a peer; `None` if it does not run.
    #[must_use]
    pub fn status(&self, server: usize) -> Option<PeerStatus> {
        self.world().peer_status(server)
    }

    /// Returns whether a peer runs and believes that it leads.
    #[must_use]
    pub fn is_leader(&self, server: usize) -> bool {
        self.status(server).is_some_and(|status| status.role == RoleName::Leader)
    }

    /// The peer that leads the newest term that any peer leads.
    #[must_use]
    pub fn leading(&self) -> Option<usize> {
        let leads = (0..self.size()).filter(|server| self.is_leader(*server));
        leads.max_by_key(|server| self.term(*server))
    }

    /// Adds keys whose histories were too long to check.
    pub fn add_undecided(&self, keys: u64) {
        self.world_mut().add_undecided(keys);
    }

    /// A running peer's term.
    #[must_use]
    pub fn term(&self, server: usize) -> Option<Term> {
        self.status(server).map(|status| status.current_term)
    }

    /// Connection of a peer.
    #[must_use]
    pub fn connection(&self, server: usize) -> Connection {
        self.world().connection(server)
    }

    /// Network traffic so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.world().traffic()
    }

    /// The size of the largest log on any disk, in bytes.
    #[must_use]
    pub fn log_bytes_max(&self) -> usize {
        self.world().log_bytes_max()
    }

    /// Writes a remark into the log.
    pub fn note(&self, text: fmt::Arguments<'_>) {
        self.world().log_test("noted", text);
    }

    /// An error unless the condition holds, in a world with exact timing. A real machine, whose
    /// disks and threads may stall, only prints a missed expectation.
    ///
    /// # Errors
    /// The text, as what was expected.
    pub fn expect_exact_timing(
        &self,
        condition: bool,
        text: fmt::Arguments<'_>,
    ) -> Result<(), Failure> {
        if condition { Ok(()) } else { self.world().timing_failure(text) }
    }

    /// The world, to look at.
    #[must_use]
    pub fn world(&self) -> Ref<'_, W> {
        self.world.borrow()
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.tasks.now()
    }

    /// The executor of all tasks.
    #[must_use]
    pub const fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// The seed everything follows from.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.world().seed()
    }

    pub(crate) fn world_mut(&self) -> RefMut<'_, W> {
        self.world.borrow_mut()
    }
}

/// An error unless the condition holds.
///
/// # Errors
/// The text, as what was expected.
pub fn expect(condition: bool, text: fmt::Arguments<'_>) -> Result<(), Failure> {
    if condition { Ok(()) } else { Err(Failure::expected(text)) }
}
