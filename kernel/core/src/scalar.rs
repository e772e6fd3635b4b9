//! Scalars: integers modulo the group's order q, 32 bytes little-endian, always reduced.
//!
//! Everything here is constant-time. Values that leave for Python cannot be wiped there; those that stay are.
use curve25519_dalek::Scalar;
use zeroize::Zeroizing;

use crate::error::{Result, malformed};

pub fn decode(bytes: &[u8]) -> Result<Scalar> {
    let Ok(array) = <[u8; 32]>::try_from(bytes) else {
        return malformed(format!("a scalar has 32 bytes, not {}", bytes.len()));
    };
    match Option::from(Scalar::from_canonical_bytes(array)) {
        Some(scalar) => Ok(scalar),
        None => malformed("a scalar is not reduced modulo the group's order"),
    }
}

/// A secret scalar: wiped when dropped.
pub fn decode_secret(bytes: &[u8]) -> Result<Zeroizing<Scalar>> {
    decode(bytes).map(Zeroizing::new)
}

/// Uniform, from the operating system's generator; without it nothing can go on, so a failure is a panic.
pub fn random() -> Zeroizing<Scalar> {
    let mut wide = Zeroizing::new([0u8; 64]);
    getrandom::fill(wide.as_mut()).expect("the operating system gives no randomness");
    Zeroizing::new(Scalar::from_bytes_mod_order_wide(&wide))
}

/// 1/8 modulo q: what turns a point into the form in which ballots store it.
pub fn one_eighth() -> Scalar {
    Scalar::from(8u8).invert()
}
