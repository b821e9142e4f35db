//! Runs tests in parallel, many times, and keeps what failed.
