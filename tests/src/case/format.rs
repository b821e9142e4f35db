//! Cases as text that a person can read and edit: one fact or decision a line.
//!
//! Times are milliseconds. A line that starts with `#` is a comment. Reading what was written gives
//! the same case.

use std::fmt::{self, Write as _};
use std::time::Duration;

use raft::{CheckQuorum, FirstEntry, Instant, PreVote, Reads};

use super::Case;
use super::decision::{Change, Decision, MessageName, Step};
use super::peers::{LinkDirection, Links, PeerSet};
use super::settings::{Settings, Stores};
use crate::service::Snapshots;
use crate::sim::disk::FlushFault;
use crate::sim::late_polls::LatePolls;

/// A line of a case that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseError {
    /// The line, from 1; 0 when a line is missing.
    pub line: usize,
    /// The problem.
    pub problem: String,
}

impl fmt::Display for CaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}", self.problem),
            line => write!(f, "line {line}: {}", self.problem),
        }
    }
}

impl std::error::Error for CaseError {}

const HEADING: &str = "# raft-case/1: times are milliseconds";

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADING}")?;
        writeln!(f, "test {}", self.test)?;
        if let Some(fails) = &self.fails {
            writeln!(f, "fails {fails}")?;
        }
        writeln!(f, "seed {}", self.seed)?;
        write!(f, "{}", SettingLines(&self.settings))?;
        writeln!(f, "end {}", Ms::at(self.end))?;
        if !self.decisions.is_empty() {
            writeln!(f)?;
        }
        self.decisions.iter().try_for_each(|decision| writeln!(f, "{decision}"))
    }
}

struct SettingLines<'a>(&'a Settings);

impl fmt::Display for SettingLines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { peers, initial_members, timing, limits, network, latency, clocks, .. } =
            self.0;
        writeln!(f, "peers {peers}")?;
        if initial_members != peers {
            writeln!(f, "founders {initial_members}")?; // kept: the format of cases
        }
        writeln!(f, "election {}..{}", Ms(timing.election_min), Ms(timing.election_max))?;
        writeln!(f, "heartbeat {}", Ms(timing.heartbeat))?;
        writeln!(f, "commit-notice {}", Ms(timing.commit_notice))?;
        writeln!(f, "append-bytes {}", limits.append_bytes)?;
        writeln!(f, "in-flight {}", limits.in_flight)?;
        writeln!(f, "in-flight-bytes {}", limits.in_flight_bytes)?;
        writeln!(f, "uncommitted-bytes {}", limits.uncommitted_bytes)?;
        writeln!(f, "chunk-bytes {}", limits.chunk_bytes)?;
        if let (entries @ 1.., bytes) = limits.trailing {
            writeln!(f, "trailing {entries} {bytes}")?;
        }
        if limits.cache_bytes < u64::MAX {
            writeln!(f, "cache-bytes {}", limits.cache_bytes)?;
        }
        match self.0.first_entry {
            FirstEntry::NoOp => writeln!(f, "first-entry no-op")?,
            FirstEntry::Command => writeln!(f, "first-entry command")?,
        }
        writeln!(f, "pre-vote {}", on_off(self.0.protocol.pre_vote == PreVote::On))?;
        writeln!(f, "check-quorum {}", on_off(self.0.protocol.check_quorum == CheckQuorum::On))?;
        match self.0.reads {
            Reads::ReadIndex => writeln!(f, "reads read-index")?,
            Reads::Lease { clock_drift_max } => writeln!(f, "reads lease {}", Ms(clock_drift_max))?,
        }
        writeln!(f, "request-delay 0..{}", Ms(network.request.delay_max))?;
        writeln!(f, "reply-delay 0..{}", Ms(network.reply.delay_max))?;
        writeln!(f, "disk {}..{}", Ms(latency.min), Ms(latency.max))?;
        if self.0.late_polls != LatePolls::NEVER {
            let LatePolls { chance, delay_max } = self.0.late_polls;
            writeln!(f, "late-polls {chance} 0..{}", Ms(delay_max))?;
        }
        if self.0.stores != Stores::Plain {
            writeln!(f, "stores {}", self.0.stores.as_str())?;
        }
        match self.0.snapshots {
            Snapshots::Never => writeln!(f, "snapshots never")?,
            Snapshots::Every(count) => writeln!(f, "snapshots every {count}")?,
        }
        writeln!(f, "service {}", self.0.machine.as_str())?;
        writeln!(f, "padding {}", self.0.padding)?;
        for (peer, permille) in clocks.iter().enumerate().filter(|(_, permille)| **permille != 0) {
            writeln!(f, "clock {peer} {permille:+}")?;
        }
        Ok(())
    }
}

const fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(name) => write!(f, "lost {name}"),
            Self::Late(name, delay) => write!(f, "late {name} {}", Ms(*delay)),
            Self::Twice(name, delay) => write!(f, "twice {name} {}", Ms(*delay)),
            Self::Flipped(name, bits) => write!(f, "flipped {name} {bits}"),
            Self::Flush { peer, number, fault: FlushFault::Stalls(length) } => {
                write!(f, "flush {peer} #{number} stalls {}", Ms(*length))
            }
            Self::Flush { peer, number, fault: FlushFault::Fails } => {
                write!(f, "flush {peer} #{number} fails")
            }
            Self::Step { at, step } => write!(f, "{} {step}", Ms::at(*at)),
        }
    }
}

impl fmt::Display for MessageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, number } = self;
        write!(f, "{from}>{to} #{number}")
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self {
            Self::Crash { peer, keep, torn } => write!(f, " {peer} keep={keep} torn={torn}"),
            Self::Start { peer }
            | Self::Disconnect { peer }
            | Self::Connect { peer }
            | Self::Snapshot { peer }
            | Self::Resign { peer }
            | Self::Wipe { peer } => write!(f, " {peer}"),
            Self::Transfer { peer, to } => write!(f, " {peer} > {to}"),
            Self::Pause { peer, length } => write!(f, " {peer} {}", Ms(*length)),
            Self::Cut(links) | Self::Heal(links) => write!(f, " {links}"),
            Self::Disk { peer, min, max } => write!(f, " {peer} {}..{}", Ms(*min), Ms(*max)),
            Self::Network { request, reply } => {
                write!(f, " request 0..{} reply 0..{}", Ms(*request), Ms(*reply))
            }
            Self::Ask { client, serial, operation } => {
                write!(f, " C{client} #{serial} {operation}")
            }
            Self::Offer { peer, command: bytes } | Self::Forge { peer, message: bytes } => {
                write!(f, " {peer} ")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Self::Change { peer, change } => write!(f, " {peer} {change}"),
            Self::Calm { core } => write!(f, " core={core}"),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add(peer) => write!(f, "add {peer}"),
            Self::Promote(peer) => write!(f, "promote {peer}"),
            Self::Demote(peer) => write!(f, "demote {peer}"),
            Self::Remove(peer) => write!(f, "remove {peer}"),
            Self::Replace { voters, learners } => write!(f, "replace {voters} {learners}"),
        }
    }
}

impl fmt::Display for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, direction } = self;
        match direction {
            LinkDirection::One => write!(f, "{from} > {to}"),
            LinkDirection::Both => write!(f, "{from} <> {to}"),
        }
    }
}

impl fmt::Display for PeerSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("-");
        }
        for (turn, peer) in self.iter().enumerate() {
            write!(f, "{}{peer}", if turn == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// A duration in milliseconds, without zeros at its end.
struct Ms(Duration);

impl Ms {
    const fn at(at: Instant) -> Self {
        Self(at.since(Instant::START))
    }
}

impl fmt::Display for Ms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let (ms, rest) = (nanos / NANOS_PER_MS, nanos % NANOS_PER_MS);
        let mut text = ms.to_string();
        if rest != 0 {
            write!(text, ".{rest:06}")?;
        }
        let text = if rest == 0 { &text } else { text.trim_end_matches('0') };
        f.write_str(text)
    }
}

const NANOS_PER_MS: u128 = 1_000_000;
