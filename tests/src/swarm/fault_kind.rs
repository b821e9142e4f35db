//! The kinds of recurring faults, and the families of runs that have them.

use super::settings::Family;

/// Declares each kind of fault once: its number, which names its random streams, and the name of its
/// task, which orders events of one instant. Neither may change, or old seeds lose their meaning.
#[macro_export]
macro_rules! fault_kinds {
    (
        $(#[$outer:meta])*
        $vis:vis enum $name:ident {
            $($(#[$doc:meta])* $kind:ident = $number:literal $task:literal,)*
        }
    ) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        $vis enum $name {
            $($(#[$doc])* $kind = $number,)*
        }

        impl $name {
            /// All kinds, in the order in which a plan draws them.
            $vis const ALL: &[Self] = &[$(Self::$kind,)*];

            /// The name of its task.
            $vis const fn task_name(self) -> &'static str {
                match self {
                    $(Self::$kind => $task,)*
                }
            }
        }
    };
}

fault_kinds! {
/// A kind of recurring fault.
pub enum FaultKind {
    /// The peers fall in two parts that do not reach each other.
    Partition = 0 "Split",
    /// The others receive some peers' messages, and those receive none of theirs.
    OneWayPartition = 1 "OneWay",
    /// One peer loses some of its links.
    PartialPartition = 2 "Partial",
    /// A link goes up and down.
    FlappingLink = 3 "Flapping",
    /// A peer crashes and restarts some time later.
    Crash = 4 "Crash",
    /// Many peers crash and restart, at once or one after the other.
    RestartStorm = 5 "RestartStorm",
    /// A peer is paused.
    Pause = 6 "Pause",
    /// A disk becomes slow.
    SlowDisk = 7 "SlowDisk",
    /// A service takes a snapshot at any time.
    Snapshot = 8 "Snapshot",
    /// A leader is asked to transfer leadership.
    Transfer = 10 "Transfer",
    /// A leader is asked to step down.
    Resign = 11 "Resign",
    /// A change of members is asked for.
    Members = 9 "Members",
    /// A peer loses its disk, as long as fewer than a majority have.
    Wipe = 12 "Wipe",
    /// Messages are forged: of peers that are no members, and with terms out of reach.
    Forge = 13 "Forge",
    /// Links flip bits of the frames they carry.
    Flip = 14 "Flip",
}
}

impl FaultKind {
    /// Returns whether a family has this kind at all. Members change only in their own family:
    /// elsewhere, a run that is left with one member would test nothing about several. Disks are lost
    /// only where stores have identities.
    #[must_use]
    pub const fn applies_to(self, family: Family) -> bool {
        match self {
            Self::Members => matches!(family, Family::Members),
            Self::Wipe => matches!(family, Family::LostDisks),
            Self::Partition
            | Self::OneWayPartition
            | Self::PartialPartition
            | Self::FlappingLink
            | Self::Crash
            | Self::RestartStorm
            | Self::Pause
            | Self::SlowDisk
            | Self::Snapshot
            | Self::Transfer
            | Self::Resign
            | Self::Forge
            | Self::Flip => true,
        }
    }

    /// Returns whether the kind came after others: it is drawn from a stream of its own, so that the
    /// plans of old seeds have the rest unchanged.
    pub(super) const fn is_later(self) -> bool {
        self as u64 >= Self::Forge as u64
    }

    /// Returns whether a family focuses on this kind.
    #[must_use]
    pub const fn is_focus(self, family: Family) -> bool {
        match self {
            Self::Partition
            | Self::OneWayPartition
            | Self::PartialPartition
            | Self::FlappingLink
            | Self::Flip => {
                matches!(family, Family::Links)
            }
            Self::Forge => matches!(family, Family::Elections | Family::Members),
            Self::Crash => matches!(
                family,
                Family::Elections
                    | Family::Disks
                    | Family::Small
                    | Family::Snapshots
                    | Family::Members
                    | Family::LostDisks
            ),
            Self::RestartStorm | Self::Pause | Self::Transfer | Self::Resign => {
                matches!(family, Family::Elections)
            }
            Self::SlowDisk => matches!(family, Family::Disks),
            Self::Snapshot => matches!(family, Family::Snapshots),
            Self::Members => matches!(family, Family::Members),
            Self::Wipe => matches!(family, Family::LostDisks),
        }
    }

    /// Returns whether it needs several peers.
    #[must_use]
    pub const fn needs_two_peers(self) -> bool {
        match self {
            Self::Partition
            | Self::OneWayPartition
            | Self::PartialPartition
            | Self::FlappingLink
            | Self::Transfer
            | Self::Flip
            | Self::Wipe => true,
            Self::Crash
            | Self::RestartStorm
            | Self::Pause
            | Self::SlowDisk
            | Self::Snapshot
            | Self::Resign
            | Self::Forge
            | Self::Members => false,
        }
    }
}
