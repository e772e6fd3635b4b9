//! Group arithmetic, ballot proofs and batch verification for Veche: what needs speed or constant time.
//!
//! Read `point` and `scalar` first. No module uses one above it:
//!
//! ```text
//! checker                                 everything of a ballot's entry that needs no state, many at once
//! batch · sums · recount · archive        proofs of many ballots, and sums: running, again, of archives
//! prove                                   one ballot, made
//! code                                    what a device commits to before it is checked
//! checked                                 what remains of a ballot that holds
//! verify                                  one ballot, checked
//! json                                    Belenios's text of it
//! ballot · parameters · transcript        its points and scalars; what its proofs depend on, and what they hash
//! shape · entry · cast · columns          where everything is in it, and in its entry
//! schnorr · dleq · dlog · rsa · decimal   single proofs and texts
//! codec                                   the encoding of entries
//! point · scalar · hash · vartime         the group; vartime: its own arithmetic, ADR 6
//! error
//! ```
#![deny(unsafe_code)] // with one exception, in vartime/simd.rs
pub mod archive;
mod ballot;
mod batch;
pub mod cast;
pub mod checked;
pub mod checker;
pub mod code;
pub mod codec;
mod columns;
mod decimal;
pub mod dleq;
pub mod dlog;
pub mod entry;
pub mod error;
pub mod hash;
mod json;
pub mod parameters;
pub mod point;
pub mod prove;
pub mod recount;
pub mod rsa;
pub mod scalar;
pub mod schnorr;
pub mod shape;
pub mod sums;
mod transcript;
mod vartime;
pub mod verify;
