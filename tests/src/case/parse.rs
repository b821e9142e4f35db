//! Reading cases; every mistake names its line and what is expected there.

use std::str::FromStr;
use std::time::Duration;

use raft::{CheckQuorum, FirstEntry, Instant, PreVote, Reads};

use super::Case;
use super::decision::Decision;
use super::format::CaseError;
use super::settings::Settings;
use super::tokens::Tokens;
use crate::invariants::Invariant;
use crate::service::{Machine, Snapshots};
use crate::sim::disk::{FlushFaultRates, Latency};
use crate::sim::late_polls::LatePolls;
use crate::sim::network::{LinkProfile, NetworkProfile};

impl FromStr for Case {
    type Err = CaseError;

    fn from_str(text: &str) -> Result<Self, CaseError> {
        let mut draft = Draft::default();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            draft.line(Tokens::new(line, number))?;
        }
        draft.finish()
    }
}

/// A case of which some lines have been read.
struct Draft {
    test: Option<String>,
    fails: Option<String>,
    seed: Option<u64>,
    peers: Option<usize>,
    initial_members: Option<usize>,
    settings: Settings,
    end: Option<Instant>,
    decisions: Vec<Decision>,
}

impl Default for Draft {
    fn default() -> Self {
        // Cases without a line for them were written before there were late polls.
        let late_polls = LatePolls::NEVER;
        let lab = Settings::lab(0, NetworkProfile::LAB_RELIABLE, Snapshots::Never);
        let settings = Settings { late_polls, ..lab };
        Self {
            test: None,
            fails: None,
            seed: None,
            peers: None,
            initial_members: None,
            settings,
            end: None,
            decisions: Vec::new(),
        }
    }
}

impl Draft {
    fn line(&mut self, mut tokens: Tokens<'_>) -> Result<(), CaseError> {
        let first = tokens.word("a word")?;
        match first {
            "test" => self.test = Some(tokens.word("a test's name")?.to_owned()),
            "fails" => self.fails = Some(current_identity(tokens.rest())),
            "seed" => self.seed = Some(tokens.number("a seed")?),
            "peers" => self.peers = Some(tokens.peers()?),
            "founders" => self.initial_members = Some(tokens.peers()?), // kept: the format of cases
            "end" => self.end = Some(tokens.instant()?),
            "lost" => self.decisions.push(Decision::Lost(tokens.message()?)),
            "late" => {
                let name = tokens.message()?;
                self.decisions.push(Decision::Late(name, tokens.ms()?));
            }
            "twice" => {
                let name = tokens.message()?;
                self.decisions.push(Decision::Twice(name, tokens.ms()?));
            }
            "flipped" => {
                let name = tokens.message()?;
                self.decisions.push(Decision::Flipped(name, tokens.number("a number of bits")?));
            }
            "flush" => self.decisions.push(tokens.flush()?),
            _ if first.starts_with(|digit: char| digit.is_ascii_digit()) => {
                let at = tokens.parse_ms(first).map(|at| Instant::START.after(at))?;
                let step = tokens.step()?;
                self.decisions.push(Decision::Step { at, step });
            }
            _ => self.setting(first, &mut tokens)?,
        }
        tokens.end()
    }

