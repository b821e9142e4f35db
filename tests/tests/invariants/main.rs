//! Every invariant is shown to fire on a hand-made bad state, and to be silent on a good one.

mod configurations;
mod disks;
mod elections;
mod leadership;
mod logs;
mod states;
mod together;
mod verdicts;
