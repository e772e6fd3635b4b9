//! Arithmetic for checking many ballots at once: four field elements side by side, in variable time, for public data only.
//!
//! A batch spends most of its time in square roots (decoding) and in one long sum of multiples of points. Both run two to
//! three times as fast here as with curve25519-dalek, whose square roots go one by one and whose points cannot be made
//! from coordinates. Nothing here is `unsafe`: loops over four lanes are what the compiler turns into vector instructions.
//! Only batches and running sums use it. What a batch refuses is judged again with curve25519-dalek, and the tests compare
//! the two, and libsodium, on everything.
#![allow(clippy::needless_range_loop)] // plain index loops are what comes out as vector instructions
pub mod decode;
pub mod field;
pub mod msm;
pub mod point;