    fn setting(&mut self, name: &str, tokens: &mut Tokens<'_>) -> Result<(), CaseError> {
        let Settings { timing, limits, network, latency, protocol, .. } = &mut self.settings;
        match name {
            "election" => (timing.election_min, timing.election_max) = tokens.range()?,
            "heartbeat" => timing.heartbeat = tokens.ms()?,
            "commit-notice" => timing.commit_notice = tokens.ms()?,
            "append-bytes" => limits.append_bytes = tokens.number("bytes")?,
            "in-flight" => limits.in_flight = tokens.number("a count")?,
            "in-flight-bytes" => limits.in_flight_bytes = tokens.number("bytes")?,
            "uncommitted-bytes" => limits.uncommitted_bytes = tokens.number("bytes")?,
            "chunk-bytes" => limits.chunk_bytes = tokens.number("bytes")?,
            "cache-bytes" => limits.cache_bytes = tokens.number("bytes")?,
            "trailing" => limits.trailing = (tokens.number("a count")?, tokens.number("bytes")?),
            "first-entry" => {
                self.settings.first_entry = match tokens.word("no-op or command")? {
                    "no-op" => FirstEntry::NoOp,
                    "command" => FirstEntry::Command,
                    other => return Err(tokens.unknown(other, "no-op or command")),
                };
            }
            "pre-vote" => protocol.pre_vote = tokens.either(PreVote::On, PreVote::Off)?,
            "check-quorum" => {
                protocol.check_quorum = tokens.either(CheckQuorum::On, CheckQuorum::Off)?;
            }
            "reads" => {
                self.settings.reads = match tokens.word("read-index or lease")? {
                    "read-index" => Reads::ReadIndex,
                    "lease" => Reads::Lease { clock_drift_max: tokens.ms()? },
                    other => return Err(tokens.unknown(other, "read-index or lease")),
                };
            }
            "request-delay" => network.request = usual(tokens.range()?.1),
            "reply-delay" => network.reply = usual(tokens.range()?.1),
            "disk" => {
                let (min, max) = tokens.range()?;
                *latency = Latency { min, max };
            }
            "late-polls" => {
                let (chance, delay_max) = (tokens.chance()?, tokens.range()?.1);
                self.settings.late_polls = LatePolls { chance, delay_max };
            }
            "stores" => self.settings.stores = tokens.stores()?,
            "snapshots" => self.settings.snapshots = tokens.snapshots()?,
            "service" => {
                let word = tokens.word("history or kv")?;
                let machine = Machine::ALL.into_iter().find(|machine| machine.as_str() == word);
                self.settings.machine =
                    machine.ok_or_else(|| tokens.unknown(word, "history or kv"))?;
            }
            "padding" => self.settings.padding = tokens.number("bytes")?,
            "clock" => {
                let (peer, permille) = (tokens.peer()?, tokens.number("thousandths")?);
                let clocks = &mut self.settings.clocks;
                clocks.resize(clocks.len().max(peer + 1), 0);
                clocks[peer] = permille;
            }
            other => {
                let choices = "a setting (`peers 3`), a decision (`lost 0>1 #4`) or a step \
                               (`1200.5 crash 2 keep=0 torn=0`)";
                return Err(tokens.unknown(other, choices));
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Case, CaseError> {
        let missing = |name: &str| CaseError { line: 0, problem: format!("no line `{name} …`") };
        let mut settings = self.settings;
        settings.peers = self.peers.ok_or_else(|| missing("peers"))?;
        settings.initial_members = self.initial_members.unwrap_or(settings.peers);
        settings.flush_faults = FlushFaultRates::NONE;
        let case = Case {
            test: self.test.ok_or_else(|| missing("test"))?,
            fails: self.fails,
            seed: self.seed.ok_or_else(|| missing("seed"))?,
            settings,
            end: self.end.ok_or_else(|| missing("end"))?,
            decisions: self.decisions,
        };
        case.check().map_err(|problem| CaseError { line: 0, problem })?;
        Ok(case)
    }
}

impl Case {
    /// Steps in order, and no peer that does not exist.
    fn check(&self) -> Result<(), String> {
        let Settings { peers, initial_members, .. } = self.settings;
        if initial_members > peers {
            let given = format!("founders {initial_members}"); // kept: the format of cases
            return Err(format!("`{given}` is more than the {peers} peers"));
        }
        let mut last = Instant::START;
        for decision in &self.decisions {
            if let Some(at) = decision.at() {
                if at < last {
                    return Err(format!("`{decision}` comes after a later step"));
                }
                last = at;
            }
            if decision.peers().iter().any(|peer| peer >= peers) {
                return Err(format!("`{decision}` names an unknown peer; there are {peers}"));
            }
        }
        Ok(())
    }
}

/// An identity of a failure, with the name that its invariant has now.
fn current_identity(identity: String) -> String {
    Invariant::find(&identity).map_or(identity, |invariant| invariant.as_str().to_owned())
}

const fn usual(delay_max: Duration) -> LinkProfile {
    LinkProfile { delay_max, ..LinkProfile::PERFECT }
}
