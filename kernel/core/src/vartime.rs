//! Arithmetic for checking many ballots at once: four field elements side by side, in variable time, for public data only.
//!
//! A batch spends most of its time in square roots (decoding) and in one long sum of multiples of points. With
//! curve25519-dalek square roots go one by one, and points cannot be made from coordinates that were found otherwise; four at
//! a time, a square root costs less than half (ADR 6 has the figures). Only batches and running sums use this. What a batch
//! refuses is judged again with curve25519-dalek, and the tests compare the two, and libsodium, on everything.
//!
//! ```text
//! msm                a sum of multiples of points
//! decode             four points: decoding, encoding
//! point              one point: addition
//! field · product    four field elements; their products
//! bound              how large a limb may be, as a type, and why that suffices
//! simd               which instructions: chosen once around each algorithm above
//! ```
#![allow(clippy::needless_range_loop)] // plain index loops are what comes out as vector instructions
mod bound;
pub mod decode;
pub mod field;
pub mod msm;
pub mod point;
mod product;
pub mod simd;
