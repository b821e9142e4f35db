//! Parser of a case's line, token by token.

use std::str::FromStr;
use std::time::Duration;

use raft::Instant;

use super::decision::{Change, Decision, MessageName, Step};
use super::format::CaseError;
use super::peers::{LinkDirection, Links, PEERS_MAX, PeerSet};
use super::settings::Stores;
use crate::kv::Operation;
use crate::service::Snapshots;
use crate::sim::disk::FlushFault;
use crate::sim::random::Chance;

/// The tokens of a line.
pub(super) struct Tokens<'a> {
    tokens: Vec<&'a str>,
    line: usize,
    next: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str, line: usize) -> Self {
        Self { tokens: text.split_whitespace().collect(), line, next: 0 }
    }

    fn error(&self, problem: String) -> CaseError {
        CaseError { line: self.line, problem }
    }

    pub(super) fn unknown(&self, word: &str, choices: &str) -> CaseError {
        self.error(format!("{word:?} is not understood; expected {choices}"))
    }

    pub(super) fn word(&mut self, what: &str) -> Result<&'a str, CaseError> {
        let word = self.tokens.get(self.next).copied();
        self.next += 1;
        word.ok_or_else(|| self.error(format!("missing {what} at the end")))
    }

    pub(super) fn rest(&mut self) -> String {
        let rest = self.tokens[self.next.min(self.tokens.len())..].join(" ");
        self.next = self.tokens.len();
        rest
    }

    pub(super) fn end(&self) -> Result<(), CaseError> {
        match self.tokens.get(self.next) {
            None => Ok(()),
            Some(word) => Err(self.error(format!("unexpected {word:?} at the end of the line"))),
        }
    }

    fn parse<T: FromStr>(&self, word: &str, what: &str) -> Result<T, CaseError> {
        word.parse().map_err(|_| self.unknown(word, what))
    }

    pub(super) fn number<T: FromStr>(&mut self, what: &str) -> Result<T, CaseError> {
        let word = self.word(what)?;
        self.parse(word, what)
    }

    /// `#17`
    fn hash(&mut self) -> Result<u64, CaseError> {
        let word = self.word("a number like #17")?;
        let digits = word.strip_prefix('#');
        let digits = digits.ok_or_else(|| self.unknown(word, "a number like #17"))?;
        self.parse(digits, "a number like #17")
    }

    /// `keep=3`
    fn named(&mut self, name: &str) -> Result<&'a str, CaseError> {
        let expected = format!("`{name}=…`");
        let word = self.word(&expected)?;
        let value = word.strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
        value.ok_or_else(|| self.unknown(word, &expected))
    }

    fn named_count(&mut self, name: &str) -> Result<usize, CaseError> {
        let value = self.named(name)?;
        self.parse(value, "a count")
    }

    pub(super) fn peer(&mut self) -> Result<usize, CaseError> {
        let word = self.word("a peer")?;
        self.parse_peer(word)
    }

    fn parse_peer(&self, word: &str) -> Result<usize, CaseError> {
        let peer = self.parse(word, "a peer, like 2")?;
        if peer < PEERS_MAX { Ok(peer) } else { Err(self.unknown(word, "a peer, like 2")) }
    }

    pub(super) fn peers(&mut self) -> Result<usize, CaseError> {
        let peers = self.number("a count of peers")?;
        if (1..=PEERS_MAX).contains(&peers) {
            return Ok(peers);
        }
        Err(self.error(format!("invalid number of peers {peers}; use 1 to {PEERS_MAX}")))
    }

    fn peer_set(&mut self) -> Result<PeerSet, CaseError> {
        let word = self.word("peers like 0,2")?;
        self.parse_set(word)
    }

    fn parse_set(&self, word: &str) -> Result<PeerSet, CaseError> {
        if word == "-" {
            return Ok(PeerSet::NONE);
        }
        word.split(',').map(|peer| self.parse_peer(peer)).collect()
    }

    pub(super) fn ms(&mut self) -> Result<Duration, CaseError> {
        let word = self.word("milliseconds")?;
        self.parse_ms(word)
    }

    pub(super) fn instant(&mut self) -> Result<Instant, CaseError> {
        Ok(Instant::START.after(self.ms()?))
    }

    pub(super) fn parse_ms(&self, word: &str) -> Result<Duration, CaseError> {
        let unknown = || self.unknown(word, "milliseconds, like 12.5");
        let (whole, fraction) = word.split_once('.').unwrap_or((word, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if fraction.len() > 6 || whole.is_empty() || !digits(whole) || !digits(fraction) {
            return Err(unknown());
        }
        let ms: u64 = whole.parse().map_err(|_| unknown())?;
        let rest: u64 = format!("{fraction:0<6}").parse().map_err(|_| unknown())?;
        let nanos = ms.checked_mul(1_000_000).and_then(|nanos| nanos.checked_add(rest));
        nanos.map(Duration::from_nanos).ok_or_else(unknown)
    }

    /// `1 in 8`
    pub(super) fn chance(&mut self) -> Result<Chance, CaseError> {
        let expected = "a chance like 1 in 8";
        let (wins, word): (u64, _) = (self.number(expected)?, self.word(expected)?);
        let draws = self.number(expected)?;
        if word != "in" || wins > draws || draws == 0 {
            return Err(self.unknown(&format!("{wins} {word} {draws}"), expected));
        }
        Ok(Chance::of(wins, draws))
    }

    /// `150..300`
    pub(super) fn range(&mut self) -> Result<(Duration, Duration), CaseError> {
        let word = self.word("a range like 150..300")?;
        let (low, high) =
            word.split_once("..").ok_or_else(|| self.unknown(word, "a range like 150..300"))?;
        let (low, high) = (self.parse_ms(low)?, self.parse_ms(high)?);
        if low <= high { Ok((low, high)) } else { Err(self.unknown(word, "the lower end first")) }
    }

    /// `0>1 #17`
    pub(super) fn message(&mut self) -> Result<MessageName, CaseError> {
        let word = self.word("a link like 0>1")?;
        let (from, to) =
            word.split_once('>').ok_or_else(|| self.unknown(word, "a link like 0>1"))?;
        let (from, to) = (self.parse_peer(from)?, self.parse_peer(to)?);
        Ok(MessageName { from, to, number: self.hash()? })
    }

    pub(super) fn flush(&mut self) -> Result<Decision, CaseError> {
        let (peer, number) = (self.peer()?, self.hash()?);
        let fault = match self.word("stalls or fails")? {
            "stalls" => FlushFault::Stalls(self.ms()?),
            "fails" => FlushFault::Fails,
            other => return Err(self.unknown(other, "stalls or fails")),
        };
        Ok(Decision::Flush { peer, number, fault })
    }

    /// `on` or `off`
    pub(super) fn either<T>(&mut self, on: T, off: T) -> Result<T, CaseError> {
        match self.word("on or off")? {
            "on" => Ok(on),
            "off" => Ok(off),
            other => Err(self.unknown(other, "on or off")),
        }
    }

    pub(super) fn snapshots(&mut self) -> Result<Snapshots, CaseError> {
        match self.word("never or every")? {
            "never" => Ok(Snapshots::Never),
            "every" => match self.number("a count of commands")? {
                0 => Err(self.error("invalid snapshot interval 0; use 1 or more".to_owned())),
                count => Ok(Snapshots::Every(count)),
            },
            other => Err(self.unknown(other, "never or every")),
        }
    }

    pub(super) fn stores(&mut self) -> Result<Stores, CaseError> {
        let word = self.word("plain, identified or reseeded")?;
        let known = Stores::ALL.into_iter().find(|stores| stores.as_str() == word);
        known.ok_or_else(|| self.unknown(word, "plain, identified or reseeded"))
    }

    pub(super) fn step(&mut self) -> Result<Step, CaseError> {
        let kind = self.word("a step")?;
        Ok(match kind {
            "crash" => {
                let peer = self.peer()?;
                Step::Crash {
                    peer,
                    keep: self.named_count("keep")?,
                    torn: self.named_count("torn")?,
                }
            }
            "start" => Step::Start { peer: self.peer()? },
            "pause" => Step::Pause { peer: self.peer()?, length: self.ms()? },
            "cut" => Step::Cut(self.links()?),
            "heal" => Step::Heal(self.links()?),
            "disconnect" => Step::Disconnect { peer: self.peer()? },
            "connect" => Step::Connect { peer: self.peer()? },
            "disk" => {
                let (peer, (min, max)) = (self.peer()?, self.range()?);
                Step::Disk { peer, min, max }
            }
            "network" => self.network()?,
            "snapshot" => Step::Snapshot { peer: self.peer()? },
            "change" => Step::Change { peer: self.peer()?, change: self.change()? },
            "transfer" => self.transfer()?,
            "resign" => Step::Resign { peer: self.peer()? },
            "wipe" => Step::Wipe { peer: self.peer()? },
            "forge" => Step::Forge { peer: self.peer()?, message: self.hex()?.into() },
            "ask" => self.ask()?,
            "offer" => Step::Offer { peer: self.peer()?, command: self.hex()?.into() },
            "calm" => {
                let core = self.named("core")?;
                Step::Calm { core: self.parse_set(core)? }
            }
            other => return Err(self.unknown(other, "a step, like crash, start, cut, heal, ask")),
        })
    }

    /// `0 > 2`
    fn transfer(&mut self) -> Result<Step, CaseError> {
        let peer = self.peer()?;
        match self.word(">")? {
            ">" => Ok(Step::Transfer { peer, to: self.peer()? }),
            other => Err(self.unknown(other, "> between two peers")),
        }
    }

    /// `0,1 <> 2`
    fn links(&mut self) -> Result<Links, CaseError> {
        let from = self.peer_set()?;
        let direction = match self.word("> or <>")? {
            ">" => LinkDirection::One,
            "<>" => LinkDirection::Both,
            other => return Err(self.unknown(other, "> or <> between two groups of peers")),
        };
        Ok(Links { from, to: self.peer_set()?, direction })
    }

    /// `add 3` or `replace 0,1 2`
    fn change(&mut self) -> Result<Change, CaseError> {
        Ok(match self.word("a change of members")? {
            "add" => Change::Add(self.peer()?),
            "promote" => Change::Promote(self.peer()?),
            "demote" => Change::Demote(self.peer()?),
            "remove" => Change::Remove(self.peer()?),
            "replace" => Change::Replace { voters: self.peer_set()?, learners: self.peer_set()? },
            other => return Err(self.unknown(other, "add, promote, demote, remove or replace")),
        })
    }

    fn network(&mut self) -> Result<Step, CaseError> {
        let mut ends = [Duration::ZERO; 2];
        for (name, end) in ["request", "reply"].into_iter().zip(&mut ends) {
            let word = self.word(name)?;
            if word != name {
                return Err(self.unknown(word, name));
            }
            *end = self.range()?.1;
        }
        let [request, reply] = ends;
        Ok(Step::Network { request, reply })
    }

    fn ask(&mut self) -> Result<Step, CaseError> {
        let word = self.word("a client like C0")?;
        let client = word.strip_prefix('C');
        let client = client.ok_or_else(|| self.unknown(word, "a client like C0"))?;
        let client = self.parse(client, "a client like C0")?;
        let serial = self.hash()?;
        let serial = self.parse(&serial.to_string(), "a smaller number")?;
        let kind = self.word("get, read, put or swap")?;
        let key = self.number("a key from 0 to 255")?;
        let operation = match kind {
            "get" => Operation::Get { key },
            "read" => Operation::Read { key },
            "put" => Operation::Put { key, value: self.number("a value")? },
            "swap" => {
                let expected = self.number("the expected value")?;
                Operation::Swap { key, expected, value: self.number("a value")? }
            }
            other => return Err(self.unknown(other, "get, read, put or swap")),
        };
        Ok(Step::Ask { client, serial, operation })
    }

    fn hex(&mut self) -> Result<Vec<u8>, CaseError> {
        let word = self.tokens.get(self.next).copied().unwrap_or_default();
        self.next += 1;
        let unknown = || self.unknown(word, "bytes as pairs of hexadecimal digits");
        let (pairs, rest) = word.as_bytes().as_chunks::<2>();
        if !rest.is_empty() {
            return Err(unknown());
        }
        let byte = |pair: &[u8; 2]| {
            let text = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(text, 16).ok()
        };
        pairs.iter().map(byte).collect::<Option<_>>().ok_or_else(unknown)
    }
}
