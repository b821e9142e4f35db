//! Runs of the swarm as texts, to be read, edited and played: a seed, a plan, and which of its
//! recurring faults happen.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::plan::{Fault, FaultKind, LinkPlan, Network, Plan};
use crate::world::SnapshotLimit;

/// A run of the swarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    /// The failure it showed when it was written.
    pub(crate) fails: Option<String>,
    pub(crate) seed: u64,
    pub(crate) plan: Plan,
}

impl Case {
    /// The run of a seed with this plan.
    pub(crate) const fn of(seed: u64, plan: Plan) -> Self {
        Self { fails: None, seed, plan }
    }

    /// Number of faults that are listed.
    pub(crate) fn size(&self) -> usize {
        self.plan.faults.iter().flat_map(|fault| &fault.events).map(BTreeSet::len).sum()
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fails, seed, plan } = self;
        let Plan { groups, network, limit, duration, clients, keys, pause, faults } = plan;
        writeln!(f, "{HEADER}")?;
        if let Some(fails) = fails {
            writeln!(f, "fails {fails}")?;
        }
        let (duration, pause) = (duration.as_millis(), pause.as_millis());
        writeln!(
            f,
            "seed {seed}\ngroups {groups}\nclients {clients}\nkeys {keys}\nthink-time {pause}"
        )?;
        writeln!(f, "duration {duration}\nnetwork {network}")?;
        match limit {
            SnapshotLimit::Never => writeln!(f, "snapshots never")?,
            SnapshotLimit::LogBytes(bytes) => writeln!(f, "snapshots {bytes}")?,
        }
        for Fault { kind, gap, events } in faults {
            write!(f, "{} every {}", kind_name(*kind), gap.as_nanos())?;
            if let Some(events) = events {
                let numbers: Vec<String> = events.iter().map(u64::to_string).collect();
                write!(f, " only {}", numbers.join(","))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut lines = (1..).zip(text.lines());
        if lines.next().is_none_or(|(_, line)| line != HEADER) {
            return Err(format!("line 1: a case of services begins with `{HEADER}`"));
        }
        let mut case = Self::of(0, Plan::quiet());
        let mut missing: BTreeSet<&str> = KEYS.iter().copied().collect();
        for (number, line) in lines {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (key, value) = line.split_once(' ').unwrap_or((line, ""));
            case.set(key, value).map_err(|error| format!("line {number}: {error}"))?;
            missing.remove(key);
        }
        match missing.first() {
            Some(key) => Err(format!("`{key}` is missing")),
            None => Ok(case),
        }
    }
}

impl Case {
    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let plan = &mut self.plan;
        let millis = |value| number(key, value, 0).map(Duration::from_millis);
        let count = |least, most| match number(key, value, least)? {
            count if count > most => Err(format!("`{key}` {count} is more than {most}")),
            count => Ok(count as usize),
        };
        match key {
            "fails" => self.fails = Some(value.to_owned()),
            "seed" => self.seed = number(key, value, 0)?,
            "groups" => plan.groups = count(1, GROUPS_MAX)?,
            "clients" => plan.clients = count(0, 100)?,
            "keys" => plan.keys = count(1, 1000)?,
            "think-time" => plan.pause = millis(value)?,
            "duration" => plan.duration = millis(value)?,
            "network" => plan.network = value.parse()?,
            "snapshots" if value == "never" => plan.limit = SnapshotLimit::Never,
            "snapshots" => plan.limit = SnapshotLimit::LogBytes(count(1, 1 << 30)?),
            _ => plan.faults.push(fault(key, value)?),
        }
        Ok(())
    }
}

