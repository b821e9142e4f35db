//! Log lines of the tester, its clients and the network. Nothing is formatted without a logger.

use std::fmt;

use raft::trace::{self, Sink, is_heartbeat};
use raft::verbose::{Fact, Level, Line, Logger, Topic};
use raft::{EntryId, Envelope, Instant};

use super::state::World;
use crate::case::Links;
use crate::failure::Failure;
use crate::sim::clock::Clock;
use crate::sim::network::{Connection, Loss};

/// Source of a command in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogSource {
    /// The tester itself.
    Tester,
    /// A concurrent client.
    Client(u64),
}

impl fmt::Display for LogSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tester => f.write_str("-"),
            Self::Client(number) => write!(f, "C{number}"),
        }
    }
}

/// Forwards a peer's events, in the world's time instead of the peer's.
pub(super) struct ClockSink {
    pub(super) clock: Clock,
    pub(super) logger: Logger,
}

impl Sink for ClockSink {
    fn record(&mut self, at: Instant, source: trace::Source, event: &trace::Event<'_>) {
        let mut event = *event;
        if let trace::Event::TimerReset { deadline } = &mut event {
            *deadline = self.clock.world_time(*deadline);
        }
        self.logger.record(self.clock.world_time(at), source, &event);
    }
}

struct WireId<'a>(&'a Envelope);

impl fmt::Display for WireId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0.from, self.0.id)
    }
}

/// Writes a line of the tester, who names peers by their servers.
pub(crate) fn tester_line(
    logger: &Logger,
    at: Instant,
    first_peer: usize,
    event: &str,
    text: fmt::Arguments<'_>,
) {
    let peer = &LogSource::Tester;
    let numbers = [("first_peer", Fact::Number(first_peer as u64))];
    let facts = if first_peer > 0 { &numbers[..] } else { &[] };
    logger.line(&Line { at, topic: Topic::Test, peer, text, facts, event });
}

/// Writes that links are cut or restored.
pub(crate) fn links_changed(
    log_test: impl Fn(&str, fmt::Arguments<'_>),
    links: Links,
    state: Connection,
) {
    match state {
        Connection::Cut => log_test("links_cut", format_args!("cuts the links {links}")),
        Connection::Up => log_test("links_healed", format_args!("heals the links {links}")),
    }
}

impl World {
    /// Writes a line of the tester; the event's name is its last fact.
    pub fn log_test(&self, event: &str, text: fmt::Arguments<'_>) {
        if let Some(logger) = &self.logger {
            tester_line(logger, self.now, self.first_peer, event, text);
        }
    }

    /// Writes that the run has failed: as the peer's that was acting, if it broke a rule.
    pub fn log_failure(&self, failure: &Failure) {
        let Some(logger) = &self.logger else { return };
        let text = failure.to_string();
        let text = text.lines().next().unwrap_or_default();
        let acting = match failure {
            Failure::Invariant(_) | Failure::Panic(_) => {
                self.acting.map(|server| self.peer_id(server))
            }
            Failure::Expectation(_)
            | Failure::Liveness(_)
            | Failure::Stuck(_)
            | Failure::TooLong(_) => None,
        };
        let tester: &dyn fmt::Display = &LogSource::Tester;
        let peer = acting.as_ref().map_or(tester, |peer| peer);
        let text = format_args!("{text}");
        let (at, event) = (self.now, "failed");
        logger.line(&Line { at, topic: Topic::Erro, peer, text, facts: &[], event });
    }

    pub(super) fn log_proposed(&self, server: usize, id: EntryId, source: LogSource) {
        if let Some(logger) = &self.logger {
            proposed(logger, self.now, self.first_peer + server, id, source);
        }
    }

    pub(super) fn log_lost(&self, envelope: &Envelope, loss: Loss) {
        if let Some(logger) = &self.logger {
            lost(logger, self.now, envelope, loss);
        }
    }
}

/// Writes that a peer has taken a command.
pub(crate) fn proposed(
    logger: &Logger,
    at: Instant,
    server: usize,
    id: EntryId,
    source: LogSource,
) {
    logger.line(&Line {
        at,
        topic: Topic::Clnt,
        peer: &source,
        text: format_args!("offers a command to {server}, which takes it"),
        facts: &[
            ("to", Fact::Number(server as u64)),
            ("index", Fact::Number(id.index.number())),
            ("entry_term", Fact::Number(id.term.number())),
        ],
        event: "command_proposed",
    });
}

/// Writes that a message is lost. A heartbeat's loss is as routine as the heartbeat.
pub(crate) fn lost(logger: &Logger, at: Instant, envelope: &Envelope, loss: Loss) {
    if logger.level() < Level::Routine && is_heartbeat(&envelope.message) {
        return;
    }
    let (name, to) = (envelope.message.name(), envelope.to);
    let why = loss.as_str();
    logger.line(&Line {
        at,
        topic: Topic::Drop,
        peer: &envelope.from,
        text: format_args!("{name} to {to} is lost: {why}"),
        facts: &[
            ("to", Fact::Number(to.number())),
            ("id", Fact::Word(&WireId(envelope))),
            ("why", Fact::Word(&why)),
            ("kind", Fact::Word(&name)),
        ],
        event: "lost",
    });
}
