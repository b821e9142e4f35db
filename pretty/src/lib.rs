//! Per-peer logs as coloured columns.
#![forbid(unsafe_code)]
