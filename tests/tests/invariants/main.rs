//! Every invariant is shown to fire on a hand-made bad state, and to be silent on a good one.

mod configurations;
mod disks;
mod elections;
mod logs;
mod states;
mod thesis;
mod together;
mod verdicts;