fn fault(name: &str, value: &str) -> Result<Fault, String> {
    let kind = FaultKind::ALL.iter().copied().find(|kind| kind_name(*kind) == name);
    let kind = kind.ok_or_else(|| {
        let kinds: Vec<String> = FaultKind::ALL.iter().map(|kind| kind_name(*kind)).collect();
        format!("unknown word `{name}`; words: {}; faults: {}", KEYS.join(", "), kinds.join(", "))
    })?;
    let (every, only) = match value.split_once(" only ") {
        Some((every, only)) => (every, Some(only)),
        None => (value, None),
    };
    let gap = every.strip_prefix("every ").ok_or_else(|| {
        format!("`{name} {value}`: write `{name} every NANOSECONDS` or `... only NUMBER,NUMBER`")
    })?;
    let events = only.map(|only| only.split(',').map(|one| number(name, one, 0)).collect());
    let gap = Duration::from_nanos(number(name, gap, 1)?);
    Ok(Fault { kind, gap, events: events.transpose()? })
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let link = |LinkPlan { loss, duplication, delay_max }: &LinkPlan| {
            format!("{loss},{duplication},{delay_max}")
        };
        match self {
            Self::Reliable => f.write_str("reliable"),
            Self::Unreliable => f.write_str("unreliable"),
            Self::Drawn { request, reply } => write!(f, "{} {}", link(request), link(reply)),
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let link = |text: &str| {
            let numbers: Result<Vec<u64>, _> = text.split(',').map(str::parse).collect();
            match numbers.ok().as_deref() {
                Some([loss @ ..=100, duplication @ ..=100, delay_max]) => {
                    Some(LinkPlan { loss: *loss, duplication: *duplication, delay_max: *delay_max })
                }
                _ => None,
            }
        };
        let drawn = |(request, reply): (&str, &str)| {
            Some(Self::Drawn { request: link(request)?, reply: link(reply)? })
        };
        match text {
            "reliable" => Ok(Self::Reliable),
            "unreliable" => Ok(Self::Unreliable),
            _ => text.split_once(' ').and_then(drawn).ok_or_else(|| {
                format!(
                    "`network {text}`: write reliable, unreliable, or per cent of losses, per cent \
                     of copies and the longest delay in milliseconds for requests and for replies, \
                     such as `5,1,20 5,1,20`"
                )
            }),
        }
    }
}

fn number(key: &str, value: &str, least: u64) -> Result<u64, String> {
    let number = value.parse().ok().filter(|number| *number >= least);
    number.ok_or_else(|| format!("`{key} {value}`: write a whole number from {least} on"))
}

/// The name of a kind in a case.
fn kind_name(kind: FaultKind) -> String {
    kind.task_name().trim_start_matches("nemesis: ").replace(" of a", "").replace(' ', "-")
}

const HEADER: &str = "# services-case/1: times are milliseconds, of faults nanoseconds";

const KEYS: [&str; 8] =
    ["seed", "groups", "clients", "keys", "think-time", "duration", "network", "snapshots"];

/// Names of peers leave room for so many.
const GROUPS_MAX: u64 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_read_as_it_was_written() {
        for seed in 0..200 {
            let mut case = Case::of(seed, Plan::draw(seed));
            if seed % 2 == 0 {
                case.fails = Some("shard-owner".to_owned());
                case.plan.faults.iter_mut().for_each(|it| it.events = Some([0, seed].into()));
            }
            assert_eq!(case.to_string().parse(), Ok(case.clone()), "{case}");
        }
    }

    #[test]
    fn a_wrong_line_is_named() {
        let good = Case::of(1, Plan::draw(1)).to_string();
        for (right, wrong, part) in [
            ("# services-case/1", "# raft-case/1", "line 1: "),
            ("seed 1", "seed x", "line 2: `seed x`"),
            ("groups ", "groups 9", "is more than 8"),
            ("network ", "network 5,1 ", "`network 5,1"),
            ("join every", "joins every", "unknown word `joins`"),
            ("join every", "join each", "write `join every NANOSECONDS`"),
            ("keys", "# keys", "`keys` is missing"),
        ] {
            assert!(good.contains(right), "{good}");
            let error = good.replacen(right, wrong, 1).parse::<Case>().expect_err(wrong);
            assert!(error.contains(part), "{error}");
        }
    }
}
