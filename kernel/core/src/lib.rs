//! Group arithmetic, ballot proofs and batch verification for Veche: what needs speed or constant time.
//!
//! Read `point` and `scalar` first. No module uses one above it:
//!
//! ```text
//! batch                                   many ballots at once
//! sums                                    what a tally is made of
//! checked                                 what remains of a ballot that holds
//! prove                                   one ballot, made
//! verify                                  one ballot, checked
//! json                                    Belenios's text of it
//! ballot · parameters · transcript        its points and scalars; what its proofs depend on, and what they hash
//! shape · cast · columns                  where everything is in it
//! schnorr · dleq · dlog · rsa · decimal   single proofs and texts
//! point · scalar · hash · vartime         the group; vartime: its own arithmetic, ADR 6
//! error
//! ```
#![deny(unsafe_code)] // with two exceptions, in vartime/product.rs
pub mod ballot;
pub mod batch;
pub mod cast;
pub mod checked;
mod columns;
mod decimal;
pub mod dleq;
pub mod dlog;
pub mod error;
pub mod hash;
mod json;
pub mod parameters;
pub mod point;
pub mod prove;
pub mod rsa;
pub mod scalar;
pub mod schnorr;
pub mod shape;
pub mod sums;
mod transcript;
mod vartime;
pub mod verify;
