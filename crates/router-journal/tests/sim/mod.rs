//! A disk that forgets, tears, flips and fails as told, and a small state machine with a long memory.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "test support: a panic is a failed test, and no test file uses all of it"
)]

pub mod disk;
pub mod drive;
pub mod machine;
